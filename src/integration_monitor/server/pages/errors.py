"""`/errors`: failures of one kind together, most hurtful first: what the vendor says, whose doing it is, whom it hurts."""

from collections.abc import Sequence
from typing import Any, Final

from litestar import Request, get
from litestar.response import Template

from integration_monitor.monitoring import error_groups, health
from integration_monitor.server.auth import AskedQuestions, CallerGiven, requires
from integration_monitor.server.caller import Caller
from integration_monitor.server.pages import drawings
from integration_monitor.server.pages.asking import statistics
from integration_monitor.server.pages.colours import FAULTS, tones
from integration_monitor.server.pages.context.records import ErrorRow, ErrorsPage
from integration_monitor.server.pages.drawings import Series, Zoom, joined
from integration_monitor.server.pages.error import error_href, words_of
from integration_monitor.server.pages.figures import by_bucket
from integration_monitor.server.pages.filters import conditions, filters_of
from integration_monitor.server.pages.frame import frame
from integration_monitor.server.pages.reader import Reader, reader_of
from integration_monitor.server.pages.window import Window, window_of
from integration_monitor.server.pages.words import fault_word
from integration_monitor.store.answers import ErrorGroup

GROUPS_MAX: Final = 30
_FILTERS: Final = ("service", "action", "error_code", "fault")


@get("/errors", name="errors", guards=[requires("statistics")], include_in_schema=False)
async def errors_page(request: Request[Caller, Any, Any], caller: CallerGiven, questions: AskedQuestions) -> Template:
    """The groups, and failures over time by fault. A reader who comes sees the chart at once: the browser asks for the page again by itself,
    and then for the groups, which take up to two seconds.
    """
    reader = reader_of(request)
    window = window_of(request.query_params, reader.zone)
    filters = filters_of(request.query_params, _FILTERS)
    before = request.query_params.get("before") or None
    values = dict(filters.values)
    around = frame(request, "errors", window, parameters={**values, **({"before": before} if before else {})})
    service_names = [each.service_name for each in (await health.services(questions)).data]
    stepped = await statistics(
        questions,
        window,
        "fault",
        is_stepped=True,
        service=values.get("service"),
        action=values.get("action"),
        has_percentiles=False,
    )
    may_see = caller.may("records")
    logs_page = joined(request.app.route_reverse("logs"), {**values, "status": "failed"})
    is_pending = may_see and "hx-request" not in request.headers
    found = None
    if may_see and not is_pending:
        found = await error_groups.grouped(questions, filters.asked(window), limit=GROUPS_MAX, before=before)
    chosen = [fault for fault in FAULTS if values.get("fault", fault) == fault]
    series = [
        Series(
            name=fault_word(reader, fault),
            tone=f"fault-{fault}",
            values=by_bucket(window, [row for row in stepped if row.fault == fault], lambda row: row.failed_count),
            query={"fault": fault},
        )
        for fault in chosen
    ]
    page = ErrorsPage(
        frame=around,
        values=values,
        chips=filters.chips(around.path, window),
        service_names=service_names,
        is_pending=is_pending,
        read_since=found.read_since if found and found.read_since > window.since else None,
        groups=None
        if found is None
        else _rows(request, reader, found.data, service_names=service_names, window=window, page_address=around.address),
        more_href=joined(around.path, {**values, **window.query, "before": found.next}) if found and found.next else None,
        errors=drawings.over_time(
            reader,
            "errors",
            window,
            series,
            kind="bars",
            unit="count",
            zoom=Zoom(page=joined(around.path, values), logs=logs_page if may_see else None),
        ),
    )
    return Template("errors.html", context={"page": page})


def _rows(  # noqa: PLR0913  # what a list of groups is made of
    request: Any,
    reader: Reader,
    groups: Sequence[ErrorGroup],
    *,
    service_names: Sequence[str],
    window: Window,
    page_address: str,
) -> list[ErrorRow]:
    colours = tones([*service_names, *(each.service_name for each in groups)])
    most = max((each.count for each in groups), default=1)
    logs_page = joined(request.app.route_reverse("logs"), window.query)
    return [
        ErrorRow(
            key=each.key,
            service_name=each.service_name,
            tone=colours[each.service_name],
            action=each.action,
            error_code=each.error_code,
            shape=each.shape,
            sample_message=each.sample_message,
            explanation=words_of(request, reader, each),
            fault=each.fault,
            count=each.count,
            share_percent=round(100 * each.count / most, 1),
            entity_count=each.entity_count,
            safe_count=each.retry_safe_count + each.retry_after_count,
            first_seen_at=each.first_seen_at,
            last_seen_at=each.last_seen_at,
            page_href=error_href(request, window, each),
            href=joined(
                logs_page,
                {
                    "status": "failed",
                    **conditions(service=each.service_name, action=each.action, error_code=each.error_code),
                },
            ),
            sample_href=joined(page_address, {"record": str(each.sample_id)}),
            sample_id=each.sample_id,
        )
        for each in groups
    ]
