"""Figures become what a page draws: charts with the tables behind them, and a sparkline a service."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal
from urllib.parse import urlencode

import msgspec

from integration_monitor.server.pages.context.overview import Bar
from integration_monitor.server.pages.context.shared import Cell, ChartRow, Drawing, Legend
from integration_monitor.server.pages.formats import excerpt, moment, visible
from integration_monitor.server.pages.reader import Reader
from integration_monitor.server.pages.window import Window, address_time

#: Height of a sparkline in its own units; `_services.html` draws it in a box of this height.
SPARK_HEIGHT: Final = 36
# With longer names a tooltip does not fit on a telephone, and its figures are cut off.
_NAME_CHARACTERS_MAX: Final = 28
# One failed call among thousands is still seen.
_SPARK_FAILED_MIN: Final = 3
# More names than this are no legend; the rest is drawn as one.
SERIES_MAX: Final = 10


class Series(msgspec.Struct, kw_only=True, frozen=True):
    """One name of a chart, with its values."""

    #: for people to read
    name: str
    #: its colour, see `colours`
    tone: str
    #: one a bucket; None where there is none
    values: Sequence[float | None]
    #: what an address needs to list the records behind it; None where nothing can
    query: Mapping[str, str] | None = None


class Zoom(msgspec.Struct, kw_only=True, frozen=True):
    """Where a click on a chart leads."""

    #: the page itself, to which `from` and `to` are added
    page: str
    #: the list of records, to which they and a series' own conditions are added; None where the reader may not see records
    logs: str | None


def over_time(  # noqa: PLR0913  # what a chart is made of
    reader: Reader,
    name: str,
    window: Window,
    series: Sequence[Series],
    *,
    kind: Literal["bars", "lines"],
    unit: Literal["count", "duration"],
    zoom: Zoom,
) -> Drawing:
    """A chart of values over time: bars are stacked, lines are on a logarithmic scale."""
    shown = [each for each in series if any(value for value in each.values)]
    buckets = window.buckets
    data = {
        "kind": kind,
        "unit": unit,
        "labels": [moment(reader, bucket, "day" if window.precision == "day" else _axis(window)) for bucket in buckets],
        "titles": [_title(reader, window, bucket) for bucket in buckets],
        "bounds": [address_time(bucket) for bucket in (*buckets, buckets[-1] + window.step)],
        "page": zoom.page,
        "logs": zoom.logs,
        "series": [
            {"name": chart_name(each.name), "tone": each.tone, "values": each.values, "query": urlencode(each.query or {})}
            for each in shown
        ],
    }
    rows = [_row(window, zoom, shown, index, bucket) for index, bucket in enumerate(buckets)] if shown else []
    return Drawing(
        name=name,
        is_empty=not shown,
        json=encode(data),
        legend=[Legend(name=each.name, tone=each.tone) for each in shown],
        unit=unit,
        precision=window.precision,
        rows=rows[::-1],
    )


def _row(window: Window, zoom: Zoom, series: Sequence[Series], index: int, bucket: datetime) -> ChartRow:
    bounds = {"from": address_time(bucket), "to": address_time(bucket + window.step)}

    def cell(each: Series) -> Cell:
        value = each.values[index]
        leads = bool(value) and zoom.logs is not None and each.query is not None
        return Cell(value=value, href=joined(zoom.logs or "", {**(each.query or {}), **bounds}) if leads else None)

    return ChartRow(head=bucket, href=joined(zoom.page, bounds), cells=[cell(each) for each in series])


def joined(href: str, parameters: Mapping[str, str]) -> str:
    """An address with more parameters."""
    return f"{href}{'&' if '?' in href else '?'}{urlencode(parameters)}" if parameters else href


def limited(series: Sequence[Series], others_name: Callable[[int], str]) -> Sequence[Series]:
    """The series that have a colour of their own, and all others as one: twenty grey lines tell nothing apart."""
    kept, others = list(series[:SERIES_MAX]), list(series[SERIES_MAX:])
    if len(others) < 2:  # noqa: PLR2004  # a single one is told by its own name
        return series
    summed = [sum(value or 0 for value in values) for values in zip(*(each.values for each in others), strict=True)]
    return [*kept, Series(name=others_name(len(others)), tone="series-0", values=summed)]


def spark(calls: Sequence[int], failed: Sequence[int]) -> Sequence[Bar]:
    """Calls over time, scaled to the service's own busiest bucket."""
    highest = max(calls, default=0) or 1
    bars = []
    for total, bad in zip(calls, failed, strict=True):
        height = SPARK_HEIGHT * total / highest
        bad_height = min(max(height * bad / total, _SPARK_FAILED_MIN), SPARK_HEIGHT) if bad and total else 0
        bars.append(Bar(succeeded=round(max(height - bad_height, 0), 2), failed=round(bad_height, 2)))
    return bars


def chart_name(name: str) -> str:
    """A name as a chart can show it: it knows no markup and no isolation of writing directions."""
    return visible(excerpt(name, _NAME_CHARACTERS_MAX))


def encode(data: object) -> str:
    """JSON for an attribute: the template's own escaping makes it safe there."""
    return msgspec.json.encode(data).decode()


def _axis(window: Window) -> Literal["axis", "hour"]:
    # A day's hours need no date at each of them.
    return "axis" if (window.until - window.since).total_seconds() <= 2 * 86_400 else "hour"


def _title(reader: Reader, window: Window, bucket: datetime) -> str:
    return moment(reader, bucket, window.precision)
