"""An old, unpartitioned table is taken over in place: every record kept, while others write, from wherever an earlier run was broken off."""

import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from integration_monitor.errors import MigrationError
from integration_monitor.store.postgres.adoption import moment, preparation, takeover
from integration_monitor.store.postgres.contract import verify
from integration_monitor.store.postgres.maintenance import maintain
from integration_monitor.store.postgres.migrator import list_migrations, migrate, status
from tests.conftest import Server
from tests.integration.old_table import make_old_table, read_records, writing
from tests.integration.recount import assert_exact

Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def each_old_database_url(each_server: Server, each_empty_database_url: str) -> str:
    """A database with the old table and some records; the test runs once for each variant."""
    make_old_table(each_server, each_empty_database_url)
    return each_empty_database_url


@pytest.fixture
def old_database_url(postgres_server: Server, empty_database_url: str) -> str:
    make_old_table(postgres_server, empty_database_url)
    return empty_database_url


@pytest.fixture
def connection(old_database_url: str) -> Iterator[Connection]:
    with psycopg.connect(old_database_url, autocommit=True) as connection:
        yield connection


def broken_promises(database_url: str) -> list[Any]:
    return [check for check in verify(database_url, required_claims={"role": "reader"}) if not check.is_ok]


def assert_counted(connection: Connection) -> None:
    """The sums of each day are what the records say, whenever that was; and both views, too."""
    assert_exact(connection)
    shown = connection.execute(
        "select sum(sums.count)"
        "  from (select count from integration_monitor.statistics_day union all"
        "        select sign * count from integration_monitor.statistics_changes) as sums"
    ).fetchone()
    assert shown == connection.execute("select count(*) from public.integration_logs").fetchone()


def test_the_old_table_becomes_a_partition_and_keeps_every_record(each_old_database_url: str) -> None:
    with psycopg.connect(each_old_database_url, autocommit=True) as connection:
        before = read_records(connection)
        heap = connection.execute("select pg_relation_filenode('public.integration_logs')").fetchone()

        applied = migrate(each_old_database_url)

        after = read_records(connection)
        assert applied == [migration.name for migration in list_migrations()]
        assert broken_promises(each_old_database_url) == []
        assert_counted(connection)
        # It was not copied: its file is the same.
        assert (
            connection.execute("select pg_relation_filenode('integration_monitor.integration_logs_adopted')").fetchone() == heap
        )
        assert after.keys() == before.keys()
        timeless = {identifier for identifier, record in before.items() if record[1] == "timeless"}
        assert {identifier: after[identifier] for identifier in before.keys() - timeless} == {
            identifier: record for identifier, record in before.items() if identifier not in timeless
        }
        for identifier in timeless:
            old, new = before[identifier], after[identifier]
            assert (*new[:6], new[7]) == (*old[:6], old[7])
            assert new[6] is not None
            assert new[6] == old[7] or old[7] is None
        assert migrate(each_old_database_url) == []


def test_nothing_of_the_adoption_stays_behind(old_database_url: str, connection: Connection, database_url: str) -> None:
    migrate(old_database_url)

    with psycopg.connect(database_url) as other:
        objects = (
            "select relname from pg_class where relnamespace = 'integration_monitor'::regnamespace and relkind in ('r', 'v')"
            " and relname !~ '_logs_(2|adopted)' order by 1"
        )
        functions = "select proname from pg_proc where pronamespace = 'integration_monitor'::regnamespace order by 1"
        for catalogue in (objects, functions, "select retention from integration_monitor.settings"):
            assert connection.execute(catalogue.encode()).fetchall() == other.execute(catalogue.encode()).fetchall()


def test_writers_go_on_and_every_record_is_accounted_for(each_server: Server, each_old_database_url: str) -> None:
    with psycopg.connect(each_old_database_url, autocommit=True) as connection:
        before = read_records(connection).keys()

        with writing(each_old_database_url) as writers:
            wait_until_written(writers, 20)
            migrate(each_old_database_url)
            wait_until_written(writers, len(writers[0].acknowledged) + 20)

        after = read_records(connection)
        acknowledged = {identifier: status for writer in writers for identifier, status in writer.acknowledged.items()}
        assert [writer.errors for writer in writers] == [[], []]
        assert after.keys() == before | acknowledged.keys()
        assert {identifier: after[identifier][2] for identifier in acknowledged} == acknowledged
        assert_counted(connection)
    assert broken_promises(each_old_database_url) == []


def wait_until_written(writers: list[Any], count: int) -> None:
    until = time.monotonic() + 60
    while min(len(writer.acknowledged) for writer in writers) < count:
        assert time.monotonic() < until
        assert all(writer.is_alive() for writer in writers), "a writer gave up"
        time.sleep(0.02)


# Each is a place where the process dies at once, without a chance to undo anything: before the named function of the named module.
PLACES = {
    "with half of the indexes": ("preparation", "_bind", 1),
    "with the bound set": ("preparation", "_fill", 1),
    "ready": ("moment", "hold", 2),
    "in the exchange": ("takeover", "_Exchange._run", 3),
    "exchanged": ("takeover", "_release", 1),
    "partly counted": ("takeover", "_count_day", 20),
    "counted": ("takeover", "_finish", 1),
}
KILLED = """
import os, signal, sys
from importlib import import_module
from integration_monitor.store.postgres.migrator import migrate
url, module_name, name, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
owner = import_module(f"integration_monitor.store.postgres.adoption.{module_name}")
*path, name = name.split(".")
for one in path:
    owner = getattr(owner, one)
original = getattr(owner, name)
calls = 0
def dying(*arguments, **options):
    global calls
    calls += 1
    if calls == count:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments, **options)
setattr(owner, name, dying)
migrate(url)
"""


@pytest.mark.parametrize("place", PLACES)
def test_a_run_that_was_killed_is_gone_on_with(old_database_url: str, connection: Connection, place: str) -> None:
    before = read_records(connection).keys()
    with writing(old_database_url, count=1) as writers:
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, old_database_url, *map(str, PLACES[place])], check=False, timeout=120
        )
        wait_until_written(writers, len(writers[0].acknowledged) + 5)
        hidden = connection.execute("select to_regclass('integration_monitor.integration_logs_ahead')").fetchone()
        retention = (
            connection.execute("select retention > interval '10 years' from integration_monitor.settings").fetchone()
            if any(state.applied_at and state.name.startswith("0004") for state in status(old_database_url))
            else None
        )
        migrate(old_database_url)

    [writer] = writers
    assert killed.returncode == -signal.SIGKILL
    # It was in the middle of it, and nothing may be removed before it is counted.
    assert hidden is not None
    assert retention in {None, (True,)}
    assert writer.errors == []
    assert read_records(connection).keys() == before | writer.acknowledged.keys()
    assert broken_promises(old_database_url) == []
    assert_counted(connection)


def test_a_run_that_is_broken_off_leaves_nothing_in_writers_way(
    old_database_url: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_records(connection)

    def break_off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(takeover._Exchange, "run", break_off)
        with pytest.raises(KeyboardInterrupt):
            migrate(old_database_url)

    checks = connection.execute(
        "select conname from pg_constraint where conrelid = 'public.integration_logs'::regclass and contype = 'c'"
    )
    assert checks.fetchall() == [("integration_logs_status_check",)]
    assert (
        connection.execute("select tgname from pg_trigger where tgrelid = 'public.integration_logs'::regclass").fetchall() == []
    )
    assert read_records(connection).keys() == before.keys()
    connection.execute(
        "insert into public.integration_logs (service_name, action, status, created_at) values ('a', 'b', 'failed', null)"
    )
    migrate(old_database_url)
    assert len(read_records(connection)) == len(before) + 1


def test_a_run_that_is_broken_off_when_the_tables_were_just_exchanged_is_gone_on_with(
    old_database_url: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C comes while PostgreSQL commits."""
    before = read_records(connection)
    hold = moment.hold

    def break_off(connection: Connection, locks: Any, work: Any, **options: Any) -> float:
        held_s = hold(connection, locks, work, **options)
        if isinstance(getattr(work, "__self__", None), takeover._Exchange):
            raise KeyboardInterrupt
        return held_s

    with monkeypatch.context() as patch:
        patch.setattr(moment, "hold", break_off)
        with pytest.raises(KeyboardInterrupt):
            migrate(old_database_url)

    migrate(old_database_url)
    assert read_records(connection).keys() == before.keys()
    assert connection.execute("select retention < interval '1 year' from integration_monitor.settings").fetchone() == (True,)
    assert_counted(connection)


def test_who_holds_the_table_is_named_and_nothing_is_lost(
    old_database_url: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moment, "PATIENCE_S", 1.0)
    before = read_records(connection)
    with psycopg.connect(old_database_url, application_name="a long report") as reader:
        reader.execute("select count(*) from public.integration_logs")

        with (
            writing(old_database_url, count=1) as [writer],
            pytest.raises(MigrationError, match=r"a long report, idle in transaction"),
        ):
            migrate(old_database_url)

        assert writer.errors == []
    migrate(old_database_url)
    assert read_records(connection).keys() == before.keys() | writer.acknowledged.keys()
    assert_counted(connection)


def test_writers_that_say_null_or_a_time_to_come_are_served_while_it_is_prepared(
    old_database_url: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = preparation._complete

    def with_a_writer(connection_: Connection, watcher: Any, *, steps: Any) -> None:
        if steps is preparation.CHECK_STEPS:
            for created_at in ("null", "'9999-12-31 23:59:59+00'", "'infinity'", "'-infinity'"):
                connection.execute(
                    "insert into public.integration_logs (service_name, action, status, created_at)"
                    f" values ('amocrm', 'meanwhile', 'success', {created_at})".encode()
                )
            connection.execute(
                "update public.integration_logs set created_at = null where action = 'action_4' and duration_ms = 999"
            )
        complete(connection_, watcher, steps=steps)

    monkeypatch.setattr(preparation, "_complete", with_a_writer)
    count = len(read_records(connection))

    migrate(old_database_url)

    assert len(read_records(connection)) == count + 4
    told = connection.execute(
        "select created_at::text from public.integration_logs where action = 'meanwhile' order by created_at"
    )
    assert [at for (at,) in told.fetchall() if "infinity" in at or at.startswith("9999")] == [
        "-infinity",
        "9999-12-31 23:59:59+00",
        "infinity",
    ]
    assert broken_promises(old_database_url) == []
    assert_counted(connection)


def test_two_machines_at_once_share_the_work(old_database_url: str, connection: Connection) -> None:
    before = read_records(connection).keys()
    code = "import sys; from integration_monitor.store.postgres.migrator import migrate; print(len(migrate(sys.argv[1])))"
    command = [sys.executable, "-c", code, old_database_url]

    machines = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    counts = [int(machine.communicate(timeout=120)[0]) for machine in machines]

    assert sum(counts) == len(list_migrations())
    assert read_records(connection).keys() == before
    assert_counted(connection)


def test_nothing_is_read_under_the_lock(old_database_url: str, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[str] = []
    run = takeover._Exchange.run

    def watched(exchange: takeover._Exchange, refresh: Any) -> None:
        exchange._connection.add_notice_handler(lambda diagnostic: messages.append(diagnostic.message_primary or ""))
        exchange._connection.execute("set local client_min_messages = debug1")
        run(exchange, refresh)
        exchange._connection.execute("set local client_min_messages = notice")

    monkeypatch.setattr(takeover._Exchange, "run", watched)

    migrate(old_database_url)

    implied = [message for message in messages if "implied by existing constraints" in message]
    read = [message for message in messages if message.startswith("verifying table") and "adopted" in message]
    built = [message for message in messages if message.startswith("building index") and "adopted" in message]
    assert any("integration_logs_adopted" in message for message in implied)
    assert read == []
    assert built == []


def test_the_adopted_partition_is_cleaned_and_goes_in_the_end(old_database_url: str, connection: Connection) -> None:
    migrate(old_database_url)
    adopted = (
        "select count(*), min(created_at) > now() - interval '91 days' from only integration_monitor.integration_logs_adopted"
    )
    days = connection.execute(
        "select count(*) from integration_monitor.statistics_day where bucket < now() - interval '92 days'"
    ).fetchone()

    done = maintain(old_database_url)

    count, is_clean = connection.execute(adopted).fetchone() or (0, False)
    assert done.rows_deleted > 600
    assert 0 < count < 3000
    assert is_clean
    # Statistics outlive the records.
    assert (
        days
        == connection.execute(
            "select count(*) from integration_monitor.statistics_day where bucket < now() - interval '92 days'"
        ).fetchone()
    )
    assert_exact(connection)

    # As it will be when its last record is too old.
    gone = connection.execute(
        "select partitions_empty from integration_monitor.remove_logs_before(now() + interval '14 days')"
    ).fetchone()
    assert gone is not None
    assert gone[0][0] == "integration_monitor.integration_logs_adopted"
    assert connection.execute("select integration_monitor.drop_partitions(%s)", [gone[0][:1]]).fetchone() == (gone[0][:1],)
    assert connection.execute("select to_regclass('integration_monitor.integration_logs_adopted')").fetchone() == (None,)


def test_retention_deletes_for_a_bounded_time_and_goes_on(old_database_url: str, connection: Connection) -> None:
    connection.execute(
        "insert into public.integration_logs (service_name, action, status, created_at)"
        " select 'amocrm', 'old', 'success', now() - interval '200 days' from generate_series(1, 12000)"
    )
    migrate(old_database_url)

    first = connection.execute(
        "select rows_deleted from integration_monitor.remove_logs_before(now() - interval '90 days', interval '0')"
    ).fetchone()
    connection.execute("select public.cleanup_old_integration_logs()")

    assert first == (5000,)
    assert connection.execute(
        "select count(*) from public.integration_logs where created_at < now() - interval '90 days'"
    ).fetchone() == (0,)


def test_ids_of_old_records_stay_unique(old_database_url: str, connection: Connection) -> None:
    (identifier,) = connection.execute("select id from public.integration_logs where action = 'action_1' limit 1").fetchone() or (
        uuid.uuid4(),
    )
    migrate(old_database_url)

    repeated = connection.execute(
        "insert into public.integration_logs (id, service_name, action, status) values (%s, 'amocrm', 'again', 'success')"
        " on conflict do nothing",
        [identifier],
    )

    assert repeated.rowcount == 0
    assert connection.execute("select count(*) from public.integration_logs where id = %s", [identifier]).fetchone() == (1,)


def test_an_empty_old_table_is_taken_over_too(postgres_server: Server, empty_database_url: str) -> None:
    make_old_table(postgres_server, empty_database_url, has_records=False)

    migrate(empty_database_url)

    assert broken_promises(empty_database_url) == []
