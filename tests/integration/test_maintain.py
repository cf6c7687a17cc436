"""Maintenance: partitions ahead, strays, retention; and that nobody waits for it."""

import concurrent.futures
import contextlib
import itertools
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from integration_monitor.store.postgres.maintenance import maintain
from tests.conftest import Server

Connection = psycopg.Connection[tuple[Any, ...]]

MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = 7 * DAY
# Longer than any machine needs.
TIMEOUT_S = 60


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def add(connection: Connection, *ages: timedelta) -> None:
    """Writes a record for each age."""
    connection.cursor().executemany(
        "insert into public.integration_logs (service_name, action, status, created_at)"
        " values ('amocrm', 'sync_lead', 'success', now() - %s)",
        [[age] for age in ages],
    )


def add_with_partitions(connection: Connection, *ages: timedelta) -> None:
    """The same, into partitions of their own and not into the default one."""
    connection.execute(
        "select integration_monitor.create_partitions(array(select now() - age from unnest(%s::interval[]) as age))", [list(ages)]
    )
    add(connection, *ages)


def ages_in_days(connection: Connection) -> list[int]:
    rows = connection.execute(
        "select round(extract(epoch from now() - created_at) / 86400)::integer from public.integration_logs order by 1"
    ).fetchall()
    return [row[0] for row in rows]


def partitions(connection: Connection) -> list[tuple[str, datetime, datetime]]:
    """(name, since, until) of each partition but the default one, oldest first."""
    return connection.execute(
        "select relation::text, since, until from integration_monitor.list_partitions() where not is_default"
    ).fetchall()


def count(connection: Connection, relation: str) -> int:
    row = connection.execute(f"select count(*) from {relation}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def default_count(connection: Connection) -> int:
    return count(connection, "only integration_monitor.integration_logs_default")


def wait_until_waiting(connection: Connection, query: str) -> str:
    """Returns when another session of this database waits for a lock in a statement like this, and which kind of lock it is."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        row = connection.execute(
            "select wait_event from pg_stat_activity"
            " where wait_event_type = 'Lock' and datname = current_database() and query like %s",
            [query],
        ).fetchone()
        if row is not None:
            return str(row[0])
        time.sleep(0.01)
    raise AssertionError(f"nobody waits in {query}")


def test_a_new_database_has_the_week_before_and_four_weeks_ahead(each_database_url: str) -> None:
    with psycopg.connect(each_database_url) as connection:
        spans = partitions(connection)

    now = datetime.now(UTC)
    assert spans[0][1] <= now - WEEK < spans[0][2]
    assert spans[-1][1] <= now + 4 * WEEK < spans[-1][2]
    assert all(until - since == WEEK and (since - MONDAY) % WEEK == timedelta(0) for _, since, until in spans)
    assert all(one[2] == next_one[1] for one, next_one in itertools.pairwise(spans))


def test_a_second_run_has_nothing_to_do(each_database_url: str) -> None:
    done = maintain(each_database_url)

    assert not done.is_skipped
    assert done.rows_deleted == 0
    assert [*done.partitions_created, *done.partitions_emptied, *done.partitions_dropped, *done.postponed] == []


def test_partitions_ahead_are_made(each_database_url: str) -> None:
    with psycopg.connect(each_database_url, autocommit=True) as connection:
        expected = partitions(connection)
        for name, _, _ in expected[-2:]:
            connection.execute(f"drop table {name}".encode())

        done = maintain(each_database_url)

        assert [f"integration_monitor.{name}" for name in done.partitions_created] == [name for name, _, _ in expected[-2:]]
        assert partitions(connection) == expected


def test_strays_are_moved_to_partitions_of_their_own(each_database_url: str) -> None:
    with psycopg.connect(each_database_url, autocommit=True) as connection:
        add(connection, *(20 * DAY, 21 * DAY, 50 * DAY) * 10)
        rows = connection.execute("select l.* from public.integration_logs l order by id").fetchall()
        strays_before = default_count(connection)

        maintain(each_database_url)

        assert strays_before == 30
        assert default_count(connection) == 0
        assert connection.execute("select l.* from public.integration_logs l order by id").fetchall() == rows


def test_a_partition_made_later_has_indexes_triggers_and_row_security_like_the_others(each_database_url: str) -> None:
    with psycopg.connect(each_database_url, autocommit=True) as connection:
        add(connection, 30 * DAY)
        maintain(each_database_url)

        facts = connection.execute(
            "select (select count(*) from pg_index where indrelid = relation), (select count(*) from pg_trigger where tgrelid = relation),"
            " (select relrowsecurity from pg_class where oid = relation), (select count(*) from pg_constraint where conrelid = relation)"
            " from integration_monitor.list_partitions() where not is_default"
        ).fetchall()

    assert len(set(facts)) == 1
    assert facts[0][:3] == (7, 2, True)


def test_times_far_ahead_wait_in_the_default_partition(connection: Connection, database_url: str) -> None:
    add(connection, -400 * DAY)
    connection.execute(
        "insert into public.integration_logs (service_name, action, status, created_at) values ('a', 'b', 'failed', 'infinity')"
    )
    before = partitions(connection)

    maintain(database_url)

    assert partitions(connection) == before
    assert default_count(connection) == 2


def test_what_is_older_than_the_retention_is_gone(each_database_url: str) -> None:
    with psycopg.connect(each_database_url, autocommit=True) as connection:
        add_with_partitions(connection, *(days * DAY for days in (60, 88, 89, 91, 92, 95, 110, 200)))
        add(connection, 1000 * DAY, 20000 * DAY)

        done = maintain(each_database_url)

        assert ages_in_days(connection) == [60, 88, 89]
        assert len(done.partitions_emptied) >= 2
        # Whoever truncates lets go of the locks before anything else is done.
        assert (done.partitions_dropped, done.postponed) == ([], ["partitions ahead", "dropping empty partitions"])
        assert maintain(each_database_url).partitions_dropped == done.partitions_emptied
        assert all(until > datetime.now(UTC) - 90 * DAY for _, _, until in partitions(connection))


def test_the_retention_is_a_setting(connection: Connection, database_url: str) -> None:
    connection.execute("update integration_monitor.settings set retention = '30 days'")
    add_with_partitions(connection, *(days * DAY for days in (1, 29, 31, 60)))

    maintain(database_url)

    assert ages_in_days(connection) == [1, 29]


def test_a_read_of_an_old_partition_holds_up_neither_the_promise_nor_maintenance(
    connection: Connection, database_url: str
) -> None:
    add_with_partitions(connection, 110 * DAY, 1 * DAY)
    oldest = partitions(connection)[0][0]
    with psycopg.connect(database_url) as reader:
        reader.execute(f"select * from {oldest}".encode())

        done = maintain(database_url)

        assert ages_in_days(connection) == [1]
    assert (done.rows_deleted, done.partitions_emptied) == (1, [])
    assert maintain(database_url).partitions_dropped == [oldest]


def test_while_rows_are_deleted_one_by_one_nobody_waits_for_a_truncated_partition(
    connection: Connection, database_url: str
) -> None:
    # One partition is too old as a whole; of another only a part is, and deleting that part takes its time.
    now = datetime.now(UTC)
    retention = now - (MONDAY + (now - MONDAY) // WEEK * WEEK - 4 * WEEK + 3 * DAY)
    connection.execute("update integration_monitor.settings set retention = %s", [retention])
    add_with_partitions(connection, retention + 3 * WEEK, retention + DAY, retention - DAY)
    with (
        psycopg.connect(database_url) as holder,
        psycopg.connect(database_url, autocommit=True) as writer,
        concurrent.futures.ThreadPoolExecutor(1) as thread,
    ):
        holder.execute(
            "update public.integration_logs set error_code = 'E' where created_at between now() - %s and now() - %s",
            [retention + 2 * DAY, retention],
        )
        running = thread.submit(maintain, database_url)
        wait_until_waiting(connection, "%integration_monitor.maintain()%")
        writer.execute("set lock_timeout to '1s'")

        # Without a time or an id of its own it looks for its id in every partition.
        writer.execute("insert into public.integration_logs (service_name, action, status) values ('a', 'b', 'failed')")
        holder.rollback()
        done = running.result()

    assert (done.rows_deleted, len(done.partitions_emptied)) == (1, 1)
    assert count(connection, "public.integration_logs") == 2


def test_clean_up_and_maintenance_take_turns(connection: Connection, database_url: str) -> None:
    add_with_partitions(connection, 110 * DAY)
    with (
        psycopg.connect(database_url) as maintaining,
        psycopg.connect(database_url, autocommit=True) as cleaning,
        concurrent.futures.ThreadPoolExecutor(1) as thread,
    ):
        maintaining.execute("select integration_monitor.maintain()")
        running = thread.submit(cleaning.execute, "select public.cleanup_old_integration_logs()")
        awaited = wait_until_waiting(connection, "%cleanup_old_integration_logs()%")
        maintaining.commit()
        running.result()

    # Not for the partition itself, which is no more when it comes to its turn.
    assert awaited == "advisory"
    assert ages_in_days(connection) == []


def test_partitions_are_dropped_only_when_nobody_uses_the_table(connection: Connection, database_url: str) -> None:
    add_with_partitions(connection, 110 * DAY)
    oldest = partitions(connection)[0][0]
    with psycopg.connect(database_url) as writer:
        # With a time of its own it touches one partition, as the SDK's do; without, the id is looked for in all of them.
        writer.execute(
            "insert into public.integration_logs (service_name, action, status, created_at)"
            " values ('a', 'b', 'failed', clock_timestamp())"
        )

        emptied = maintain(database_url)
        done = maintain(database_url)

    assert (emptied.partitions_emptied, emptied.partitions_dropped) == ([oldest], [])
    assert (done.partitions_emptied, done.partitions_dropped) == ([oldest], [])
    assert done.postponed == ["dropping empty partitions"]
    assert maintain(database_url).partitions_dropped == [oldest]


def test_partitions_are_dropped_though_the_table_is_never_quite_at_rest(connection: Connection, database_url: str) -> None:
    add_with_partitions(connection, 110 * DAY)
    oldest = maintain(database_url).partitions_emptied[0]
    with psycopg.connect(database_url) as writer, concurrent.futures.ThreadPoolExecutor(1) as thread:
        writer.execute(
            "insert into public.integration_logs (service_name, action, status, created_at)"
            " values ('a', 'b', 'failed', clock_timestamp())"
        )
        maintaining = thread.submit(maintain, database_url)

        # It takes its turn among the writers, and does not only look whether one is there.
        wait_until_waiting(connection, "%maintain()%")
        writer.commit()

        assert maintaining.result().partitions_dropped == [oldest]


def test_a_writer_whose_partition_comes_while_it_waits_is_not_refused(each_database_url: str) -> None:
    late = "insert into public.integration_logs (service_name, action, status, created_at) values ('late', 'b', 'failed', now() - interval '20 days')"
    with (
        psycopg.connect(each_database_url, autocommit=True) as connection,
        psycopg.connect(each_database_url) as maintaining,
        psycopg.connect(each_database_url, autocommit=True) as writer,
        concurrent.futures.ThreadPoolExecutor(1) as thread,
    ):
        add(connection, 20 * DAY)
        # It has all its locks, and is yet to commit.
        maintaining.execute("select integration_monitor.maintain()")
        writing = thread.submit(writer.execute, late.encode())
        wait_until_waiting(connection, "insert into public.integration_logs%")

        maintaining.commit()

        assert writing.result().rowcount == 1
        assert default_count(connection) == 0
        assert count(connection, "public.integration_logs") == 2
        assert not maintain(each_database_url).partitions_created


def test_a_long_read_of_everything_postpones_partitions_and_loses_nothing(connection: Connection, database_url: str) -> None:
    add(connection, 20 * DAY)
    with psycopg.connect(database_url) as reader:
        reader.execute("select count(*) from public.integration_logs")

        done = maintain(database_url)

        assert done.postponed == ["partitions ahead"]
        assert ages_in_days(connection) == [20]
    assert len(maintain(database_url).partitions_created) == 1
    assert default_count(connection) == 0


def test_one_maintenance_runs_at_a_time(connection: Connection, database_url: str) -> None:
    with connection.transaction():
        connection.execute("select integration_monitor.maintain()")

        assert maintain(database_url).is_skipped
    assert not maintain(database_url).is_skipped


def test_writers_and_readers_go_on_during_maintenance(connection: Connection, database_url: str) -> None:
    """Every insert gets its locks within a second, while partitions come and go and somebody reads for a long time."""
    stop = threading.Event()

    def keep_maintaining() -> int:
        runs = 0
        while not stop.is_set() or runs < 3:
            add(connection, 20 * DAY + runs * WEEK % (60 * DAY), 100 * DAY)
            # Refused where it would wait for the reader: then the records are deleted from the default partition.
            with contextlib.suppress(psycopg.errors.LockNotAvailable):
                connection.execute(
                    "select integration_monitor.create_partitions(array[now() - interval '120 days', now() - interval '140 days'])"
                )
            maintain(database_url)
            runs += 1
        return runs

    with (
        psycopg.connect(database_url, autocommit=True) as writer,
        psycopg.connect(database_url) as reader,
        concurrent.futures.ThreadPoolExecutor(1) as thread,
    ):
        writer.execute("set lock_timeout to '1s'")
        running = thread.submit(keep_maintaining)
        try:
            for number in range(300):
                writer.execute(
                    "insert into public.integration_logs (service_name, action, status, created_at)"
                    " values ('writer', 'sync_lead', 'success', clock_timestamp())"
                )
                if number % 50 == 0:
                    reader.rollback()
                    reader.execute("select count(*) from public.integration_logs")
        finally:
            reader.rollback()
            stop.set()
        runs = running.result()

    assert runs >= 3
    assert count(connection, "public.integration_logs where service_name = 'writer'") == 300


def test_a_partition_that_somebody_detached_is_left_alone(connection: Connection, database_url: str) -> None:
    add_with_partitions(connection, 20 * DAY)
    oldest = partitions(connection)[0][0]
    connection.execute(f"alter table public.integration_logs detach partition {oldest}".encode())
    add(connection, 20 * DAY)

    done = maintain(database_url)

    assert [f"integration_monitor.{name}" for name in done.partitions_created] == [f"{oldest}_"]
    assert count(connection, oldest) == 1
    assert ages_in_days(connection) == [20]


def test_a_partition_that_somebody_depends_on_stays_empty_and_holds_up_no_other(
    connection: Connection, database_url: str
) -> None:
    add_with_partitions(connection, 110 * DAY, 130 * DAY)
    oldest, next_one = (name for name, _, _ in partitions(connection)[:2])
    connection.execute(f"create view public.mine as select id from {oldest}".encode())

    maintain(database_url)
    done = maintain(database_url)

    assert (done.partitions_emptied, done.partitions_dropped) == ([oldest, next_one], [next_one])
    assert done.postponed == ["dropping empty partitions"]
    assert count(connection, oldest) == 0


def test_days_instead_of_weeks_begin_where_the_weeks_end(connection: Connection, database_url: str) -> None:
    weeks = partitions(connection)
    connection.execute("update integration_monitor.settings set partition_days = 1")
    for name, _, _ in weeks[-2:]:
        connection.execute(f"drop table {name}".encode())

    maintain(database_url)

    spans = partitions(connection)
    days = spans[len(weeks) - 2 :]
    assert spans[: len(weeks) - 2] == weeks[:-2]
    assert all(until - since == DAY for _, since, until in days)
    assert days[0][1] == weeks[-3][2]
    assert days[-1][1] <= datetime.now(UTC) + 28 * DAY < days[-1][2]


def test_weeks_after_days_fill_the_week_that_has_begun_with_days(connection: Connection, database_url: str) -> None:
    weeks = partitions(connection)
    for name, _, _ in weeks[-2:]:
        connection.execute(f"drop table {name}".encode())
    connection.execute("update integration_monitor.settings set partition_days = 1")
    connection.execute("select integration_monitor.create_partitions(array[%s::timestamptz])", [weeks[-2][1] + 2 * DAY])
    connection.execute("update integration_monitor.settings set partition_days = 7")

    maintain(database_url)

    spans = partitions(connection)[len(weeks) - 2 :]
    assert [until - since for _, since, until in spans if since < weeks[-1][1]] == [DAY] * 7
    assert spans[-1] == weeks[-1]


def test_a_far_session_time_zone_changes_no_bound(connection: Connection) -> None:
    expected = partitions(connection)
    connection.execute("set timezone to 'Pacific/Kiritimati'")
    connection.execute("set datestyle to 'German'")
    connection.execute(f"drop table {expected[-1][0]}".encode())

    connection.execute("select integration_monitor.maintain()")

    connection.execute("set datestyle to 'ISO'")
    assert partitions(connection) == expected


def test_clean_up_removes_everything_older_than_90_days(each_database_url: str) -> None:
    with psycopg.connect(each_database_url, autocommit=True) as connection:
        add_with_partitions(connection, *(days * DAY for days in (1, 89, 91, 200)))
        add(connection, 300 * DAY, 20000 * DAY)

        connection.execute("set role service_role")
        connection.execute("select public.cleanup_old_integration_logs()")
        connection.execute("reset role")

        assert ages_in_days(connection) == [1, 89]


def test_clean_up_keeps_its_promise_while_somebody_reads(connection: Connection, database_url: str) -> None:
    add_with_partitions(connection, 1 * DAY, 91 * DAY, 200 * DAY)
    with psycopg.connect(database_url) as reader:
        reader.execute("select count(*) from public.integration_logs")

        connection.execute("select public.cleanup_old_integration_logs()")

    assert ages_in_days(connection) == [1]


def test_an_application_that_logs_in_as_writer_can_maintain(postgres_server: Server, database_url: str) -> None:
    postgres_server.execute("drop role if exists application; create role application login in role integration_monitor_writer")
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]

    done = maintain(postgres_server.url(str(name), user="application"))

    assert not done.is_skipped
