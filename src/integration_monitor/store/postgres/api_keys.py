"""API keys in the database, each act with its row in the audit."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Final, cast

from psycopg.rows import class_row, scalar_row

from integration_monitor.store.answers import Role
from integration_monitor.store.keys import ApiKey, OpenKey, OwnScope, ProjectScope
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.sql import query

# The server itself reads and writes these tables under this role: no other may.
_ROLE: Final[Role] = "service_role"


class PostgresApiKeys:
    """API keys of a PostgreSQL database.

    Errors, of every method:
        StoreUnavailable: the database cannot be reached, or did not answer in time.
        StoreError: it answered with an error, for example because it is not migrated.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def add(self, *, name: str, scope: OwnScope, service: str | None, secret_hash: bytes, actor: str) -> uuid.UUID | None:
        """Keeps a new key. None where one of this name is not revoked. Source: api_keys_add.sql."""
        parameters = {"name": name, "scope": scope, "service": service, "secret_hash": secret_hash, "actor": actor}
        return await self._act("api_keys_add", {**parameters, "act": "key_created"})

    async def register(self, *, name: str, scope: ProjectScope, secret_hash: bytes, actor: str) -> uuid.UUID | None:
        """Keeps a key of a Supabase project. None where it, or another one of this name, is kept and not revoked. Source: api_keys_add.sql."""
        parameters = {"name": name, "scope": scope, "service": None, "secret_hash": secret_hash, "actor": actor}
        return await self._act("api_keys_add", {**parameters, "act": "key_registered"})

    async def revoke(self, *, name: str, actor: str) -> uuid.UUID | None:
        """Revokes a key. None where no key of this name opens anything. Source: api_keys_revoke.sql."""
        return await self._act("api_keys_revoke", {"name": name, "actor": actor})

    async def list(self) -> Sequence[ApiKey]:
        """Every key, those that open something first, then the newest first. Source: api_keys_list.sql."""
        async with self._connections.transaction(_ROLE) as connection, connection.cursor(row_factory=class_row(ApiKey)) as cursor:
            await cursor.execute(query("api_keys_list"))
            return await cursor.fetchall()

    async def open(self) -> Mapping[bytes, OpenKey]:
        """The keys that open something, by their hash. Source: api_keys_open.sql."""
        async with self._connections.transaction(_ROLE) as connection, connection.cursor() as cursor:
            await cursor.execute(query("api_keys_open"))
            rows = await cursor.fetchall()
        return {
            bytes(secret_hash): OpenKey(name=name, scope=scope, service=service) for secret_hash, name, scope, service in rows
        }

    async def _act(self, name: str, parameters: Mapping[str, object]) -> uuid.UUID | None:
        async with (
            self._connections.transaction(_ROLE, is_writing=True) as connection,
            connection.cursor(row_factory=scalar_row) as cursor,
        ):
            await cursor.execute(query(name), parameters)
            return cast("uuid.UUID | None", await cursor.fetchone())
