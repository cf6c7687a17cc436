"""`stats` and `health`: counts, durations and states; never a payload."""

from typing import Annotated, Final, get_args

from litestar import get
from litestar.openapi.spec import Example
from litestar.params import QueryParameter

from integration_monitor import record
from integration_monitor.monitoring import health, statistics, windows
from integration_monitor.monitoring.health import ServiceHealth
from integration_monitor.monitoring.page import Page
from integration_monitor.monitoring.windows import Window, WindowError
from integration_monitor.server.api.parameters import (
    PROBLEMS,
    Action,
    Before,
    ErrorCode,
    FaultAsked,
    From,
    Service,
    StatusAsked,
    To,
    moment,
    refuse_unknown_parameters,
)
from integration_monitor.server.auth import AskedQuestions, CallerGiven, SharedGiven, requires
from integration_monitor.server.refusals import ParameterRefused, shown
from integration_monitor.store.answers import DailyStatistics, GroupBy, WindowFilter

GROUPS: Final[tuple[GroupBy, ...]] = get_args(GroupBy)
_GROUP_BY_LENGTH_MAX: Final = 60
_STEP_LENGTH_MAX: Final = 6


@get(
    "/stats",
    guards=[requires("statistics"), refuse_unknown_parameters],
    operation_id="stats",
    summary="Statistics by day, or of any window",
    responses=PROBLEMS,
)
async def stats(  # noqa: PLR0913  # one for each parameter of the endpoint
    *,
    caller: CallerGiven,
    questions: AskedQuestions,
    shared: SharedGiven,
    days: Annotated[
        int | None,
        QueryParameter(
            ge=1,
            le=statistics.DAYS_MAX,
            description="How far back, 30 where it is left out. Days are UTC and whole: 1 gives yesterday and today.",
            examples=[Example(value=7)],
        ),
    ] = None,
    service: Service = None,
    action: Action = None,
    status: StatusAsked = None,
    error_code: ErrorCode = None,
    fault: FaultAsked = None,
    from_: From = None,
    to: To = None,
    step: Annotated[
        str | None,
        QueryParameter(
            description="Width of a bucket: a number and m, h, d or w (UTC, weeks from Monday). Without it the window is one bucket.",
            max_length=_STEP_LENGTH_MAX,
            examples=[Example(value="5m"), Example(value="1d")],
        ),
    ] = None,
    group_by: Annotated[
        str | None,
        QueryParameter(
            description=f"One row for each of these: any of {', '.join(GROUPS)}, with commas between them.",
            max_length=_GROUP_BY_LENGTH_MAX,
            examples=[Example(value="service,action")],
        ),
    ] = None,
    compare: Annotated[
        bool | None, QueryParameter(description="Whether each row has the numbers of the window before. Without `step`.")
    ] = None,
    percentiles: Annotated[
        bool | None,
        QueryParameter(
            description="Whether each row of a window has p50, p95 and p99; `false` is answered faster. True where it is left out."
        ),
    ] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=statistics.LIMIT_MAX, description="Rows of a page.")] = statistics.LIMIT_MAX,
    before: Before = None,
) -> Page[DailyStatistics] | Window:
    """Without a parameter of windows: one row a service, action, status and day, newest day first, as the daily view shows them.

    With any of `from`, `to`, `step`, `group_by`, `compare`, `percentiles`, `action`, `status`, `error_code` or `fault`: one row a bucket and
    group with calls, newest bucket first; p50, p95 and p99 are within 5 %. The last 24 hours where `from` is left out. Sums are kept by minutes for 48 hours,
    by hours for 91 days and by days for good: the window is widened to such bounds, and the answer says to which.
    """
    of_windows = (from_, to, step, group_by, compare, percentiles, action, status, error_code, fault)
    if all(value is None for value in of_windows):
        days = statistics.DAYS_MAX if days is None else days
        return await shared.ask(
            ("stats", caller.role, days, service, limit, before),
            lambda: statistics.daily(questions, days=days, service=service, limit=limit, before=before),
        )
    if days is not None:
        raise ParameterRefused("days", f"{days} counts days of the daily statistics; for other windows give `from` instead.")
    key = ("windows", caller.role, service, *of_windows, limit, before)

    async def asked() -> Window:
        # The time of the question, which begins later than the request where another one goes before.
        until = moment("to", to) or record.now()
        since = moment("from", from_)
        try:
            window = WindowFilter(
                since_before=until,
                since=until - windows.WINDOW_DEFAULT if since is None else since,
                until=until,
                step=None if step is None else windows.parse_step(step),
                group_by=_groups(group_by),
                service=service,
                action=action,
                status=status,
                error_code=error_code,
                fault=fault,
                has_percentiles=percentiles is not False,
            )
            return await windows.statistics(questions, window, is_compared=bool(compare), limit=limit, before=before)
        except OverflowError as error:
            raise ParameterRefused("to", f"{until.isoformat()} has no day before it; give a later end.") from error
        except WindowError as error:
            given = {"from": from_, "to": to, "step": step}.get(error.parameter)
            raise ParameterRefused(
                error.parameter, error.reason if given is None else f"{shown(given)}: {error.reason}"
            ) from error

    return await shared.ask(key, asked)


@get(
    "/health",
    guards=[requires("statistics"), refuse_unknown_parameters],
    operation_id="health",
    summary="Health of each service",
    responses=PROBLEMS,
)
async def list_health(caller: CallerGiven, questions: AskedQuestions, shared: SharedGiven) -> Page[ServiceHealth]:
    """The last 24 hours of each service seen in the last 30 days, by name, and the state it is in now."""
    return await shared.ask(("health", caller.role), lambda: health.services(questions))


def _groups(text: str | None) -> tuple[GroupBy, ...]:
    """The columns of `group_by`, in the one order that rows have.

    Errors:
        ParameterRefused: one that is none, or the same twice.
    """
    names = [] if text is None else text.split(",")
    for name in names:
        if name not in GROUPS or names.count(name) > 1:
            raise ParameterRefused(
                "group_by", f"{shown(name)} is none of {', '.join(GROUPS)}, or is given twice; put commas between them."
            )
    return tuple(group for group in GROUPS if group in names)
