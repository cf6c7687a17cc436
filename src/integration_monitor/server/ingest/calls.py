"""A raw call that somebody sent becomes an operation, as capture would have noted it: the recorder understands and cleans it."""

import base64
import binascii
import re
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.record import Json, NoAnswer, NoAnswerCode, now
from integration_monitor.server.ingest.items import ItemProblem

Headers = dict[str, str | list[str]] | list[tuple[str, str]]
# The column's bound, 24 days.
Milliseconds = Annotated[float, Meta(ge=0, le=2**31 - 1)]
StatusCode = Annotated[int, Meta(ge=100, le=999)]
Name = Annotated[str, Meta(min_length=1)]
TraceId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]
Size = Annotated[int, Meta(ge=0, le=2**53)]
Moment = Annotated[datetime, Meta(tz=True)]

# Where in the call something is wrong, as msgspec tells it.
_PLACE: Final = re.compile(r" - at `\$\.?(?P<field>[A-Za-z_0-9]*)")
_UNKNOWN: Final = re.compile(r"unknown field `(?P<field>[^`]*)`")
_VERSION_WITH_TIME: Final = 7
_URL_CHARACTERS_MAX: Final = 64 * 1024


class Entity(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What a call was about."""

    type: Annotated[str, Meta(description="Such as `lead`.", min_length=1)]
    id: Annotated[str | int, Meta(description="A UUID, or the service's own id.")]


class RawCall(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One HTTP call, as whoever made it saw it. Either `status_code` or `error` says what became of it."""

    method: Annotated[str, Meta(description="Such as POST.", pattern=r"^[A-Za-z]{1,20}$")]
    url: Annotated[str, Meta(description="With its query; secrets in it are taken out.", max_length=_URL_CHARACTERS_MAX)]
    id: Annotated[
        uuid.UUID | None, Meta(description="Of the record, best a UUIDv7 of `started_at`: with one, the call may be sent again.")
    ] = None
    started_at: Annotated[Moment | None, Meta(description="When it began, with a time zone; else now, less its duration.")] = None
    duration_ms: Annotated[Milliseconds | None, Meta(description="To the last byte of the answer, or to the error.")] = None
    ttfb_ms: Annotated[Milliseconds | None, Meta(description="To the headers of the answer.")] = None
    request_headers: Annotated[Headers, Meta(description="An object, or pairs.")] = {}
    request_body: Annotated[str | None, Meta(description="As text.")] = None
    request_body_base64: Annotated[str | None, Meta(description="In place of it, where it is no text.")] = None
    request_body_bytes: Annotated[Size | None, Meta(description="Size of the whole body, where only its beginning is given.")] = (
        None
    )
    status_code: Annotated[StatusCode | None, Meta(description="Of the answer; null where none came.")] = None
    response_headers: Annotated[Headers, Meta(description="As the request's.")] = {}
    response_body: Annotated[str | None, Meta(description="As text, decompressed.")] = None
    response_body_base64: Annotated[str | None, Meta(description="In place of it, where it is no text.")] = None
    response_body_bytes: Annotated[Size | None, Meta(description="As the request's.")] = None
    error: Annotated[str | None, Meta(description="Why no answer, or not all of it, came: the exception's text.")] = None
    error_code: Annotated[NoAnswerCode, Meta(description="What kind of error it was.")] = "CONNECTION_FAILED"
    is_unsent: Annotated[bool, Meta(description="Whether the request had certainly not been sent when it failed.")] = False
    entity: Annotated[Entity | None, Meta(description="What the call was about, if the service does not tell.")] = None
    service_name: Annotated[Name | None, Meta(description="In place of what the URL says.")] = None
    action: Annotated[Name | None, Meta(description="In place of what the URL says.")] = None
    trace_id: Annotated[TraceId | None, Meta(description="Of OpenTelemetry: 32 hexadecimal digits.")] = None


def to_operation(item: Json) -> Operation:
    """The call as an operation that has ended.

    Errors:
        ItemProblem
    """
    try:
        # strict=False would take "12" for a number, and much else.
        call = msgspec.convert(item, RawCall)
    except msgspec.ValidationError as error:
        raise _problem(error, item) from error
    if call.status_code is None and call.error is None:
        raise ItemProblem(
            "status_code", "nothing says what became of the call", "Send status_code, or error where no answer came."
        )
    attempt = _attempt(call)
    entity = None if call.entity is None else (call.entity.type, call.entity.id)
    operation = Operation.of_attempt(attempt, entity=entity, trace_id=int(call.trace_id, 16) if call.trace_id else None)
    operation.id, operation.service_name, operation.action = call.id, call.service_name, call.action
    if call.duration_ms is not None:
        operation.duration_ms = round(call.duration_ms)
    return operation


def _attempt(call: RawCall) -> Attempt:
    attempt = Attempt(method=call.method, url=call.url)
    attempt.started_at = _started_at(call)
    attempt.request_headers, attempt.response_headers = _pairs(call.request_headers), _pairs(call.response_headers)
    attempt.request_body = _body("request_body", call.request_body, call.request_body_base64)
    attempt.request_body_bytes = call.request_body_bytes
    attempt.response_body = _body("response_body", call.response_body, call.response_body_base64)
    attempt.response_body_bytes = call.response_body_bytes
    # Whoever reads a body as text has it unpacked; bytes may be as they came.
    attempt.request_is_encoded, attempt.response_is_encoded = call.request_body is None, call.response_body is None
    attempt.status_code = call.status_code
    if call.error is not None:
        attempt.no_answer = NoAnswer(code=call.error_code, message=call.error, is_unsent=call.is_unsent)
    if call.ttfb_ms is not None:
        attempt.ttfb_ms = round(call.ttfb_ms)
    # It has ended, also where nobody measured when.
    attempt.duration_ms = round(call.duration_ms or 0)
    return attempt


def _started_at(call: RawCall) -> float:
    """Seconds since the epoch."""
    if call.started_at is not None:
        moment = call.started_at
    elif call.id is not None and call.id.version == _VERSION_WITH_TIME:
        # So that the same call is the same record, however often it is sent.
        moment = datetime.fromtimestamp((call.id.int >> 80) / 1000, UTC)
    else:
        return now().timestamp() - (call.duration_ms or 0) / 1000
    return max(moment.timestamp(), 0.0)


def _pairs(headers: Headers) -> list[tuple[str, str]]:
    if isinstance(headers, list):
        return headers
    return [(name, one) for name, value in headers.items() for one in (value if isinstance(value, list) else [value])]


def _body(name: str, text: str | None, encoded: str | None) -> bytes | str | None:
    if encoded is None:
        return text
    if text is not None:
        raise ItemProblem(name, f"{name} and {name}_base64 are both given", "Send one of them.")
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ItemProblem(
            f"{name}_base64", "it is no base64", "Encode the bytes with base64, or send text.", value=encoded
        ) from error


def _problem(error: msgspec.ValidationError, item: Any) -> ItemProblem:
    message = str(error)
    place = _PLACE.search(message) or _UNKNOWN.search(message)
    field = (place["field"] or None) if place else None
    if field is None and "missing required field" in message:
        field = message.split("`")[1]
    remedy = (
        f"The fields are: {', '.join(RawCall.__struct_fields__)}." if "unknown field" in message else "Correct it; see /schema."
    )
    value = item.get(field) if isinstance(item, dict) and field else None
    return ItemProblem(field, message, remedy, value=value)
