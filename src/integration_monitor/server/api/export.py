"""`export`: all records that fit a search, as a file, page by page out of the store; memory stays flat however many there are."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from litestar import get
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import QueryParameter
from litestar.response import Stream

from integration_monitor.monitoring import logs
from integration_monitor.record import IntegrationLog
from integration_monitor.server.api.logs import search_window
from integration_monitor.server.api.parameters import (
    PROBLEMS,
    Action,
    DurationMax,
    DurationMin,
    EntityId,
    EntityType,
    ErrorCode,
    FaultAsked,
    From,
    Service,
    StatusAsked,
    Text,
    To,
    log_filter,
    refuse_unknown_parameters,
)
from integration_monitor.server.auth import AskedQuestions, requires

Format = Literal["csv", "ndjson"]

_MEDIA_TYPES: Final[dict[Format, str]] = {"csv": "text/csv; charset=utf-8; header=present", "ndjson": "application/x-ndjson"}
# A spreadsheet takes a cell that begins so for a formula, or looks behind the blanks for one.
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_PAYLOADS: Final = frozenset({"request_payload", "response_payload"})
_COLUMNS: Final = tuple(field.name for field in msgspec.structs.fields(IntegrationLog))


@get(
    "/export",
    guards=[requires("records"), refuse_unknown_parameters],
    operation_id="export",
    summary="Search of records, as a file",
    responses={
        200: ResponseSpec(
            str, generate_examples=False, media_type="application/x-ndjson", description="The records, newest first."
        ),
        **PROBLEMS,
    },
)
async def export(  # noqa: PLR0913  # one for each parameter of the endpoint
    *,
    questions: AskedQuestions,
    format: Annotated[  # noqa: A002  # the parameter's name
        Format, QueryParameter(description="`csv`, or `ndjson`: one JSON object a line.", examples=[Example(value="csv")])
    ] = "ndjson",
    service: Service = None,
    action: Action = None,
    status: StatusAsked = None,
    entity_type: EntityType = None,
    entity_id: EntityId = None,
    error_code: ErrorCode = None,
    fault: FaultAsked = None,
    from_: From = None,
    to: To = None,
    duration_min_ms: DurationMin = None,
    duration_max_ms: DurationMax = None,
    text: Text = None,
) -> Stream:
    """Every record that fits, newest first, as `logs` would list them. In CSV, a text that a spreadsheet would take for a formula has a `'`
    before it, and payloads are JSON. An answer that breaks off is incomplete: its connection then ends without a last chunk.
    """
    since, until = search_window(from_, to, text)
    asked = log_filter(
        since=since,
        until=until,
        service=service,
        action=action,
        status=status,
        entity_type=entity_type,
        entity_id=entity_id,
        error_code=error_code,
        fault=fault,
        duration_min_ms=duration_min_ms,
        duration_max_ms=duration_max_ms,
        text=text,
    )
    parts = logs.everything(questions, asked)
    # Before the answer begins: what is refused then is refused in the shape of all errors.
    first = await anext(parts)
    name = f"integration-logs-{since:%Y%m%dT%H%M%SZ}-{until:%Y%m%dT%H%M%SZ}.{format}"
    return Stream(
        _written(first, parts, csv_lines if format == "csv" else json_lines, csv_header() if format == "csv" else b""),
        media_type=_MEDIA_TYPES[format],
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def json_lines(records: Sequence[IntegrationLog]) -> bytes:
    """One JSON object a line."""
    return msgspec.json.Encoder().encode_lines(records)


def csv_header() -> bytes:
    """The names of the columns: the 14 of the contract."""
    return _csv([_COLUMNS])


def csv_lines(records: Sequence[IntegrationLog]) -> bytes:
    """One record a line (RFC 4180); a field that is null is empty."""
    return _csv([list(_cells(log)) for log in records])


async def _written(
    first: Sequence[IntegrationLog],
    parts: AsyncIterator[Sequence[IntegrationLog]],
    write: Callable[[Sequence[IntegrationLog]], bytes],
    header: bytes,
) -> AsyncIterator[bytes]:
    yield header + write(first)
    async for records in parts:
        if records:
            yield write(records)


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _cells(log: IntegrationLog) -> Iterator[object]:
    """What the cells of a record hold: numbers as they are, times as ISO 8601, payloads as JSON, and all that is text defused."""
    for name in _COLUMNS:
        value = getattr(log, name)
        if value is None:
            yield None
        elif name in _PAYLOADS:
            yield _defused(msgspec.json.encode(value).decode())
        elif isinstance(value, int):
            yield value
        else:
            yield _defused(value.isoformat() if isinstance(value, datetime) else str(value))


def _defused(text: str) -> str:
    is_formula = text[:1].isspace() or text.lstrip().startswith(_FORMULA_STARTS)
    return f"'{text}" if is_formula else text
