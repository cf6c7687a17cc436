"""No question of statistics reads a record, and each uses the index that it names."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from integration_monitor.monitoring import health
from integration_monitor.store.postgres.sql import query
from tests.conftest import WHEEL, Server, Variant
from tests.integration.recount import Connection

OLDEST = Variant(version=15, is_ordinary=False)
NOW = datetime.now(UTC)
DAY_PAGE = {
    "since": NOW - timedelta(days=30),
    "service": None,
    "limit": 100,
    "after_day": None,
    "after_service": None,
    "after_action": None,
    "after_status": None,
}
SAMPLE = {
    "seen_since": NOW - health.SEEN_WINDOW,
    "since": NOW - health.WINDOW,
    "recent_since": NOW - health.RECENT_WINDOW,
    "recent_min": health.RECENT_CALLS_MIN,
    "latest_max": health.LATEST_CALLS_MAX,
    "excused_faults": list(health.EXCUSED_FAULTS),
}
#: question → (its parameters, the indexes it must use)
QUESTIONS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "stats_daily": (DAY_PAGE, {"statistics_day_pkey"}),
    "stats_hourly": ({"since": NOW - timedelta(days=1), "service": "amocrm"}, {"statistics_hour_pkey"}),
    "timeline_daily": ({"since": NOW - timedelta(days=30)}, {"statistics_day_pkey"}),
    "timeline_hourly": ({"since": NOW - timedelta(days=1)}, {"statistics_hour_pkey"}),
    "health_counts": (SAMPLE, {"statistics_hour_pkey", "statistics_minute_pkey"}),
    "statistics_percentiles": (
        {"since": NOW - timedelta(days=7), "until": NOW, "service": None},
        {"statistics_day_pkey", "statistics_hour_pkey"},
    ),
}


@pytest.fixture(scope="module", params=[WHEEL, OLDEST], ids=str)
def connection(request: pytest.FixtureRequest, servers: Callable[[Variant], Server]) -> Iterator[Connection]:
    """Ninety days of thirty series, all added up but the last hundred records."""
    server = servers(request.param)
    name = server.create_database(is_migrated=True)
    with psycopg.connect(server.url(name), autocommit=True, prepare_threshold=None) as connection:
        fill = (
            "insert into public.integration_logs (service_name, action, status, duration_ms, created_at)"
            " select 'service_' || n % 5, 'action_' || n % 6, 'success', n % 1000, now() - n * interval '{step}' from generate_series(1, {count}) as n"
        )
        connection.execute(fill.format(step="6 minutes", count=20_000).encode())
        connection.execute(fill.format(step="8 seconds", count=20_000).encode())
        connection.execute("select integration_monitor.compact_statistics(1000000)")
        connection.execute(fill.format(step="1 second", count=100).encode())
        connection.execute("vacuum analyze")
        yield connection
    server.drop_database(name)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_reads_sums_alone(connection: Connection, name: str) -> None:
    parameters, indexes = QUESTIONS[name]

    rows = connection.execute(sql.SQL("explain (costs off) ") + sql.SQL(query(name)), parameters).fetchall()

    plan = "\n".join(row[0] for row in rows)
    assert "integration_logs" not in plan
    assert "Seq Scan on statistics_minute" not in plan
    assert "Seq Scan on statistics_hour" not in plan
    assert all(index in plan for index in indexes), plan


@pytest.mark.parametrize("view", ["hourly", "daily"])
def test_a_view_reads_no_record(connection: Connection, view: str) -> None:
    counted = "select coalesce(sum(idx_scan + seq_scan), 0) from pg_stat_xact_all_tables where relname like 'integration_logs%'"
    with connection.transaction(force_rollback=True):
        rows = connection.execute(
            f"explain (analyze, costs off) select * from public.integration_stats_{view}".encode()
        ).fetchall()

        assert "integration_logs" not in "\n".join(row[0] for row in rows)
        # Nor does a function that a plan does not show.
        assert connection.execute(counted.encode()).fetchone() == (0,)


def test_the_access_check_asks_the_catalogue_once(connection: Connection) -> None:
    with connection.transaction(force_rollback=True):
        connection.execute("set local role authenticated")
        rows = connection.execute(
            "explain (analyze, costs off, timing off) select * from public.integration_stats_daily"
        ).fetchall()

    # The right to sums, and once more whether records must be counted instead.
    filters = [row[0] for row in rows if "One-Time Filter" in row[0]]
    assert len(filters) == 2
    [counting] = [row[0] for row in rows if "Function Scan on count_seen" in row[0]]
    assert "never executed" in counting
