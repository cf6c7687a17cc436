"""What the dashboard alone asks: right answers, under the rights of whoever asks, from sums where there are sums."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import psycopg
import pytest
from psycopg import sql

from integration_monitor.batch import Batch
from integration_monitor.errors import PermissionRefused
from integration_monitor.monitoring.windows import cut
from integration_monitor.record import IntegrationLog, new_id
from integration_monitor.store.answers import Role
from integration_monitor.store.page_answers import System
from integration_monitor.store.postgres.page_questions import PostgresPageQuestions
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.sink import PostgresSink
from integration_monitor.store.postgres.sql import query
from tests.conftest import WHEEL, Server, Variant
from tests.integration.recount import Connection

NOW = datetime.now(UTC)
HOUR = NOW.replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
RANGES = list(cut(HOUR - timedelta(days=3), HOUR, timedelta(hours=1)))
#: question → (its parameters, the index it must use)
QUESTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "services_latest": (
        {"since": NOW - timedelta(days=30), "minute_since": NOW - timedelta(hours=2), "probe": "test_connection"},
        "statistics_minute_pkey",
    ),
    "statistics_heat": (
        {
            "service": "service_1",
            "since": HOUR - timedelta(days=3),
            "until": HOUR,
            "step": timedelta(hours=1),
            "tiers": [each.tier for each in RANGES],
            "tier_sinces": [each.since for each in RANGES],
            "tier_untils": [each.until for each in RANGES],
        },
        "statistics_hour_pkey",
    ),
}
Answer = TypeVar("Answer")


@pytest.fixture(scope="module")
def connection(servers: Callable[[Variant], Server]) -> Iterator[Connection]:
    """Ninety days of thirty series, added up."""
    server = servers(WHEEL)
    name = server.create_database(is_migrated=True)
    with psycopg.connect(server.url(name), autocommit=True, prepare_threshold=None) as connection:
        fill = (
            "insert into public.integration_logs (service_name, action, status, duration_ms, created_at)"
            " select 'service_' || n % 5, 'action_' || n % 6, 'success', n % 1000, now() - n * interval '{step}' from generate_series(1, 20000) as n"
        )
        connection.execute(fill.format(step="6 minutes").encode())
        connection.execute(fill.format(step="8 seconds").encode())
        connection.execute("select integration_monitor.compact_statistics(1000000)")
        connection.execute("vacuum analyze")
        yield connection
    server.drop_database(name)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_of_the_dashboard_reads_sums_alone(connection: Connection, name: str) -> None:
    parameters, index = QUESTIONS[name]

    rows = connection.execute(sql.SQL("explain (costs off) ") + sql.SQL(query(name)), parameters).fetchall()

    plan = "\n".join(row[0] for row in rows)
    assert "integration_logs" not in plan
    assert index in plan, plan


def test_comparison_of_statistics_reads_one_hour(connection: Connection) -> None:
    parameters = {"since": HOUR, "until": HOUR + timedelta(hours=1)}

    rows = connection.execute(sql.SQL("explain (costs off) ") + sql.SQL(query("system_rollup_check")), parameters).fetchall()

    plan = "\n".join(row[0] for row in rows)
    assert "created_at" in plan
    assert "Seq Scan on integration_logs" not in plan
    assert "statistics_hour_pkey" in plan


def test_latest_failure_and_probe_are_found_however_long_ago(database_url: str) -> None:
    old, new = NOW - timedelta(days=9), NOW - timedelta(minutes=7)
    write(
        database_url,
        log(created_at=old, status="failed"),
        log(created_at=new, action="test_connection"),
        log(created_at=old, action="test_connection", status="failed"),
        log(service_name="resend", created_at=new, status="failed"),
    )

    for role in ("service_role", "authenticated", "integration_monitor_statistics"):
        amocrm, resend = ask(
            database_url,
            role,
            lambda each: each.services_latest(since=NOW - timedelta(days=30), now=NOW, probe="test_connection"),
        )

        assert amocrm.failed_at is not None
        assert old - timedelta(days=1) < amocrm.failed_at <= old
        assert amocrm.probe_succeeded_at == minute(new)
        assert amocrm.probe_failed_at is not None
        assert (resend.failed_at, resend.probe_succeeded_at) == (minute(new), None)


def test_heat_counts_each_call_once_whoever_asks(database_url: str) -> None:
    write(database_url, *(log(created_at=HOUR + timedelta(minutes=index), duration_ms=100 * index) for index in range(8)))
    narrow(database_url)

    def heat(each: PostgresPageQuestions) -> Any:
        until = HOUR + timedelta(hours=1)
        return each.heat(
            service="amocrm", since=HOUR, until=until, step=timedelta(hours=1), ranges=list(cut(HOUR, until, timedelta(hours=1)))
        )

    whole, narrowed = ask(database_url, "service_role", heat), ask(database_url, "authenticated", heat)

    assert sum(cell.count for cell in whole) == 8
    assert {cell.bucket for cell in whole} == {HOUR}
    # Each duration lies in its bin, whose least is at most ten percent below.
    assert all(cell.least_ms <= 700 for cell in whole)
    assert sum(cell.count for cell in narrowed) == 3


def test_system_tells_writers_losses_partitions_and_whether_sums_agree(database_url: str) -> None:
    write(database_url, *(log(created_at=HOUR + timedelta(minutes=index), duration_ms=10) for index in range(5)))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into integration_monitor.writers"
            " (writer_id, host, pid, started_at, heartbeat_at, taken, written, dropped, dropped_by_reason, dead_lettered)"
            " values (gen_random_uuid(), 'web-1', 1, now(), now(), 20, 10, 4, '{\"queue_full\": 4}', 2)"
        )

    told = ask(database_url, "service_role", system)
    told_less = ask(database_url, "integration_monitor_statistics", system)

    assert [(each.host, each.open_count, each.writer_count) for each in told.writers] == [("web-1", 4, 1)]
    assert [(each.reason, each.count) for each in told.losses] == [("queue_full", 4), ("dead_lettered", 2)]
    assert [each.is_default for each in told.partitions][-1] is True
    assert all(each.total_bytes >= each.index_bytes > 0 for each in told.partitions)
    assert told.facts.oldest_at == HOUR
    assert told.settings is not None
    assert told.settings.retention == timedelta(days=90)
    assert told_less.settings is None
    assert (told.check.is_equal, told.check.record_count, told.check.summed_count) == (True, 5, 5)


def test_sums_that_do_not_agree_are_told(database_url: str) -> None:
    write(database_url, *(log(created_at=HOUR + timedelta(minutes=index), duration_ms=10) for index in range(5)))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("select integration_monitor.compact_statistics(1000)")
        connection.execute("update integration_monitor.statistics_hour set count = count + 1")

    assert ask(database_url, "service_role", system).check.is_equal is False


def test_authenticated_is_told_nothing_of_the_monitor_itself(database_url: str) -> None:
    with pytest.raises(PermissionRefused):
        ask(database_url, "authenticated", system)
    with pytest.raises(PermissionRefused):
        ask(database_url, "authenticated", lambda each: each.losses(since=HOUR))


def system(each: PostgresPageQuestions) -> Awaitable[System]:
    return each.system(
        writers_since=NOW - timedelta(days=7), writers_max=10, check_since=HOUR, check_until=HOUR + timedelta(hours=1)
    )


def ask(database_url: str, role: Role, question: Callable[[PostgresPageQuestions], Awaitable[Answer]]) -> Answer:
    async def asked() -> Answer:
        connections = Connections(database_url)
        await connections.open()
        try:
            return await question(PostgresPageQuestions(connections, role))
        finally:
            await connections.close()

    return asyncio.run(asked())


def write(database_url: str, *records: IntegrationLog) -> None:
    sink = PostgresSink(database_url)
    sink.write(Batch(records=records))
    sink.close()


def narrow(database_url: str) -> None:
    """`authenticated` sees only calls below 300 ms from now on."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("drop policy integration_logs_read_authenticated on public.integration_logs")
        connection.execute(
            "create policy narrow on public.integration_logs for select to authenticated using (duration_ms < 300)"
        )


def log(**fields: Any) -> IntegrationLog:
    at = fields.pop("created_at")
    given = {"service_name": "amocrm", "action": "sync_lead", "status": "success", **fields}
    return IntegrationLog(id=new_id(at), created_at=at, updated_at=at, **given)


def minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
