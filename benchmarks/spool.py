"""What journal mode costs the application's thread, and how fast a spool is emptied.

    python -m benchmarks.spool                  # everything, about a minute
    python -m benchmarks.spool --part journal   # or `drain`, `store`

The records have payloads of 0.6 KB. The folder is on the disk of the system's temporary files, unless --folder says otherwise.

    commit        packing a record and committing it to SQLite (WAL, synchronous=NORMAL), nothing else at work
    take, paced   `Writer.take` in journal mode, 500 times a second, while the worker delivers to a sink that discards
    take, flat out   the same without pauses: both threads compete for the interpreter
    take, buffered   `Writer.take` in the default mode, in bursts of a hundred, for comparison
    drain         a spool left by a dead process, to a sink that discards: once as fast as can be, once at the pace of a running writer
    store         the same into the real table of an embedded PostgreSQL, beside psycopg's COPY of rows encoded before
"""

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psycopg

from benchmarks.machine import describe_machine
from benchmarks.writer_throughput import copy_raw, database
from integration_monitor.batch import Batch
from integration_monitor.guard import Guard
from integration_monitor.record import IntegrationLog, new_id, now
from integration_monitor.settings import Settings
from integration_monitor.store.postgres.sink import PostgresSink
from integration_monitor.writer.entry import pack
from integration_monitor.writer.estate import deliver
from integration_monitor.writer.folder import folder_of
from integration_monitor.writer.lifecycle import Writer
from integration_monitor.writer.segment import Segment
from integration_monitor.writer.spool import Locks, Spool

#: What was wanted of a commit, at the median.
WANTED_COMMIT_US = 40.0
#: What was wanted of `take` in the default mode, at the median.
WANTED_TAKE_US = 1.5

COMMITS = 20_000
TAKES = 20_000
PACED_TAKES = 5_000
PACE_S = 0.002
# The queue must not run full.
BURST = 100
DRAINED_RECORDS = 100_000
STORED_RECORDS = 200_000
COPIED_RECORDS = 20_000
#: What was wanted of a drain into the real table.
WANTED_SHARE_OF_COPY = 0.7
APPENDED_AT_ONCE = 1_000


class DiscardingSink:
    """A store that has everything at once."""

    def write(self, batch: Batch) -> None:
        pass

    def maintain(self) -> None:
        pass

    def close(self) -> None:
        pass


def make_record() -> IntegrationLog:
    at = now()
    return IntegrationLog(
        id=new_id(at),
        service_name="telegram",
        action="send_message",
        status="success",
        request_payload={"method": "POST", "url": "https://api.example.com/send", "body": {"chat_id": 1, "text": "x" * 250}},
        response_payload={"status_code": 200, "body": {"ok": True, "result": {"message_id": 1, "text": "x" * 250}}},
        duration_ms=120,
        created_at=at,
        updated_at=at,
    )


def time_each(function: Callable[[IntegrationLog], object], count: int, pace_s: float = 0.0) -> list[float]:
    """Microseconds of each call, sorted. The records are made before the clock runs."""
    records = [make_record() for _ in range(count)]
    times = []
    for record in records:
        begun = time.perf_counter()
        function(record)
        times.append((time.perf_counter() - begun) * 1e6)
        if pace_s:
            time.sleep(pace_s)
    return sorted(times)


def told(times: list[float]) -> str:
    """The median and what one call in a hundred and in a thousand takes at least."""
    shares = [times[int(len(times) * share)] for share in (0.5, 0.99, 0.999)]
    return "median {:8.1f} µs   p99 {:8.1f} µs   p99.9 {:9.1f} µs".format(*shares)


@contextmanager
def writing(folder: Path, durability: str) -> Iterator[Writer[IntegrationLog]]:
    settings = msgspec.convert({"durability": durability, "spool_dir": str(folder)}, Settings)
    writer: Writer[IntegrationLog] = Writer(
        record=lambda record: record, open_sink=DiscardingSink, settings=settings, guard=Guard()
    )
    yield writer
    assert writer.flush(60), writer.stats()
    writer.shutdown()


def measure_journal(folder: Path) -> None:
    locks = Locks()
    segment = Segment(folder / "commits.sqlite", write_lock=locks.write, read_lock=locks.read)
    segment.create()
    times = time_each(lambda record: segment.append([pack(record)]), COMMITS)
    segment.remove()
    print(f"commit             {told(times)}   (wanted: {WANTED_COMMIT_US} µs at the median)")
    with writing(folder, "journal") as writer:
        print(f"take, paced        {told(time_each(lambda record: writer.take(record, 1_000), PACED_TAKES, PACE_S))}")
    with writing(folder, "journal") as writer:
        print(f"take, flat out     {told(time_each(lambda record: writer.take(record, 1_000), TAKES))}")
    with writing(folder, "buffered") as writer:
        times = []
        for _ in range(PACED_TAKES // BURST):
            times += time_each(lambda record: writer.take(record, 1_000), BURST)
            time.sleep(PACE_S)
        times.sort()
    print(f"take, buffered     {told(times)}   (wanted: {WANTED_TAKE_US} µs at the median)")


def measure_drain(folder: Path) -> None:
    settings = Settings(spool_dir=str(folder))
    spool = Spool(folder_of(settings).claim(new_id(now()), 0), locks=Locks())
    fill(spool, DRAINED_RECORDS)
    size_bytes = folder_of(settings).bytes_used()
    begun = time.perf_counter()
    delivered = 0
    while (found := spool.read(records_max=1_000, bytes_max=4 * 1024 * 1024)) is not None:
        delivered += len(found.entries)
        spool.advance(found, None)
    took_s = time.perf_counter() - begun
    assert delivered == DRAINED_RECORDS
    print(f"read and advance   {delivered / took_s:10,.0f} records/s   ({size_bytes / 1024 / 1024:.0f} MiB in {took_s:.1f} s)")
    fill(spool, DRAINED_RECORDS)
    spool.close()
    begun = time.perf_counter()
    done = deliver(settings, DiscardingSink)
    took_s = time.perf_counter() - begun
    assert done.records_count == DRAINED_RECORDS, done
    print(f"drain, with rests  {done.records_count / took_s:10,.0f} records/s   (the store has half of the time for itself)")


def fill(spool: Spool, count: int) -> None:
    for _ in range(count // APPENDED_AT_ONCE):
        spool.append([pack(make_record()) for _ in range(APPENDED_AT_ONCE)])


def measure_store(folder: Path) -> None:
    with database() as (_cluster, url), psycopg.connect(url, autocommit=True) as connection:
        settings = Settings(database_url=url, spool_dir=str(folder))
        spool = Spool(folder_of(settings).claim(new_id(now()), 0), locks=Locks())
        fill(spool, STORED_RECORDS)
        spool.close()
        # Before and after, since the machine is not the same all the time; the first of all warms up.
        copied = [copy_raw(connection, COPIED_RECORDS).records_per_s for _ in range(3)][1:]
        begun = time.perf_counter()
        done = deliver(settings, lambda: PostgresSink(url))
        took_s = time.perf_counter() - begun
        copied += [copy_raw(connection, COPIED_RECORDS).records_per_s for _ in range(2)]
        assert done.records_count == STORED_RECORDS, done
    raw = statistics.median(copied)
    share = STORED_RECORDS / took_s / raw
    print(
        f"drain, real table  {STORED_RECORDS / took_s:10,.0f} records/s   raw copy {raw:,.0f} ({min(copied):,.0f} to {max(copied):,.0f})"
    )
    print(f"                   {share:10.0%} of raw copy   (wanted: {WANTED_SHARE_OF_COPY:.0%})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=["journal", "drain", "store"])
    parser.add_argument("--folder", type=Path, help="where the spool lies; a disk, and no memory")
    chosen = parser.parse_args()
    for what, which in describe_machine():
        print(f"{what}: {which}")
    with tempfile.TemporaryDirectory(dir=chosen.folder) as name:
        for part, measure in {"journal": measure_journal, "drain": measure_drain, "store": measure_store}.items():
            if chosen.part in {None, part}:
                place = Path(name) / part
                place.mkdir()
                measure(place)
    assert threading.active_count() == 1


if __name__ == "__main__":
    main()
