"""Migrations: applied once each, whole or not at all, from however many machines."""

import concurrent.futures
import itertools
import re
import time
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from integration_monitor.errors import MigrationError, StoreUnavailable
from integration_monitor.store.postgres import migrator
from integration_monitor.store.postgres.adoption import moment
from integration_monitor.store.postgres.contract import verify
from integration_monitor.store.postgres.migrator import list_migrations, migrate, status
from tests.conftest import Server

OLD_TABLE = """
    create table public.integration_logs (
        id uuid primary key default gen_random_uuid(),
        service_name text not null,
        created_at timestamptz default now()
    );
    insert into public.integration_logs (service_name) values ('amocrm')
"""


def test_migrate_applies_every_migration_once(each_empty_database_url: str) -> None:
    first = migrate(each_empty_database_url)
    second = migrate(each_empty_database_url)

    assert first == [migration.name for migration in list_migrations()]
    assert second == []


def test_a_migrated_database_keeps_the_contract(each_empty_database_url: str) -> None:
    migrate(each_empty_database_url)

    checks = verify(each_empty_database_url, required_claims={"role": "reader"})

    assert [check for check in checks if not check.is_ok or check.is_warning] == []


def test_status_tells_when_each_was_applied(empty_database_url: str) -> None:
    before = status(empty_database_url)
    migrate(empty_database_url)
    after = status(empty_database_url)

    assert [state.name for state in before] == [migration.name for migration in list_migrations()]
    assert not any(state.applied_at for state in before)
    assert all(state.applied_at for state in after)


def test_sessions_with_other_settings_make_no_difference(each_server: Server) -> None:
    name = each_server.create_database(is_migrated=False)
    for setting in (
        "timezone to 'Asia/Almaty'",
        "datestyle to 'SQL, DMY'",
        "client_encoding to 'LATIN1'",
        "search_path to 'none'",
    ):
        each_server.execute(f"alter database {name} set {setting}")

    migrate(each_server.url(name))
    states = status(each_server.url(name))
    refused = [check for check in verify(each_server.url(name), required_claims={}) if not check.is_ok]
    each_server.drop_database(name)

    assert {state.applied_at.utcoffset() for state in states if state.applied_at} == {timedelta(0)}
    assert refused == []


def test_status_changes_nothing(empty_database_url: str) -> None:
    status(empty_database_url)

    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("select to_regnamespace('integration_monitor')").fetchone() == (None,)


def test_machines_that_migrate_at_once_share_the_work(each_empty_database_url: str) -> None:
    with concurrent.futures.ThreadPoolExecutor(4) as machines:
        results = list(machines.map(lambda _: migrate(each_empty_database_url), range(4)))

    assert sorted(itertools.chain(*results)) == [migration.name for migration in list_migrations()]


@pytest.fixture
def uncounted_database_url(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database at work whose next migration, 0021, makes triggers of the table that writers use."""
    with monkeypatch.context() as patch:
        patch.setattr(migrator, "list_migrations", lambda: tuple(one for one in list_migrations() if one.name < "0021"))
        migrate(empty_database_url)
    return empty_database_url


def wait_for_a_lock(watcher: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Until somebody waits for a lock of the table."""
    until = time.monotonic() + 60
    waiting = "select exists (select from pg_locks where relation = 'public.integration_logs'::regclass and not granted)"
    while watcher.execute(waiting).fetchone() != (True,):
        assert time.monotonic() < until


def test_writers_go_on_while_a_migration_waits_for_a_lock(uncounted_database_url: str) -> None:
    insert = "insert into public.integration_logs (service_name, action, status) values ('amocrm', 'sync_lead', 'success')"
    with (
        concurrent.futures.ThreadPoolExecutor(1) as machines,
        psycopg.connect(uncounted_database_url, autocommit=True) as writer,
        psycopg.connect(uncounted_database_url) as holder,
    ):
        writer.execute("set statement_timeout = '20s'")
        holder.execute(insert.encode())

        migrated = machines.submit(migrate, uncounted_database_url)
        for _ in range(3):
            wait_for_a_lock(writer)
            writer.execute(insert.encode())
        is_over = migrated.done()
        holder.commit()
        applied = migrated.result(timeout=120)

        counted = writer.execute("select sum(count) from integration_monitor.statistics_day").fetchone()

    assert not is_over
    assert applied == [one.name for one in list_migrations() if one.name >= "0021"]
    assert counted == (4,)


def test_who_keeps_a_migration_from_its_lock_is_named(uncounted_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moment, "PATIENCE_S", 0.5)
    with psycopg.connect(uncounted_database_url, application_name="a long import") as holder:
        holder.execute("lock table public.integration_logs in row exclusive mode")

        with pytest.raises(MigrationError, match=r"a long import, idle in transaction"):
            migrate(uncounted_database_url)

    assert migrate(uncounted_database_url)[0].startswith("0021")


def test_databases_of_one_new_cluster_can_be_migrated_at_once(new_server: Server) -> None:
    # Roles belong to the cluster: both want to make the same.
    urls = [new_server.url(new_server.create_database(is_migrated=False)) for _ in range(3)]

    with concurrent.futures.ThreadPoolExecutor(3) as machines:
        results = list(machines.map(migrate, urls))

    assert results == [[migration.name for migration in list_migrations()]] * 3


def test_a_second_owner_can_migrate_where_the_roles_are_anothers(each_server: Server) -> None:
    # The cluster's roles were made by the template's owner; this one has no right over them.
    each_server.create_database(is_migrated=True)
    owner = "second_owner"
    each_server.execute(f"drop role if exists {owner}")
    each_server.execute(f"create role {owner} login createrole")
    name = each_server.create_database(is_migrated=False, owner=owner)
    url = each_server.url(name, user=owner)

    applied = migrate(url)
    refused = [check for check in verify(url, required_claims={}) if not check.is_ok]
    for role in ("service_role", "authenticated", "anon", "integration_monitor_writer", "integration_monitor_statistics"):
        each_server.execute(f"grant {role} to {owner}")
    refused_then = [check for check in verify(url, required_claims={}) if not check.is_ok]
    each_server.drop_database(name)
    each_server.execute(f"drop role {owner}")

    assert applied == [migration.name for migration in list_migrations()]
    # Before PostgreSQL 16, CREATEROLE is a right over every role.
    assert bool(refused) == (each_server.variant.version >= 16)
    assert all("may not take the role" in check.detail for check in refused)
    assert refused_then == []


def test_an_unpartitioned_table_is_refused_and_nothing_touched(each_empty_database_url: str) -> None:
    with psycopg.connect(each_empty_database_url, autocommit=True) as connection:
        connection.execute(OLD_TABLE)

        with pytest.raises(MigrationError, match=r"integration_logs exists already and is not partitioned.*Nothing was changed"):
            migrate(each_empty_database_url)

        assert connection.execute("select count(*) from public.integration_logs").fetchone() == (1,)
        assert connection.execute("select to_regnamespace('integration_monitor')").fetchone() == (None,)


def test_a_partitioned_table_of_somebody_else_is_refused(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("create table public.integration_logs (id uuid) partition by hash (id)")

    with pytest.raises(MigrationError, match="not made by these migrations"):
        migrate(empty_database_url)


def test_an_edited_migration_is_refused(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update integration_monitor.migrations set checksum = 'another' where name like '0003%'")

    with pytest.raises(MigrationError, match=r"0003_create_logs was applied with the checksum another"):
        migrate(database_url)


def test_a_database_of_a_newer_version_counts_as_up_to_date(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("insert into integration_monitor.migrations (name, checksum) values ('9999_from_the_future', '')")

    assert migrate(database_url) == []


def test_a_history_that_has_forked_is_refused(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update integration_monitor.migrations set name = '9999_of_another_version' where name like '0010%'")

    with pytest.raises(MigrationError, match="9999_of_another_version"):
        migrate(database_url)


def test_a_migration_that_fails_leaves_no_trace_and_is_named(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("create view public.integration_stats_hourly as select 1 as one")

        with pytest.raises(MigrationError, match=r"0006_create_stats_views: .*already exists"):
            migrate(empty_database_url)
        applied = [state.name for state in status(empty_database_url) if state.applied_at]
        connection.execute("drop view public.integration_stats_hourly")
        rest = migrate(empty_database_url)

    assert applied == [migration.name for migration in list_migrations()[:5]]
    assert rest == [migration.name for migration in list_migrations()[5:]]


def test_a_database_that_is_away_is_not_a_migration_error() -> None:
    with pytest.raises(StoreUnavailable):
        migrate("postgresql://nobody@127.0.0.1:1/none")


def test_no_session_state_is_left_for_a_pooler(empty_database_url: str) -> None:
    # A transaction pooler gives the next transaction another session: a lock or setting that outlives one would be lost, or stay.
    text = "\n".join(migration.text for migration in list_migrations())

    assert not re.search(
        r"pg_(try_)?advisory_lock|pg_advisory_unlock|^set |prepare |temporary", text, re.MULTILINE | re.IGNORECASE
    )
    assert re.search("pg_try_advisory_xact_lock", text)


def test_every_migration_says_why_and_which_locks() -> None:
    for migration in list_migrations():
        header = migration.text.split("\n\ncreate", maxsplit=1)[0]
        assert re.fullmatch(r"\d{4}_[a-z]+_[a-z_]+", migration.name)
        assert re.search(r"^-- (\w[\w ]*)?[Ww]hy", header, re.MULTILINE), migration.name
        assert "-- Locks:" in header, migration.name
        assert "-- In a transaction." in header, migration.name
