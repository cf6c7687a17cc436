"""`errors` and `entities`: failures of one kind together, and all that was done for one customer."""

from datetime import timedelta
from typing import Annotated, Final

from litestar import get
from litestar.params import QueryParameter

from integration_monitor.monitoring import entities, error_groups, failures, logs
from integration_monitor.monitoring.page import Page
from integration_monitor.record import IntegrationLog
from integration_monitor.server.api.parameters import (
    PROBLEMS,
    Action,
    Before,
    EntityIdPath,
    EntityTypePath,
    ErrorCode,
    FaultAsked,
    From,
    Service,
    To,
    log_filter,
    refuse_unknown_parameters,
    window,
)
from integration_monitor.server.auth import AskedQuestions, requires
from integration_monitor.store.answers import ErrorGroup

_WINDOW_DEFAULT: Final = timedelta(days=1)
_WINDOW_LONGEST: Final = timedelta(days=error_groups.DAYS_MAX)
_KEPT: Final = timedelta(days=failures.DAYS_KEPT)


@get(
    "/errors",
    guards=[requires("records"), refuse_unknown_parameters],
    operation_id="errors",
    summary="Failures by kind",
    responses=PROBLEMS,
)
async def list_errors(  # noqa: PLR0913  # one for each parameter of the endpoint
    *,
    questions: AskedQuestions,
    service: Service = None,
    action: Action = None,
    error_code: ErrorCode = None,
    fault: FaultAsked = None,
    from_: From = None,
    to: To = None,
    limit: Annotated[
        int, QueryParameter(ge=1, le=error_groups.LIMIT_MAX, description="Groups of a page.")
    ] = error_groups.LIMIT_DEFAULT,
    before: Before = None,
) -> Page[ErrorGroup]:
    """Failures grouped by service, action, error code and shape of message, most failures first; of the last 24 hours where `from` is left out,
    and of 31 days at most. Pages are all of the first one's window.
    """
    since, until = window(from_, to, default=_WINDOW_DEFAULT, longest=_WINDOW_LONGEST)
    asked = log_filter(since=since, until=until, service=service, action=action, error_code=error_code, fault=fault)
    return await error_groups.grouped(questions, asked, limit=limit, before=before)


@get(
    "/entities/{entity_type:str}/{entity_id:str}",
    guards=[requires("records"), refuse_unknown_parameters],
    operation_id="entity",
    summary="Timeline of one entity",
    responses=PROBLEMS,
)
async def show_entity(  # noqa: PLR0913  # one for each parameter of the endpoint
    *,
    questions: AskedQuestions,
    entity_type: EntityTypePath,
    entity_id: EntityIdPath,
    service: Service = None,
    from_: From = None,
    to: To = None,
    limit: Annotated[int, QueryParameter(ge=1, le=logs.LIMIT_MAX, description="Records of a page.")] = logs.LIMIT_DEFAULT,
    before: Before = None,
) -> Page[IntegrationLog]:
    """Whole records about one entity over all services, oldest first; of the last 90 days where `from` is left out."""
    since, until = window(from_, to, default=_KEPT)
    asked = log_filter(since=since, until=until, service=service, entity_type=entity_type, entity_id=entity_id)
    return await entities.timeline(questions, asked, limit=limit, before=before)
