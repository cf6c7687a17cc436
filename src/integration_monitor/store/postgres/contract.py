"""Proves that a database keeps the contract: every object, every right of every role, a record written and read.

Everything happens in one transaction that is rolled back.
"""

import dataclasses
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg

from integration_monitor.errors import MigrationError
from integration_monitor.store.postgres import sql
from integration_monitor.store.postgres.access import try_access
from integration_monitor.store.postgres.connection import connect
from integration_monitor.store.postgres.errors import translate
from integration_monitor.store.postgres.migrator import foresee, status
from integration_monitor.store.postgres.promises import PROMISES

# A statement that a role ought not to run may wait for locks, if it is not refused.
STATEMENT_TIMEOUT_MS = 60_000
LOCK_TIMEOUT_MS = 2_000
# Five hours and three quarters from UTC: neither its hours nor its days begin with UTC's.
TIME_ZONE = "Asia/Kathmandu"

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One promise, and whether it is kept."""

    #: what was looked at, such as `column integration_logs.id` or `anon may not insert`
    name: str
    is_ok: bool
    #: what was found, and what should have been
    detail: str
    #: whether it should be thought about although the contract is kept
    is_warning: bool = False


def verify(database_url: str, *, required_claims: Mapping[str, str]) -> list[Check]:
    """Every check, in order: migrations, objects, a record, rights, settings. Only the first when migrations are missing.

    required_claims:
        The setting; a warning says so when it is empty.

    Errors:
        StoreUnavailable: the database cannot be reached.
        StoreError: the login may not even look.
    """
    checks = [_check_migrations(database_url)]
    if checks[0].is_ok:
        with connect(database_url) as connection:
            try:
                with connection.transaction(force_rollback=True):
                    checks += _check_database(connection)
            except psycopg.Error as error:
                raise translate(error) from error
    return [*checks, _check_claims(required_claims)]


def _check_migrations(database_url: str) -> Check:
    try:
        missing = [state.name for state in status(database_url) if state.applied_at is None]
        is_old = bool(missing) and foresee(database_url) is not None
    except MigrationError as error:
        return Check(name="migrations", is_ok=False, detail=str(error))
    if missing:
        table = "public.integration_logs is an older table and not partitioned, and is taken over; " if is_old else ""
        detail = f"missing: {', '.join(missing)}; {table}run: integration-monitor migrate"
        return Check(name="migrations", is_ok=False, detail=detail)
    return Check(name="migrations", is_ok=True, detail="all applied")


def _check_database(connection: Connection) -> Iterator[Check]:
    connection.execute(
        sql.query("transaction_bound"),
        {"statement_timeout": str(STATEMENT_TIMEOUT_MS), "lock_timeout": str(LOCK_TIMEOUT_MS)},
    )
    connection.execute(sql.query("search_path_bound"))
    # In which the catalogue tells of times.
    connection.execute(sql.query("times_bound"), {"time_zone": "UTC"})
    yield from _check_objects(connection)
    try:
        with connection.transaction():
            action = f"verify_{uuid.uuid4().hex}"
            rows = connection.execute(sql.query("contract_record_write"), {"action": action}).fetchall()
            ids = {status: identifier for identifier, status in rows}
            yield from _check_record(connection, ids["success"], action)
    except psycopg.Error as error:
        yield Check(name="write a record", is_ok=False, detail=str(translate(error)))
        return
    for trial in try_access(connection, finished_id=ids["success"], unfinished_id=ids["pending"]):
        detail = trial.outcome if trial.is_as_expected else f"{trial.outcome}, and should be {trial.expected}"
        yield Check(name=trial.name, is_ok=trial.is_as_expected, detail=detail)


def _check_objects(connection: Connection) -> Iterator[Check]:
    try:
        with connection.transaction():
            found: dict[str, str] = dict(connection.execute(sql.query("contract_facts")).fetchall())
    except psycopg.Error as error:
        yield Check(name="objects", is_ok=False, detail=str(translate(error)))
        return
    for name, promised in PROMISES.items():
        fact = found.get(name)
        detail = promised if fact == promised else f"{fact or 'missing'}, and should be: {promised}"
        yield Check(name=name, is_ok=fact == promised, detail=detail)
    owners = found.get("owner", "")
    yield Check(name="one owner", is_ok="," not in owners, detail=owners)


def _check_record(connection: Connection, record_id: uuid.UUID, action: str) -> Iterator[Check]:
    connection.execute(sql.query("times_bound"), {"time_zone": TIME_ZONE})
    row = connection.execute(sql.query("contract_record_read"), {"id": record_id, "action": action}).fetchone()
    promised = {
        "read the record": "integration_monitor success 150 0",
        "find it in integration_stats_hourly": "1 150 150 150",
        # One of three has failed: the rate is that of all statuses.
        "find it in integration_stats_daily": "1 150 150 150 0 1 33.33",
        "first hour of integration_stats_hourly": "1 00:00",
        "first day of integration_stats_daily": "1 00:00:00",
    }
    for (name, expected), found in zip(promised.items(), row or [None] * len(promised), strict=True):
        detail = expected if found == expected else f"{found or 'nothing'}, and should be: {expected}"
        yield Check(name=name, is_ok=found == expected, detail=detail)


def _check_claims(required_claims: Mapping[str, str]) -> Check:
    if required_claims:
        return Check(name="required_claims", is_ok=True, detail="set")
    return Check(
        name="required_claims",
        is_ok=True,
        is_warning=True,
        detail="empty: every token of role authenticated may use API and dashboard, which in a Supabase project is every end user; "
        "set INTEGRATION_MONITOR_REQUIRED_CLAIMS",
    )
