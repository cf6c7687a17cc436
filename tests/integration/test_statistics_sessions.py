"""Statistics under sessions that write at the same time: always what the records say, and nobody waits in a circle."""

import concurrent.futures
import random
import threading
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.conftest import Server, Variant
from tests.integration.recount import assert_exact, read, recount

WRITERS = 6
BATCHES = 15
RETENTION = timedelta(days=8)

AGES = st.sampled_from([timedelta(0), *(timedelta(minutes=n) for n in (1, 59)), *(timedelta(hours=n) for n in (1, 23, 25, 47, 49)),
                        *(timedelta(days=n) for n in (2, 7, 8, 9, 29, 30, 31, 95))])  # fmt: skip
DURATIONS = st.sampled_from([None, 0, 5, 5, 7, 100, 100, 40_000])
STATUSES = st.sampled_from(["pending", "retrying", "success", "failed"])
SESSIONS = st.integers(0, 2)
SOME = st.integers(1, 4)


class Sessions(RuleBasedStateMachine):
    """Three sessions with a transaction each, one that adds up, and one that looks.

    They write only rows that no other session holds: one thread must not wait for itself.
    """

    url: str

    @initialize()
    def begin(self) -> None:
        self.sessions = [psycopg.connect(self.url) for _ in range(3)]
        self.keeper = psycopg.connect(self.url, autocommit=True)
        self.reader = psycopg.connect(self.url, autocommit=True)
        self.keeper.execute(
            "truncate integration_monitor.statistics_changes, integration_monitor.statistics_minute,"
            " integration_monitor.statistics_hour, integration_monitor.statistics_day"
        )
        self.keeper.execute("delete from integration_monitor.integration_logs_default")
        for (name,) in self.keeper.execute("select relation::text from integration_monitor.list_partitions()").fetchall():
            self.keeper.execute(f"truncate only {name}".encode())
        self.is_retained = False
        self.steps = 0

    def teardown(self) -> None:
        for connection in (
            *getattr(self, "sessions", []),
            *filter(None, (getattr(self, "keeper", None), getattr(self, "reader", None))),
        ):
            connection.close()

    @rule(
        session=SESSIONS,
        count=SOME,
        status=STATUSES,
        duration_ms=DURATIONS,
        age=AGES,
        action=st.sampled_from("ab"),
        is_failed=st.booleans(),
    )
    def insert(  # noqa: PLR0917  # Hypothesis gives them by name
        self, session: int, count: int, status: str, duration_ms: int | None, age: timedelta, action: str, is_failed: bool
    ) -> None:
        self.sessions[session].execute(
            "insert into public.integration_logs (service_name, action, status, duration_ms, created_at, error_code)"
            " select 'amocrm', %s, %s, %s + n, now() - %s, %s from generate_series(1, %s) as n",
            [action, status, duration_ms, age, "E" if is_failed else None, count],
        )

    @rule(session=SESSIONS, count=SOME, status=STATUSES, duration_ms=DURATIONS)
    def finish(self, session: int, count: int, status: str, duration_ms: int | None) -> None:
        self.sessions[session].execute(
            "update public.integration_logs set status = %s, duration_ms = %s where id in ("
            "select id from public.integration_logs where status in ('pending', 'retrying') order by id limit %s for update skip locked)",
            [status, duration_ms, count],
        )

    @rule(session=SESSIONS, count=SOME, duration_ms=DURATIONS, direction=st.sampled_from(["asc", "desc"]))
    def change(self, session: int, count: int, duration_ms: int | None, direction: str) -> None:
        self.sessions[session].execute(
            "update public.integration_logs set duration_ms = %s, action = 'a' where id in ("
            f"select id from public.integration_logs order by duration_ms {direction} nulls last, id limit %s for update skip locked)".encode(),
            [duration_ms, count],
        )

    @rule(session=SESSIONS, count=SOME, age=AGES)
    def move(self, session: int, count: int, age: timedelta) -> None:
        self.sessions[session].execute(
            "update public.integration_logs set created_at = now() - %s where id in ("
            "select id from public.integration_logs order by id limit %s for update skip locked)",
            [age, count],
        )

    @rule(session=SESSIONS, count=SOME, direction=st.sampled_from(["asc", "desc"]))
    def delete(self, session: int, count: int, direction: str) -> None:
        self.sessions[session].execute(
            "delete from public.integration_logs where id in ("
            f"select id from public.integration_logs order by duration_ms {direction} nulls last, id limit %s for update skip locked)".encode(),
            [count],
        )

    @rule(session=SESSIONS)
    def commit(self, session: int) -> None:
        self.sessions[session].commit()

    @rule(session=SESSIONS)
    def rollback(self, session: int) -> None:
        self.sessions[session].rollback()

    @rule(changes=st.sampled_from([1, 3, 20_000]))
    def compact(self, changes: int) -> None:
        self.keeper.execute("select integration_monitor.compact_statistics(%s)", [changes])

    @rule()
    def retain(self) -> None:
        """Maintenance changes no figure, whatever it removes. From then on only days are compared whose records all remain."""
        for session in self.sessions:
            session.commit()
        before = read(self.reader)
        self.keeper.execute("update integration_monitor.settings set retention = %s", [RETENTION])
        self.keeper.execute("select integration_monitor.maintain()")
        assert read(self.reader) == before
        self.is_retained = True

    @invariant()
    def sessions_see_what_the_records_say(self) -> None:
        # The sessions by turns: what one sees of the others changes when they commit, and of itself at once.
        self.steps += 1
        for connection in (self.sessions[self.steps % 3], self.reader):
            shown, counted = read(connection), recount(connection)
            if self.is_retained:
                row = connection.execute("select now() - %s", [RETENTION]).fetchone()
                assert row is not None
                shown, counted = (
                    {view: [one for one in rows[view] if one[3] > row[0]] for view in rows} for rows in (shown, counted)
                )
            assert shown == counted
        # A reader's transaction would keep what it sees.
        assert self.reader.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


@pytest.mark.parametrize("version", [18, 15])
def test_statistics_are_exact_in_every_session_at_every_moment(servers: Callable[[Variant], Server], version: int) -> None:
    server = servers(Variant(version=version, is_ordinary=True))
    name = server.create_database(is_migrated=True)
    try:
        run_state_machine_as_test(
            type("SessionsOfServer", (Sessions,), {"url": server.url(name)}),
            settings=settings(max_examples=8, stateful_step_count=30, deadline=None),
        )
    finally:
        server.drop_database(name)


def test_writers_never_wait_in_a_circle_and_nothing_is_miscounted(each_database_url: str) -> None:
    """Each writes the same services and actions in an order of its own, while two add up and one looks."""
    is_over = threading.Event()

    def write(number: int) -> int:
        generator = random.Random(number)
        services = [f"service_{n}" for n in range(5)]
        with psycopg.connect(each_database_url, autocommit=True) as connection:
            for batch in range(BATCHES):
                with connection.transaction(force_rollback=batch % 7 == 0):
                    for service in generator.sample(services, 5):
                        connection.execute(
                            "insert into public.integration_logs (service_name, action, status, duration_ms, created_at, error_code)"
                            " select %s, 'action_' || n %% 3, 'pending', n, clock_timestamp(), %s from generate_series(1, 10) as n",
                            [service, str(number)],
                        )
                        connection.execute(
                            "update public.integration_logs set status = 'success', duration_ms = duration_ms + 2"
                            " where service_name = %s and error_code = %s and duration_ms %% 2 = 0",
                            [service, str(number)],
                        )
                    connection.execute(
                        "delete from public.integration_logs where error_code = %s and duration_ms = 10", [str(number)]
                    )
        return BATCHES

    def add_up() -> int:
        merged = 0
        with psycopg.connect(each_database_url, autocommit=True) as connection:
            while not is_over.is_set():
                row = connection.execute("select coalesce(integration_monitor.compact_statistics(50), 0)").fetchone()
                merged += row[0] if row else 0
        return merged

    with (
        psycopg.connect(each_database_url, autocommit=True) as reader,
        concurrent.futures.ThreadPoolExecutor(WRITERS + 2) as threads,
    ):
        adding = [threads.submit(add_up) for _ in range(2)]
        try:
            writing = [threads.submit(write, number) for number in range(WRITERS)]
            while any(not future.done() for future in writing):
                assert_exact(reader)
            assert [future.result() for future in writing] == [BATCHES] * WRITERS
        finally:
            is_over.set()
        merged = sum(future.result() for future in adding)
        assert_exact(reader)
        reader.execute("select integration_monitor.compact_statistics()")
        assert_exact(reader)
        assert merged > 0
        assert reader.execute("select deadlocks from pg_stat_database where datname = current_database()").fetchone() == (0,)


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_truncation_that_cannot_count_what_it_removes_is_refused(each_database_url: str, level: str) -> None:
    """Its snapshot is older than what another session has committed meanwhile, and TRUNCATE removes that as well."""
    with psycopg.connect(each_database_url, autocommit=True) as connection, psycopg.connect(each_database_url) as old:
        old.execute(f"set transaction isolation level {level}".encode())
        old.execute("select count(*) from public.integration_logs")
        connection.execute("insert into public.integration_logs (service_name, action, status) values ('a', 'b', 'success')")

        with pytest.raises(psycopg.errors.FeatureNotSupported, match=level):
            old.execute("truncate public.integration_logs")
        old.rollback()

        assert_exact(connection)
        connection.execute("truncate public.integration_logs")
        assert_exact(connection)
        assert read(connection)["daily"] == []
