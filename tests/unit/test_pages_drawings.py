"""Colours, charts and sparklines, from invented timelines."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from integration_monitor.monitoring.timeline import ServiceSeries, Timeline
from integration_monitor.server.pages import drawings
from integration_monitor.server.pages.colours import SLOT_COUNT, slots

VENDORS = ("amocrm", "mobizon", "resend", "telegram", "whapi")
HOUR = datetime(2026, 11, 22, 10, tzinfo=UTC)


def series(
    name: str, *, calls: Sequence[int] = (4, 0), failed: Sequence[int] = (1, 0), averages: Sequence[int | None] = (200, None)
) -> ServiceSeries:
    return ServiceSeries(service_name=name, calls=calls, failed=failed, avg_duration_ms=averages)


def timeline(*services: ServiceSeries) -> Timeline:
    return Timeline(step="hour", buckets=[HOUR, HOUR + timedelta(hours=1)], services=services)


def coloured(*services: ServiceSeries) -> tuple[Timeline, Mapping[str, int]]:
    return timeline(*services), slots(service.service_name for service in services)


def test_vendors_keep_their_colour_whoever_else_is_there() -> None:
    alone = slots(VENDORS)
    among_others = slots([*VENDORS, "aaa.example.com", "zzz.example.com"])

    assert {name: among_others[name] for name in VENDORS} == alone
    assert len(set(among_others.values())) == len(VENDORS) + 2


def test_hosts_have_colours_of_their_own_while_there_are_any() -> None:
    names = [f"{number:02}.example.com" for number in range(SLOT_COUNT + 3)]

    found = slots(names)

    assert sorted(found.values()) == [0, 0, 0, *range(1, SLOT_COUNT + 1)]
    assert found == slots(reversed(names))


def test_errors_are_drawn_by_service_that_has_any() -> None:
    drawing = drawings.errors(*coloured(series("amocrm", failed=[0, 0]), series("telegram", failed=[3, 1])))

    data = json.loads(drawing.json)

    assert data["at_ms"] == [int(HOUR.timestamp() * 1000), int(HOUR.timestamp() * 1000) + 3_600_000]
    assert data["series"] == [{"name": "telegram", "slot": 3, "values": [3, 1]}]
    assert [each.name for each in drawing.legend] == ["telegram"]


def test_table_behind_a_chart_begins_with_the_newest_bucket() -> None:
    drawing = drawings.durations(*coloured(series("amocrm", averages=[200, 300]), series("telegram", averages=[None, 90])))

    assert drawing.rows == [(HOUR + timedelta(hours=1), (300, 90)), (HOUR, (200, None))]
    assert drawing.unit == "duration"


def test_chart_without_values_is_empty() -> None:
    quiet = coloured(series("amocrm", failed=[0, 0], averages=[None, None]))

    assert drawings.errors(*quiet).is_empty
    assert drawings.durations(*quiet).is_empty
    assert drawings.calls([]).is_empty


def test_services_without_a_colour_are_drawn_as_one() -> None:
    many = [series(f"{number:02}.example.com", calls=[number, 0], failed=[1, 0], averages=[100, None]) for number in range(13)]

    data = json.loads(drawings.errors(*coloured(*many)).json)

    assert len(data["series"]) == SLOT_COUNT + 1
    assert data["series"][-1] == {"name": "3 other services", "slot": 0, "values": [3, 0]}


def test_average_of_averages_is_weighted_with_calls() -> None:
    assert drawings.average([9, 1, 5], [100, 200, None]) == 110
    assert drawings.average([5], [None]) is None
    assert drawings.average([], []) is None


def test_names_cannot_act_in_a_chart() -> None:
    name = "\u202egnp.exe" + "x" * 1_000_000

    data = json.loads(drawings.errors(*coloured(series(name))).json)

    assert data["series"][0]["name"].startswith(r"\u202egnp.exe")
    assert len(data["series"][0]["name"]) < 60


def test_sparkline_shows_one_failure_among_thousands() -> None:
    busy, quiet = drawings.spark(series("amocrm", calls=[10_000, 0], failed=[1, 0]))

    assert busy.failed == 3
    assert busy.failed + busy.succeeded == drawings.SPARK_HEIGHT
    assert (quiet.succeeded, quiet.failed) == (0, 0)


def test_sparkline_never_leaves_its_box() -> None:
    bars = drawings.spark(series("amocrm", calls=[1, 1_000], failed=[1, 1_000]))

    assert all(0 <= bar.succeeded + bar.failed <= drawings.SPARK_HEIGHT for bar in bars)
