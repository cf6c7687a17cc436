"""The server's connections: a pool that may open before the database does, and transactions under a chosen role."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final, LiteralString, TypeAlias, get_args

import msgspec
import psycopg
from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool

from integration_monitor.errors import StoreUnavailable
from integration_monitor.record import Json
from integration_monitor.store.answers import Role
from integration_monitor.store.postgres.connection import parameters
from integration_monitor.store.postgres.errors import translate

Connection: TypeAlias = AsyncConnection[TupleRow]

# Enough for two cores of PostgreSQL to be busy; a small instance allows a hundred connections for everyone.
CONNECTIONS_MAX = 10
# How long a request waits for a connection before the answer is "not available".
CONNECT_TIMEOUT_S = 3
# A question that takes longer is given up: whoever asked has gone or asks again.
STATEMENT_TIMEOUT_S = 10
# Added to it for the client's own patience, where the network swallowed the server's answer.
NETWORK_TIMEOUT_S = 5
# A payload nested deeper is shown as text: it is hostile or broken, and encoding it would exhaust the interpreter's stack.
NESTING_MAX = 200
# How much is shown of a payload that cannot be read.
UNREADABLE_LENGTH_MAX = 65_536

_ROLES: Final[frozenset[str]] = frozenset(get_args(Role))
_BEGIN: Final[LiteralString] = (
    "begin transaction {access}; set local role {role}; set local statement_timeout = {timeout_ms};"
    # The driver reads no other style.
    " set local timezone = 'UTC'; set local datestyle = 'ISO'"
)


class Connections:
    """A pool of connections to one database.

    It opens without waiting for the database, and finds it again when it comes back: a broken connection is noticed
    before it is used, and an attempt to connect begins with the next request.

    Errors:
        SettingsError: the URL cannot be read.
    """

    def __init__(
        self, database_url: str, *, connections_max: int = CONNECTIONS_MAX, statement_timeout_s: float = STATEMENT_TIMEOUT_S
    ) -> None:
        self._statement_timeout_s = statement_timeout_s
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            connection_class=AsyncConnection[TupleRow],
            # Transactions are begun explicitly, in one round trip with their settings.
            kwargs={**parameters(database_url), "autocommit": True},
            min_size=0,
            max_size=connections_max,
            open=False,
            configure=_configure,
            check=AsyncConnectionPool.check_connection,
            timeout=CONNECT_TIMEOUT_S,
            # After this the pool stops trying by itself, and the next request begins anew instead of waiting for a long back-off.
            reconnect_timeout=CONNECT_TIMEOUT_S,
            name="integration-monitor",
        )

    async def open(self) -> None:
        """Makes the pool ready for use; no connection is made yet."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Closes every connection."""
        await self._pool.close()

    @contextlib.asynccontextmanager
    async def transaction(
        self, role: Role, *, is_writing: bool = False, statement_timeout_s: float | None = None
    ) -> AsyncIterator[Connection]:
        """One transaction under a database role; committed at the end of the block, rolled back on an exception.

        Errors:
            StoreUnavailable: no connection in time, connection lost, or a statement took longer than its time-out.
            StoreError: the database's refusal, translated.
        """
        assert role in _ROLES  # the name becomes part of a statement
        timeout_s = statement_timeout_s or self._statement_timeout_s
        begin = sql.SQL(_BEGIN).format(
            access=sql.SQL("read write" if is_writing else "read only"),
            role=sql.Identifier(role),
            timeout_ms=sql.Literal(round(timeout_s * 1000)),
        )
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S + timeout_s + NETWORK_TIMEOUT_S):
                # At the end of the block the pool commits, or rolls back.
                async with self._pool.connection() as connection:
                    # One round trip for all of it.
                    await connection.execute(begin)
                    yield connection
        except psycopg.Error as error:
            raise translate(error) from error
        except TimeoutError as error:
            raise StoreUnavailable(f"the database did not answer within {timeout_s:.0f} s") from error


async def _configure(connection: Connection) -> None:
    set_json_loads(read_json, connection)


def read_json(data: bytes | str) -> Json:
    """A jsonb value. Whoever wrote it, reading it raises nothing: what cannot be read is {unreadable: true, text}."""
    raw = data.encode() if isinstance(data, str) else data
    try:
        value: Any = msgspec.json.decode(raw)
    except (ValueError, RecursionError):  # numbers beyond a float, integers beyond 4300 digits, nesting
        return _unreadable(raw)
    # Counting is cheap and most payloads pass it; only a large one is measured.
    if raw.count(b"[") + raw.count(b"{") > NESTING_MAX and _is_deeper(value, NESTING_MAX):
        return _unreadable(raw)
    return value


def _unreadable(raw: bytes) -> dict[str, Json]:
    return {"unreadable": True, "text": raw.decode("utf-8", "replace")[:UNREADABLE_LENGTH_MAX]}


def _is_deeper(value: Json, levels: int) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    if levels == 0:
        return True
    return any(_is_deeper(item, levels - 1) for item in (value.values() if isinstance(value, dict) else value))
