"""The store's questions under each role, on every kind of database that the product must work on."""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import psycopg
import pytest
from psycopg import sql

from integration_monitor.errors import PermissionRefused, StoreError, StoreUnavailable
from integration_monitor.monitoring import failures, health, statistics, timeline
from integration_monitor.store.answers import Role
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.questions import PostgresQuestions
from integration_monitor.store.postgres.sql import query
from integration_monitor.store.postgres.upkeep import applied_migrations, maintain
from tests.integration.conftest import AddLog

ROLES: tuple[Role, ...] = get_args(Role)


@asynccontextmanager
async def connected(database_url: str, *, statement_timeout_s: float = 10) -> AsyncIterator[Connections]:
    connections = Connections(database_url, connections_max=2, statement_timeout_s=statement_timeout_s)
    await connections.open()
    try:
        yield connections
    finally:
        await connections.close()


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "0100-01-01 BC", "20000-01-01"])
def test_a_time_beyond_pythons_keeps_nobody_from_reading_failures(database_url: str, moment: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into public.integration_logs (service_name, action, status, updated_at) values ('a', 'b', 'failed', %s)",
            [moment],
        )

    async def ask() -> None:
        async with connected(database_url) as connections:
            questions = PostgresQuestions(connections, "authenticated")
            [row] = (await failures.latest(questions)).data
            assert await questions.failures_one(record_id=row.id, created_at=row.created_at) == row

    asyncio.run(ask())


def test_every_role_is_answered_what_it_may_see(each_database_url: str, add_log_to: Callable[[str], AddLog]) -> None:
    add_log = add_log_to(each_database_url)
    for _ in range(5):
        add_log(status="failed", fault="vendor")
    log_id = add_log(status="failed", fault="ours", age=timedelta(minutes=1))

    async def ask() -> None:
        async with connected(each_database_url) as connections:
            for role in ROLES:
                questions = PostgresQuestions(connections, role)
                [row] = (await statistics.daily(questions)).data
                assert (row.count, row.failed_count, row.failure_rate_percent) == (6, 6, 100.0)
                assert sum(row.count for row in await statistics.hourly(questions)) == 6
                [service] = (await health.services(questions)).data
                assert (service.total_requests, service.state) == (6, "down")
                for step in ("hour", "day"):
                    [series] = (await timeline.timeline(questions, step=step)).services
                    assert (sum(series.calls), sum(series.failed)) == (6, 6)
                    assert {value for value in series.avg_duration_ms if value is not None} == {150}
                if role == "integration_monitor_statistics":
                    with pytest.raises(PermissionRefused):
                        await failures.latest(questions)
                else:
                    listed = (await failures.latest(questions)).data
                    assert len(listed) == 6
                    assert listed[-1].id == log_id
                    assert await failures.one(questions, log_id, listed[-1].created_at) == listed[-1]

    asyncio.run(ask())


def test_one_record_is_one_row_of_both_views(database_url: str, add_log: AddLog) -> None:
    add_log(service_name="amocrm", action="test_connection", status="success", duration_ms=150)

    async def ask() -> None:
        async with connected(database_url) as connections:
            questions = PostgresQuestions(connections, "authenticated")
            [hour] = await statistics.hourly(questions)
            [day] = (await statistics.daily(questions)).data
            for row in (hour, day):
                assert (row.service_name, row.action, row.status, row.count) == ("amocrm", "test_connection", "success", 1)
                assert (row.avg_duration_ms, row.min_duration_ms, row.max_duration_ms) == (150, 150, 150)
            assert (day.failed_count, day.success_count, day.failure_rate_percent) == (0, 1, 0.0)
            assert await statistics.hourly(questions, service="whapi") == []

    asyncio.run(ask())


def test_timeline_weighs_durations_by_calls(database_url: str, add_log: AddLog) -> None:
    for _ in range(3):
        add_log(action="fast", duration_ms=100)
    add_log(action="slow", duration_ms=500)
    add_log(action="unfinished", status="pending", duration_ms=None)

    async def ask() -> None:
        async with connected(database_url) as connections:
            for step in ("hour", "day"):
                [series] = (await timeline.timeline(PostgresQuestions(connections, "authenticated"), step=step)).services
                assert series.calls[-1] == 5
                assert series.avg_duration_ms[-1] == 200

    asyncio.run(ask())


def test_missing_record_is_none(database_url: str) -> None:
    async def ask() -> None:
        async with connected(database_url) as connections:
            questions = PostgresQuestions(connections, "authenticated")
            assert await failures.one(questions, uuid.uuid4(), datetime.now(UTC)) is None

    asyncio.run(ask())


def test_the_databases_own_date_style_is_of_no_account(database_url: str, add_log: AddLog) -> None:
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"alter database {name} set datestyle to 'SQL, DMY'".encode())
    add_log(status="failed")

    async def ask() -> None:
        async with connected(database_url) as connections:
            [row] = (await failures.latest(PostgresQuestions(connections, "authenticated"))).data
            assert row.created_at.utcoffset() == timedelta(0)

    asyncio.run(ask())


def test_questions_cannot_write(database_url: str) -> None:
    async def ask() -> None:
        async with connected(database_url) as connections:
            with pytest.raises(StoreError, match="read-only"):
                async with connections.transaction("service_role") as connection:
                    await connection.execute("delete from public.integration_logs")

    asyncio.run(ask())


def test_role_and_settings_end_with_the_transaction(database_url: str) -> None:
    async def ask() -> None:
        async with connected(database_url) as connections:
            async with connections.transaction("authenticated") as connection:
                cursor = await connection.execute("select current_user, current_setting('TimeZone')")
                assert await cursor.fetchone() == ("authenticated", "UTC")
            async with connections.transaction("service_role") as connection:
                cursor = await connection.execute("select current_user, current_setting('transaction_read_only')")
                assert await cursor.fetchone() == ("service_role", "on")

    asyncio.run(ask())


def test_question_that_takes_too_long_is_given_up(database_url: str) -> None:
    async def ask() -> None:
        async with connected(database_url, statement_timeout_s=0.2) as connections:
            with pytest.raises(StoreUnavailable):
                await failures.latest(PostgresQuestions(connections, "authenticated"))

    with psycopg.connect(database_url) as connection:
        connection.execute("lock table public.integration_logs in access exclusive mode")
        asyncio.run(ask())


def test_connection_serves_again_after_an_error(database_url: str) -> None:
    async def ask() -> None:
        async with connected(database_url) as connections:
            for _ in range(5):
                with pytest.raises(PermissionRefused):
                    await failures.latest(PostgresQuestions(connections, "integration_monitor_statistics"))
            assert (await failures.latest(PostgresQuestions(connections, "authenticated"))).data == []

    asyncio.run(ask())


def test_server_maintains_its_database(each_database_url: str) -> None:
    async def ask() -> None:
        async with connected(each_database_url) as connections:
            assert (await maintain(connections)).is_skipped is False

    asyncio.run(ask())


def test_migrations_are_known(database_url: str, empty_database_url: str) -> None:
    async def ask() -> None:
        async with connected(database_url) as connections:
            assert "0001_create_history" in await applied_migrations(connections)
        async with connected(empty_database_url) as connections:
            assert await applied_migrations(connections) == set()

    asyncio.run(ask())


def test_transaction_is_kept_whole_or_not_at_all(database_url: str) -> None:
    async def delete_and_fail(connections: Connections) -> None:
        async with connections.transaction("service_role", is_writing=True) as connection:
            await connection.execute("delete from public.integration_logs")
            raise ZeroDivisionError

    async def ask() -> None:
        async with connected(database_url) as connections:
            async with connections.transaction("service_role", is_writing=True) as connection:
                await connection.execute(
                    "insert into public.integration_logs (service_name, action, status) values ('a', 'b', 'failed')"
                )
            assert len((await failures.latest(PostgresQuestions(connections, "authenticated"))).data) == 1
            with pytest.raises(ZeroDivisionError):
                await delete_and_fail(connections)
            assert len((await failures.latest(PostgresQuestions(connections, "authenticated"))).data) == 1

    asyncio.run(ask())


def test_list_of_failures_reads_its_index_and_one_partition(database_url: str) -> None:
    now = datetime.now(UTC)
    with psycopg.connect(database_url, autocommit=True, prepare_threshold=None) as connection:
        connection.execute(
            "insert into public.integration_logs (service_name, action, status, created_at) "
            "select 'amocrm', 'sync_lead', case when n % 10 = 0 then 'failed' else 'success' end, now() - n * interval '1 minute' "
            "from generate_series(1, 20000) as n"
        )
        connection.execute("analyze public.integration_logs")
        parameters = {
            "since": now - timedelta(days=1),
            "before_created_at": now,
            "before_id": uuid.UUID(int=0),
            "service": None,
            "action": None,
            "limit": 100,
        }
        question = sql.SQL("explain (costs off) ") + sql.SQL(query("failures_latest"))
        plan = "\n".join(line for (line,) in connection.execute(question, parameters))
        used = re.findall(r"Index Scan using (\w+)", plan)
        parents = connection.execute(
            "select distinct inhparent::regclass::text from pg_inherits where inhrelid::regclass::text = any (%s)",
            [[f"integration_monitor.{name}" for name in used]],
        ).fetchall()

    assert parents == [("idx_integration_logs_failed",)], plan
    assert "Seq Scan" not in plan
    # A day lies in two weeks at most; the default partition is always asked.
    assert len(used) <= 3


def test_percentiles_are_within_five_percent(each_database_url: str) -> None:
    durations = {"whapi": [round(1.01**n) for n in range(1, 1200)], "resend": [7] * 3}
    now = datetime.now(UTC)
    with psycopg.connect(each_database_url, autocommit=True) as connection:

        def add(service: str, values: list[int], age: timedelta) -> None:
            connection.execute(
                "insert into public.integration_logs (service_name, action, status, duration_ms, created_at)"
                " select %s, 'a', 'success', value, %s - n * interval '31 minutes'"
                " from unnest(%s::integer[]) with ordinality as one (value, n)",
                [service, now + timedelta(minutes=31) - age, values],
            )

        for service, values in durations.items():
            add(service, values, timedelta(0))
            connection.execute("select integration_monitor.compact_statistics()")
            add(service, values[-1:], timedelta(0))
            # Too old: no hour of it counts.
            add(service, [1], timedelta(days=30, hours=1))
    exact = {service: sorted([*values, values[-1]]) for service, values in durations.items()}

    async def ask() -> None:
        async with connected(each_database_url) as connections:
            for role in ROLES:
                rows = await statistics.percentiles(PostgresQuestions(connections, role))
                assert [(row.service_name, row.calls) for row in rows] == [("resend", 4), ("whapi", 1200)]
                for row in rows:
                    values = exact[row.service_name]
                    for share, shown in ((50, row.p50_ms), (95, row.p95_ms), (99, row.p99_ms)):
                        duration_ms = values[-(-share * len(values) // 100) - 1]
                        assert abs(shown - duration_ms) <= 0.05 * duration_ms, (share, shown, duration_ms)
                [row] = await statistics.percentiles(PostgresQuestions(connections, role), service="resend", days=1)
                assert (row.calls, row.p99_ms) == (4, 7)

    asyncio.run(ask())


def test_who_sees_one_service_is_told_its_health_and_percentiles_by_its_records(each_database_url: str) -> None:
    with psycopg.connect(each_database_url, autocommit=True) as connection:
        for service, fault in (("resend", "vendor"), ("resend", "recipient"), ("resend", None), ("whapi", "vendor")):
            connection.execute(
                "insert into public.integration_logs (service_name, action, status, duration_ms, response_payload)"
                " values (%s, 'a', 'failed', 7, jsonb_build_object('fault', %s::text))",
                [service, fault],
            )
        connection.execute(
            "insert into public.integration_logs (service_name, action, status, created_at)"
            " values ('resend', 'a', 'success', now() + interval '1 year')"
        )
        connection.execute(
            "alter policy integration_logs_read_authenticated on public.integration_logs using (service_name = 'resend')"
        )
    told: dict[str, list[Any]] = {}

    async def ask() -> None:
        async with connected(each_database_url) as connections:
            for role in ("authenticated", "service_role"):
                questions = PostgresQuestions(connections, role)
                told[role] = [(await health.services(questions)).data, await statistics.percentiles(questions)]

    asyncio.run(ask())

    # By the records and by the sums it is the same, but for the services.
    for seen, everything in zip(told["authenticated"], told["service_role"], strict=True):
        assert [row.service_name for row in everything] == ["resend", "whapi"]
        assert seen == everything[:1]


def test_health_is_refused_to_a_role_that_may_not_read_statistics(database_url: str) -> None:
    async def ask() -> None:
        async with connected(database_url) as connections:
            with pytest.raises(PermissionRefused):
                await health.services(PostgresQuestions(connections, "authenticated"))

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("revoke select on public.integration_stats_hourly from authenticated")
    asyncio.run(ask())
