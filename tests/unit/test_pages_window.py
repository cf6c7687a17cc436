"""The span of time that a page shows."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from litestar.datastructures import MultiDict

from integration_monitor.record import now
from integration_monitor.server.pages import window
from integration_monitor.server.refusals import ParameterRefused


@pytest.mark.parametrize(
    ("key", "step"),
    [("1h", timedelta(minutes=1)), ("24h", timedelta(hours=1)), ("7d", timedelta(hours=3)), ("30d", timedelta(days=1))],
)
def test_window_has_buckets_that_a_chart_can_show(key: str, step: timedelta) -> None:
    at = datetime(2026, 11, 22, 10, 17, 31, tzinfo=UTC)

    found = window.last(key, at)

    assert found.step == step
    assert len(found.buckets) <= window.BUCKETS_MAX + 1
    assert found.buckets[0] <= found.since
    assert found.buckets[-1] <= found.until < found.buckets[-1] + step
    assert found.before.until == found.since


def test_old_window_has_no_narrower_buckets_than_are_kept() -> None:
    at = now()

    hour_ago = window.between("any", at - timedelta(hours=1), at, at)
    days_ago = window.between("any", at - timedelta(days=5, hours=1), at - timedelta(days=5), at)
    year_ago = window.between("any", at - timedelta(days=365, hours=1), at - timedelta(days=365), at)

    assert [each.step for each in (hour_ago, days_ago, year_ago)] == [
        timedelta(minutes=1),
        timedelta(hours=1),
        timedelta(days=1),
    ]


def test_address_leads_back_to_the_same_window() -> None:
    at = now().replace(second=0, microsecond=0)
    given = {"from": window.address_time(at - timedelta(days=3)), "to": window.address_time(at - timedelta(days=1))}

    found = window.window_of(MultiDict(given))

    assert found.query == given
    assert (found.since, found.until) == (at - timedelta(days=3), at - timedelta(days=1))
    assert window.window_of(MultiDict({})).query == {}
    assert window.window_of(MultiDict({"window": "7d"})).query == {"window": "7d"}


def test_time_without_a_zone_is_the_reader_s() -> None:
    found = window.window_of(MultiDict({"from": "2026-11-20T10:00", "to": "2026-11-20T12:00"}), ZoneInfo("Asia/Almaty"))

    assert found.since == datetime(2026, 11, 20, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "given",
    [
        {"window": "2h"},
        {"from": "yesterday"},
        {"from": "2026-11-20T10:00Z", "to": "2026-11-20T10:00Z"},
        {"from": "1066-10-14T09:00Z"},
        {"to": "9999-12-31T23:59:59-14:00"},
        {"from": "2026-11-21T10:00Z", "to": "2026-11-20T10:00Z"},
    ],
)
def test_impossible_window_is_refused_by_name(given: dict[str, str]) -> None:
    with pytest.raises(ParameterRefused):
        window.window_of(MultiDict(given))
