"""Figures become charts, tables, sparklines and heat maps."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from integration_monitor.record import IntegrationLog, Json, new_id
from integration_monitor.server.pages import drawings
from integration_monitor.server.pages.budget import budget
from integration_monitor.server.pages.colours import tones
from integration_monitor.server.pages.drawings import Series, Zoom
from integration_monitor.server.pages.heat import LEVELS, heat, level
from integration_monitor.server.pages.reader import Reader
from integration_monitor.server.pages.window import Window, last
from integration_monitor.store.page_answers import HeatCell

AT = datetime(2026, 11, 22, 10, 17, tzinfo=UTC)
READER = Reader(language="en", zone=ZoneInfo("UTC"))
ZOOM = Zoom(page="/?by=service", logs="/logs?status=failed")


def window() -> Window:
    return last("24h", AT)


def values(**at: int) -> list[int | None]:
    """One value a bucket, those of `at` at their index (`_3=5`), else nought."""
    return [at.get(f"_{index}", 0) for index in range(len(window().buckets))]


def test_chart_has_the_same_figures_in_its_table_newest_first() -> None:
    series = [Series(name="amocrm", tone="series-1", values=values(_0=4, _24=2), query={"service": "amocrm"})]

    drawn = drawings.over_time(READER, "errors", window(), series, kind="bars", unit="count", zoom=ZOOM)

    data = msgspec.json.decode(drawn.json)
    assert data["series"][0]["values"] == values(_0=4, _24=2)
    assert [row.cells[0].value for row in drawn.rows] == values(_0=4, _24=2)[::-1]
    assert len(data["bounds"]) == len(data["labels"]) + 1 == len(drawn.rows) + 1


def test_table_leads_where_a_click_on_the_chart_does() -> None:
    series = [Series(name="amocrm", tone="series-1", values=values(_24=2), query={"service": "amocrm"})]

    newest, older, *_ = drawings.over_time(READER, "errors", window(), series, kind="bars", unit="count", zoom=ZOOM).rows

    bounds = "from=2026-11-22T10%3A00Z&to=2026-11-22T11%3A00Z"
    assert newest.href == f"/?by=service&{bounds}"
    assert newest.cells[0].href == f"/logs?status=failed&service=amocrm&{bounds}"
    assert older.cells[0].href is None


def test_reader_who_may_see_no_records_is_led_to_none() -> None:
    series = [Series(name="amocrm", tone="series-1", values=values(_24=2), query={"service": "amocrm"})]

    drawn = drawings.over_time(READER, "errors", window(), series, kind="bars", unit="count", zoom=Zoom(page="/", logs=None))

    assert "/logs" not in drawn.json
    assert {cell.href for row in drawn.rows for cell in row.cells} == {None}


def test_chart_without_values_is_empty() -> None:
    drawn = drawings.over_time(
        READER, "errors", window(), [Series(name="a", tone="p50", values=values())], kind="bars", unit="count", zoom=ZOOM
    )

    assert drawn.is_empty
    assert drawn.rows == []


def test_many_series_are_drawn_as_few_and_nothing_is_left_out() -> None:
    series = [Series(name=f"s{index}", tone="series-0", values=values(_1=index)) for index in range(25)]

    shown = drawings.limited(series, lambda number: f"{number} others")

    assert [each.name for each in shown[-2:]] == ["s9", "15 others"]
    assert sum(each.values[1] or 0 for each in shown) == sum(range(25))
    assert drawings.limited(series[:11], str) == series[:11]


def test_name_in_a_chart_is_short_and_acts_nowhere() -> None:
    assert drawings.chart_name("x" * 1_000) == "x" * 27 + "…"
    assert drawings.chart_name("a\u202eb") == "a\\u202eb"


def test_sparkline_shows_one_failure_among_thousands() -> None:
    quiet, busy = drawings.spark([0, 10_000], [0, 1])

    assert (quiet.succeeded, quiet.failed) == (0, 0)
    assert busy.failed == 3
    assert busy.succeeded + busy.failed == drawings.SPARK_HEIGHT


def test_service_keeps_its_colour_whoever_else_is_there() -> None:
    few, many = tones(["telegram", "zebra"]), tones(["telegram", *(f"s{index}" for index in range(30))])

    assert few["telegram"] == many["telegram"] == "series-3"
    assert len({tone for tone in many.values() if tone != "series-0"}) == 10
    assert list(many.values()).count("series-0") == 31 - 10


def test_heat_map_holds_every_call_in_its_band() -> None:
    bucket = window().buckets[3]
    cells = [HeatCell(bucket=bucket, least_ms=ms, count=count) for ms, count in ((110, 5), (299, 2), (1_500, 1), (-4, 3))]

    drawn = heat(window(), [*cells, HeatCell(bucket=AT - timedelta(days=9), least_ms=5, count=99)])

    assert [(row.least_ms, row.counts[3]) for row in drawn.rows] == [
        (1_000, 1), (500, 0), (200, 2), (100, 5), (50, 0), (20, 0), (10, 0), (0, 3),
    ]  # fmt: skip
    assert drawn.most == 5
    assert heat(window(), []).rows == []


@pytest.mark.parametrize(("count", "most", "shade"), [(0, 9, 0), (1, 100_000, 1), (100_000, 100_000, LEVELS), (1, 1, LEVELS)])
def test_one_call_among_many_is_still_seen(count: int, most: int, shade: int) -> None:
    assert level(count, most) == shade


@pytest.mark.parametrize("told", [None, 5, {}, {"remaining": "many"}, {"remaining": True}, {"limit": 5}, []])
def test_budget_that_is_none_is_not_made_up(told: Json) -> None:
    assert budget([log({"rate_limit": told}), log("text"), log(None)]) is None


def test_budget_is_the_newest_that_was_told() -> None:
    found = budget([log({}), log({"rate_limit": {"remaining": 30, "limit": 120, "reset_at": "2026-11-22T10:20:00Z"}}), log({})])

    assert found is not None
    assert (found.remaining, found.limit, found.left_percent) == (30, 120, 25)
    assert found.reset_at == datetime(2026, 11, 22, 10, 20, tzinfo=UTC)


def log(response: Json) -> IntegrationLog:
    return IntegrationLog(
        id=new_id(AT), service_name="a", action="b", status="success", response_payload=response, created_at=AT, updated_at=AT
    )
