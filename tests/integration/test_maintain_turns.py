"""Maintenance by a writer: in short turns, so that its records do not wait for it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from integration_monitor.batch import Batch
from integration_monitor.errors import StoreUnavailable
from integration_monitor.store.postgres.sink import PostgresSink
from tests.integration.batches import record

Connection = psycopg.Connection[tuple[Any, ...]]

OLD = timedelta(days=91)
# As in migrations/0015_maintain_in_turns.sql.
ROWS_A_TURN = 5_000


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def sink(database_url: str) -> Iterator[PostgresSink]:
    sink = PostgresSink(database_url)
    yield sink
    sink.close()


def add_old(connection: Connection, count: int) -> None:
    """Records that are too old, in a partition that holds younger ones as well."""
    connection.execute(
        "insert into public.integration_logs (service_name, action, status, created_at)"
        " select 'amocrm', 'sync_lead', 'success', now() - %s from generate_series(1, %s)",
        [OLD, count],
    )


def count_rows(connection: Connection) -> int:
    row = connection.execute("select count(*) from public.integration_logs").fetchone()
    assert row is not None
    return int(row[0])


def slow_down(connection: Connection, seconds_a_row: float) -> None:
    """From now on each row that is deleted takes so long."""
    connection.execute(
        "create function public.dawdle() returns trigger language plpgsql as"
        f" $$ begin perform pg_sleep({seconds_a_row}); return old; end $$;"
        " create trigger dawdle before delete on integration_monitor.integration_logs_default for each row execute function dawdle()".encode()
    )


def test_what_a_turn_leaves_is_done_by_the_next_ones(connection: Connection, sink: PostgresSink) -> None:
    add_old(connection, 2 * ROWS_A_TURN)
    add_old_partition(connection)
    sink.write(Batch(records=[record()]))

    sink.maintain()
    rows_after_a_turn = count_rows(connection)
    for _ in range(40):  # a busy machine deletes less in its half second
        sink.maintain()

    assert rows_after_a_turn >= ROWS_A_TURN
    assert count_rows(connection) == 1
    assert old_partitions(connection) == 0


def test_a_slow_maintenance_goes_on_after_later_batches(
    connection: Connection, sink: PostgresSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integration_monitor.store.postgres.sink.MAINTAIN_INTERVAL_S", 0.0)
    add_old(connection, 150)
    slow_down(connection, 0.01)

    sink.maintain()
    left = [count_rows(connection)]
    while left[-1] > 0 and len(left) < 30:
        sink.write(Batch(records=[record(action="later")]))
        row = connection.execute("select count(*) from public.integration_logs where action <> 'later'").fetchone()
        left.append(row[0] if row is not None else 0)

    assert left[0] > 0, "all at once"
    assert left[-1] == 0
    assert count_rows(connection) == len(left) - 1


def test_a_maintenance_that_stands_still_is_given_up_and_records_are_written(connection: Connection, sink: PostgresSink) -> None:
    connection.execute(
        "create or replace function integration_monitor.create_partitions(times timestamptz[]) returns text[] language plpgsql as"
        " $$ begin perform pg_sleep(60); return '{}'; end $$"
    )

    with pytest.raises(StoreUnavailable):
        sink.maintain()
    sink.write(Batch(records=[record()]))

    assert count_rows(connection) == 1


def test_a_turn_waits_for_nobody(connection: Connection, sink: PostgresSink, database_url: str) -> None:
    add_old(connection, 3)

    with psycopg.connect(database_url) as other:
        other.execute("select from public.integration_logs limit 1 for update")
        sink.maintain()
        rows_meanwhile = count_rows(connection)
        other.rollback()
    sink.maintain()

    assert rows_meanwhile == 1
    assert count_rows(connection) == 0


def add_old_partition(connection: Connection) -> None:
    """A partition that is too old as a whole, with a record."""
    age = timedelta(days=120)
    connection.execute("select integration_monitor.create_partitions(array[now() - %s])", [age])
    connection.execute(
        "insert into public.integration_logs (service_name, action, status, created_at) values ('amocrm', 'a', 'success', now() - %s)",
        [age],
    )


def old_partitions(connection: Connection) -> int:
    row = connection.execute(
        "select count(*) from integration_monitor.list_partitions() where not is_default and until < now() - interval '90 days'"
    ).fetchone()
    assert row is not None
    return int(row[0])
