"""What a store answers: the rows of its questions, and the roles under which they are asked.

Records themselves are `IntegrationLog`. Times are aware, in UTC; durations are milliseconds.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from integration_monitor.record import Fault, IntegrationLog, Status

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


class LogFilter(msgspec.Struct, kw_only=True, frozen=True):
    """What records are searched for: those that fit every condition that is not None."""

    #: the window of created_at, both ends included
    since: datetime
    until: datetime
    service: str | None = None
    action: str | None = None
    status: Status | None = None
    entity_type: str | None = None
    #: as records hold it: see `record.entity_uuid`
    entity_id: uuid.UUID | None = None
    error_code: str | None = None
    #: of failures; one that another writer made up, or none, is unclassified
    fault: Fault | None = None
    #: both ends included; records without a duration fit neither
    duration_min_ms: int | None = None
    duration_max_ms: int | None = None
    #: somewhere in the error message or in a payload, whatever the case
    text: str | None = None


class LogsFound(msgspec.Struct, kw_only=True, frozen=True):
    """What a search found."""

    #: newest first, equal times by id downwards
    logs: Sequence[IntegrationLog]
    #: where the search stopped for want of time, to be gone on with; None where it went on to the limit or to the window's beginning
    stopped_at: RecordPosition | None


class ErrorGroupPosition(msgspec.Struct, kw_only=True, frozen=True, array_like=True):
    """Where a page of error groups ended: its window, and the place of its last row."""

    since: datetime
    until: datetime
    #: whether its failures are the recipients' own
    is_excused: bool
    #: PostgreSQL's bigint
    hurt_count: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    count: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    key: str


class ErrorGroup(msgspec.Struct, kw_only=True, frozen=True):
    """Failures of one service, action, error code and shape of message."""

    key: Annotated[
        str, Meta(description="Names the group, whenever it is asked for: a digest of service, action, code and shape.")
    ]
    service_name: Service
    action: Annotated[str, Meta(description="What was wanted of the service.")]
    error_code: Annotated[str | None, Meta(description="The error code; null where the records have none.")]
    shape: Annotated[
        str,
        Meta(description="The message without what differs from call to call: numbers, ids, addresses and secrets are folded."),
    ]
    fault: Annotated[Fault, Meta(description="Whose doing it is; of several the most frequent.")]
    count: Annotated[int, Meta(description="Failures.")]
    entity_count: Annotated[int, Meta(description="Different entities that they were about.")]
    hurt_count: Annotated[
        int, Meta(description="How many they hurt: the different entities, and each failure that was about none.")
    ]
    retry_safe_count: Annotated[int, Meta(description="Those of them that are safe to repeat at once.")]
    retry_after_count: Annotated[int, Meta(description="Those that are safe to repeat after a while.")]
    first_seen_at: Annotated[datetime, Meta(description="When the first of them began, within the window, UTC.")]
    last_seen_at: Annotated[datetime, Meta(description="When the last of them began, UTC.")]
    sample_id: Annotated[uuid.UUID, Meta(description="The last of them: `logs/{id}` shows it whole.")]
    sample_message: Annotated[str, Meta(description="The words of the last of them, up to 500 characters.")]


class ErrorGroupsFound(msgspec.Struct, kw_only=True, frozen=True):
    """Groups of failures."""

    groups: Sequence[ErrorGroup]
    #: from when on failures were read: later than was asked for where time would have run out
    since: datetime


class BucketOfGroup(msgspec.Struct, frozen=True, array_like=True):
    """How often a group failed in one bucket."""

    at: datetime
    count: int


class EntityOfGroup(msgspec.Struct, frozen=True, array_like=True):
    """One entity that a group of failures was about."""

    type: str | None
    id: uuid.UUID
    #: failures about it
    count: int
    #: the last of them
    last_at: datetime
    last_id: uuid.UUID


class ExampleOfGroup(msgspec.Struct, frozen=True, array_like=True):
    """One failure of a group."""

    id: uuid.UUID
    created_at: datetime
    #: up to 500 characters
    message: str


class ErrorGroupPart(msgspec.Struct, kw_only=True, frozen=True):
    """What a stretch of time holds of one group. Without a failure, what names the group is None."""

    service_name: str | None
    action: str | None
    error_code: str | None
    shape: str | None
    count: int
    retry_safe_count: int
    retry_after_count: int
    #: failures that were about nothing that is known
    without_entity_count: int
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    #: oldest first; those without failures are left out
    buckets: Sequence[BucketOfGroup]
    #: fault → failures
    faults: dict[Fault, int]
    #: most failures first, up to as many as were asked for
    entities: Sequence[EntityOfGroup]
    #: newest first: the last, one near the middle of the time between, and the first; fewer where they are the same
    examples: Sequence[ExampleOfGroup]


class ErrorGroupFound(msgspec.Struct, kw_only=True, frozen=True):
    """What is known of one group."""

    #: newest stretch first
    parts: Sequence[ErrorGroupPart]
    #: from when on failures were read: later than was asked for where time ran out
    since: datetime


#: What statistics can be grouped by.
GroupBy = Literal["service", "action", "status", "error_code", "fault"]


class WindowFilter(msgspec.Struct, kw_only=True, frozen=True):
    """What statistics of a window are about. Its times lie on bounds of the tiers that they are read from."""

    #: where the window before begins: it ends where this one begins. The same as `since` where there is none
    since_before: datetime
    since: datetime
    #: not included
    until: datetime
    #: width of a bucket; None for one bucket of the whole window
    step: timedelta | None
    group_by: tuple[GroupBy, ...]
    service: str | None = None
    action: str | None = None
    status: Status | None = None
    error_code: str | None = None
    fault: Fault | None = None
    #: whether percentiles are wanted: they are what takes most of the time
    has_percentiles: bool = True
    #: whether those of the window before are, too
    has_percentiles_before: bool = True


class TierRange(msgspec.Struct, kw_only=True, frozen=True):
    """Whole buckets of one tier."""

    tier: Literal["minute", "hour", "day"]
    since: datetime
    #: not included
    until: datetime


class WindowPosition(msgspec.Struct, kw_only=True, frozen=True, array_like=True):
    """Where a page of a window's statistics ended: its window, and the key of its last row."""

    since: datetime
    until: datetime
    bucket: datetime
    #: service, action, status, error code, fault; empty where it is not grouped by
    key: tuple[str, str, str, str, str]


class WindowCounts(msgspec.Struct, kw_only=True, frozen=True):
    """One bucket and group of a window. What is not grouped by is None; an error code or fault that a record has not is empty."""

    bucket: datetime
    service_name: str | None
    action: str | None
    status: str | None
    error_code: str | None
    fault: str | None
    count: int
    success_count: int
    failed_count: int
    #: None where no record has a duration; so are the percentiles
    avg_duration_ms: int | None
    p50_ms: int | None
    p95_ms: int | None
    p99_ms: int | None
    #: the same of the window before
    before_count: int
    before_success_count: int
    before_failed_count: int
    before_avg_duration_ms: int | None
    before_p50_ms: int | None
    before_p95_ms: int | None
    before_p99_ms: int | None
