"""The JSON endpoints: statistics, failures and health."""

from typing import Annotated, Any, Final

from litestar import Router, get
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from integration_monitor.monitoring import failures, health, statistics
from integration_monitor.monitoring.cursor import CURSOR_LENGTH_MAX
from integration_monitor.monitoring.health import ServiceHealth
from integration_monitor.monitoring.page import Page
from integration_monitor.record import IntegrationLog
from integration_monitor.server.auth import AskedQuestions, requires
from integration_monitor.server.problems import PROBLEM_JSON, Problem
from integration_monitor.server.refusals import ParameterRefused
from integration_monitor.store.answers import DailyStatistics

PATH: Final = "/api/admin/integrations/monitoring"

# Longer than any service or action that is recorded.
_NAME_LENGTH_MAX: Final = 255
# PostgreSQL holds no NUL in text.
_NAME_PATTERN: Final = r"^[^\x00]*$"

Service = Annotated[
    str | None,
    QueryParameter(
        description="Only this service, such as `amocrm`.", min_length=1, max_length=_NAME_LENGTH_MAX, pattern=_NAME_PATTERN
    ),
]
Action = Annotated[
    str | None,
    QueryParameter(
        description="Only this action, such as `send_email`.", min_length=1, max_length=_NAME_LENGTH_MAX, pattern=_NAME_PATTERN
    ),
]
Before = Annotated[
    str | None,
    QueryParameter(description="`next` of the page before: opaque, to be given back unchanged.", max_length=CURSOR_LENGTH_MAX),
]

_PROBLEMS: Final = {
    400: ResponseSpec(
        Problem,
        generate_examples=False,
        media_type=PROBLEM_JSON,
        description="A parameter is unknown or impossible; it is named.",
    ),
    401: ResponseSpec(
        Problem, generate_examples=False, media_type=PROBLEM_JSON, description="No token, or one that is not accepted."
    ),
    403: ResponseSpec(
        Problem, generate_examples=False, media_type=PROBLEM_JSON, description="The token's role may not read this."
    ),
    503: ResponseSpec(
        Problem, generate_examples=False, media_type=PROBLEM_JSON, description="The database is away; see Retry-After."
    ),
}


def refuse_unknown_parameters(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """A guard: a misspelt filter must not look like an answer to the question.

    Errors:
        ParameterRefused: a parameter that the endpoint does not have, or the same one twice.
    """
    known = {
        name
        for name, field in handler.parsed_fn_signature.parameters.items()
        if isinstance(field.kwarg_definition, QueryParameter)
    }
    for name, values in connection.query_params.dict().items():
        if name not in known:
            offered = f"This endpoint has: {', '.join(sorted(known))}." if known else "This endpoint has none."
            raise ParameterRefused(name, f"there is no such parameter. {offered}")
        if len(values) > 1:
            raise ParameterRefused(name, "it is given more than once.")


@get(
    "/stats",
    guards=[requires("statistics"), refuse_unknown_parameters],
    operation_id="stats",
    summary="Statistics by day",
    responses=_PROBLEMS,
)
async def stats(
    questions: AskedQuestions,
    days: Annotated[
        int,
        QueryParameter(
            ge=1, le=statistics.DAYS_MAX, description="How far back. Days are UTC and whole: 1 gives yesterday and today."
        ),
    ] = statistics.DAYS_MAX,
    service: Service = None,
    limit: Annotated[int, QueryParameter(ge=1, le=statistics.LIMIT_MAX, description="Rows of a page.")] = statistics.LIMIT_MAX,
    before: Before = None,
) -> Page[DailyStatistics]:
    """One row a service, action, status and day, newest day first, then by service, action and status."""
    return await statistics.daily(questions, days=days, service=service, limit=limit, before=before)


@get(
    "/failures",
    guards=[requires("records"), refuse_unknown_parameters],
    operation_id="failures",
    summary="Failed records",
    responses=_PROBLEMS,
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
    "/health",
    guards=[requires("statistics"), refuse_unknown_parameters],
    operation_id="health",
    summary="Health of each service",
    responses=_PROBLEMS,
)
async def list_health(questions: AskedQuestions) -> Page[ServiceHealth]:
    """The last 24 hours of each service seen in the last 30 days, by name, and the state it is in now."""
    return await health.services(questions)


router = Router(PATH, route_handlers=[stats, list_failures, list_health], tags=["monitoring"])
