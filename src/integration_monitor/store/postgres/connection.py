"""How a connection is made: the same for the writer, the migrator and the command line."""

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from integration_monitor.errors import SettingsError
from integration_monitor.store.postgres.errors import translate

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
