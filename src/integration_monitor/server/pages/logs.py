"""`/logs`: every record, newest first, by whatever one remembers of it."""

from datetime import timedelta
from typing import Any, Final

import msgspec
from litestar import Request, get
from litestar.response import Template

from integration_monitor.monitoring import health, logs
from integration_monitor.server.auth import AskedQuestions, CallerGiven, requires
from integration_monitor.server.caller import Caller
from integration_monitor.server.pages.colours import tones
from integration_monitor.server.pages.context.records import LogsPage
from integration_monitor.server.pages.drawings import joined
from integration_monitor.server.pages.filters import filters_of
from integration_monitor.server.pages.frame import frame
from integration_monitor.server.pages.log_rows import log_rows
from integration_monitor.server.pages.reader import reader_of
from integration_monitor.server.pages.window import window_of

# Two screens.
ROWS_MAX: Final = 50
_TEXT_LONGEST: Final = timedelta(days=logs.TEXT_DAYS_MAX)


@get("/logs", name="logs", guards=[requires("statistics")], include_in_schema=False)
async def logs_page(request: Request[Caller, Any, Any], caller: CallerGiven, questions: AskedQuestions) -> Template:
    """The list, or why the reader may not see it."""
    window = window_of(request.query_params, reader_of(request).zone)
    filters = filters_of(request.query_params)
    before = request.query_params.get("before") or None
    values = dict(filters.values)
    around = frame(request, "logs", window, parameters={**values, **({"before": before} if before else {})})
    newest = joined(around.path, values | window.query)
    page = LogsPage(
        frame=around,
        values=values,
        chips=filters.chips(around.path, window),
        service_names=[each.service_name for each in (await health.services(questions)).data],
        logs=None,
        older_href=None,
        newest_href=newest if before else None,
        live_href=None if before or window.key == "any" else joined(request.app.route_reverse("tail"), values | window.query),
        is_narrowed=False,
        is_partial=False,
    )
    if not caller.may("records"):
        return Template("logs.html", context={"page": page})
    asked = filters.asked(window)
    is_narrowed = asked.text is not None and asked.until - asked.since > _TEXT_LONGEST
    if is_narrowed:
        asked = msgspec.structs.replace(asked, since=asked.until - _TEXT_LONGEST)
    found = await logs.search(questions, asked, limit=ROWS_MAX, before=before)
    page = msgspec.structs.replace(
        page,
        logs=log_rows(
            request, found.data, tones([*page.service_names, *(each.service_name for each in found.data)]), page=around.address
        ),
        older_href=joined(newest, {"before": found.next}) if found.next else None,
        is_narrowed=is_narrowed,
        is_partial=found.next is not None and len(found.data) < ROWS_MAX,
    )
    return Template("logs.html", context={"page": page})
