"""One id is one record, although the primary key is (id, created_at)."""

import concurrent.futures
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from integration_monitor.record import new_id

Connection = psycopg.Connection[tuple[Any, ...]]

INSERT = "insert into public.integration_logs (id, service_name, action, status) values (%s, 'amocrm', 'sync_lead', 'success')"
INSERT_AT = "insert into public.integration_logs (id, service_name, action, status, created_at) values (%s, 'amocrm', 'sync_lead', 'success', %s)"


def connect(database_url: str) -> Connection:
    return psycopg.connect(database_url, autocommit=True)


def times(connection: Connection, identifier: uuid.UUID) -> list[datetime]:
    rows = connection.execute("select created_at from public.integration_logs where id = %s", [identifier]).fetchall()
    return [row[0] for row in rows]


def whole_ms(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def test_an_id_without_created_at_is_one_record(each_database_url: str) -> None:
    identifier = uuid.uuid4()
    with connect(each_database_url) as connection:
        connection.execute(INSERT, [identifier])

        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(INSERT, [identifier])
        repeated = connection.execute(f"{INSERT} on conflict do nothing", [identifier])

        assert repeated.rowcount == 0
        assert len(times(connection, identifier)) == 1


def test_an_upsert_finds_the_record_of_another_time(each_database_url: str) -> None:
    identifier = uuid.uuid4()
    long_ago = datetime.now(UTC) - timedelta(days=60)
    with connect(each_database_url) as connection:
        connection.execute(INSERT_AT, [identifier, long_ago])

        connection.execute(f"{INSERT} on conflict do nothing", [identifier])

        assert times(connection, identifier) == [long_ago]


def test_a_uuid_of_version_7_brings_its_time(each_database_url: str) -> None:
    moment = datetime.now(UTC) - timedelta(minutes=5)
    with connect(each_database_url) as connection:
        connection.execute(INSERT, [identifier := new_id(moment)])

        assert times(connection, identifier) == [whole_ms(moment)]


@pytest.mark.parametrize("age", [timedelta(days=3), timedelta(days=10), timedelta(days=40), timedelta(hours=-20)], ids=str)
def test_a_uuid_of_version_7_is_put_where_its_time_belongs(each_database_url: str, age: timedelta) -> None:
    moment = datetime.now(UTC) - age
    identifier = new_id(moment)
    with connect(each_database_url) as connection:
        connection.execute(INSERT, [identifier])
        connection.execute(f"{INSERT} on conflict do nothing", [identifier])

        partition = connection.execute(
            "select tableoid::regclass = integration_monitor.find_partition(created_at) from public.integration_logs where id = %s",
            [identifier],
        ).fetchall()

        assert times(connection, identifier) == [whole_ms(moment)]
        assert partition == [(True,)]


def test_every_column_is_kept_when_a_record_is_put_elsewhere(database_url: str) -> None:
    identifier = new_id(datetime.now(UTC) - timedelta(days=20))
    entity = uuid.uuid4()
    with connect(database_url) as connection:
        connection.execute(
            "insert into public.integration_logs (id, service_name, action, status, related_entity_type, related_entity_id,"
            " request_payload, response_payload, error_message, error_code, duration_ms, retry_count, updated_at)"
            " values (%s, 'resend', 'send_email', 'failed', 'user', %s, '{\"a\": 1}', '[2]', 'no', 'E', 7, 3, '2026-01-01 00:00+00')",
            [identifier, entity],
        )

        row = connection.execute(
            "select service_name, action, status, related_entity_type, related_entity_id, request_payload, response_payload,"
            " error_message, error_code, duration_ms, retry_count, updated_at from public.integration_logs where id = %s",
            [identifier],
        ).fetchone()

    expected = (
        "resend",
        "send_email",
        "failed",
        "user",
        entity,
        {"a": 1},
        [2],
        "no",
        "E",
        7,
        3,
        datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert row == expected


@pytest.mark.parametrize("age", [timedelta(days=91), timedelta(days=20000), timedelta(days=-2), timedelta(days=-20000)], ids=str)
def test_a_time_that_cannot_be_is_not_believed(database_url: str, age: timedelta) -> None:
    identifier = new_id(datetime.now(UTC) - age)
    before = datetime.now(UTC)
    with connect(database_url) as connection:
        connection.execute(INSERT, [identifier])
        connection.execute(f"{INSERT} on conflict do nothing", [identifier])

        (created_at,) = times(connection, identifier)

    assert before - timedelta(seconds=1) < created_at < before + timedelta(minutes=1)


def test_a_time_that_is_given_is_kept(each_database_url: str) -> None:
    moment = datetime.now(UTC) - timedelta(hours=1)
    identifiers = [uuid.uuid4(), new_id(datetime.now(UTC) - timedelta(days=12))]
    with connect(each_database_url) as connection:
        for identifier in identifiers:
            connection.execute(INSERT_AT, [identifier, moment])

            assert times(connection, identifier) == [moment]


def test_one_statement_cannot_write_an_id_twice(each_database_url: str) -> None:
    identifier = uuid.uuid4()
    with connect(each_database_url) as connection:
        connection.execute(
            "insert into public.integration_logs (id, service_name, action, status)"
            " select %s, 'amocrm', 'sync_lead', 'success' from generate_series(1, 3) on conflict do nothing",
            [identifier],
        )

        assert len(times(connection, identifier)) == 1


@pytest.mark.parametrize("role", ["service_role", "integration_monitor_writer"])
def test_an_id_is_one_record_also_for_who_may_not_see_it(each_database_url: str, role: str) -> None:
    identifier = uuid.uuid4()
    with connect(each_database_url) as connection:
        connection.execute(INSERT_AT, [identifier, datetime.now(UTC) - timedelta(days=30)])

        with connection.transaction():
            connection.execute(f"set local role {role}".encode())
            connection.execute(f"{INSERT} on conflict do nothing", [identifier])

        assert len(times(connection, identifier)) == 1


@pytest.mark.parametrize("make_id", [uuid.uuid4, lambda: new_id(datetime.now(UTC))], ids=["random", "version 7"])
def test_sessions_that_write_an_id_at_once_make_one_record(each_database_url: str, make_id: Callable[[], uuid.UUID]) -> None:
    identifier = make_id()
    with (
        connect(each_database_url) as first,
        connect(each_database_url) as second,
        connect(each_database_url) as observer,
        concurrent.futures.ThreadPoolExecutor(1) as thread,
    ):
        with first.transaction():
            first.execute(INSERT, [identifier])
            waiting = thread.submit(second.execute, f"{INSERT} on conflict do nothing", [identifier])
            wait_until_blocked(observer, second.info.backend_pid)
        waiting.result()

        assert len(times(observer, identifier)) == 1


def test_many_sessions_that_repeat_the_same_inserts_make_each_record_once(each_database_url: str) -> None:
    identifiers = [uuid.uuid4() for _ in range(20)] + [new_id(datetime.now(UTC) - timedelta(days=day)) for day in range(20)]

    def write(_: int) -> None:
        with connect(each_database_url) as connection:
            for identifier in identifiers:
                connection.execute(f"{INSERT} on conflict do nothing", [identifier])

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))

    with connect(each_database_url) as connection:
        counts = connection.execute("select count(*), count(distinct id) from public.integration_logs").fetchone()
    assert counts == (40, 40)


def test_a_bulk_insert_does_not_exhaust_the_lock_table(database_url: str) -> None:
    with connect(database_url) as connection, connection.transaction():
        connection.execute(
            "insert into public.integration_logs (service_name, action, status)"
            " select 'amocrm', 'sync_lead', 'success' from generate_series(1, 2000)"
        )

        row = connection.execute(
            "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"
        ).fetchone()

    assert row == (500,)


def test_the_next_transaction_counts_its_locks_anew(database_url: str) -> None:
    with connect(database_url) as connection:
        for _ in range(2):
            with connection.transaction():
                connection.execute(INSERT, [uuid.uuid4()])

                assert connection.execute("select current_setting('integration_monitor.id_locks')").fetchone() == ("1",)


def test_updated_at_follows_an_update(each_database_url: str) -> None:
    identifier = uuid.uuid4()
    with connect(each_database_url) as connection:
        connection.execute(INSERT_AT, [identifier, datetime.now(UTC)])
        connection.execute("update public.integration_logs set updated_at = '2026-01-01 00:00+00' where id = %s", [identifier])

        row = connection.execute(
            "update public.integration_logs set status = 'failed' where id = %s returning updated_at = now()", [identifier]
        ).fetchone()

    assert row == (True,)


def test_updated_at_that_is_set_is_kept(each_database_url: str) -> None:
    identifier = uuid.uuid4()
    moment = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    with connect(each_database_url) as connection:
        connection.execute(INSERT, [identifier])

        row = connection.execute(
            "update public.integration_logs set status = 'failed', updated_at = %s where id = %s returning updated_at",
            [moment, identifier],
        ).fetchone()

    assert row == (moment,)


def wait_until_blocked(observer: Connection, process_id: int) -> None:
    """Returns when another session waits for a lock."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if observer.execute("select cardinality(pg_blocking_pids(%s)) > 0", [process_id]).fetchone() == (True,):
            return
    raise AssertionError("the session never waited")
