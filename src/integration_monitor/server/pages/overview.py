"""`/`: which integration is broken, since when, whom it hurts, and what the vendor said."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Literal

import msgspec
from litestar import Request, get
from litestar.params import FromQuery
from litestar.response import Template

from integration_monitor.errors import PermissionRefused
from integration_monitor.monitoring import health, logs
from integration_monitor.monitoring.health import ServiceHealth, State
from integration_monitor.monitoring.questions import Questions
from integration_monitor.monitoring.windows import WindowRow
from integration_monitor.record import IntegrationLog
from integration_monitor.server.auth import AskedQuestions, CallerGiven, requires
from integration_monitor.server.caller import Caller
from integration_monitor.server.pages import drawings
from integration_monitor.server.pages.asking import may_see_system, page_questions, statistics
from integration_monitor.server.pages.colours import FAULTS, tones
from integration_monitor.server.pages.context.overview import ActionRow, IncidentRow, OverviewPage, ServiceCard
from integration_monitor.server.pages.context.shared import Frame, Link
from integration_monitor.server.pages.drawings import Series, Zoom, joined
from integration_monitor.server.pages.figures import by_bucket, numbers, percentile_series, whole
from integration_monitor.server.pages.frame import frame
from integration_monitor.server.pages.log_rows import log_rows
from integration_monitor.server.pages.reader import Reader, reader_of
from integration_monitor.server.pages.window import Window, window_of
from integration_monitor.server.pages.words import fault_word, incident_words
from integration_monitor.store.answers import LogFilter
from integration_monitor.store.incidents import Incident
from integration_monitor.store.page_answers import LossRow, ServiceLatest
from integration_monitor.store.postgres.incidents import PostgresIncidents

# What fits a glance; the page of records has all of them.
FAILURES_SHOWN: Final = 12
INCIDENTS_SHOWN: Final = 20
# A service that is silent now but was called in this time is listed.
_SEEN: Final = timedelta(days=30)
#: The action of a probe, whatever its service.
PROBE_ACTION: Final = "test_connection"
# What was lost longer ago is told on the page about the monitor itself.
_LOSSES: Final = timedelta(hours=24)
# From worst to best; a page is as well as its worst service.
_STATES: Final[tuple[State, ...]] = ("down", "degraded", "healthy", "idle")

Stack = Literal["service", "fault"]


class Answers(msgspec.Struct, kw_only=True, frozen=True):
    """What the overview asks for, all at once."""

    services: Sequence[ServiceHealth]
    latest: Sequence[ServiceLatest]
    totals: Sequence[WindowRow]
    actions: Sequence[WindowRow]
    stepped: Sequence[WindowRow]
    percentiles: Sequence[WindowRow]
    #: None where the reader may not see records
    failures: Sequence[IntegrationLog] | None
    #: None where the reader may not know
    losses: Sequence[LossRow] | None
    #: None where the reader may not see records
    incidents: Sequence[Incident] | None
    may_acknowledge: bool


async def ask(request: Any, caller: Caller, questions: Questions, window: Window) -> Answers:
    """The answers for one reader."""
    own = page_questions(request)
    may_see = caller.may("records")
    services, latest, totals, actions, stepped, percentiles = await asyncio.gather(
        health.services(questions),
        own.services_latest(since=window.asked_at - _SEEN, now=window.asked_at, probe=PROBE_ACTION),
        statistics(questions, window, "service"),
        statistics(questions, window, "service", "action"),
        statistics(questions, window, "service", "fault", is_stepped=True, has_percentiles=False),
        statistics(questions, window, is_stepped=True),
    )
    failures, incidents, losses = await asyncio.gather(
        _failures(questions, window) if may_see else _nothing(),
        _open_incidents(request, caller) if may_see else _nothing(),
        own.losses(since=window.asked_at - _LOSSES) if may_see_system(caller) else _nothing(),
    )
    return Answers(
        services=services.data,
        latest=latest,
        totals=totals,
        actions=actions,
        stepped=stepped,
        percentiles=percentiles,
        failures=failures,
        losses=losses,
        incidents=incidents,
        may_acknowledge=caller.may("acknowledge"),
    )


@get("/", name="dashboard", guards=[requires("statistics")], include_in_schema=False)
async def overview(
    request: Request[Caller, Any, Any], caller: CallerGiven, questions: AskedQuestions, by: FromQuery[Stack] = "service"
) -> Template:
    """The overview. The browser asks for it again every few seconds and merges the answer into the page.

    Args:
        request: Whose address tells the window.
        caller: Whose rights count: who may not read records sees no failures.
        questions: Asked under the caller's database role.
        by: What failures are stacked by.
    """
    reader = reader_of(request)
    window = window_of(request.query_params, reader.zone)
    around = frame(request, "dashboard", window, parameters={} if by == "service" else {"by": by})
    answers = await ask(request, caller, questions, window)
    return Template(
        "overview.html", context={"page": page(request, reader, window=window, around=around, answers=answers, by=by)}
    )


def page(  # noqa: PLR0913  # what a page is made of
    request: Any, reader: Reader, *, window: Window, around: Frame, answers: Answers, by: Stack
) -> OverviewPage:
    """What the template shows, from the answers."""
    colours = tones(each.service_name for each in answers.services)
    logs_page = joined(request.app.route_reverse("logs"), window.query)
    zoom = Zoom(
        page=joined(around.path, dict(around.kept)),
        logs=joined(request.app.route_reverse("logs"), {"status": "failed"}) if answers.failures is not None else None,
    )
    cards = _cards(request, window, answers, colours)
    return OverviewPage(
        frame=around,
        has_records=bool(cards),
        state=min((card.state for card in cards), key=_STATES.index, default="idle"),
        down=[card.service_name for card in cards if card.state == "down"],
        degraded=[card.service_name for card in cards if card.state == "degraded"],
        numbers=whole(answers.totals),
        incidents=_incidents(request, window, answers),
        may_acknowledge=answers.may_acknowledge,
        is_losing=None if answers.losses is None else bool(answers.losses),
        services=cards,
        stacks=[
            Link(
                key=key, href=joined(around.path, ({} if key == "service" else {"by": key}) | window.query), is_current=key == by
            )
            for key in ("service", "fault")
        ],
        errors=drawings.over_time(
            reader, "errors", window, _errors(reader, window, answers.stepped, colours, by), kind="bars", unit="count", zoom=zoom
        ),
        durations=drawings.over_time(
            reader,
            "durations",
            window,
            percentile_series(window, answers.percentiles),
            kind="lines",
            unit="duration",
            zoom=Zoom(page=zoom.page, logs=None),
        ),
        actions=_actions(answers, colours, logs_page),
        failures=None if answers.failures is None else log_rows(request, answers.failures, colours, page=around.address),
        failures_href=joined(logs_page, {"status": "failed"}),
    )


def _errors(reader: Reader, window: Window, rows: Sequence[WindowRow], colours: Mapping[str, str], by: Stack) -> Sequence[Series]:
    if by == "fault":
        return [
            Series(
                name=fault_word(reader, fault),
                tone=f"fault-{fault}",
                values=by_bucket(window, [row for row in rows if row.fault == fault], lambda row: row.failed_count),
                query={"fault": fault},
            )
            for fault in FAULTS
        ]
    services = sorted(
        {row.service_name or "" for row in rows}, key=lambda name: (colours.get(name, "series-0") == "series-0", name)
    )
    series = [
        Series(
            name=service,
            tone=colours.get(service, "series-0"),
            values=by_bucket(window, [row for row in rows if row.service_name == service], lambda row: row.failed_count),
            query={"service": service},
        )
        for service in services
        if any(row.failed_count for row in rows if row.service_name == service)
    ]
    return drawings.limited(
        series,
        lambda number: reader.ngettext("%(number)s other service", "%(number)s other services", number) % {"number": number},
    )


def _cards(request: Any, window: Window, answers: Answers, colours: Mapping[str, str]) -> Sequence[ServiceCard]:
    totals = {row.service_name: row for row in answers.totals}
    latest_by_name = {each.service_name: each for each in answers.latest}
    words: dict[str, str | None] = {}
    for each in answers.failures or ():
        words.setdefault(each.service_name, each.error_message or each.error_code)
    service_page = joined(request.app.route_reverse("service"), window.query)
    cards = []
    for service in sorted(answers.services, key=lambda each: each.service_name):
        name = service.service_name
        latest = latest_by_name.get(name)
        rows = [row for row in answers.stepped if row.service_name == name]
        probes = [at for at in (latest.probe_succeeded_at, latest.probe_failed_at) if at] if latest else []
        cards.append(
            ServiceCard(
                service_name=name,
                tone=colours[name],
                state=service.state,
                href=joined(service_page, {"service": name}),
                numbers=numbers(totals.get(name)),
                last_failed_at=latest.failed_at if latest else None,
                last_words=words.get(name),
                last_probe_at=max(probes, default=None),
                is_probe_good=bool(latest and probes and max(probes) == latest.probe_succeeded_at),
                bars=drawings.spark(
                    [int(value or 0) for value in by_bucket(window, rows, lambda row: row.count)],
                    [int(value or 0) for value in by_bucket(window, rows, lambda row: row.failed_count)],
                ),
            )
        )
    return cards


def _actions(answers: Answers, colours: Mapping[str, str], logs_page: str) -> Sequence[ActionRow]:
    rows = [row for row in answers.actions if row.count]
    busiest = max((row.count for row in rows), default=1)
    return [
        ActionRow(
            service_name=row.service_name or "",
            tone=colours.get(row.service_name or "", "series-0"),
            action=row.action or "",
            href=None
            if answers.failures is None
            else joined(logs_page, {"service": row.service_name or "", "action": row.action or ""}),
            numbers=numbers(row),
            share_percent=round(100 * row.count / busiest, 1),
        )
        for row in sorted(rows, key=lambda row: (row.service_name or "", -row.count, row.action or ""))
    ]


def _incidents(request: Any, window: Window, answers: Answers) -> Sequence[IncidentRow]:
    states = {each.service_name: each.state for each in answers.services}
    service_page = joined(request.app.route_reverse("service"), window.query)
    reader = reader_of(request)
    return [
        IncidentRow(
            id=each.id,
            subject=each.service_name or "",
            severity=each.severity,
            better=_better(each.severity, states.get(each.service_name or "")),
            summary=incident_words(reader, each.summary, each.facts),
            since_at=each.since_at,
            acknowledged_by=each.acknowledged_by,
            href=joined(service_page, {"service": each.service_name})
            if each.service_name
            else request.app.route_reverse("system"),
            take_href=request.app.route_reverse("acknowledge_incident", incident_id=each.id),
        )
        for each in reversed(answers.incidents or ())
    ]


def _better(worst: str, state: State | None) -> State | None:
    """The state that a service is in by now, where its incident's worst is another one; an incident goes on until it is well for a while."""
    return state if worst in {"down", "degraded"} and state not in {worst, "down"} else None


async def _open_incidents(request: Any, caller: Caller) -> Sequence[Incident]:
    """What is open, newest first; nothing for who sees some records and not others, since an incident tells of all."""
    try:
        return await PostgresIncidents(request.app.state.connections).list(
            caller.role, service=None, is_open=True, before=None, limit=INCIDENTS_SHOWN
        )
    except PermissionRefused:
        return []


async def _failures(questions: Questions, window: Window) -> Sequence[IntegrationLog]:
    asked = LogFilter(since=window.since, until=window.until, status="failed")
    return (await logs.search(questions, asked, limit=FAILURES_SHOWN)).data


async def _nothing() -> None:
    return None
