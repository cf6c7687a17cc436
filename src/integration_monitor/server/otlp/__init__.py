"""OpenTelemetry's protocol over HTTP: spans of HTTP clients come in, and become records as raw calls do.

bodies.py    protobuf and JSON become spans; the answers, and refusals, in the request's own encoding
spans.py     a span of an HTTP client becomes a call, for the recorder
handlers.py  the endpoint
"""
