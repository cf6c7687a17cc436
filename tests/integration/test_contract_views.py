"""The two views of statistics: whole buckets in UTC, and figures that mean something on every row."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

HOURLY = ["service_name", "action", "status", "hour", "count", "avg_duration_ms", "min_duration_ms", "max_duration_ms"]
DAILY = [*HOURLY[:3], "day", *HOURLY[4:], "failed_count", "success_count", "failure_rate_percent"]

Row = dict[str, Any]


@pytest.fixture
def connection(each_database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """One transaction for the whole test: the present stands still in it, so no hour ends between two statements."""
    with psycopg.connect(each_database_url) as connection:
        yield connection


def add(
    connection: psycopg.Connection[Any],
    *,
    status: str = "success",
    duration_ms: int | None = 150,
    created_at: datetime | None = None,
    action: str = "test_connection",
    times: int = 1,
) -> None:
    connection.execute(
        "insert into public.integration_logs (service_name, action, status, duration_ms, created_at)"
        " select 'amocrm', %s, %s, %s, coalesce(%s, now()) from generate_series(1, %s)",
        [action, status, duration_ms, created_at, times],
    )


def read(connection: psycopg.Connection[Any], view: str) -> list[Row]:
    cursor = connection.execute(f"select * from public.integration_stats_{view} order by 1, 2, 3, 4".encode())
    assert cursor.description is not None
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def present_hour(connection: psycopg.Connection[Any]) -> datetime:
    row = connection.execute("select now()").fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def test_one_record_of_now_gives_one_row_in_each_view(connection: psycopg.Connection[Any]) -> None:
    connection.execute(
        "insert into public.integration_logs (service_name, action, status, duration_ms)"
        " values ('amocrm', 'test_connection', 'success', 150)"
    )

    (hourly,) = read(connection, "hourly")
    (daily,) = read(connection, "daily")

    assert list(hourly) == HOURLY
    assert list(daily) == DAILY
    assert list(hourly.values())[4:] == [1, 150, 150, 150]
    assert list(daily.values())[4:] == [1, 150, 150, 150, 0, 1, Decimal("0.00")]
    assert str(daily["failure_rate_percent"]) == "0.00"
    assert str(daily["avg_duration_ms"]) == "150"


def test_the_failure_rate_is_that_of_the_action_on_the_day_on_every_row(connection: psycopg.Connection[Any]) -> None:
    add(connection, times=5)
    add(connection, status="failed", times=2)
    add(connection, status="pending", duration_ms=None)
    add(connection, status="failed", action="sync_lead")

    rows = read(connection, "daily")

    assert [
        (row["action"], row["status"], row["failed_count"], row["success_count"], str(row["failure_rate_percent"]))
        for row in rows
    ] == [
        ("sync_lead", "failed", 1, 0, "100.00"),
        ("test_connection", "failed", 2, 0, "25.00"),
        ("test_connection", "pending", 0, 0, "25.00"),
        ("test_connection", "success", 0, 5, "25.00"),
    ]


def test_durations_are_whole_numbers_and_null_without_any(connection: psycopg.Connection[Any]) -> None:
    for duration_ms in (100, 101, 105, None):
        add(connection, duration_ms=duration_ms)
    add(connection, status="pending", duration_ms=None)

    pending, success = read(connection, "hourly")

    assert [success[name] for name in HOURLY[4:]] == [4, 102, 100, 105]
    assert [pending[name] for name in HOURLY[4:]] == [1, None, None, None]


def test_the_first_hour_is_shown_whole_and_the_one_before_not_at_all(connection: psycopg.Connection[Any]) -> None:
    first = present_hour(connection) - timedelta(hours=24)
    add(connection, created_at=first)
    add(connection, created_at=first + timedelta(minutes=59, seconds=59))
    add(connection, created_at=first - timedelta(microseconds=1))

    rows = read(connection, "hourly")

    assert [(row["hour"], row["count"]) for row in rows] == [(first, 2)]


def test_the_first_day_is_shown_whole_and_the_one_before_not_at_all(connection: psycopg.Connection[Any]) -> None:
    first = present_hour(connection).replace(hour=0) - timedelta(days=30)
    add(connection, created_at=first)
    add(connection, created_at=first + timedelta(hours=23, minutes=59))
    add(connection, created_at=first - timedelta(microseconds=1))

    rows = read(connection, "daily")

    assert [(row["day"], row["count"]) for row in rows] == [(first, 2)]


def test_times_to_come_are_not_shown(connection: psycopg.Connection[Any]) -> None:
    add(connection, created_at=datetime.now(UTC) + timedelta(days=2))
    add(connection, created_at=datetime(9999, 1, 1, tzinfo=UTC))

    assert read(connection, "hourly") == []
    assert read(connection, "daily") == []


@pytest.mark.parametrize("zone", ["Asia/Almaty", "Asia/Kolkata", "America/St_Johns", "UTC"])
def test_buckets_are_utc_whatever_the_sessions_time_zone(connection: psycopg.Connection[Any], zone: str) -> None:
    moment = present_hour(connection) - timedelta(hours=1)
    add(connection, created_at=moment + timedelta(minutes=1))
    add(connection, created_at=moment + timedelta(minutes=59))
    connection.execute(f"set timezone to '{zone}'".encode())

    (hourly,) = read(connection, "hourly")
    (daily,) = read(connection, "daily")

    assert hourly["hour"].astimezone(UTC) == moment
    assert daily["day"].astimezone(UTC) == moment.replace(hour=0)
