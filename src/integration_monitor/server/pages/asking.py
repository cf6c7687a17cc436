"""What pages ask of the store besides the API's questions, under the role of whoever asks."""

from typing import Any

from integration_monitor.monitoring import windows
from integration_monitor.monitoring.questions import Questions
from integration_monitor.monitoring.windows import WindowRow
from integration_monitor.server.caller import Caller
from integration_monitor.server.pages.window import Window
from integration_monitor.store.answers import GroupBy, WindowFilter
from integration_monitor.store.postgres.page_questions import PostgresPageQuestions

# A month of a hundred services with seven faults each; more is no chart.
_ROWS_MAX = 50_000


def page_questions(request: Any) -> PostgresPageQuestions:
    """The dashboard's own questions; the route must be guarded by `requires`."""
    return PostgresPageQuestions(request.app.state.connections, request.user.role)


def may_see_system(caller: Caller) -> bool:
    """Whether the database lets this role read what the product keeps beside the contract."""
    return caller.role in {"service_role", "integration_monitor_statistics"}


async def statistics(  # noqa: PLR0913  # what a question is narrowed to
    questions: Questions,
    window: Window,
    *group_by: GroupBy,
    is_stepped: bool = False,
    service: str | None = None,
    action: str | None = None,
    has_percentiles: bool = True,
) -> list[WindowRow]:
    """Statistics of a page's window: by its steps, or of the whole of it beside the window before.

    has_percentiles:
        Histograms are most of what is read: False where only counts are shown.
    """
    asked = WindowFilter(
        since_before=window.since,
        since=window.since,
        until=window.until,
        step=window.step if is_stepped else None,
        group_by=group_by,
        service=service,
        action=action,
        has_percentiles=has_percentiles,
        # Pages compare counts alone.
        has_percentiles_before=False,
    )
    answer = await windows.statistics(questions, asked, is_compared=not is_stepped, limit=_ROWS_MAX)
    return list(answer.data)
