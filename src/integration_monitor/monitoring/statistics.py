"""Hourly and daily statistics, as the views of the database contract show them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from integration_monitor import record
from integration_monitor.monitoring import cursor
from integration_monitor.monitoring.page import Page
from integration_monitor.monitoring.questions import Questions
from integration_monitor.store.answers import DailyPosition, DailyStatistics, DurationPercentiles, HourlyStatistics

#: The daily view reaches this far back.
DAYS_MAX = 30
#: The hourly view reaches this far back.
HOURS_MAX = 24
# A month of some twenty services with six actions and three statuses fits into one answer of about 3 MB.
LIMIT_MAX = 10_000


async def daily(
    questions: Questions,
    *,
    days: int = DAYS_MAX,
    service: str | None = None,
    limit: int = LIMIT_MAX,
    before: str | None = None,
) -> Page[DailyStatistics]:
    """One row a service, action, status and day, newest day first, then by service, action and status.

    days:
        How far back, 1 to 30; every day that overlaps is shown in full, so one day gives yesterday and today.

    Errors:
        CursorError: `before` is not a cursor of this question.
    """
    after = None if before is None else cursor.decode(before, DailyPosition)
    since = day_of(record.now() - timedelta(days=days))
    # One row more than asked for tells whether there is a next page.
    rows = await questions.stats_daily(since=since, service=service, after=after, limit=limit + 1)
    if len(rows) <= limit:
        return Page(data=rows)
    return Page(data=rows[:limit], next=cursor.encode(_position(rows[limit - 1])))


async def hourly(questions: Questions, *, service: str | None = None) -> Sequence[HourlyStatistics]:
    """One row a service, action, status and hour of the last 24 hours, newest hour first, then by service, action and status."""
    return await questions.stats_hourly(since=hour_of(record.now() - timedelta(hours=HOURS_MAX)), service=service)


async def percentiles(questions: Questions, *, days: int = DAYS_MAX, service: str | None = None) -> Sequence[DurationPercentiles]:
    """One row a service with durations: p50, p95 and p99 of the last days, by whole hours; by name."""
    now = record.now()
    return await questions.percentiles(since=now - timedelta(days=days), until=now, service=service)


def day_of(at: datetime) -> datetime:
    """The beginning of the UTC day of `at`, which is in UTC."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def hour_of(at: datetime) -> datetime:
    """The beginning of the hour of `at`, which is in UTC."""
    return at.replace(minute=0, second=0, microsecond=0)


def _position(row: DailyStatistics) -> DailyPosition:
    return DailyPosition(day=row.day, service_name=row.service_name, action=row.action, status=row.status)
