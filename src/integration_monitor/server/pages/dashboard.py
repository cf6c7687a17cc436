"""`/`: which integration is broken, since when, and what the vendor said."""

from collections.abc import Mapping, Sequence
from typing import Literal

from litestar import get
from litestar.params import FromQuery
from litestar.response import Template

from integration_monitor.monitoring import failures, health, timeline
from integration_monitor.monitoring.health import ServiceHealth, State
from integration_monitor.monitoring.timeline import ServiceSeries, Timeline
from integration_monitor.record import IntegrationLog, now
from integration_monitor.server.auth import AskedQuestions, CallerGiven, requires
from integration_monitor.server.pages import drawings
from integration_monitor.server.pages.colours import NO_SLOT, slots
from integration_monitor.server.pages.context import DashboardPage, FailureRow, ServiceCard, Window

WINDOWS = (
    Window(key="24h", words="24 hours", step="hour"),
    Window(key="30d", words="30 days", step="day"),
)
# The promise is "live": a person who looks sees a new failure within this time.
REFRESH_S = 10
# What fits a glance; the API has all of them.
FAILURES_SHOWN = 30
# From worst to best; a page is as well as its worst service.
_STATES: tuple[State, ...] = ("down", "degraded", "healthy", "idle")


@get("/", name="dashboard", guards=[requires("statistics")], include_in_schema=False)
async def dashboard(caller: CallerGiven, questions: AskedQuestions, window: FromQuery[Literal["24h", "30d"]] = "24h") -> Template:
    """The dashboard. The browser asks for it again every `REFRESH_S` seconds and merges the answer into the page.

    Args:
        caller: Whose rights count: who may not read records sees no failures.
        questions: Asked under the caller's database role.
        window: The span of the figures; the state of a service has a span of its own.
    """
    shown = next(each for each in WINDOWS if each.key == window)
    services = (await health.services(questions)).data
    series = await timeline.timeline(questions, step=shown.step)
    failed = (await failures.latest(questions, limit=FAILURES_SHOWN)).data if caller.may("records") else None
    return Template("dashboard.html", context={"page": page(shown, services, series, failed)})


def page(
    window: Window, services: Sequence[ServiceHealth], series: Timeline, failed: Sequence[IntegrationLog] | None
) -> DashboardPage:
    """What the template shows, from the three answers; `failed` is None where the reader may not see records."""
    by_name = {each.service_name: each for each in series.services}
    colours = slots([*by_name, *(each.service_name for each in services)])
    last_failures = _last_failures(failed or ())
    cards = [
        _card(each, window, by_name.get(each.service_name), colours, last_failures)
        for each in sorted(services, key=lambda each: each.service_name)
    ]
    total = sum(card.total_requests for card in cards)
    failed_count = sum(card.failed_count for card in cards)
    return DashboardPage(
        window=window,
        windows=WINDOWS,
        asked_at=now(),
        refresh_s=REFRESH_S,
        has_records=bool(cards),
        state=min((card.state for card in cards), key=_STATES.index, default="idle"),
        down=[card.service_name for card in cards if card.state == "down"],
        degraded=[card.service_name for card in cards if card.state == "degraded"],
        total_requests=total,
        failed_count=failed_count,
        failure_rate_percent=_percent(failed_count, total),
        services=cards,
        errors=drawings.errors(series, colours),
        calls=drawings.calls(cards),
        durations=drawings.durations(series, colours),
        failures=None if failed is None else [_failure(each, colours) for each in failed],
    )


def _card(
    service: ServiceHealth,
    window: Window,
    series: ServiceSeries | None,
    colours: Mapping[str, int],
    last_failures: Mapping[str, IntegrationLog],
) -> ServiceCard:
    total, failed_count, average = _figures(service, window, series)
    # Calls of the last minutes, whatever the window: those that a process left behind are closed as failed.
    in_progress = service.total_requests - service.success_count - service.failed_count
    last_failure = last_failures.get(service.service_name)
    return ServiceCard(
        service_name=service.service_name,
        slot=colours[service.service_name],
        state=service.state,
        total_requests=total,
        success_count=max(total - failed_count - in_progress, 0),
        failed_count=failed_count,
        failure_rate_percent=_percent(failed_count, total),
        avg_duration_ms=average,
        last_failure_at=last_failure.created_at if last_failure else None,
        bars=drawings.spark(series),
    )


def _figures(service: ServiceHealth, window: Window, series: ServiceSeries | None) -> tuple[int, int, float | None]:
    """Calls, failures and average milliseconds: of 24 hours as the API's `health` tells them, of 30 days as the sum of the days."""
    if window.step == "hour":
        return service.total_requests, service.failed_count, service.avg_duration_ms
    if series is None:
        return 0, 0, None
    return sum(series.calls), sum(series.failed), drawings.average(series.calls, series.avg_duration_ms)


def _last_failures(failed: Sequence[IntegrationLog]) -> Mapping[str, IntegrationLog]:
    """The newest of the listed failures of each service; the list is newest first."""
    newest: dict[str, IntegrationLog] = {}
    for each in failed:
        newest.setdefault(each.service_name, each)
    return newest


def _failure(record: IntegrationLog, colours: Mapping[str, int]) -> FailureRow:
    entity_type, entity_id = _entity(record)
    fault = record.response_payload.get("fault") if isinstance(record.response_payload, dict) else None
    return FailureRow(
        id=record.id,
        created_at=record.created_at,
        service_name=record.service_name,
        slot=colours.get(record.service_name, NO_SLOT),
        action=record.action,
        error_code=record.error_code,
        error_message=record.error_message,
        entity_type=entity_type,
        entity_id=entity_id,
        fault=fault if isinstance(fault, str) else None,
        duration_ms=record.duration_ms,
    )


def _entity(record: IntegrationLog) -> tuple[str | None, str | None]:
    """Type and id as the vendor knows them, which the recorder keeps in request_payload.entity; else the columns."""
    given = record.request_payload.get("entity") if isinstance(record.request_payload, dict) else None
    if isinstance(given, dict) and isinstance(given.get("type"), str) and isinstance(given.get("id"), str | int):
        return given["type"], str(given["id"])
    return record.related_entity_type, str(record.related_entity_id) if record.related_entity_id else None


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
