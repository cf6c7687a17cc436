"""`live`: what arrives, as server-sent events."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from litestar import Request, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter

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
    moment,
    refuse_unknown_parameters,
)
from integration_monitor.server.auth import requires
from integration_monitor.server.caller import Caller
from integration_monitor.server.live.answer import IS_STREAM, LiveAnswer, live_answer
from integration_monitor.server.live.events import json_events
from integration_monitor.server.problems import PROBLEM_JSON, Problem
from integration_monitor.server.refusals import ParameterRefused

EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
LATEST: Final = datetime.max.replace(tzinfo=UTC)

LastEventId = Annotated[
    str | None,
    HeaderParameter(
        name="last-event-id",
        description="`id` of the last event that came: the stream goes on behind it. Browsers send it by themselves.",
    ),
]


@get(
    "/live",
    guards=[requires("records"), refuse_unknown_parameters],
    operation_id="live",
    summary="New records as they arrive",
    responses={
        200: ResponseSpec(
            str,
            generate_examples=False,
            media_type="text/event-stream",
            description="Events `record`, `change`, `gap` and `state`; the data of each is one line of JSON.",
        ),
        **PROBLEMS,
        429: ResponseSpec(
            Problem,
            generate_examples=False,
            media_type=PROBLEM_JSON,
            description="As many streams are open as one server has; see Retry-After.",
        ),
    },
    opt={IS_STREAM: True},
)
async def live(  # noqa: PLR0913  # one for each parameter of the endpoint
    *,
    request: Request[Caller, Any, Any],
    last_event_id: LastEventId = None,
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
) -> LiveAnswer:
    """Whole records that fit every condition given, in the order in which they arrive, from now on or behind `Last-Event-ID`.

    `record` is a new one, `change` one that was written again, such as a call that has ended; both hold the record as it is now.
    `gap` says that records may be missing here: `lapsed`, since what was between is not kept any more, or `bulk`, since one statement
    wrote more than 10,000. `state` is `live`, or `away` while the database is.
    """
    since, until = moment("from", from_) or EARLIEST, moment("to", to) or LATEST
    if until < since:
        raise ParameterRefused("to", f"{until.isoformat()} is before `from`, {since.isoformat()}; give a later end.")
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
    return live_answer(request, asked, last_event_id=last_event_id, write=json_events)
