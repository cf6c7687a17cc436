"""Each question about records uses the index that it names, and no more partitions than its window; windows read sums alone."""

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from integration_monitor.store.postgres.record_questions import shaped
from integration_monitor.store.postgres.sql import query
from tests.conftest import WHEEL, Server, Variant
from tests.integration.recount import Connection

OLDEST = Variant(version=15, is_ordinary=False)
NOW = datetime.now(UTC)
DAY = timedelta(days=1)
ENTITY = uuid.UUID(int=7)
SEARCH: dict[str, Any] = {
    "since": NOW - DAY,
    "before_created_at": NOW,
    "before_id": uuid.UUID(int=2**128 - 1),
    "service": None,
    "action": None,
    "status": None,
    "entity_type": None,
    "entity_id": None,
    "error_code": None,
    "fault": None,
    "duration_min_ms": None,
    "duration_max_ms": None,
    "text": None,
    "text_json": None,
    "limit": 100,
}
GROUPS: dict[str, Any] = {
    "since": NOW - DAY,
    "until": NOW,
    "service": None,
    "action": None,
    "error_code": None,
    "fault": None,
    "after_is_excused": None,
    "after_hurt_count": None,
    "after_count": None,
    "after_key": None,
    "limit": 100,
}
GROUP: dict[str, Any] = {
    "since": NOW - DAY,
    "until": NOW,
    "before": NOW,
    "service": None,
    "action": None,
    "error_code": None,
    "key": "0123456789abcdef01234567",
    "step": DAY / 24,
    "entities_max": 100,
}
TIMELINE: dict[str, Any] = {
    "entity_type": "lead",
    "entity_id": ENTITY,
    "since": NOW - 80 * DAY,
    "until": NOW,
    "after_created_at": NOW - 80 * DAY,
    "after_id": uuid.UUID(int=0),
    "service": None,
    "limit": 100,
}
ERASURE: dict[str, Any] = {"after_at": "-infinity", "after_id": uuid.UUID(int=0), "records_max": 100}
ONE: dict[str, Any] = {"id": uuid.UUID(int=1), "since": NOW - timedelta(hours=1), "until": NOW, "service": None}
WINDOW: dict[str, Any] = {
    "tiers": ["day", "hour", "minute"],
    "tier_sinces": [NOW - 20 * DAY, NOW - DAY, NOW - timedelta(hours=1)],
    "tier_untils": [NOW - DAY, NOW - timedelta(hours=1), NOW],
    "since_before": NOW - 20 * DAY,
    "since": NOW - 10 * DAY,
    "until": NOW,
    "step": None,
    "groups": ["service"],
    "service": None,
    "action": None,
    "status": None,
    "error_code": None,
    "fault": None,
    "has_percentiles": True,
    "has_percentiles_before": True,
    "after_bucket": None,
    "after_key": None,
    "limit": 100,
}
HEALTH: dict[str, Any] = {
    "seen_since": NOW - 30 * DAY,
    "since": NOW - DAY,
    "recent_since": NOW - DAY / 96,
    "recent_min": 5,
    "latest_max": 20,
    "excused_faults": ["ours", "recipient"],
}
#: question → (file, parameters, the index of the contract that it must use, partitions at most: those of its window, and the default one)
RECORD_QUESTIONS = {
    "a search": ("logs_search", SEARCH, "idx_integration_logs_created_at", 3),
    "a search that goes on": ("logs_search", {**SEARCH, "before_id": uuid.UUID(int=9)}, "idx_integration_logs_created_at", 3),
    "failures": ("logs_search", {**SEARCH, "status": "failed"}, "idx_integration_logs_failed", 3),
    "a fault": ("logs_search", {**SEARCH, "status": "failed", "fault": "vendor"}, "idx_integration_logs_failed", 3),
    "an entity, newest first": (
        "logs_search",
        {**SEARCH, "since": NOW - 80 * DAY, "entity_type": "lead", "entity_id": ENTITY},
        "idx_integration_logs_entity",
        15,
    ),
    "a text": (
        "logs_search",
        {**SEARCH, "since": NOW - DAY / 24, "text": "x", "text_json": "x"},
        "idx_integration_logs_created_at",
        3,
    ),
    "one": ("logs_one", ONE, "integration_logs_pkey", 3),
    "groups of errors": ("error_groups", GROUPS, "idx_integration_logs_failed", 3),
    "a group of errors": ("error_group", GROUP, "idx_integration_logs_failed", 3),
    "the examples of its entities": (
        "error_group_entities",
        {"ids": [uuid.UUID(int=1)], "times": [NOW]},
        "idx_integration_logs_created_at",
        99,
    ),
    "the timeline of an entity": ("entities_timeline", TIMELINE, "idx_integration_logs_entity", 15),
    "an entity to be erased": (
        "erasure_entity",
        {**ERASURE, "entity_type": "lead", "entity_id": ENTITY},
        "idx_integration_logs_entity",
        99,
    ),
    "a value to be erased": ("erasure_value", {**ERASURE, "pattern": "x"}, "idx_integration_logs_created_at", 99),
    "a window, of records": (
        "statistics_windows_seen",
        {**WINDOW, "since_before": NOW - DAY / 4, "since": NOW - DAY / 8},
        "idx_integration_logs_created_at",
        3,
    ),
    "percentiles, of records": (
        "statistics_percentiles_seen",
        {"since": NOW - DAY / 4, "until": NOW, "service": None},
        "idx_integration_logs_created_at",
        3,
    ),
}


@pytest.fixture(scope="module", params=[WHEEL, OLDEST], ids=str)
def connection(request: pytest.FixtureRequest, servers: Callable[[Variant], Server]) -> Iterator[Connection]:
    """Ninety days of records in weeks: a tenth failed, one of fifty is about an entity."""
    server = servers(request.param)
    name = server.create_database(is_migrated=True)
    with psycopg.connect(server.url(name), autocommit=True, prepare_threshold=None) as connection:
        connection.execute(
            "select integration_monitor.create_partitions(array(select now() - n * interval '1 day' from generate_series(0, 91) as n))"
        )
        connection.execute(
            "insert into public.integration_logs (service_name, action, status, duration_ms, created_at, related_entity_type,"
            " related_entity_id, response_payload, error_message)"
            " select 'service_' || n % 5, 'action_' || n % 6, case when n % 10 = 0 then 'failed' else 'success' end, n % 1000,"
            " now() - n * interval '6 minutes', case when n % 50 = 0 then 'lead' end,"
            " case when n % 50 = 0 then lpad(to_hex(n / 50), 32, '0')::uuid end, '{\"fault\": \"vendor\"}', 'message ' || n"
            " from generate_series(1, 20000) as n"
        )
        connection.execute("select integration_monitor.compact_statistics(1000000)")
        connection.execute("vacuum analyze")
        yield connection
    server.drop_database(name)


def explain(connection: Connection, name: str, parameters: dict[str, Any]) -> str:
    # Two questions share their beginning.
    question = shaped(name) if name in {"error_groups", "error_group"} else sql.SQL(query(name))
    rows = connection.execute(sql.SQL("explain (costs off) ") + question, parameters).fetchall()
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("asked", RECORD_QUESTIONS)
def test_a_question_reads_its_index_and_its_partitions(connection: Connection, asked: str) -> None:
    name, parameters, index, partitions_max = RECORD_QUESTIONS[asked]

    plan = explain(connection, name, parameters)

    used = re.findall(r"(?:Index Scan(?: Backward)? using|Bitmap Index Scan on) (\w+)", plan)
    parents = connection.execute(
        "select distinct inhparent::regclass::text from pg_inherits where inhrelid::regclass::text = any (%s)",
        [[f"integration_monitor.{one}" for one in used]],
    ).fetchall()
    assert parents == [(index,)], plan
    # An empty partition costs nothing, whichever way it is read.
    for part in re.findall(r"Seq Scan on (integration_logs\w*)", plan):
        rows = connection.execute(sql.SQL("select count(*) from integration_monitor.{}").format(sql.Identifier(part)))
        assert rows.fetchone() == (0,), plan
    assert len(used) <= partitions_max, plan


def test_health_of_records_steps_from_service_to_service_and_reads_a_day(connection: Connection) -> None:
    plan = explain(connection, "health_counts_seen", HEALTH)

    assert re.search(r"Index (Only )?Scan using integration_logs_\w+_service_name\w*_idx", plan), plan
    assert re.search(r"(Index Scan( Backward)? using|Bitmap Index Scan on) integration_logs_\w+_created_at_idx", plan), plan
    for part in re.findall(r"Seq Scan on (integration_logs\w*)", plan):
        rows = connection.execute(sql.SQL("select count(*) from integration_monitor.{}").format(sql.Identifier(part)))
        assert rows.fetchone() == (0,), plan


def test_a_window_reads_sums_alone(connection: Connection) -> None:
    plan = explain(connection, "statistics_windows", WINDOW)

    assert "integration_logs" not in plan
    assert {f"statistics_{tier}_pkey" for tier in ("day", "hour", "minute")} <= set(re.findall(r"statistics_\w+_pkey", plan)), (
        plan
    )
    assert "Seq Scan on statistics_minute" not in plan
    assert "Seq Scan on statistics_hour" not in plan
