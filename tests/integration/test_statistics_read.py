"""What dashboards of other products ask, migration 0038: the same as the server says, and as the records say."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import psycopg
import pytest
from psycopg.rows import dict_row

from integration_monitor.monitoring import health
from integration_monitor.record import Fault
from integration_monitor.store.answers import ServiceCounts
from integration_monitor.store.postgres import sql
from tests.conftest import VARIANTS, Server, Variant
from tests.integration.conftest import write_log

SERVICES = 60
# As old as tells one part of the rule from another: recent, of today, of the month, and older.
AGES = [
    timedelta(minutes=3),
    timedelta(minutes=14),
    timedelta(hours=2),
    timedelta(hours=20),
    timedelta(days=4),
    timedelta(days=40),
]
FAULTS = [*get_args(Fault), None]
COUNTED = """
    select coalesce(sum(count), 0)::integer, coalesce(sum(timed), 0)::integer, coalesce(sum(sum_ms), 0)::integer
      from integration_monitor.read_statistics(%(since)s, %(until)s, %(step)s)
"""
RECORDS = """
    select count(*)::integer, count(duration_ms)::integer, coalesce(sum(duration_ms), 0)::integer
      from public.integration_logs
     where created_at >= date_bin(%(width)s, %(since)s, '1970-01-05 00:00:00+00')
"""

Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module", params=VARIANTS[::3], ids=str)
def connection(request: pytest.FixtureRequest, servers: Callable[[Variant], Server]) -> Iterator[Connection]:
    """A database whose services are called at random, a part of it not yet added up."""
    server = servers(request.param)
    name = server.create_database(is_migrated=True)
    chance = random.Random(7)
    with psycopg.connect(server.url(name), autocommit=True) as connection:
        for number in range(SERVICES):
            share = chance.choice([0, 0.04, 0.1, 0.5, 1])
            ages = chance.sample(AGES, k=chance.randint(1, 3))
            for _ in range(chance.randint(1, 26)):
                is_failed = chance.random() < share
                write_log(
                    connection,
                    service_name=f"service-{number:02}",
                    age=chance.choice(ages),
                    status="failed" if is_failed else chance.choice(["success", "pending"]),
                    fault=chance.choice(FAULTS) if is_failed else None,
                    duration_ms=chance.choice([None, chance.randint(1, 4000)]),
                )
            if number == SERVICES // 2:
                connection.execute("select integration_monitor.compact_statistics()")
        yield connection
    server.drop_database(name)


def test_states_are_those_of_the_rule_of_health(connection: Connection) -> None:
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        # The clock of the transaction, so that both look at the same minutes.
        now = cursor.execute("select now() as now").fetchall()[0]["now"]
        counts = cursor.execute(sql.query("health_counts"), msgspec.structs.asdict(health.sample(now)) | {
            "excused_faults": list(health.EXCUSED_FAULTS)
        }).fetchall()  # fmt: skip
        read = cursor.execute("select service_name, state from integration_monitor.read_states()").fetchall()

    states = {row["service_name"]: health.state(msgspec.convert(row, ServiceCounts)) for row in counts}
    assert {row["service_name"]: row["state"] for row in read} == states
    assert set(states.values()) == {"healthy", "degraded", "down", "idle"}


@pytest.mark.parametrize(
    ("ago", "step", "width"),
    [
        (timedelta(hours=3), timedelta(seconds=90), timedelta(minutes=2)),
        (timedelta(hours=3), None, timedelta(minutes=1)),
        (timedelta(hours=30), timedelta(minutes=15), timedelta(minutes=15)),
        (timedelta(days=5), timedelta(minutes=15), timedelta(hours=1)),
        (timedelta(days=5), None, timedelta(hours=1)),
        (timedelta(days=60), timedelta(hours=6), timedelta(hours=6)),
        (timedelta(days=60), timedelta(days=1), timedelta(days=1)),
        (timedelta(days=60), None, timedelta(days=1)),
    ],
    ids=str,
)
def test_sums_are_those_of_the_records_by_whole_buckets(
    connection: Connection, ago: timedelta, step: timedelta | None, width: timedelta
) -> None:
    until = datetime.now(UTC) + timedelta(minutes=1)
    asked = {"since": until - ago, "until": until, "step": step, "width": width}

    assert connection.execute(COUNTED, asked).fetchone() == connection.execute(RECORDS, asked).fetchone()


def test_percentiles_are_those_of_the_durations(connection: Connection) -> None:
    until = datetime.now(UTC) + timedelta(minutes=1)
    asked = {"since": until - timedelta(days=60), "until": until}

    read = connection.execute(
        "select calls, p50_ms, p95_ms, p99_ms from integration_monitor.read_percentiles(%(since)s, %(until)s, null)", asked
    ).fetchone()
    exact = connection.execute(
        "select count(duration_ms), percentile_disc(array[0.5, 0.95, 0.99]) within group (order by duration_ms)"
        " from public.integration_logs"
    ).fetchone()

    assert read is not None
    assert exact is not None
    assert read[0] == exact[0]
    assert read[1:] == pytest.approx(exact[1], rel=0.05)
