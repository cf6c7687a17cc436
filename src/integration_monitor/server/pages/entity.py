"""`/entity`: everything that was sent about one lead, student or user, over all services, in the order of time."""

from datetime import timedelta
from typing import Any, Final

from litestar import Request, get
from litestar.response import Template

from integration_monitor.monitoring import entities, failures
from integration_monitor.server.auth import AskedQuestions, CallerGiven, requires
from integration_monitor.server.caller import Caller
from integration_monitor.server.pages.colours import tones
from integration_monitor.server.pages.context.records import EntityPage
from integration_monitor.server.pages.drawings import joined
from integration_monitor.server.pages.filters import filters_of
from integration_monitor.server.pages.frame import frame
from integration_monitor.server.pages.log_rows import log_rows
from integration_monitor.server.pages.window import between, window_of

ROWS_MAX: Final = 100
_KEPT: Final = timedelta(days=failures.DAYS_KEPT)
# A record whose writer's clock is ahead shows all the same.
_CLOCKS_APART: Final = timedelta(days=1)


@get("/entity", name="entity", guards=[requires("statistics")], include_in_schema=False)
async def entity_page(request: Request[Caller, Any, Any], caller: CallerGiven, questions: AskedQuestions) -> Template:
    """The timeline, or the form that asks whose."""
    filters = filters_of(request.query_params, ("type", "id"))
    before = request.query_params.get("before") or None
    values = dict(filters.values)
    window = window_of(request.query_params)
    around = frame(request, "entity", window, parameters={**values, **({"before": before} if before else {})}, has_windows=False)
    is_asked = {"type", "id"} <= values.keys() and caller.may("records")
    rows, more_href = None, None
    if is_asked:
        asked = filters.asked(between("any", window.asked_at - _KEPT, window.asked_at + _CLOCKS_APART, window.asked_at))
        found = await entities.timeline(questions, asked, limit=ROWS_MAX, before=before)
        rows = log_rows(request, found.data, tones(each.service_name for each in found.data), page=around.address)
        more_href = joined(around.path, {**values, "before": found.next}) if found.next else None
    page = EntityPage(
        frame=around,
        entity_type=values.get("type", ""),
        entity_id=values.get("id", ""),
        logs=rows,
        is_refused=not caller.may("records"),
        more_href=more_href,
    )
    return Template("entity.html", context={"page": page})
