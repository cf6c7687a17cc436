"""The endpoint of OpenTelemetry's protocol, as its makers describe it: https://opentelemetry.io/docs/specs/otlp/#otlphttp."""

from collections.abc import Mapping
from typing import Any, Final

from integration_monitor.server.openapi.refusals import HEADERS
from integration_monitor.server.otlp.bodies import JSON, PROTOBUF
from integration_monitor.server.otlp.handlers import PATH

_BINARY: Final = {"type": "string", "format": "binary"}
# Protobuf's JSON takes null for any field, and numbers as text.
_OBJECT: Final = ["object", "null"]
_ARRAY: Final = ["array", "null"]
_TEXT: Final = ["string", "null"]
_NUMBER: Final = ["integer", "string", "null"]
_ATTRIBUTES: Final = {
    "type": _ARRAY,
    "items": {"type": "object", "properties": {"key": {"type": _TEXT}, "value": {"type": _OBJECT}}},
}
_NANOSECONDS: Final = {"type": _NUMBER, "description": "Since the epoch, as text."}
_SPAN: Final = {
    "type": "object",
    "description": "One of kind 3, a client's, with `http.request.method`, becomes a record; others are left out.",
    "properties": {
        "traceId": {"type": _TEXT, "description": "32 hexadecimal digits."},
        "spanId": {"type": _TEXT, "description": "16 hexadecimal digits."},
        "name": {"type": _TEXT},
        "kind": {"description": "Of the enumeration, by number or by name."},
        "startTimeUnixNano": _NANOSECONDS,
        "endTimeUnixNano": _NANOSECONDS,
        "attributes": _ATTRIBUTES,
        "status": {"type": _OBJECT, "properties": {"code": {"description": "Likewise."}, "message": {"type": _TEXT}}},
    },
}
_SPANS: Final = {"type": _ARRAY, "items": _SPAN}
_SCOPES: Final = {"type": _ARRAY, "items": {"type": "object", "properties": {"spans": _SPANS}}}
_RESOURCES: Final = {"type": _ARRAY, "items": {"type": "object", "properties": {"scopeSpans": _SCOPES}}}
_REQUEST: Final = {
    "type": "object",
    "description": "ExportTraceServiceRequest. What is not described here is left out.",
    "properties": {"resourceSpans": _RESOURCES},
}
_ANSWER: Final = {
    "type": "object",
    "description": "ExportTraceServiceResponse.",
    "properties": {
        "partialSuccess": {
            "type": "object",
            "properties": {"rejectedSpans": {"type": "string"}, "errorMessage": {"type": "string"}},
        }
    },
}
_STATUS: Final = {
    "type": "object",
    "description": "google.rpc.Status; its code is the HTTP status.",
    "properties": {"message": {"type": "string"}},
}
_REFUSALS: Final[Mapping[str, str]] = {
    "400": "The body is no such request.",
    "401": "No key and no token, or one that is not accepted.",
    "403": "The key's scope or the token's role may not send records.",
    "408": "The body did not come in time.",
    "413": "The body is too large, as it was sent or unpacked, or holds too many calls.",
    "415": "The Content-Type is neither protobuf nor JSON, or the Content-Encoding neither gzip nor zstd.",
    "429": "More is under way than is held in memory.",
    "503": "The database is away. Nothing is known to be stored.",
}


def paths() -> Mapping[str, Any]:
    """The path items."""
    refused = {JSON: {"schema": _STATUS}, PROTOBUF: {"schema": _BINARY}}
    responses: dict[str, Any] = {
        "200": {
            "description": "Taken; `partialSuccess` counts calls that cannot be stored, with the first reason.",
            "content": {JSON: {"schema": _ANSWER}, PROTOBUF: {"schema": _BINARY}},
        }
    }
    for status, description in _REFUSALS.items():
        responses[status] = {"description": description, "content": refused, "headers": HEADERS.get(status, {})}
    return {
        PATH: {
            "post": {
                "tags": ["ingest"],
                "operationId": "exportTraces",
                "summary": "Store spans of HTTP clients",
                "description": "OTLP over HTTP. Answers when they are committed, in the encoding of the request. At most 4 MiB, unpacked.",
                "requestBody": {
                    "required": True,
                    "content": {JSON: {"schema": _REQUEST}, PROTOBUF: {"schema": _BINARY}},
                },
                "responses": responses,
            }
        }
    }
