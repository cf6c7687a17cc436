"""A timeline becomes what the page draws: three charts with the tables behind them, and a sparkline a service."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from integration_monitor.monitoring.timeline import ServiceSeries, Timeline
from integration_monitor.server.pages.colours import NO_SLOT
from integration_monitor.server.pages.context import Bar, Drawing, Legend, ServiceCard
from integration_monitor.server.pages.formats import excerpt, visible

# Height of a sparkline in its own units; `_services.html` draws it in a box of this height.
SPARK_HEIGHT = 36
# With longer names a tooltip does not fit on a telephone, and its figures are cut off.
_NAME_CHARACTERS_MAX = 28
# One failed call among thousands is still seen.
_SPARK_FAILED_MIN = 3


def errors(timeline: Timeline, slots: Mapping[str, int]) -> Drawing:
    """Failed calls a bucket, one series a service that has any."""
    series = [service for service in _with_others(timeline, slots) if any(service.failed)]
    return _over_time("errors", timeline, slots, [(service.service_name, service.failed) for service in series])


def durations(timeline: Timeline, slots: Mapping[str, int]) -> Drawing:
    """Average milliseconds a bucket, one series a service that has any."""
    series = [service for service in _with_others(timeline, slots) if any(value is not None for value in service.avg_duration_ms)]
    return _over_time("durations", timeline, slots, [(service.service_name, service.avg_duration_ms) for service in series])


def calls(cards: Sequence[ServiceCard]) -> Drawing:
    """Calls in the window, succeeded and failed, one row a service that has any."""
    busy = [card for card in cards if card.total_requests]
    data = {
        "names": [_chart_name(card.service_name) for card in busy],
        "succeeded": [card.success_count for card in busy],
        "failed": [card.failed_count for card in busy],
    }
    return Drawing(
        name="calls",
        is_empty=not busy,
        json=_json(data),
        legend=[],
        unit="count",
        rows=[(card.service_name, (card.success_count, card.failed_count)) for card in busy],
    )


def spark(service: ServiceSeries | None) -> Sequence[Bar]:
    """Calls over time, scaled to the service's own busiest bucket."""
    if service is None:
        return ()
    highest = max(service.calls, default=0) or 1
    bars = []
    for total, failed in zip(service.calls, service.failed, strict=True):
        height = SPARK_HEIGHT * total / highest
        failed_height = min(max(height * failed / total, _SPARK_FAILED_MIN), SPARK_HEIGHT) if failed else 0
        bars.append(Bar(succeeded=round(max(height - failed_height, 0), 2), failed=round(failed_height, 2)))
    return bars


def average(calls_of_each: Sequence[int], ms_of_each: Sequence[float | None]) -> float | None:
    """The average of averages in milliseconds, each weighted with its calls; None where nothing was timed."""
    timed = [(calls, ms) for calls, ms in zip(calls_of_each, ms_of_each, strict=True) if ms is not None]
    weight = sum(calls for calls, _ in timed)
    return sum(calls * ms for calls, ms in timed) / weight if weight else None


def _with_others(timeline: Timeline, slots: Mapping[str, int]) -> Sequence[ServiceSeries]:
    """The services that have a colour, and all others as one: twenty grey lines tell nothing apart."""
    others = [service for service in timeline.services if not slots.get(service.service_name)]
    coloured = [service for service in timeline.services if slots.get(service.service_name)]
    if len(others) < 2:  # noqa: PLR2004  # a single one is told by its own name
        return [*coloured, *others]
    averages = [
        average([each.calls[index] for each in others], [each.avg_duration_ms[index] for each in others])
        for index in range(len(timeline.buckets))
    ]
    joined = ServiceSeries(
        service_name=f"{len(others)} other services",
        calls=[sum(values) for values in zip(*(each.calls for each in others), strict=True)],
        failed=[sum(values) for values in zip(*(each.failed for each in others), strict=True)],
        avg_duration_ms=[None if value is None else round(value) for value in averages],
    )
    return [*coloured, joined]


def _chart_name(service_name: str) -> str:
    """A service's name as a chart can show it: it knows no markup and no isolation of writing directions."""
    return visible(excerpt(service_name, _NAME_CHARACTERS_MAX))


def _over_time(
    name: Any, timeline: Timeline, slots: Mapping[str, int], series: Sequence[tuple[str, Sequence[int | None]]]
) -> Drawing:
    legend = [Legend(name=service_name, slot=slots.get(service_name, NO_SLOT)) for service_name, _ in series]
    data = {
        "step": timeline.step,
        "at_ms": [int(bucket.timestamp() * 1_000) for bucket in timeline.buckets],
        "series": [
            {"name": _chart_name(service_name), "slot": slots.get(service_name, NO_SLOT), "values": values}
            for service_name, values in series
        ],
    }
    by_bucket = zip(timeline.buckets, zip(*(values for _, values in series), strict=True), strict=True) if series else ()
    return Drawing(
        name=name,
        is_empty=not series,
        json=_json(data),
        legend=legend,
        unit="duration" if name == "durations" else "count",
        rows=list(reversed(list(by_bucket))),
    )


def _json(data: object) -> str:
    """JSON for an attribute: the template's own escaping makes it safe there."""
    return msgspec.json.encode(data).decode()
