"""`/service`: what one vendor does over time."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from litestar import Request, get
from litestar.response import Template

from integration_monitor.monitoring import health, logs
from integration_monitor.monitoring.health import ServiceHealth, State
from integration_monitor.monitoring.questions import Questions
from integration_monitor.monitoring.windows import WindowRow, cut
from integration_monitor.record import IntegrationLog
from integration_monitor.server.auth import AskedQuestions, CallerGiven, requires
from integration_monitor.server.caller import Caller
from integration_monitor.server.pages import drawings
from integration_monitor.server.pages.asking import page_questions, statistics
from integration_monitor.server.pages.budget import budget, budget_series
from integration_monitor.server.pages.colours import tones
from integration_monitor.server.pages.context.overview import ActionRow
from integration_monitor.server.pages.context.service import CodeRow, Probe, ServicePage
from integration_monitor.server.pages.context.shared import Drawing, Frame, Link
from integration_monitor.server.pages.drawings import Series, Zoom, joined
from integration_monitor.server.pages.figures import by_bucket, numbers, percentile_series
from integration_monitor.server.pages.filters import filters_of
from integration_monitor.server.pages.frame import frame
from integration_monitor.server.pages.heat import heat
from integration_monitor.server.pages.log_rows import log_rows
from integration_monitor.server.pages.overview import PROBE_ACTION
from integration_monitor.server.pages.reader import Reader, reader_of
from integration_monitor.server.pages.window import Window, address_time, floor, window_of
from integration_monitor.store.answers import LogFilter
from integration_monitor.store.page_answers import HeatCell

FAILURES_SHOWN: Final = 10
PROBES_SHOWN: Final = 60
# What tells enough of a budget; each record brings its payload along.
BUDGET_RECORDS: Final = 200
# More codes than this are a long tail.
CODES_SHOWN: Final = 15
_STATES: Final = ("down", "degraded", "healthy", "idle")


class Answers(msgspec.Struct, kw_only=True, frozen=True):
    """What is asked about one service, all at once."""

    totals: Sequence[WindowRow]
    actions: Sequence[WindowRow]
    codes: Sequence[WindowRow]
    stepped: Sequence[WindowRow]
    stepped_codes: Sequence[WindowRow]
    heat: Sequence[HeatCell]
    #: the three are None where the reader may not see records
    failures: Sequence[IntegrationLog] | None
    probes: Sequence[IntegrationLog] | None
    latest: Sequence[IntegrationLog] | None


@get("/service", name="service", guards=[requires("statistics")], include_in_schema=False)
async def service_page(request: Request[Caller, Any, Any], caller: CallerGiven, questions: AskedQuestions) -> Template:
    """One service: the one that the address names, else the one that is worst off."""
    reader = reader_of(request)
    window = window_of(request.query_params, reader.zone)
    services = (await health.services(questions)).data
    chosen = filters_of(request.query_params, ("service",)).values.get("service")
    if chosen is None:
        worst = min(services, key=lambda each: (_STATES.index(each.state), each.service_name), default=None)
        chosen = worst.service_name if worst else ""
    around = frame(request, "service", window, parameters={"service": chosen} if chosen else {})
    answers = await ask(request, caller, questions, window, chosen)
    return Template(
        "service.html",
        context={"page": page(request, reader, window=window, around=around, services=services, chosen=chosen, answers=answers)},
    )


async def ask(request: Any, caller: Caller, questions: Questions, window: Window, service: str) -> Answers:
    """The answers for one reader."""
    start, end = floor(window.since, window.step), window.buckets[-1] + window.step
    may_see = caller.may("records")

    async def records(limit: int, **conditions: Any) -> Sequence[IntegrationLog] | None:
        if not may_see:
            return None
        if not limit:
            return []
        asked = LogFilter(since=window.since, until=window.until, service=service, **conditions)
        return (await logs.search(questions, asked, limit=limit)).data

    totals, actions, codes, stepped, stepped_codes, cells = await asyncio.gather(
        statistics(questions, window, service=service),
        statistics(questions, window, "action", service=service),
        statistics(questions, window, "error_code", "fault", service=service, has_percentiles=False),
        statistics(questions, window, is_stepped=True, service=service),
        statistics(questions, window, "error_code", is_stepped=True, service=service, has_percentiles=False),
        page_questions(request).heat(
            service=service, since=start, until=end, step=window.step, ranges=list(cut(start, end, window.step))
        ),
    )
    # What statistics have not counted is not looked for: to find no record takes a look at every one of the window.
    has_failures = any(row.failed_count for row in totals)
    has_probes = any(row.action == PROBE_ACTION and row.count for row in actions)
    failures, probes, latest = await asyncio.gather(
        records(FAILURES_SHOWN if has_failures else 0, status="failed"),
        records(PROBES_SHOWN if has_probes else 0, action=PROBE_ACTION),
        records(BUDGET_RECORDS),
    )
    return Answers(
        totals=totals,
        actions=actions,
        codes=codes,
        stepped=stepped,
        stepped_codes=stepped_codes,
        heat=cells,
        failures=failures,
        probes=probes,
        latest=latest,
    )


def page(  # noqa: PLR0913  # what a page is made of
    request: Any,
    reader: Reader,
    *,
    window: Window,
    around: Frame,
    services: Sequence[ServiceHealth],
    chosen: str,
    answers: Answers,
) -> ServicePage:
    """What the template shows, from the answers."""
    colours = tones([*(each.service_name for each in services), chosen])
    may_see = answers.failures is not None
    own_logs = joined(request.app.route_reverse("logs"), {"service": chosen}) if may_see else None
    zoom = Zoom(page=joined(around.path, dict(around.kept)), logs=own_logs)
    state: State = next((each.state for each in services if each.service_name == chosen), "idle")

    def drawn(name: str, series: Sequence[Series], kind: Any, unit: Any) -> Drawing:
        return drawings.over_time(reader, name, window, series, kind=kind, unit=unit, zoom=zoom)

    return ServicePage(
        frame=around,
        services=[
            Link(
                key=each.state,
                name=each.service_name,
                href=joined(around.path, {"service": each.service_name} | window.query),
                is_current=each.service_name == chosen,
            )
            for each in services
        ],
        service_name=chosen,
        tone=colours[chosen],
        state=state,
        numbers=numbers(answers.totals[0] if answers.totals else None),
        calls=drawn("calls", _calls(reader, window, answers.stepped), "bars", "count"),
        errors=drawn("errors", _codes_over_time(reader, window, answers.stepped_codes), "bars", "count"),
        durations=drawn("durations", percentile_series(window, answers.stepped), "lines", "duration"),
        heat=heat(window, answers.heat),
        actions=_actions(answers.actions, chosen, colours[chosen], own_logs, window),
        codes=_codes(answers.codes, own_logs, window),
        probes=None if answers.probes is None else _probes(answers.probes, around.address),
        budget=budget(answers.latest or ()),
        budgets=drawn("budgets", budget_series(reader, window, answers.latest or ()), "lines", "count"),
        failures=None if answers.failures is None else log_rows(request, answers.failures, colours, page=around.address),
        failures_href=joined(own_logs or "", {"status": "failed"} | window.query),
        report_href=joined(
            "/api/admin/integrations/monitoring/report",
            {"service": chosen, "from": address_time(window.since), "to": address_time(window.until), "format": "html"},
        ),
    )


def _calls(reader: Reader, window: Window, rows: Sequence[WindowRow]) -> Sequence[Series]:
    return [
        Series(
            name=reader.gettext("Succeeded"),
            tone="chart-good",
            values=by_bucket(window, rows, lambda row: row.success_count),
            query={"status": "success"},
        ),
        Series(
            name=reader.gettext("Failed"),
            tone="chart-bad",
            values=by_bucket(window, rows, lambda row: row.failed_count),
            query={"status": "failed"},
        ),
    ]


def _codes_over_time(reader: Reader, window: Window, rows: Sequence[WindowRow]) -> Sequence[Series]:
    counts: dict[str, int] = {}
    for row in rows:
        if row.failed_count:
            counts[row.error_code or ""] = counts.get(row.error_code or "", 0) + row.failed_count
    codes = sorted(counts, key=lambda code: (-counts[code], code))
    series = [
        Series(
            name=code or reader.gettext("No code"),
            tone=f"series-{index}" if index <= drawings.SERIES_MAX else "series-0",
            values=by_bucket(window, [row for row in rows if row.error_code == code], lambda row: row.failed_count),
            query={"status": "failed"} | ({"error_code": code} if code else {}),
        )
        for index, code in enumerate(codes, start=1)
    ]
    return drawings.limited(
        series, lambda number: reader.ngettext("%(number)s other code", "%(number)s other codes", number) % {"number": number}
    )


def _actions(rows: Sequence[WindowRow], service: str, tone: str, own_logs: str | None, window: Window) -> Sequence[ActionRow]:
    called = sorted((row for row in rows if row.count), key=lambda row: (-row.count, row.action or ""))
    busiest = called[0].count if called else 1
    return [
        ActionRow(
            service_name=service,
            tone=tone,
            action=row.action or "",
            href=joined(own_logs, {"action": row.action or ""} | window.query) if own_logs else None,
            numbers=numbers(row),
            share_percent=round(100 * row.count / busiest, 1),
        )
        for row in called
    ]


def _codes(rows: Sequence[WindowRow], own_logs: str | None, window: Window) -> Sequence[CodeRow]:
    failed = sorted((row for row in rows if row.failed_count), key=lambda row: (-row.failed_count, row.error_code or ""))
    total = sum(row.failed_count for row in failed)
    return [
        CodeRow(
            error_code=row.error_code or "",
            fault=row.fault or "unclassified",
            count=row.failed_count,
            share_percent=round(100 * row.failed_count / total, 1),
            href=joined(own_logs, _conditions(row) | window.query) if own_logs else None,
        )
        for row in failed[:CODES_SHOWN]
    ]


def _conditions(row: WindowRow) -> dict[str, str]:
    return {"status": "failed"} | ({"error_code": row.error_code} if row.error_code else {})


def _probes(records: Sequence[IntegrationLog], address: str) -> Sequence[Probe]:
    return [
        Probe(
            at=each.created_at,
            is_good=each.status == "success",
            duration_ms=each.duration_ms,
            words=each.error_message or each.error_code,
            href=joined(address, {"record": str(each.id)}),
        )
        for each in records
    ]
