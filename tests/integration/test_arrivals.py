"""In which order records arrive, on every PostgreSQL: noted while somebody watches, found once each, kept for some minutes."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import psycopg
import pytest

from integration_monitor.store.answers import LogFilter
from integration_monitor.store.arrivals import Arrival, ArrivalPosition, Looked
from integration_monitor.store.postgres.arrivals import PostgresArrivals
from integration_monitor.store.postgres.pool import Connections
from tests.conftest import VARIANTS, Server, Variant
from tests.integration.conftest import write_log

T = TypeVar("T")
Connection = psycopg.Connection[tuple[Any, ...]]
Connect = Callable[[], Connection]
EVERYTHING = LogFilter(since=datetime.min.replace(tzinfo=UTC), until=datetime.max.replace(tzinfo=UTC))
# As in migrations/0035_note_arrivals.sql.
RECORDS_MAX = 10_000
MANY = 1_000


@pytest.fixture(params=[VARIANTS[0], VARIANTS[-1]], ids=str)
def each_server(request: pytest.FixtureRequest, servers: Callable[[Variant], Server]) -> Server:
    """The newest PostgreSQL as a superuser and the oldest as an ordinary owner: what differs, differs between these."""
    return servers(request.param)


@pytest.fixture
def connect(each_database_url: str) -> Iterator[Connect]:
    """Opens sessions that commit each statement by itself."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(psycopg.connect(each_database_url, autocommit=True))


class Store:
    """The store's answers, each asked for in an event loop of its own."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url

    def look(self) -> Looked:
        return self._ask(lambda arrivals: arrivals.look())

    def after(self, position: ArrivalPosition) -> list[Arrival] | None:
        found = self._ask(lambda arrivals: arrivals.after(position, limit=MANY))
        return None if found is None else list(found)

    def ids_after(self, position: ArrivalPosition) -> list[uuid.UUID | None]:
        found = self.after(position)
        assert found is not None
        return [arrival.record_id for arrival in found]

    def _ask(self, question: Callable[[PostgresArrivals], Awaitable[T]]) -> T:
        async def ask() -> T:
            async with self._opened() as connections:
                return await question(PostgresArrivals(connections))

        return asyncio.run(ask())

    @contextlib.asynccontextmanager
    async def _opened(self) -> AsyncIterator[Connections]:
        connections = Connections(self._database_url, connections_max=1)
        await connections.open()
        try:
            yield connections
        finally:
            await connections.close()


@pytest.fixture
def store(each_database_url: str) -> Store:
    return Store(each_database_url)


def count_noted(connection: Connection) -> int:
    row = connection.execute("select count(*) from integration_monitor.arrivals").fetchone()
    assert row is not None
    return int(row[0])


def let_lapse(connection: Connection) -> None:
    """As if the last watcher had gone long ago."""
    connection.execute("update integration_monitor.arrival_watch set until_at = now() - interval '1 second'")


def make_older(connection: Connection, minutes: int) -> None:
    """As if all looks had been so much earlier, and the lease were due."""
    connection.execute(
        "update integration_monitor.arrival_looks set looked_at = looked_at - make_interval(mins => %s)", [minutes]
    )
    connection.execute("update integration_monitor.arrival_watch set until_at = now() + interval '2 minutes'")


def test_nothing_is_noted_while_nobody_watches(connect: Connect, store: Store) -> None:
    connection = connect()

    write_log(connection)
    before = count_noted(connection)
    store.look()
    write_log(connection)
    while_watched = count_noted(connection)
    let_lapse(connection)
    write_log(connection)

    assert (before, while_watched, count_noted(connection)) == (0, 1, 1)


def test_transactions_that_commit_in_another_order_than_they_began_are_found_once_each(connect: Connect, store: Store) -> None:
    early, late = connect(), connect()
    began = store.look().end

    early.execute("begin")
    of_early = write_log(early)
    late.execute("begin")
    of_late = write_log(late)
    late.execute("commit")
    store.look()
    while_open = store.ids_after(began)
    early.execute("commit")
    store.look()

    assert while_open == [of_late]
    assert store.ids_after(began) == [of_late, of_early]


def test_transaction_that_stays_open_holds_nobody_back(connect: Connect, store: Store) -> None:
    stuck, other = connect(), connect()
    began = store.look().end
    stuck.execute("begin")
    of_stuck = write_log(stuck)

    seen = []
    for _ in range(3):
        written = write_log(other)
        store.look()
        seen.append(store.ids_after(began)[-1] == written)
    middle = store.look().end
    stuck.execute("rollback")
    store.look()

    assert seen == [True, True, True]
    assert of_stuck not in store.ids_after(began)
    assert store.ids_after(middle) == []


def test_rolled_back_savepoints_leave_no_arrival(connect: Connect, store: Store) -> None:
    connection = connect()
    began = store.look().end

    with connection.transaction():
        kept = write_log(connection)
        with connection.transaction(force_rollback=True):
            write_log(connection)
        inner = None
        with connection.transaction():
            inner = write_log(connection)
    store.look()

    assert store.ids_after(began) == [kept, inner]


def test_record_of_yesterday_arrives_now(connect: Connect, store: Store) -> None:
    connection = connect()
    began = store.look().end

    written = write_log(connection, age=timedelta(days=1))
    store.look()

    assert store.ids_after(began) == [written]


def test_change_is_told_from_a_new_record(connect: Connect, store: Store) -> None:
    connection = connect()
    pending = write_log(connection, status="pending")
    began = store.look().end

    connection.execute("update public.integration_logs set status = 'success' where id = %s", [pending])
    store.look()

    [arrival] = store.after(began) or []
    assert (arrival.record_id, arrival.is_new) == (pending, False)


def test_reading_goes_on_in_the_middle_of_a_statement(connect: Connect, store: Store) -> None:
    connection = connect()
    began = store.look().end
    connection.execute(
        "insert into public.integration_logs (service_name, action, status) select 'amocrm', 'sync_lead', 'success'"
        " from generate_series(1, 10)"
    )
    looked = store.look()

    everything = store.after(began) or []
    rest = store.after(ArrivalPosition(watch=looked.watch, look=everything[3].look, number=everything[3].number))

    assert len(everything) == 10
    assert rest == everything[4:]


def test_idle_looks_write_nothing(connect: Connect, store: Store) -> None:
    connection = connect()
    store.look()
    [transactions] = connection.execute("select pg_snapshot_xmax(pg_current_snapshot())").fetchone() or [None]

    looks = [store.look() for _ in range(3)]

    assert connection.execute("select pg_snapshot_xmax(pg_current_snapshot())").fetchone() == (transactions,)
    assert len(set(map(repr, looks))) == 1


def test_load_that_nobody_could_read_is_one_arrival(connect: Connect, store: Store) -> None:
    connection = connect()
    began = store.look().end

    connection.execute(
        "insert into public.integration_logs (service_name, action, status) select 'amocrm', 'sync_lead', 'success'"
        " from generate_series(1, %s)",
        [RECORDS_MAX + 1],
    )
    store.look()

    assert store.ids_after(began) == [None]


def test_record_at_the_end_of_time_is_left_out_as_in_lists(connect: Connect, store: Store) -> None:
    connection = connect()
    began = store.look().end

    connection.execute(
        "insert into public.integration_logs (service_name, action, status, created_at)"
        " values ('amocrm', 'sync_lead', 'success', 'infinity'), ('amocrm', 'sync_lead', 'success', now())"
    )
    store.look()

    assert len(store.ids_after(began)) == 1


def test_watch_that_lapsed_begins_anew_and_takes_no_position_of_before(connect: Connect, store: Store) -> None:
    connection = connect()
    began = store.look().end
    write_log(connection)
    store.look()

    let_lapse(connection)
    anew = store.look()

    assert anew.watch == began.watch + 1
    assert store.after(began) is None
    assert store.ids_after(anew.end) == []
    assert count_noted(connection) == 0


def test_arrivals_of_long_ago_are_removed_and_a_position_among_them_is_known_to_be_gone(connect: Connect, store: Store) -> None:
    connection = connect()
    began = store.look().end
    for _ in range(3):
        write_log(connection)
        store.look()

    make_older(connection, 6)
    newest = write_log(connection)
    looked = store.look()

    # The last of the old ones stays: whoever has read just that may not have seen the next.
    assert (looked.looks, looked.looks_removed) == (4, 2)
    assert store.after(began) is None
    assert store.ids_after(ArrivalPosition(watch=looked.watch, look=3, number=0))[-1] == newest
    assert count_noted(connection) == 2


def test_arrival_of_an_open_transaction_outlives_the_removal_of_the_old_ones(connect: Connect, store: Store) -> None:
    slow, other = connect(), connect()
    store.look()
    slow.execute("begin")
    of_slow = write_log(slow)
    for _ in range(3):
        write_log(other)
        store.look()

    make_older(other, 6)
    write_log(other)
    before_the_end = store.look().end
    slow.execute("commit")
    store.look()

    assert store.ids_after(before_the_end) == [of_slow]


def test_what_nobody_watches_for_any_more_is_forgotten(connect: Connect, store: Store) -> None:
    connection = connect()
    store.look()
    write_log(connection)

    connection.execute("select integration_monitor.maintain()")
    while_watched = count_noted(connection)
    let_lapse(connection)
    connection.execute("select integration_monitor.maintain()")

    assert (while_watched, count_noted(connection)) == (1, 0)


def test_watch_out_of_the_back_up_of_another_cluster_begins_anew(connect: Connect, store: Store) -> None:
    connection = connect()
    began = store.look()
    connection.execute("update integration_monitor.arrival_watch set seen_snapshot = '900000000:900000000:'")

    looked = store.look()
    written = write_log(connection)
    store.look()

    assert looked.watch == began.watch + 1
    assert store.ids_after(looked.end) == [written]


def test_two_servers_look_at_once_and_find_each_arrival_once(connect: Connect, store: Store) -> None:
    one, other, writer = connect(), connect(), connect()
    began = store.look().end
    written = [write_log(writer) for _ in range(5)]

    one.execute("begin")
    one.execute("select integration_monitor.look_for_arrivals()")
    other.execute("set lock_timeout = '100ms'")
    with pytest.raises(psycopg.errors.LockNotAvailable):
        other.execute("select integration_monitor.look_for_arrivals()")
    one.execute("commit")
    other.execute("select integration_monitor.look_for_arrivals()")

    assert store.ids_after(began) == written
    assert store.look().looks == 1


def test_server_that_is_stopped_in_the_middle_of_a_look_keeps_nobody_from_looking(connect: Connect, store: Store) -> None:
    stopped, writer = connect(), connect()
    began = store.look().end
    written = write_log(writer)
    stopped.execute("begin")
    stopped.execute("select integration_monitor.look_for_arrivals()")

    # Its own time-out is longer than what the stopped one is given.
    looked = store.look()

    assert looked.looks == 1
    assert store.ids_after(began) == [written]
    with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
        stopped.execute("commit")


def test_only_the_server_reads_arrivals(connect: Connect) -> None:
    connection = connect()

    for role in ("anon", "authenticated", "integration_monitor_writer", "integration_monitor_statistics"):
        connection.execute(f"set role {role}".encode())
        for statement in (
            "select from integration_monitor.arrivals",
            "select from integration_monitor.arrival_watch",
            "select integration_monitor.look_for_arrivals()",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())
        connection.execute("reset role")


def test_writers_note_arrivals_though_they_may_not_read_them(connect: Connect, store: Store) -> None:
    connection = connect()
    began = store.look().end

    connection.execute("set role integration_monitor_writer")
    written = write_log(connection)
    connection.execute("reset role")
    store.look()

    assert store.ids_after(began) == [written]
