"""What a store answers to the dashboard alone: rows that no endpoint of the API shows.

Times are aware, in UTC; durations are milliseconds, sizes bytes.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec


class ServiceLatest(msgspec.Struct, kw_only=True, frozen=True):
    """When things last happened to a service: to the minute of the last two days, to the day before."""

    service_name: str
    #: None where nothing failed
    failed_at: datetime | None
    #: when its probe last ran and succeeded
    probe_succeeded_at: datetime | None
    #: when its probe last ran and failed
    probe_failed_at: datetime | None


class HeatCell(msgspec.Struct, kw_only=True, frozen=True):
    """Calls of one service in one bucket of time and one of duration."""

    bucket: datetime
    #: the shortest duration of its bin
    least_ms: int
    count: int


class WriterRow(msgspec.Struct, kw_only=True, frozen=True):
    """A process that writes, and what became of what it took."""

    writer_id: uuid.UUID
    host: str
    pid: int
    started_at: datetime
    #: when it last reported
    heartbeat_at: datetime
    #: when it ended in order; None where it has not
    ended_at: datetime | None
    taken: int
    written: int
    ignored: int
    #: in its spool on disk
    spooled: int
    #: lost
    dropped: int
    #: the same by reason
    dropped_by_reason: Mapping[str, int]
    #: refused by the database, kept in a file
    dead_lettered: int
    #: taken, and neither written nor anywhere else: under way, or a gap
    open_count: int
    #: how many processes there are, listed or not
    writer_count: int


class LossRow(msgspec.Struct, kw_only=True, frozen=True):
    """Items that were lost for one reason."""

    #: as writers name it; `dead_lettered` for what the database refused
    reason: str
    count: int
    #: processes that lost some
    writer_count: int
    #: when one of these was last heard of
    last_at: datetime


class PartitionRow(msgspec.Struct, kw_only=True, frozen=True):
    """One partition of the records."""

    name: str
    #: whether it holds what fits no other
    is_default: bool
    #: as of its last analysis
    record_estimate: int
    #: with its indexes
    total_bytes: int
    index_bytes: int


class SystemFacts(msgspec.Struct, kw_only=True, frozen=True):
    """What the database says of itself and of what the product keeps in it."""

    #: of PostgreSQL
    server_version: str
    database_bytes: int
    #: of the sums
    statistics_bytes: int
    #: changes that are not yet added up
    change_count: int
    #: when the oldest record was created; None where there is none
    oldest_at: datetime | None
    newest_at: datetime | None


class SystemSettings(msgspec.Struct, kw_only=True, frozen=True):
    """What this database was set to."""

    #: age at which a record is removed
    retention: timedelta
    #: width of a partition
    partition_days: int
    #: the last one that was applied
    migration: str
    migrated_at: datetime


class RollupCheck(msgspec.Struct, kw_only=True, frozen=True):
    """Whether statistics tell what the records tell."""

    record_count: int
    summed_count: int
    #: whether counts, failures and durations agree
    is_equal: bool


class System(msgspec.Struct, kw_only=True, frozen=True):
    """All of it, of one moment."""

    writers: Sequence[WriterRow]
    losses: Sequence[LossRow]
    partitions: Sequence[PartitionRow]
    facts: SystemFacts
    #: None where the role may not ask
    settings: SystemSettings | None
    check: RollupCheck
