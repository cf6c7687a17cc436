"""Brings a database up to date, or tells how far it is."""

import contextlib
import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, LiteralString

import psycopg

from integration_monitor.errors import MigrationError, StoreUnavailable
from integration_monitor.store.postgres import sql
from integration_monitor.store.postgres.adoption import moment
from integration_monitor.store.postgres.adoption.findings import Findings, look, read_state
from integration_monitor.store.postgres.adoption.session import alone
from integration_monitor.store.postgres.adoption.takeover import EXCHANGED, Steps, take_over
from integration_monitor.store.postgres.adoption.watcher import NoWatcher, Watcher
from integration_monitor.store.postgres.connection import connect
from integration_monitor.store.postgres.errors import translate

# The first eight bytes of SHA-256 of "integration_monitor.migrate", as a signed number: nobody else's advisory lock.
MIGRATE_LOCK = -1160496187851513927

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """One file of migrations/."""

    #: file name without its ending
    name: str
    text: LiteralString
    #: SHA-256 of the text, in hexadecimal
    checksum: str


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class MigrationState:
    """A migration, and whether a database has it."""

    name: str
    #: UTC; None where it is still to be applied
    applied_at: datetime | None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class _Applied:
    checksum: str
    applied_at: datetime


def list_migrations() -> tuple[Migration, ...]:
    """Every migration of this version, in order."""
    return tuple(
        Migration(name=name, text=text, checksum=hashlib.sha256(text.encode()).hexdigest()) for name, text in sql.migrations()
    )


def status(database_url: str) -> list[MigrationState]:
    """Every migration of this version, in order, and when the database got it. Changes nothing.

    Errors:
        MigrationError: migrations cannot start from the state the database is in.
        StoreUnavailable: it cannot be reached.
    """
    with connect(database_url) as connection, _translated("reading the history"), connection.transaction():
        history = _read_history(connection)
    return [MigrationState(name=one.name, applied_at=_applied_at(one, history)) for one in list_migrations()]


def foresee(database_url: str) -> Findings | None:
    """What taking over an old, unpartitioned table would meet with; None where there is none. Changes nothing.

    Errors: as of `status`.
    """
    with connect(database_url) as connection, _translated("looking at the old table"):
        return look(connection) if read_state(connection).is_old else None


def migrate(database_url: str, watcher: Watcher | None = None) -> list[str]:
    """Applies what is missing, each migration in a transaction of its own, and gives the names of those applied.

    An old, unpartitioned table is taken over: that may take minutes, beside readers and writers, and the watcher is told how far it is.
    Safe to run twice, and from several machines at once: the history is read again under the lock.

    Errors:
        MigrationError: the database cannot be migrated, or a migration failed; the message names it, and it has left no trace.
        StoreUnavailable: the database cannot be reached.
    """
    with connect(database_url) as connection:
        adopted = _adopt(connection, database_url, watcher or NoWatcher())
        with _translated("reading the history"), connection.transaction():
            history = _read_history(connection)
        missing = {one.name for one in list_migrations() if _applied_at(one, history) is None}
        return adopted + [one.name for one in list_migrations() if one.name in missing and _apply(connection, one)]


def _adopt(connection: Connection, database_url: str, watcher: Watcher) -> list[str]:
    """Takes over the old table, if there is one, and gives the names of the migrations applied for that."""
    with _translated("looking at the old table"), connection.transaction():
        state = read_state(connection)
        history = _read_history(connection)
    if not state.is_old and not state.is_under_way:
        return []
    if state.is_old and EXCHANGED in history:
        raise MigrationError(
            "public.integration_logs is not partitioned, and the history says that it was. Nothing was changed. Put back the table that "
            "was made by the migrations"
        )
    migrations = {one.name: one for one in list_migrations()}
    steps = Steps(
        names=tuple(migrations),
        apply=lambda name: _run_patiently(connection, migrations[name]),
        apply_within=lambda name: _run(connection, migrations[name]),
        record=lambda name: _run(connection, migrations[name], is_done_already=True),
    )
    try:
        with alone(connection, database_url):
            return take_over(connection, steps, watcher)
    except psycopg.Error as error:
        translated = translate(error)
        if isinstance(translated, StoreUnavailable):
            raise translated from error
        raise MigrationError(
            f"taking over public.integration_logs: {translated}. No record is lost: mend it, and run integration-monitor migrate again"
        ) from error


def _apply(connection: Connection, migration: Migration) -> bool:
    """Whether the migration was still missing, and is applied now."""
    with _translated(migration.name):
        return _run_patiently(connection, migration)


def _run_patiently(connection: Connection, migration: Migration) -> bool:
    """The same, with the driver's errors. Where the migration wants a lock that is not free, writers would queue behind it: so it waits
    for a moment only, lets them go on, and is tried again.
    """
    return moment.patiently(connection, lambda: _run(connection, migration))


def _run(connection: Connection, migration: Migration, *, is_done_already: bool = False) -> bool:
    """The same, once.

    is_done_already:
        What the migration does was done in another way: it is noted alone.
    """
    with connection.transaction():
        connection.execute(sql.query("migration_lock"), {"lock": MIGRATE_LOCK})
        if _applied_at(migration, _read_history(connection)) is not None:
            return False
        if not is_done_already:
            # Not before: for another machine that migrates one may wait, since nobody waits behind.
            connection.execute(sql.query("locks_bound"), {"lock_timeout": str(moment.LOCK_TIMEOUT_MS)})
            connection.execute(migration.text)
        connection.execute(sql.query("migration_record"), {"name": migration.name, "checksum": migration.checksum})
        return True


def _read_history(connection: Connection) -> dict[str, _Applied]:
    """What was applied to the database, by name.

    Errors:
        MigrationError: something was applied that this version does not know, while something it knows is missing.
    """
    connection.execute(sql.query("times_bound"), {"time_zone": "UTC"})
    connection.execute(sql.query("migration_require"))
    if connection.execute(sql.query("migrations_exist")).fetchone() != (True,):
        return {}
    rows = connection.execute(sql.query("migrations_applied")).fetchall()
    history = {name: _Applied(checksum=checksum, applied_at=applied_at) for name, checksum, applied_at in rows}
    known = {migration.name for migration in list_migrations()}
    if not history.keys() <= known and not known <= history.keys():
        raise MigrationError(
            f"the database has {sorted(history.keys() - known)}, which this version does not know, and lacks "
            f"{sorted(known - history.keys())}: install the version that migrated it last"
        )
    return history


def _applied_at(migration: Migration, history: Mapping[str, _Applied]) -> datetime | None:
    """When the migration was applied.

    Errors:
        MigrationError: what was applied under its name was not this text.
    """
    applied = history.get(migration.name)
    if applied is None:
        return None
    if applied.checksum != migration.checksum:
        raise MigrationError(
            f"{migration.name} was applied with the checksum {applied.checksum[:12]}…, and this version's has "
            f"{migration.checksum[:12]}…: migrations are never edited; install the version that migrated this database"
        )
    return applied.applied_at


@contextlib.contextmanager
def _translated(what: str) -> Iterator[None]:
    """Driver errors as ours; what the server refuses becomes a MigrationError that names `what` was being done."""
    try:
        yield
    except psycopg.Error as error:
        translated = translate(error)
        if isinstance(translated, StoreUnavailable):
            raise translated from error
        if error.diag.message_hint and error.sqlstate == "55000":
            raise MigrationError(f"{error.diag.message_primary}. {error.diag.message_hint}.") from error
        raise MigrationError(f"{what}: {translated}; nothing of it was kept") from error
