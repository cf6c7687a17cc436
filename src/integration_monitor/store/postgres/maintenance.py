"""Keeps the tables in order: partitions ahead, retention, what dead processes left. The work is done by `integration_monitor.maintain()`."""

import msgspec
import psycopg

from integration_monitor.store.postgres import sql
from integration_monitor.store.postgres.connection import connect
from integration_monitor.store.postgres.errors import translate

# Deleting a day of the largest tables.
MAINTAIN_TIMEOUT_MS = 600_000
# The function bounds its own waiting; this is for the rows it deletes.
MAINTAIN_LOCK_TIMEOUT_MS = 60_000


class Maintenance(msgspec.Struct, kw_only=True, frozen=True):
    """What one run did."""

    #: another session was at it, and nothing was done
    is_skipped: bool
    #: records too old, in partitions that hold younger ones as well
    rows_deleted: int = 0
    partitions_created: list[str] = []
    #: partitions too old as a whole, empty now
    partitions_emptied: list[str] = []
    partitions_dropped: list[str] = []
    #: what others' locks prevented; the next run does it
    postponed: list[str] = []
    #: records closed as ABANDONED, since their process has not been heard of for ten minutes
    records_abandoned: int = 0
    #: processes of long ago that were forgotten
    writers_removed: int = 0
    #: changes of statistics that nobody else had added up
    statistics_added_up: int = 0


def maintain(database_url: str) -> Maintenance:
    """Runs the maintenance once.

    Errors:
        StoreUnavailable: the database cannot be reached, or not in time.
        PermissionRefused: the login may not run it.
        StoreError: the database was never migrated.
    """
    with connect(database_url) as connection:
        try:
            with connection.transaction():
                connection.execute(
                    sql.query("transaction_bound"),
                    {"statement_timeout": str(MAINTAIN_TIMEOUT_MS), "lock_timeout": str(MAINTAIN_LOCK_TIMEOUT_MS)},
                )
                row = connection.execute(sql.query("logs_maintain")).fetchone()
        except psycopg.Error as error:
            raise translate(error) from error
    return msgspec.convert(row[0] if row else None, Maintenance)
