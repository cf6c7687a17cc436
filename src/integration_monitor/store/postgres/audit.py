"""The audit: what was done to the installation by hand, one row each, never changed. Acts on keys, incidents and settings write theirs themselves."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from integration_monitor.store.answers import Role
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.sql import query

# The one role that may.
_ROLE: Final[Role] = "service_role"


class Act(msgspec.Struct, kw_only=True, frozen=True):
    """An administrative act."""

    id: int
    #: UTC, as all times
    at: datetime
    actor: str
    #: such as `key_created`
    act: str
    subject: str
    details: dict[str, Any]


class PostgresAudit:
    """The audit of a PostgreSQL database.

    Errors, of every method:
        StoreUnavailable: the database cannot be reached, or did not answer in time.
        StoreError: it answered with an error, for example because it is not migrated.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def add(self, *, actor: str, act: str, subject: str, details: Mapping[str, object]) -> None:
        """Writes an act down. Source: audit_add.sql."""
        parameters = {"actor": actor, "act": act, "subject": subject, "details": Jsonb(dict(details))}
        async with self._connections.transaction(_ROLE, is_writing=True) as connection:
            await connection.execute(query("audit_add"), parameters)

    async def list(self, *, limit: int) -> Sequence[Act]:
        """The latest acts, newest first. Source: audit_list.sql."""
        async with self._connections.transaction(_ROLE) as connection, connection.cursor(row_factory=class_row(Act)) as cursor:
            await cursor.execute(query("audit_list"), {"limit": limit})
            return await cursor.fetchall()
