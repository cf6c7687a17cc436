"""How a connection is made: the same for the writer, the migrator and the command line."""

import contextlib
import socket
import time
from collections.abc import Callable, Generator
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict

from integration_monitor.errors import SettingsError
from integration_monitor.store.postgres.errors import translate

_Result = TypeVar("_Result")

# Each may be given in the URL, which then counts. Together they notice a dead network within half a minute, where
# the operating system would take a quarter of an hour.
CONNECTION_DEFAULTS = {
    "application_name": "integration-monitor",
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
# psycopg gives each address of each host of a URL the whole time-out, and none less than two seconds.
CONNECT_TIMEOUT_MIN_S = 2


def parameters(database_url: str) -> dict[str, Any]:
    """The keyword arguments with which psycopg connects, synchronously or not, directly or through a transaction pooler.

    Errors:
        SettingsError: the URL cannot be read. It is not repeated, since it holds a password.
    """
    try:
        given = conninfo_to_dict(database_url)
    except psycopg.ProgrammingError:
        raise SettingsError(
            "database_url cannot be read; it has the form postgresql://user:password@host:5432/database", name="database_url"
        ) from None
    # A transaction pooler gives each transaction another server session: nothing may be prepared on one. The encoding is ours to
    # choose, and not that of a role, a database or PGCLIENTENCODING.
    return {**CONNECTION_DEFAULTS, **given, "client_encoding": "utf8", "prepare_threshold": None}


def connect(database_url: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection in autocommit mode: transactions are begun explicitly.

    Errors:
        StoreUnavailable: the database cannot be reached.
        SettingsError: the URL cannot be read.
    """
    try:
        return psycopg.connect(**parameters(database_url), autocommit=True)
    except psycopg.Error as error:
        raise translate(error) from error


class BoundedConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection on which nothing takes longer than its deadline, whatever becomes of server and network.

    A statement_timeout is kept by the server process, and keep-alives are answered by its operating system: neither notices a process
    that was stopped, or a proxy that reads no more. psycopg's socket never blocks, and all that it does with the server passes
    through `wait`; so the deadline is kept there. After it the connection is closed, without a word to the server.
    """

    #: by time.monotonic(); None for none
    deadline_at: float | None = None
    #: whether it was closed for want of an answer
    is_overdue = False
    #: called again and again while the server is silent; None for nothing
    while_waiting: Callable[[], None] | None = None

    def wait(self, gen: Generator[Any, Any, _Result], *arguments: Any, **options: Any) -> _Result:
        """As psycopg's, whose signature differs from version to version.

        Errors:
            OperationalError: the deadline passed.
        """
        return super().wait(self._bounded(gen), *arguments, **options)

    def _bounded(self, waiting: Generator[Any, Any, _Result]) -> Generator[Any, Any, _Result]:
        """The same, ended at the deadline: psycopg resumes it ten times a second while the socket is silent."""
        try:
            state = next(waiting)
            while True:
                ready = yield state
                if self.while_waiting is not None and not ready:
                    self.while_waiting()
                if self.deadline_at is not None and time.monotonic() >= self.deadline_at:
                    self.is_overdue = True
                    self.pgconn.finish()
                    raise psycopg.OperationalError("the database did not answer in time")
                state = waiting.send(ready)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]  # the generator's result


def connect_bounded(database_url: str, *, timeout_s: float) -> BoundedConnection:
    """As `connect`, and made within `timeout_s`, but for the look-up of the host's name, which has the resolver's own bounds.

    Errors:
        StoreUnavailable: the database cannot be reached, or not in time.
        SettingsError: the URL cannot be read.
    """
    given = parameters(database_url)
    wanted_s = int(given["connect_timeout"]) or timeout_s
    given["connect_timeout"] = max(CONNECT_TIMEOUT_MIN_S, int(min(wanted_s, timeout_s / _count_addresses(given))))
    try:
        connection = BoundedConnection.connect(**given, autocommit=True)
    except psycopg.Error as error:
        raise translate(error) from error
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    return connection


def _count_addresses(given: dict[str, Any]) -> int:
    """How many addresses psycopg may try, one after the other: a pooler's name often has several."""
    if given.get("hostaddr"):
        return str(given["hostaddr"]).count(",") + 1
    count = 0
    for host in str(given.get("host") or "").split(","):
        found = 1
        # A folder of sockets, and nothing, are no names. One that is unknown is tried by psycopg, which says so.
        if host and not host.startswith(("/", "@")):
            with contextlib.suppress(OSError, UnicodeError):
                found = len(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
        count += found
    return count
