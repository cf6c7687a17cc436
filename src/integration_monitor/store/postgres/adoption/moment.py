"""A moment in which a table is held exclusively: short, or given up and tried again later.

Writers wait while we wait for the lock, and while we have it. Both together are bounded, whatever the size of the table.
"""

import random
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import psycopg

from integration_monitor.errors import MigrationError
from integration_monitor.store.postgres import sql

#: how long writers may wait for us, in seconds
HELD_S_MAX: Final = 1.0
# Of these, how long until we have all locks; who holds one so long holds it for a reason.
LOCK_TIMEOUT_MS: Final = 200
LOCKS_TIMEOUT_S: Final = 0.4
# After a moment that was too short the others get their turn.
PAUSE_MIN_S: Final = 0.3
PAUSE_MAX_S: Final = 1.5
# How long it is tried, in seconds: a report or a backup may take that long.
PATIENCE_S = 300.0
# Until a vacuum gives way it may finish a page; one against wraparound never gives way.
QUIET_TIMEOUT_MS: Final = 600_000

Connection = psycopg.Connection[tuple[Any, ...]]
Refresh = Callable[[], None]
Done = TypeVar("Done")


class _TooLong(Exception):
    """The moment is over, and the work is not."""


_PASSING = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected, _TooLong)


def hold(
    connection: Connection,
    locks: Callable[[], Sequence[str]],
    work: Callable[[Refresh], None],
    *,
    patience_s: float | None = None,
) -> float:
    """Does `work` in one transaction that has all `locks`, and gives how long writers were kept waiting at most, in seconds.

    locks:
        Gives the statements that take them. Called without any lock.
    work:
        Is rolled back and done again when it takes too long. It calls what it is given before each longer statement, which bounds it by
        what is left of the moment.
    patience_s:
        How long it is tried; PATIENCE_S by default.

    Errors:
        MigrationError: for so long others left no moment; it names them.
        Error: of the driver, for whatever else went wrong.
    """

    def attempt() -> float:
        try:
            return _hold_once(connection, locks, work)
        except psycopg.errors.QueryCanceled as error:
            raise _TooLong from error

    return patiently(connection, attempt, patience_s=patience_s)


def patiently(connection: Connection, attempt: Callable[[], Done], *, patience_s: float | None = None) -> Done:
    """Gives what `attempt` gives, a transaction that is tried again where it did not get a lock in time.

    Errors:
        MigrationError, Error: as of `hold`.
    """
    patience_s = PATIENCE_S if patience_s is None else patience_s
    give_up_at = time.monotonic() + patience_s
    while True:
        try:
            return attempt()
        except _PASSING as error:
            if time.monotonic() >= give_up_at:
                raise MigrationError(_tell_who(connection, patience_s)) from error
            time.sleep(random.uniform(PAUSE_MIN_S, PAUSE_MAX_S))  # noqa: S311  # spreads load, keeps no secret


def _hold_once(connection: Connection, locks: Callable[[], Sequence[str]], work: Callable[[Refresh], None]) -> float:
    with connection.transaction():
        _bound(connection, statement_ms=QUIET_TIMEOUT_MS, lock_ms=QUIET_TIMEOUT_MS)
        connection.execute(sql.query("adoption_quiet"))
        statements = locks()
        began_at = time.monotonic()

        def refresh(until: float = HELD_S_MAX) -> None:
            left_s = began_at + until - time.monotonic()
            if left_s <= 0:
                raise _TooLong
            _bound(connection, statement_ms=int(left_s * 1000) + 1, lock_ms=LOCK_TIMEOUT_MS)

        for statement in statements:
            refresh(LOCKS_TIMEOUT_S)
            # From our own query, and not from a user.
            connection.execute(statement.encode())
        refresh()
        work(refresh)
    return time.monotonic() - began_at


def _bound(connection: Connection, *, statement_ms: int, lock_ms: int) -> None:
    connection.execute(sql.query("transaction_bound"), {"statement_timeout": str(statement_ms), "lock_timeout": str(lock_ms)})


def _tell_who(connection: Connection, patience_s: float) -> str:
    holders = connection.execute(sql.query("adoption_holders")).fetchall()
    named = "; ".join(f"process {pid} ({name}, {state}, since {since})" for pid, name, state, since in holders)
    return (
        f"for {patience_s:.0f} seconds there was no moment in which public.integration_logs was free. "
        f"It is used by {named or 'nobody at this moment: the machine is too busy'}. "
        "Nothing is lost: let them end, and run integration-monitor migrate again"
    )
