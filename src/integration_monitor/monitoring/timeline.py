"""Series for charts: every service's calls, failures and average duration, bucket by bucket, without gaps."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from integration_monitor import record
from integration_monitor.monitoring.questions import Questions
from integration_monitor.monitoring.statistics import DAYS_MAX, HOURS_MAX, day_of, hour_of
from integration_monitor.store.answers import BucketCounts, Step


class ServiceSeries(msgspec.Struct, kw_only=True, frozen=True):
    """One service's values, one for each bucket of the timeline."""

    service_name: str
    calls: Sequence[int]
    failed: Sequence[int]
    #: milliseconds; None where no call of the bucket has a duration
    avg_duration_ms: Sequence[int | None]


class Timeline(msgspec.Struct, kw_only=True, frozen=True):
    """What happened over time. Buckets that overlap the window are whole, so there are 25 hours or 31 days."""

    step: Step
    #: beginnings, oldest first, UTC
    buckets: Sequence[datetime]
    #: by name
    services: Sequence[ServiceSeries]


async def timeline(questions: Questions, *, step: Step, now: datetime | None = None) -> Timeline:
    """The last 24 hours by hour, or the last 30 days by day."""
    buckets = buckets_until(now or record.now(), step)
    return arrange(await questions.timeline(step=step, since=buckets[0]), buckets, step)


def buckets_until(now: datetime, step: Step) -> list[datetime]:
    """The beginnings of all buckets that overlap the step's window, oldest first."""
    if step == "hour":
        return [hour_of(now) - timedelta(hours=age) for age in range(HOURS_MAX, -1, -1)]
    return [day_of(now) - timedelta(days=age) for age in range(DAYS_MAX, -1, -1)]


def arrange(counts: Iterable[BucketCounts], buckets: Sequence[datetime], step: Step) -> Timeline:
    """One series for each service of `counts`; a bucket that has no row has no calls. Rows of other buckets are left out."""
    by_service: dict[str, dict[datetime, BucketCounts]] = {}
    for row in counts:
        by_service.setdefault(row.service_name, {})[row.bucket] = row
    return Timeline(
        step=step,
        buckets=buckets,
        services=[_series(service, by_service[service], buckets) for service in sorted(by_service)],
    )


def _series(service: str, rows: dict[datetime, BucketCounts], buckets: Sequence[datetime]) -> ServiceSeries:
    values = [rows.get(bucket) for bucket in buckets]
    return ServiceSeries(
        service_name=service,
        calls=[row.calls if row else 0 for row in values],
        failed=[row.failed if row else 0 for row in values],
        avg_duration_ms=[row.avg_duration_ms if row else None for row in values],
    )
