"""What monitoring needs of a store. An implementation is bound to the role of whoever asks."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from integration_monitor.record import IntegrationLog
from integration_monitor.store.answers import (
    BucketCounts,
    DailyPosition,
    DailyStatistics,
    DurationPercentiles,
    EntityOfGroup,
    ErrorGroupFound,
    ErrorGroupPosition,
    ErrorGroupsFound,
    HealthSample,
    HourlyStatistics,
    LogFilter,
    LogsFound,
    RecordPosition,
    ServiceCounts,
    Step,
    TierRange,
    WindowCounts,
    WindowFilter,
    WindowPosition,
)


class Questions(Protocol):
    """A store's questions, each asked in one transaction that only reads.

    Errors:
        StoreUnavailable: the store cannot be reached, or did not answer in time.
        PermissionRefused: the role may not see this.
    """

    async def stats_daily(
        self, *, since: datetime, service: str | None, after: DailyPosition | None, limit: int
    ) -> Sequence[DailyStatistics]:
        """Rows of days from `since`, newest day first, then by service, action and status; those behind `after`."""

    async def stats_hourly(self, *, since: datetime, service: str | None) -> Sequence[HourlyStatistics]:
        """Rows of hours from `since`, newest hour first, then by service, action and status."""

    async def failures_latest(
        self, *, since: datetime, service: str | None, action: str | None, before: RecordPosition | None, limit: int
    ) -> Sequence[IntegrationLog]:
        """Failed records created from `since`, newest first, equal times by id downwards; those behind `before`."""

    async def failures_one(self, *, record_id: uuid.UUID, created_at: datetime) -> IntegrationLog | None:
        """One record by its whole key."""

    async def health_counts(self, sample: HealthSample) -> Sequence[ServiceCounts]:
        """One row for each service that has a record from `sample.seen_since`, by name."""

    async def percentiles(self, *, since: datetime, until: datetime, service: str | None) -> Sequence[DurationPercentiles]:
        """One row for each service with durations in these whole hours, by name."""

    async def timeline(self, *, step: Step, since: datetime) -> Sequence[BucketCounts]:
        """Buckets from `since`, oldest first, then by service; buckets without calls are left out."""

    async def windows(
        self, asked: WindowFilter, *, ranges: Sequence[TierRange], after: WindowPosition | None, limit: int
    ) -> Sequence[WindowCounts]:
        """Rows of buckets and groups with calls, newest bucket first, then by group; those behind `after`.

        ranges:
            Which tiers hold both windows.
        """

    async def logs_search(self, asked: LogFilter, *, before: RecordPosition | None, limit: int) -> LogsFound:
        """Records that fit, newest first, equal times by id downwards; those behind `before`."""

    async def logs_one(self, record_id: uuid.UUID, *, service: str | None) -> IntegrationLog | None:
        """One record by its id, wherever it lies; None also where it is another service's."""

    async def entity_timeline(self, asked: LogFilter, *, after: RecordPosition | None, limit: int) -> Sequence[IntegrationLog]:
        """Records about the entity of `asked`, oldest first, equal times by id upwards; those behind `after`."""

    async def error_groups(
        self, asked: LogFilter, *, after: ErrorGroupPosition | None, limit: int, is_whole: bool
    ) -> ErrorGroupsFound:
        """Groups of failures, most hurtful first, equal ones by key; those behind `after`.

        is_whole:
            Reads the whole window, however long it takes; else as much of it, from its end, as can be read in a while.
        """

    async def error_group(self, asked: LogFilter, *, key: str, step: timedelta, entities_max: int) -> ErrorGroupFound:
        """One group of failures, by stretches of time, newest first; it stops where time runs out.

        step:
            Width of its buckets.
        entities_max:
            Of each stretch.
        """

    async def entities_given(self, entities: Sequence[EntityOfGroup]) -> Mapping[uuid.UUID, str]:
        """Their ids as the vendor knows them, where records tell: our id → the vendor's."""
