"""The tail of a list of records: rows as they arrive, made by the list's own template."""

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request, get

from integration_monitor.monitoring import health
from integration_monitor.server.api.live import LATEST
from integration_monitor.server.auth import AskedQuestions, requires
from integration_monitor.server.caller import Caller
from integration_monitor.server.live.answer import IS_STREAM, LiveAnswer, live_answer
from integration_monitor.server.live.events import event, word_json
from integration_monitor.server.live.watcher import Told
from integration_monitor.server.pages.colours import tones
from integration_monitor.server.pages.drawings import joined
from integration_monitor.server.pages.filters import filters_of
from integration_monitor.server.pages.log_rows import log_rows
from integration_monitor.server.pages.reader import reader_of
from integration_monitor.server.pages.window import window_of


@get("/logs/live", name="tail", guards=[requires("records")], include_in_schema=False, opt={IS_STREAM: True})
async def tail(request: Request[Caller, Any, Any], questions: AskedQuestions) -> LiveAnswer:
    """Server-sent events as of the endpoint `live`, with the address of a list and rows for it.

    A browser that was cut off says where it was by itself; a page that closed its stream gives `after`.
    """
    window = window_of(request.query_params, reader_of(request).zone)
    filters = filters_of(request.query_params)
    asked = msgspec.structs.replace(filters.asked(window), until=LATEST)
    address = joined(request.app.route_reverse("logs"), dict(filters.values) | window.query)
    colours = tones(each.service_name for each in (await health.services(questions)).data)
    engine = request.app.template_engine
    assert engine is not None
    template = engine.get_template("_live_rows.html")

    def write(told: Sequence[Told]) -> bytes:
        parts = []
        for each in told:
            data = word_json(each)
            if each.record is not None:
                rows = log_rows(request, [each.record], colours, page=address)
                data = template.render(rows=rows, request=request).strip()
            parts.append(event(each, data))
        return b"".join(parts)

    after = request.headers.get("last-event-id") or request.query_params.get("after")
    return live_answer(request, asked, last_event_id=after, write=write)
