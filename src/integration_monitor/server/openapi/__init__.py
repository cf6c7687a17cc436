"""The OpenAPI document at /schema: what Litestar finds in the handlers, and what handlers cannot say.

config.py      Litestar's configuration, which shows the document as it was completed
document.py    completes it: what is sent where a parameter is left out, further content types, headers, links, examples
refusals.py    what each status means, with an example
rest.py        the endpoints below /rest/v1, by the columns of the contract
otlp.py        the endpoint of OpenTelemetry's protocol
examples.json  answers of the real server to real requests; tests/acceptance/test_openapi_examples.py writes and holds them
"""

from integration_monitor.server.openapi.config import config

__all__ = ["config"]
