"""What the server itself does to its database and wants to know of it: maintenance, statistics, and whether it was migrated."""

from typing import Final

import msgspec
from psycopg.rows import scalar_row

from integration_monitor.errors import StoreError
from integration_monitor.store.postgres.maintenance import MAINTAIN_TIMEOUT_MS, Maintenance
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.sql import query

#: So many changes are added up in about half a second.
CHANGES_MAX: Final = 20_000

#: What a database says that was never migrated: no such schema, table, column, function or role.
UNMIGRATED_STATES: Final = frozenset({"3F000", "42P01", "42703", "42883", "22023"})


async def maintain(connections: Connections) -> Maintenance:
    """Makes partitions ahead and applies retention. Source: logs_maintain.sql.

    Errors:
        StoreUnavailable: the database cannot be reached, or it took longer than ten minutes.
        StoreError: it answered with an error.
    """
    async with (
        connections.transaction("service_role", is_writing=True, statement_timeout_s=MAINTAIN_TIMEOUT_MS / 1000) as connection,
        connection.cursor(row_factory=scalar_row) as cursor,
    ):
        await cursor.execute(query("logs_maintain"))
        return msgspec.convert(await cursor.fetchone(), Maintenance)


async def add_up(connections: Connections) -> int:
    """Adds up what was written since the last time, at most CHANGES_MAX changes, and gives how many there were. Source: statistics_add_up.sql.

    Errors:
        StoreUnavailable: the database cannot be reached, or did not answer in time.
        StoreError: it answered with an error.
    """
    async with (
        connections.transaction("service_role", is_writing=True) as connection,
        connection.cursor(row_factory=scalar_row) as cursor,
    ):
        await cursor.execute(query("statistics_add_up"), {"changes_max": CHANGES_MAX})
        return await cursor.fetchone() or 0


async def applied_migrations(connections: Connections) -> set[str]:
    """The names of the migrations that the database has; none where it was never migrated. Source: migrations_applied.sql.

    Errors:
        StoreUnavailable: the database cannot be reached, or did not answer in time.
        StoreError: it answered with another error.
    """
    try:
        async with connections.transaction("service_role") as connection, connection.cursor() as cursor:
            await cursor.execute(query("migrations_applied"))
            return {name for name, *_ in await cursor.fetchall()}
    except StoreError as error:
        if error.sqlstate in UNMIGRATED_STATES:
            return set()
        raise
