"""The script for a SQL editor: the same database, the same history, the same refusals."""

import psycopg
import pytest

from integration_monitor.store.postgres.contract import verify
from integration_monitor.store.postgres.migrator import migrate, status
from integration_monitor.store.postgres.script import script
from tests.conftest import Server, dump_schema


def run(database_url: str, text: str) -> None:
    """As a SQL editor does: the whole text in one go."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(text.encode())


def test_migrate_finds_everything_applied_after_the_script(each_empty_database_url: str) -> None:
    run(each_empty_database_url, script())

    assert all(state.applied_at for state in status(each_empty_database_url))
    assert migrate(each_empty_database_url) == []
    assert [check for check in verify(each_empty_database_url, required_claims={}) if not check.is_ok] == []


def test_the_script_gives_the_same_schema_as_migrate(postgres_server: Server, database_url: str, empty_database_url: str) -> None:
    run(empty_database_url, script())

    assert dump_schema(postgres_server, empty_database_url) == dump_schema(postgres_server, database_url)


def test_the_script_may_be_run_twice_and_after_migrate(database_url: str) -> None:
    before = status(database_url)

    run(database_url, script())
    run(database_url, script())

    assert status(database_url) == before


def test_the_script_goes_on_where_migrate_stopped(empty_database_url: str) -> None:
    run(
        empty_database_url,
        script().partition("$migration_0004$")[0].rpartition("    if applied is null")[0] + "end $integration_monitor$",
    )
    applied = [state.name for state in status(empty_database_url) if state.applied_at]

    run(empty_database_url, script())

    assert applied == ["0001_create_history", "0002_create_roles", "0003_create_logs"]
    assert all(state.applied_at for state in status(empty_database_url))


def test_the_script_works_inside_an_editors_own_transaction(empty_database_url: str) -> None:
    run(empty_database_url, f"begin; {script()} commit;")

    assert migrate(empty_database_url) == []


def test_the_script_refuses_an_unpartitioned_table_and_touches_nothing(each_empty_database_url: str) -> None:
    run(each_empty_database_url, "create table public.integration_logs (id uuid primary key)")

    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="is not partitioned"):
        run(each_empty_database_url, script())

    with psycopg.connect(each_empty_database_url) as connection:
        assert connection.execute("select to_regnamespace('integration_monitor')").fetchone() == (None,)


def test_the_script_refuses_an_edited_migration(database_url: str) -> None:
    run(database_url, "update integration_monitor.migrations set checksum = 'another' where name like '0003%'")

    with pytest.raises(psycopg.errors.RaiseException, match="0003_create_logs was applied with another checksum"):
        run(database_url, script())


def test_a_script_waits_for_no_lock_for_long(empty_database_url: str) -> None:
    """Writers would queue behind it; the editor's user runs it again."""
    run(
        empty_database_url,
        script().partition("$migration_0021$")[0].rpartition("    if applied is null")[0] + "end $integration_monitor$",
    )
    with psycopg.connect(empty_database_url) as holder, psycopg.connect(empty_database_url, autocommit=True) as editor:
        holder.execute("lock table public.integration_logs in row exclusive mode")
        editor.execute("set statement_timeout = '60s'")

        with pytest.raises(psycopg.errors.LockNotAvailable):
            editor.execute(script().encode())

    run(empty_database_url, script())
    assert all(state.applied_at for state in status(empty_database_url))


def test_a_script_that_fails_leaves_no_trace(empty_database_url: str) -> None:
    run(empty_database_url, "create view public.integration_stats_hourly as select 1 as one")

    with pytest.raises(psycopg.errors.DuplicateTable):
        run(empty_database_url, script())

    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("select to_regnamespace('integration_monitor')").fetchone() == (None,)
