"""What lets people in, kept in the database so that all workers and machines of one server share it: signing keys and one-time links."""

import secrets
from datetime import datetime, timedelta
from typing import Final, cast

from psycopg.rows import scalar_row

from integration_monitor.store.answers import KeyPurpose, Role
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.sql import query

# HS256 needs at least 256 bits (RFC 7518, section 3.2).
_KEY_BYTES: Final = 32
# The server itself reads and writes these tables under this role: no other may.
_ROLE: Final[Role] = "service_role"


class PostgresEntrance:
    """Signing keys and one-time links of a PostgreSQL database.

    Errors:
        StoreUnavailable: the database cannot be reached, or did not answer in time.
        StoreError: it answered with an error, for example because it is not migrated.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def secret(self, purpose: KeyPurpose) -> bytes:
        """The signing key of a purpose, made on first use; everyone gets the same. Source: keys_secret.sql, keys_add.sql."""
        async with self._connections.transaction(_ROLE) as connection, connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(query("keys_secret"), {"purpose": purpose})
            secret = await cursor.fetchone()
        if secret is not None:
            return bytes(secret)
        async with (
            self._connections.transaction(_ROLE, is_writing=True) as connection,
            connection.cursor(row_factory=scalar_row) as cursor,
        ):
            await cursor.execute(query("keys_add"), {"purpose": purpose, "secret": secrets.token_bytes(_KEY_BYTES)})
            # Another server may have been faster: what counts is what is there now.
            await cursor.execute(query("keys_secret"), {"purpose": purpose})
            return bytes(cast("bytes", await cursor.fetchone()))

    async def add_link(self, token_hash: bytes, *, role: Role, lifetime: timedelta) -> datetime:
        """Keeps a one-time link and gives the time it expires. Source: sign_in_links_add.sql."""
        parameters = {"token_hash": token_hash, "role": role, "lifetime": lifetime}
        async with (
            self._connections.transaction(_ROLE, is_writing=True) as connection,
            connection.cursor(row_factory=scalar_row) as cursor,
        ):
            await cursor.execute(query("sign_in_links_add"), parameters)
            return cast("datetime", await cursor.fetchone())

    async def use_link(self, token_hash: bytes) -> Role | None:
        """Uses up a one-time link and gives its role; None where it is unknown, used or expired. Source: sign_in_links_use.sql."""
        async with (
            self._connections.transaction(_ROLE, is_writing=True) as connection,
            connection.cursor(row_factory=scalar_row) as cursor,
        ):
            await cursor.execute(query("sign_in_links_use"), {"token_hash": token_hash})
            return cast("Role | None", await cursor.fetchone())
