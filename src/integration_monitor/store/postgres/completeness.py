"""What processes told about what they took, and proof that nothing was lost without a word: those that took more than became of it."""

import uuid
from datetime import datetime
from typing import Any, LiteralString, TypeVar

import msgspec
import psycopg
from psycopg.rows import dict_row

from integration_monitor.store.postgres import sql
from integration_monitor.store.postgres.connection import connect
from integration_monitor.store.postgres.errors import translate

Row = TypeVar("Row")

# The table has a row a process of 90 days.
GAPS_TIMEOUT_MS = 30_000
GAPS_LOCK_TIMEOUT_MS = 5_000


class Gap(msgspec.Struct, kw_only=True, frozen=True):
    """A process that has ended, or was not heard of for ten minutes, and what became of the items it took."""

    writer_id: uuid.UUID
    host: str
    pid: int
    started_at: datetime
    #: when it last reported
    heartbeat_at: datetime
    #: whether it ended in order, or fell silent
    is_ended: bool
    taken: int
    written: int
    ignored: int
    #: still in its spool on disk
    spooled: int
    #: lost, and it says why
    dropped: int
    #: refused by the database, and kept in a file
    dead_lettered: int
    #: taken, and nowhere
    missing: int


class WriterReport(msgspec.Struct, kw_only=True, frozen=True):
    """What a process told last about what it took; the counts are those of `integration_monitor.stats()`."""

    writer_id: uuid.UUID
    host: str
    pid: int
    started_at: datetime
    #: when it last reported
    heartbeat_at: datetime
    #: when it ended in order; None where it did not say so
    ended_at: datetime | None
    taken: int
    written: int
    ignored: int
    #: on its disk, waiting for the database
    spooled: int
    dropped: int
    #: the same by reason
    dropped_by_reason: dict[str, int]
    #: refused by the database, and kept in a file
    dead_lettered: int
    #: all processes that were asked for, listed or not
    writer_count: int


def list_writers(database_url: str, *, since: datetime, limit: int) -> list[WriterReport]:
    """Processes heard of since then, those that have not ended first, then the latest. Source: writers_list.sql. Errors as of `list_gaps`."""
    return _ask(database_url, WriterReport, sql.query("writers_list"), {"since": since, "limit": limit})


def list_gaps(database_url: str) -> list[Gap]:
    """The processes with a gap, the latest first; none where everything is accounted for. Source: writers_gaps.sql.

    Errors:
        StoreUnavailable: the database cannot be reached, or not in time.
        PermissionRefused: the login may not read `integration_monitor.writers`.
        StoreError: the database was never migrated.
    """
    return _ask(database_url, Gap, sql.query("writers_gaps"), {})


def _ask(database_url: str, kind: type[Row], question: LiteralString, parameters: dict[str, Any]) -> list[Row]:
    with connect(database_url) as connection:
        try:
            with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
                cursor.execute(
                    sql.query("transaction_bound"),
                    {"statement_timeout": str(GAPS_TIMEOUT_MS), "lock_timeout": str(GAPS_LOCK_TIMEOUT_MS)},
                )
                cursor.execute(sql.query("times_bound"), {"time_zone": "UTC"})
                cursor.execute(question, parameters)
                return msgspec.convert(cursor.fetchall(), list[kind])  # type: ignore[valid-type]  # msgspec takes it as it is
        except psycopg.Error as error:
            raise translate(error) from error
