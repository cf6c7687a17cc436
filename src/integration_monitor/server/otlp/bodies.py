"""Bodies of OTLP over HTTP, in protobuf and in JSON. Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp."""

import base64
from collections.abc import Sequence
from typing import Final, Literal

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from integration_monitor.server.ingest.items import Item
from integration_monitor.server.ingest.limits import RECORDS_MAX
from integration_monitor.server.otlp.spans import is_call
from integration_monitor.server.refusals import BodyRefused, BodyTooLarge, EncodingRefused

Encoding = Literal["application/x-protobuf", "application/json"]

PROTOBUF: Final[Encoding] = "application/x-protobuf"
JSON: Final[Encoding] = "application/json"
#: Unpacked. An empty span has two bytes, and some two hundred in memory. The SDKs send at most 512 spans at once, some 0.5 MiB.
BODY_BYTES_MAX: Final = 4 * 1024 * 1024

_SHAPE: Final = "Send an ExportTraceServiceRequest of OTLP over HTTP."


def encoding_of(content_type: str) -> Encoding:
    """The encoding of a request, which is that of its answer.

    Errors:
        EncodingRefused
    """
    name = content_type.partition(";")[0].strip().lower()
    if name == PROTOBUF:
        return PROTOBUF
    if name == JSON:
        return JSON
    raise EncodingRefused(
        "The Content-Type is neither application/x-protobuf nor application/json.", hint="Use OTLP over HTTP, and not gRPC."
    )


def read_calls(body: bytes, encoding: Encoding) -> Sequence[Item]:
    """The spans of HTTP clients in a body; others are left out.

    Errors:
        BodyRefused: it is no such request.
        BodyTooLarge
    """
    if len(body) > BODY_BYTES_MAX:
        raise BodyTooLarge(f"The body has more than {BODY_BYTES_MAX} bytes.", hint="Make the exporter's batches smaller.")
    request = _parse(body) if encoding == PROTOBUF else _parse_json(body)
    spans = [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]
    calls = [Item(number, span) for number, span in enumerate(filter(is_call, spans), 1)]
    if len(calls) > RECORDS_MAX:
        raise BodyTooLarge(f"There are more than {RECORDS_MAX} calls in the body.", hint="Make the exporter's batches smaller.")
    return calls


def write_answer(rejected: int, message: str, encoding: Encoding) -> bytes:
    """The answer to a request that was taken, at least in part."""
    answer = ExportTraceServiceResponse()
    if rejected:
        answer.partial_success.rejected_spans = rejected
        answer.partial_success.error_message = message
    return _written(answer, encoding)


def write_refusal(message: str, encoding: Encoding) -> bytes:
    """The answer to a request that was refused; its code is the HTTP status."""
    return _written(Status(message=message), encoding)


def _written(message: Message, encoding: Encoding) -> bytes:
    return message.SerializeToString() if encoding == PROTOBUF else json_format.MessageToJson(message, indent=None).encode()


def _parse(body: bytes) -> ExportTraceServiceRequest:
    try:
        return ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise BodyRefused("The body is no protobuf of this kind.", hint=_SHAPE) from error


def _parse_json(body: bytes) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    try:
        json_format.Parse(body, request, ignore_unknown_fields=True)
    except (json_format.ParseError, ValueError, RecursionError) as error:
        raise BodyRefused("The body is no JSON of this kind.", hint=_SHAPE) from error
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                _restore_ids(span)
    return request


def _restore_ids(span: Span) -> None:
    """In OTLP's JSON the ids are hexadecimal, and not base64 as protobuf's JSON has bytes. Digits that were read as base64 come back
    when they are written so again.
    """
    try:
        span.trace_id = bytes.fromhex(base64.b64encode(span.trace_id).decode())
        span.span_id = bytes.fromhex(base64.b64encode(span.span_id).decode())
    except ValueError as error:
        raise BodyRefused("A trace id or span id is not hexadecimal.", hint=_SHAPE) from error
