"""Series for charts have a value for every bucket."""

from datetime import UTC, datetime, timedelta

from integration_monitor.monitoring.timeline import arrange, buckets_until
from integration_monitor.store.answers import BucketCounts

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def row(bucket: datetime, service: str, calls: int, failed: int = 0, avg_duration_ms: int | None = 100) -> BucketCounts:
    return BucketCounts(bucket=bucket, service_name=service, calls=calls, failed=failed, avg_duration_ms=avg_duration_ms)


def test_hours_overlap_a_whole_day() -> None:
    buckets = buckets_until(NOW, "hour")

    assert len(buckets) == 25
    assert buckets[0] == datetime(2026, 2, 28, 12, tzinfo=UTC)
    assert buckets[-1] == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_days_overlap_thirty_days() -> None:
    buckets = buckets_until(NOW, "day")

    assert len(buckets) == 31
    assert buckets[0] == datetime(2026, 1, 30, tzinfo=UTC)
    assert buckets[-1] == datetime(2026, 3, 1, tzinfo=UTC)


def test_buckets_without_calls_are_zero_and_without_duration() -> None:
    buckets = [NOW, NOW + timedelta(hours=1), NOW + timedelta(hours=2)]

    series = arrange([row(buckets[1], "whapi", 3, 1), row(buckets[0], "amocrm", 2, 0, None)], buckets, "hour").services

    assert [each.service_name for each in series] == ["amocrm", "whapi"]
    assert series[1].calls == [0, 3, 0]
    assert series[1].failed == [0, 1, 0]
    assert series[1].avg_duration_ms == [None, 100, None]
    assert series[0].avg_duration_ms == [None, None, None]


def test_rows_outside_the_buckets_are_left_out() -> None:
    assert arrange([row(NOW - timedelta(hours=1), "amocrm", 9)], [NOW], "hour").services[0].calls == [0]
