"""`errors` and `entities`: failures of one kind together, and all that was done for one customer."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from litestar import Request, get
from litestar.openapi.spec import Example
from litestar.params import PathParameter, QueryParameter
from msgspec import Meta

from integration_monitor.monitoring import entities, error_groups, error_story, failures, logs
from integration_monitor.monitoring.page import Page
from integration_monitor.record import IntegrationLog
from integration_monitor.server.api.parameters import (
    PROBLEMS,
    PROBLEMS_OF_ONE,
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
from integration_monitor.server.caller import Caller
from integration_monitor.server.explaining import ExplainedGroup, ExplainedStory, LanguagesAsked, explained
from integration_monitor.server.refusals import GroupMissing, shown

_WINDOW_DEFAULT: Final = timedelta(days=1)
_WINDOW_LONGEST: Final = timedelta(days=error_groups.DAYS_MAX)
_KEPT: Final = timedelta(days=failures.DAYS_KEPT)


class FailuresByKind(Page[ExplainedGroup], kw_only=True, frozen=True):
    """Rows of an answer, and what was read for them. `next` is None on the last page."""

    read_since: Annotated[
        datetime,
        Meta(
            description="From when on failures were read, UTC: later than `from` where all of them would take more than about 2 s. "
            "Each figure is exact over that time."
        ),
    ]


@get(
    "/errors",
    guards=[requires("records"), refuse_unknown_parameters],
    operation_id="errors",
    summary="Failures by kind",
    responses=PROBLEMS,
)
async def list_errors(  # noqa: PLR0913  # one for each parameter of the endpoint
    *,
    request: Request[Caller, Any, Any],
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
    languages: LanguagesAsked = "",
) -> FailuresByKind:
    """Failures grouped by service, action, error code and shape of message, most hurtful first; of the last 24 hours where `from` is left out,
    and of 31 days at most. Where there are too many, the newest are read, from `read_since` on. Pages are all of what the first one has read.
    """
    since, until = window(from_, to, default=_WINDOW_DEFAULT, longest=_WINDOW_LONGEST)
    asked = log_filter(since=since, until=until, service=service, action=action, error_code=error_code, fault=fault)
    found = await error_groups.grouped(questions, asked, limit=limit, before=before)
    return FailuresByKind(
        data=[ExplainedGroup(**explained(request.app.state, each, languages)) for each in found.data],
        next=found.next,
        read_since=found.read_since,
    )


@get(
    "/errors/{key:str}",
    guards=[requires("records"), refuse_unknown_parameters],
    operation_id="error",
    summary="One kind of failures",
    responses=PROBLEMS_OF_ONE,
)
async def show_error(  # noqa: PLR0913  # one for each parameter of the endpoint
    *,
    request: Request[Caller, Any, Any],
    questions: AskedQuestions,
    key: Annotated[
        str,
        PathParameter(
            description="Key of the group, as `errors` gives it.",
            max_length=64,
            examples=[Example(value="0123456789abcdef01234567")],
        ),
    ],
    service: Service = None,
    action: Action = None,
    error_code: ErrorCode = None,
    from_: From = None,
    to: To = None,
    languages: LanguagesAsked = "",
) -> ExplainedStory:
    """One group of `errors`: its timeline, the entities that it hurts, and three examples; of the last 24 hours where `from` is left out, and
    of 31 days at most. Service, action and error code, where they are given, spare the reading of all other failures.
    """
    since, until = window(from_, to, default=_WINDOW_DEFAULT, longest=_WINDOW_LONGEST)
    asked = log_filter(since=since, until=until, service=service, action=action, error_code=error_code)
    found = await error_story.story(questions, asked, key, step=error_story.step_of(since, until))
    if found is None:
        raise GroupMissing(f"There is no failure of the kind {shown(key)} in this time.")
    return ExplainedStory(**explained(request.app.state, found, languages))


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
