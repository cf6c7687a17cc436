"""The long work before an old table is taken over: beside readers and writers, in steps, gone on with after an interruption."""

import contextlib
from collections.abc import Container
from typing import Any

import psycopg

from integration_monitor.errors import MigrationError
from integration_monitor.store.postgres import sql
from integration_monitor.store.postgres.adoption import moment
from integration_monitor.store.postgres.adoption.findings import read_state
from integration_monitor.store.postgres.adoption.watcher import Watcher
from integration_monitor.store.postgres.promises import PROMISES

# Whoever wants to change one of these rows waits some ten milliseconds.
ROWS_MAX = 500
# As adoption_missing.sql numbers them. A check that an earlier run left can only be validated once all records are filled in.
INDEX_STEPS = (1, 2)
CHECK_STEPS = (3,)
# Whoever broke off wants to be gone.
UNDO_PATIENCE_S = 5.0
# What takes the table exclusively, for as long as a row of the catalogue takes.
LOCK = ("lock table public.integration_logs in access exclusive mode",)
#: definition by name, as contract_facts.sql tells it: what the partitioned table's indexes are, and so those of a partition
INDEXES = {name.removeprefix("index "): fact for name, fact in PROMISES.items() if name.startswith("index ")}

Connection = psycopg.Connection[tuple[Any, ...]]


def prepare(connection: Connection, watcher: Watcher) -> None:
    """Makes the old table fit to be a partition. Afterwards nothing is missing that would have to read it under a lock.

    The indexes come first, since they take longest: from the bound on, records of a time beyond it have to wait elsewhere.

    Errors:
        MigrationError: others left no moment for a lock.
        Error: of the driver.
    """
    with connection.transaction():
        connection.execute(sql.query("adoption_begin"))
    _complete(connection, watcher, steps=INDEX_STEPS)
    moment.hold(connection, lambda: LOCK, lambda _refresh: _bind(connection))
    _fill(connection, watcher)
    _complete(connection, watcher, steps=CHECK_STEPS)


def undo(connection: Connection) -> None:
    """Takes away what would stay in writers' way if nobody went on. Does what it can: the connection may be gone.

    Ctrl-C may come while the exchange is being committed: then it is done, and what tells that it is to be counted must stay.
    """
    with contextlib.suppress(psycopg.Error, MigrationError):
        if read_state(connection).is_old:
            moment.hold(connection, lambda: LOCK, lambda _refresh: _undo(connection), patience_s=UNDO_PATIENCE_S)


def _undo(connection: Connection) -> None:
    connection.execute(sql.query("adoption_undo"))


def _bind(connection: Connection) -> None:
    connection.execute(sql.query("adoption_bind"))


def _complete(connection: Connection, watcher: Watcher, *, steps: Container[int]) -> None:
    """Makes the indexes or validates the checks that are missing. Source: adoption_missing.sql."""
    parameters = {"names": list(INDEXES), "definitions": list(INDEXES.values())}
    with connection.transaction():
        connection.execute(sql.query("search_path_bound"))
        found = connection.execute(sql.query("adoption_missing"), parameters).fetchall()
    missing = [(what, statement) for what, statement, step in found if step in steps]
    for done, (what, statement) in enumerate(missing):
        watcher.progress(what, done, len(missing))
        # Outside a transaction, as it must be; from our own query.
        connection.execute(statement.encode())


def _fill(connection: Connection, watcher: Watcher) -> None:
    filled = 0
    while True:
        watcher.progress("records without created_at", filled, None)
        with connection.transaction():
            connection.execute(sql.query("adoption_filling"))
            count = connection.execute(sql.query("adoption_fill"), {"rows_max": ROWS_MAX}).rowcount
            # Those that went beyond the bound were deleted by the trigger, and not updated: so a statement may say nought and have done something.
            left = connection.execute(sql.query("adoption_unfilled")).fetchone() == (True,)
        filled += count
        if not left:
            return
