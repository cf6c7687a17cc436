"""What a store answers: the rows of its questions, and the roles under which they are asked.

Records themselves are `IntegrationLog`. Times are aware, in UTC; durations are milliseconds.
"""

import uuid
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from integration_monitor.record import Fault, Status

#: The database role that a question runs under; row level security decides what it may see.
Role = Literal["service_role", "authenticated", "integration_monitor_statistics"]
Step = Literal["hour", "day"]
#: What a key of the server signs: session cookies, or API tokens where no shared secret is set.
KeyPurpose = Literal["session", "jwt"]

Service = Annotated[str, Meta(description="The service that was called, such as `amocrm`.")]
Count = Annotated[int, Meta(description="Records of the row.")]
AverageMs = Annotated[int | None, Meta(description="Average duration in milliseconds, rounded; null where no record has one.")]
FailureRate = Annotated[float, Meta(description="Failed records in percent of all records, two decimals.")]


class HourlyStatistics(msgspec.Struct, kw_only=True, frozen=True):
    """One row of `public.integration_stats_hourly`: a service's action and status in one hour."""

    service_name: Service
    action: Annotated[str, Meta(description="What was wanted of the service, such as `send_email`.")]
    status: Status
    hour: Annotated[datetime, Meta(description="Beginning of the hour, UTC.")]
    count: Count
    avg_duration_ms: AverageMs
    min_duration_ms: Annotated[int | None, Meta(description="Shortest duration in milliseconds.")]
    max_duration_ms: Annotated[int | None, Meta(description="Longest duration in milliseconds.")]


class DailyStatistics(msgspec.Struct, kw_only=True, frozen=True):
    """One row of `public.integration_stats_daily`: a service's action and status on one day."""

    service_name: Service
    action: Annotated[str, Meta(description="What was wanted of the service, such as `send_email`.")]
    status: Status
    day: Annotated[datetime, Meta(description="Beginning of the day, UTC.")]
    count: Count
    avg_duration_ms: AverageMs
    min_duration_ms: Annotated[int | None, Meta(description="Shortest duration in milliseconds.")]
    max_duration_ms: Annotated[int | None, Meta(description="Longest duration in milliseconds.")]
    failed_count: Annotated[int, Meta(description="Failed records of the row.")]
    success_count: Annotated[int, Meta(description="Successful records of the row.")]
    failure_rate_percent: Annotated[
        float, Meta(description="Failures in percent of all records of this service, action and day, two decimals.")
    ]


class DailyPosition(msgspec.Struct, kw_only=True, frozen=True, array_like=True):
    """Where a page of daily statistics ended: the key of its last row."""

    day: datetime
    service_name: str
    action: str
    status: str


class RecordPosition(msgspec.Struct, kw_only=True, frozen=True, array_like=True):
    """Where a page of records ended: the key of its last record."""

    created_at: datetime
    id: uuid.UUID


class HealthSample(msgspec.Struct, kw_only=True, frozen=True):
    """Which records a service's health is judged on."""

    #: a service with a record from this time is listed
    seen_since: datetime
    #: totals count records from this time
    since: datetime
    #: recent records are those from this time
    recent_since: datetime
    #: with so many recent records the latest ones are not asked for
    recent_min: int
    #: how many of the latest records from `since` are looked at
    latest_max: int
    #: a failed record speaks against its service unless its fault is one of these
    excused_faults: tuple[Fault, ...]


class ServiceCounts(msgspec.Struct, kw_only=True, frozen=True):
    """What the state of a service is judged on; one row a service. A fault here is a failure that speaks against the service."""

    service_name: str
    #: records of the last 24 hours
    total_requests: int
    success_count: int
    failed_count: int
    avg_duration_ms: int | None
    #: records of the last minutes, and how many of them are faults
    recent_count: int
    recent_faults: int
    #: the latest few records of the last 24 hours, and how many of them are faults; 0 where the recent ones are enough
    latest_count: int
    latest_faults: int


class BucketCounts(msgspec.Struct, kw_only=True, frozen=True):
    """One service in one hour or day."""

    #: beginning of the hour or day, UTC
    bucket: datetime
    service_name: str
    calls: int
    failed: int
    #: weighted by count; None where no record has a duration
    avg_duration_ms: int | None


class DurationPercentiles(msgspec.Struct, kw_only=True, frozen=True):
    """How long the calls of one service took: half, 95 and 99 percent of them at most so long. Each within 5 % of the exact figure."""

    service_name: str
    #: those that have a duration
    calls: int
    p50_ms: int
    p95_ms: int
    p99_ms: int
