"""The course of taking over an old table: prepared beside everybody, exchanged in one moment, counted day by day."""

import dataclasses
from collections.abc import Callable
from typing import Any, Final

import psycopg

from integration_monitor.store.postgres import sql
from integration_monitor.store.postgres.adoption import moment, preparation
from integration_monitor.store.postgres.adoption.findings import Findings, look, read_state, require_none
from integration_monitor.store.postgres.adoption.watcher import Watcher

# The migrations up to here touch nothing of the old table: schema, history, roles.
BEFORE: Final = "0002_create_roles"
# Up to here they make all that the contract promises; they belong to the moment in which the tables are exchanged.
EXCHANGED: Final = "0010_create_retention"
# From here on triggers count, and days can be counted again. The views still read records.
COUNTING: Final = "0022_add_up_statistics"
# Counts everything at once; here it is done day by day instead, before the views read sums.
COUNTED: Final = "0024_count_old_records"
# Whoever reads the table meanwhile sees a record either waiting or there.
ROWS_MAX: Final = 500

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Steps:
    """What the migrator lends: migrations by name."""

    #: every migration, in order
    names: tuple[str, ...]
    #: applies one in a transaction of its own, unless it was applied; whether it was missing
    apply: Callable[[str], bool]
    #: the same in the transaction that is open, which bounds how long it waits for locks
    apply_within: Callable[[str], bool]
    #: notes one as applied without running it, unless it was; whether it was missing
    record: Callable[[str], bool]

    def apply_until(self, last: str) -> list[str]:
        """Applies what is missing up to `last`, and gives the names of those applied."""
        return [name for name in self.names if name <= last and self.apply(name)]


def take_over(connection: Connection, steps: Steps, watcher: Watcher) -> list[str]:
    """Takes the old table over, from wherever an earlier run was broken off, and gives the names of the migrations applied.

    Errors:
        MigrationError: something stands in the way, or others left no moment.
        Error: of the driver.
    """
    applied: list[str] = []
    if read_state(connection).is_old:
        findings = look(connection)
        require_none(findings.obstacles)
        applied += _exchange(connection, findings, steps, watcher)
    if not read_state(connection).is_under_way:
        return applied
    watcher.progress("tables", 0, None)
    applied += steps.apply_until(COUNTING)
    _release(connection)
    _count(connection, watcher)
    applied += [name for name in steps.names if name < COUNTED and steps.apply(name)]
    return applied + _finish(connection, steps)


def _exchange(connection: Connection, findings: Findings, steps: Steps, watcher: Watcher) -> list[str]:
    """Prepares the old table, and makes it a partition of the new one in one moment."""
    for note in findings.notes:
        watcher.note(note)
    applied = steps.apply_until(BEFORE)
    is_exchanged = False
    try:
        preparation.prepare(connection, watcher)
        watcher.progress("exchange of the tables", 0, None)
        exchange = _Exchange(connection, steps)
        held_s = moment.hold(connection, exchange.locks, exchange.run)
        is_exchanged = True
    finally:
        if not is_exchanged:
            preparation.undo(connection)
    watcher.note(
        f"public.integration_logs is partitioned now, with the old table as its first partition: writers waited for {held_s:.2f} s at most"
    )
    return applied + exchange.applied


class _Exchange:
    """The statements of the moment, made anew for each attempt."""

    def __init__(self, connection: Connection, steps: Steps) -> None:
        self._connection = connection
        self._steps = steps
        self._statements: list[tuple[str, str]] = []
        self.applied: list[str] = []

    def locks(self) -> list[str]:
        # Everything is looked up before there is a lock. What the catalogue says cannot change any more: the table is held against that.
        self._connection.execute(sql.query("search_path_bound"))
        found = self._connection.execute(sql.query("adoption_statements"), {"indexes": list(preparation.INDEXES)})
        self._statements = [(phase, statement) for phase, statement in found.fetchall()]
        return self._of("lock")

    def run(self, refresh: moment.Refresh) -> None:
        self._run("down", refresh)
        self.applied = []
        for name in self._steps.names:
            if BEFORE < name <= EXCHANGED:
                refresh()
                if self._steps.apply_within(name):
                    self.applied.append(name)
        self._run("attach", refresh)
        refresh()
        self._connection.execute(sql.query("adoption_attach"))
        self._run("up", refresh)

    def _run(self, phase: str, refresh: moment.Refresh) -> None:
        for statement in self._of(phase):
            refresh()
            # From our own query, which had the catalogue quote every name.
            self._connection.execute(statement.encode())

    def _of(self, phase: str) -> list[str]:
        return [statement for one, statement in self._statements if one == phase]


def _release(connection: Connection) -> None:
    """Puts records that waited for a partition of their time into the table, some at a time."""
    while connection.execute(sql.query("adoption_release"), {"rows_max": ROWS_MAX}).rowcount > 0:
        pass


def _count(connection: Connection, watcher: Watcher) -> None:
    """Counts the records in the statistics, a day a transaction, youngest first."""
    (total,) = connection.execute(sql.query("adoption_rows")).fetchone() or (0,)
    is_done = False
    while not is_done:
        counted, is_done = _count_day(connection)
        watcher.progress("statistics", min(counted, total), total)


def _count_day(connection: Connection) -> tuple[int, bool]:
    """Gives the records counted until now, and whether that is all."""
    counted, is_done = connection.execute(sql.query("adoption_count")).fetchone() or (0, True)
    return counted, is_done


def _finish(connection: Connection, steps: Steps) -> list[str]:
    with connection.transaction():
        is_new = steps.record(COUNTED)
        connection.execute(sql.query("adoption_end"))
    return [COUNTED] if is_new else []
