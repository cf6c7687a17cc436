"""The session that takes an old table over: one that is its own from beginning to end, and the only one at it."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any, Final

import psycopg

from integration_monitor.errors import MigrationError
from integration_monitor.store.postgres import sql
from integration_monitor.store.postgres.connection import connect

# The first eight bytes of SHA-256 of "integration_monitor.adopt", as a signed number. Not that of `migrate`, for which others wait
# within a statement: an index that is made beside writers waits for every statement, and the two would wait for each other.
ADOPT_LOCK: Final = -5725785363244282707
# How often another's end is looked for.
POLL_S: Final = 0.5
# A pooler may by chance give the same server process twice; so often it does not.
PROBES: Final = 5
# Where Supabase's pooler is in transaction mode, always.
SUPABASE_TRANSACTION_PORT: Final = 6543

Connection = psycopg.Connection[tuple[Any, ...]]


@contextlib.contextmanager
def alone(connection: Connection, database_url: str) -> Iterator[None]:
    """Makes the connection's session fit for long work, and lets no other take the same table over meanwhile.

    Errors:
        MigrationError: the connection goes through a transaction pooler.
    """
    _refuse_pooler(connection, database_url)
    connection.execute(sql.query("adoption_session"))
    while connection.execute(sql.query("adoption_lock"), {"lock": ADOPT_LOCK}).fetchone() != (True,):
        time.sleep(POLL_S)
    try:
        yield
    finally:
        # A connection that broke has let go already.
        with contextlib.suppress(psycopg.Error):
            connection.execute(sql.query("adoption_unlock"), {"lock": ADOPT_LOCK})


def _refuse_pooler(connection: Connection, database_url: str) -> None:
    """A pooler in transaction mode gives each transaction whichever server process is free: the one we had is given to the next.

    A pooler's own process number, told when connecting, is not the server's; a direct connection is known by that. A pooler in session
    mode is as good as a direct connection.
    """
    if _server_pid(connection) == connection.info.backend_pid:
        return
    first = _server_pid(connection)
    is_shared = False
    for _ in range(PROBES):
        with connect(database_url) as other, other.transaction():
            if _server_pid(other) == first:
                is_shared = True
                break
            if _server_pid(connection) != first:
                is_shared = True
                break
    if is_shared or connection.info.port == SUPABASE_TRANSACTION_PORT:
        raise MigrationError(
            f"port {connection.info.port} of {connection.info.host} is a transaction pooler, and the old public.integration_logs can only be "
            "taken over in a session of its own: use port 5432 (the direct connection, or the pooler in session mode). Nothing was changed"
        )


def _server_pid(connection: Connection) -> int:
    (pid,) = connection.execute(sql.query("backend_pid")).fetchone() or (0,)
    return int(pid)
