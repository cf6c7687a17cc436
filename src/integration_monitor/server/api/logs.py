"""`logs` and `failures`: whole records, by any condition; one of them; the command that repeats it."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from litestar import MediaType, Request, get
from litestar.openapi.spec import Example
from litestar.params import PathParameter, QueryParameter

from integration_monitor.monitoring import curl, failures, logs
from integration_monitor.monitoring.page import Page
from integration_monitor.record import IntegrationLog
from integration_monitor.server.api.parameters import (
    PROBLEMS,
    PROBLEMS_OF_ONE,
    Action,
    Before,
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
    window,
)
from integration_monitor.server.auth import AskedQuestions, requires
from integration_monitor.server.caller import Caller
from integration_monitor.server.explaining import ExplainedLog, LanguagesAsked, explained
from integration_monitor.server.refusals import CallMissing, RecordMissing

# Retention: older records are gone, or about to be.
_KEPT: Final = timedelta(days=failures.DAYS_KEPT)
# A record whose writer's clock is ahead shows all the same.
_CLOCKS_APART: Final = timedelta(days=1)
_TEXT_LONGEST: Final = timedelta(days=logs.TEXT_DAYS_MAX)
_TEXT_DEFAULT: Final = timedelta(days=1)

RecordId = Annotated[
    uuid.UUID, PathParameter(description="Id of the record.", examples=[Example(value="0193c2f0-7a10-7000-8000-000000000001")])
]


@get(
    "/failures",
    guards=[requires("records"), refuse_unknown_parameters],
    operation_id="failures",
    summary="Failed records",
    responses=PROBLEMS,
)
async def list_failures(
    questions: AskedQuestions,
    limit: Annotated[int, QueryParameter(ge=1, le=failures.LIMIT_MAX, description="Records of a page.")] = failures.LIMIT_DEFAULT,
    service: Service = None,
    action: Action = None,
    before: Before = None,
) -> Page[IntegrationLog]:
    """Whole records whose status is `failed`, of the last 90 days, newest first."""
    return await failures.latest(questions, limit=limit, service=service, action=action, before=before)


@get(
    "/logs",
    guards=[requires("records"), refuse_unknown_parameters],
    operation_id="logs",
    summary="Search of records",
    responses=PROBLEMS,
)
async def list_logs(  # noqa: PLR0913  # one for each parameter of the endpoint
    *,
    questions: AskedQuestions,
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
    limit: Annotated[
        int, QueryParameter(ge=1, le=logs.LIMIT_MAX, description="Records of a page, at most.")
    ] = logs.LIMIT_DEFAULT,
    before: Before = None,
) -> Page[IntegrationLog]:
    """Whole records that fit every condition given, newest first; of the last 90 days where `from` is left out.

    A search that takes long is answered in parts: a page may hold fewer records than `limit`, or none, and `next` then goes on.
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
    return await logs.search(questions, asked, limit=limit, before=before)


@get(
    "/logs/{record_id:uuid}",
    guards=[requires("records"), refuse_unknown_parameters],
    operation_id="log",
    summary="One record",
    responses=PROBLEMS_OF_ONE,
)
async def show_log(
    request: Request[Caller, Any, Any],
    questions: AskedQuestions,
    record_id: RecordId,
    service: Service = None,
    languages: LanguagesAsked = "",
) -> ExplainedLog:
    """One whole record by its id, however old, and what its error code means."""
    return ExplainedLog(**explained(request.app.state, await found(questions, record_id, service), languages))


@get(
    "/logs/{record_id:uuid}/curl",
    guards=[requires("records"), refuse_unknown_parameters],
    operation_id="log_curl",
    summary="The command that repeats a call",
    responses=PROBLEMS_OF_ONE,
    media_type=MediaType.TEXT,
)
async def show_curl(questions: AskedQuestions, record_id: RecordId, service: Service = None) -> str:
    """A curl command that sends the same request again. Secrets, and what the record does not hold, are variables of the shell."""
    command = curl.command(await found(questions, record_id, service))
    if command is None:
        raise CallMissing(f"The record {record_id} holds no call over HTTP.")
    return command


def search_window(from_: str | None, to: str | None, text: str | None) -> tuple[datetime, datetime]:
    """The window of a search: records of clocks that are ahead are in it, where no end is asked for.

    Errors:
        ParameterRefused: as of `window`.
    """
    if text is not None:
        return window(from_, to, default=_TEXT_DEFAULT, longest=_TEXT_LONGEST, why=", which is what `text` can be searched in")
    since, until = window(from_, to, default=_KEPT)
    return since, until if to is not None else until + _CLOCKS_APART


async def found(questions: AskedQuestions, record_id: uuid.UUID, service: str | None) -> IntegrationLog:
    """The record.

    Errors:
        RecordMissing: there is none, or it is another service's.
    """
    record = await logs.one(questions, record_id, service=service)
    if record is None:
        raise RecordMissing(f"There is no record {record_id}.")
    return record
