"""A span of an HTTP client becomes an operation, as capture would have noted it. It tells no bodies: of the answer only the status was seen.

Source: the semantic conventions for HTTP spans, stable and as they were before (https://opentelemetry.io/docs/specs/semconv/http/http-spans/ and
https://opentelemetry.io/docs/specs/semconv/non-normative/http-migration/).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.proto.trace.v1.trace_pb2 import Status as SpanStatus

from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.record import NoAnswer, NoAnswerCode, derived_id
from integration_monitor.server.ingest.items import ItemProblem

_METHODS: Final = ("http.request.method", "http.method")
_URLS: Final = ("url.full", "http.url")
_STATUSES: Final = ("http.response.status_code", "http.status_code")
_HOSTS: Final = ("server.address", "net.peer.name", "http.host")
_PORTS: Final = ("server.port", "net.peer.port")
_REQUEST_HEADER: Final = "http.request.header."
_RESPONSE_HEADER: Final = "http.response.header."

# Parts of exceptions' names, in Python, Node.js, Java, Go and .NET; the first that is found counts.
_ERRORS: Final[Mapping[str, NoAnswerCode]] = {
    "timeout": "TIMEOUT",
    "timedout": "TIMEOUT",
    "deadline": "TIMEOUT",
    "cancel": "CANCELLED",
    "abort": "CANCELLED",
    "gaierror": "DNS_FAILURE",
    "enotfound": "DNS_FAILURE",
    "eai_again": "DNS_FAILURE",
    "unknownhost": "DNS_FAILURE",
    "nameresolution": "DNS_FAILURE",
    "ssl": "TLS_ERROR",
    "tls": "TLS_ERROR",
    "cert": "TLS_ERROR",
}
_STATUS_MIN: Final = 100
_STATUS_MAX: Final = 999
_NANOSECONDS_OF_MS: Final = 1_000_000
_URL_CHARACTERS_MAX: Final = 64 * 1024
_TRACE_ID_BYTES: Final = 16


def is_call(span: Span) -> bool:
    """Whether a span is that of an HTTP client."""
    if span.kind != Span.SPAN_KIND_CLIENT:
        return False
    keys = {attribute.key for attribute in span.attributes}
    return not keys.isdisjoint(_METHODS)


def to_operation(span: Span) -> Operation:
    """The call as an operation that has ended. Its id follows from the span's: a span that is sent again is the same record.

    Errors:
        ItemProblem: it does not say where the call went, or what became of it.
    """
    attributes = {attribute.key: _value(attribute) for attribute in span.attributes}
    url = _url(attributes)
    if url is None:
        raise ItemProblem("url.full", "the span does not say where the call went", "Send url.full, or http.url.")
    attempt = Attempt(method=_method(attributes), url=url[:_URL_CHARACTERS_MAX])
    attempt.is_answer_seen = False
    # In whole milliseconds, as in the id.
    attempt.started_at = span.start_time_unix_nano // _NANOSECONDS_OF_MS / 1000
    attempt.duration_ms = max(0, round((span.end_time_unix_nano - span.start_time_unix_nano) / _NANOSECONDS_OF_MS))
    attempt.request_headers = _headers(attributes, _REQUEST_HEADER)
    attempt.response_headers = _headers(attributes, _RESPONSE_HEADER)
    attempt.status_code = _status(attributes)
    if attempt.status_code is None:
        attempt.no_answer = _no_answer(span, attributes)
    is_traced = len(span.trace_id) == _TRACE_ID_BYTES and any(span.trace_id)
    operation = Operation.of_attempt(attempt, entity=None, trace_id=int.from_bytes(span.trace_id) if is_traced else None)
    operation.duration_ms = attempt.duration_ms
    if is_traced and any(span.span_id):
        operation.id = derived_id(int(attempt.started_at * 1000), span.trace_id + span.span_id)
    return operation


def _value(attribute: KeyValue) -> Any:
    """A text, a number, or a list of texts; None for anything else."""
    kind = attribute.value.WhichOneof("value")
    if kind == "array_value":
        return [one.string_value for one in attribute.value.array_value.values if one.WhichOneof("value") == "string_value"]
    return getattr(attribute.value, kind) if kind in {"string_value", "int_value"} else None


def _first(attributes: Mapping[str, Any], names: Iterable[str]) -> str | int | None:
    """The first that holds a text or a number."""
    found = (attributes.get(name) for name in names)
    return next((value for value in found if isinstance(value, str | int) and value != ""), None)


def _method(attributes: Mapping[str, Any]) -> str:
    method = str(_first(attributes, _METHODS) or "GET")
    # What stands for methods that are not known.
    return str(attributes.get("http.request.method_original") or "GET") if method == "_OTHER" else method


def _url(attributes: Mapping[str, Any]) -> str | None:
    """None where there is none, whole or in parts."""
    url = _first(attributes, _URLS)
    if url is not None:
        return str(url)
    host, port = _first(attributes, _HOSTS), _first(attributes, _PORTS)
    if host is None:
        return None
    scheme = str(_first(attributes, ("url.scheme", "http.scheme")) or "https")
    target = str(attributes.get("http.target") or attributes.get("url.path") or "/")
    query = str(attributes.get("url.query") or "")
    place = str(host) if port is None or ":" in str(host) else f"{host}:{port}"
    return f"{scheme}://{place}{target}" + (f"?{query}" if query and "?" not in target else "")


def _status(attributes: Mapping[str, Any]) -> int | None:
    status = _first(attributes, _STATUSES)
    if isinstance(status, str) and status.isdecimal():
        status = int(status[:4])
    return status if isinstance(status, int) and _STATUS_MIN <= status <= _STATUS_MAX else None


def _headers(attributes: Mapping[str, Any], prefix: str) -> list[tuple[str, str]]:
    return [
        # Before the conventions were stable, dashes were written as underscores.
        (name.removeprefix(prefix).replace("_", "-"), one)
        for name, values in attributes.items()
        if name.startswith(prefix) and isinstance(values, list)
        for one in values
    ]


def _no_answer(span: Span, attributes: Mapping[str, Any]) -> NoAnswer:
    """Why no answer came: by the exception that the span noted, its error.type, or the words of its status.

    Errors:
        ItemProblem: the span tells neither an answer nor an error.
    """
    exception: dict[str, Any] = {}
    for event in span.events:
        if event.name == "exception":
            exception = {attribute.key: _value(attribute) for attribute in event.attributes}
    kind = str(exception.get("exception.type") or attributes.get("error.type") or "")
    words = str(exception.get("exception.message") or span.status.message or "")
    if not kind and span.status.code != SpanStatus.STATUS_CODE_ERROR:
        raise ItemProblem(
            "http.response.status_code",
            "the span does not say what became of the call",
            "Send http.response.status_code, or error.type where no answer came.",
        )
    return NoAnswer(code=_error_code(kind, words), message=f"{kind}: {words}".strip(": ") or "no answer came")


def _error_code(kind: str, words: str) -> NoAnswerCode:
    for text in (kind.lower(), words.lower()):
        for part, code in _ERRORS.items():
            if part in text:
                return code
    return "CONNECTION_FAILED"
