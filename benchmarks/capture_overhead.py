"""What it costs an application to have its calls recorded: this product, its peers, and nothing at all, side by side.

    python -m benchmarks.capture_overhead             # every library and configuration, about ten minutes
    python -m benchmarks.capture_overhead --quick     # the same with fewer rounds, about two minutes
    python -m benchmarks.capture_overhead --memory    # a million calls, and the size of the process on the way

`caller_cost` measures this product's part on the calling thread more closely.

Each figure comes from a process of its own. Beside it runs a second one that makes the same calls bare, its bursts in the pauses of the
first and on the same core: what a call costs more is the difference between the two, so that a slow second of the machine hits both alike. The configurations take
turns, round by round. What is shown is the median over the rounds, and their range.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.caller_cost import LIBRARIES as PROFILED
from benchmarks.caller_cost import profile_caller
from benchmarks.capture_loops import BURST_CALLS, LIBRARIES, RATE_PER_S, TASKS, UNIT_CALLS, WARM_UP_CALLS
from benchmarks.capture_tools import TOOLS, OpenTelemetry, Product, Tool
from benchmarks.machine import describe_machine, describe_versions
from benchmarks.sample_calls import resend_email
from integration_monitor.store.embedded import EMBEDDED, resolve
from integration_monitor.store.postgres.migrator import migrate

#: What was wanted: CPU time that a call costs more than the bare one.
WANTED_CALLER_US = 10
WANTED_PROCESS_US = 60
WANTED_OF_OPENTELEMETRY = 0.1

TITLES = {
    "httpx": "httpx.Client",
    "requests": "requests.Session",
    "aiohttp": "aiohttp.ClientSession",
    "asyncio": f"httpx.AsyncClient in {TASKS:,} tasks",
}
LIBRARY_DISTRIBUTIONS = ("httpx", "requests", "urllib3", "aiohttp")
MEMORY_CALLS = 1_000_000
MEMORY_EVERY = 100_000

#: (library, configuration) → what each round measured, as `Costs`, and what it cost more than the bare loop beside it
Results = dict[tuple[str, str], list[dict[str, Any]]]


def main() -> None:
    arguments = _parse_arguments()
    if arguments.profile:
        profile_caller([library for library in arguments.libraries if library in PROFILED])
        return
    _print_conditions(arguments)
    with _database() as database_url:
        if arguments.memory:
            _print_memory(database_url)
            return
        results: Results = {}
        for number in range(arguments.rounds):
            for library in arguments.libraries:
                _measure_round(library, number, arguments.calls, database_url, results)
            print(f"round {number + 1} of {arguments.rounds} is done", file=sys.stderr, flush=True)
    for library in arguments.libraries:
        _print_table(library, results)
    _print_wanted(arguments.libraries, results)


def _measure_round(library: str, number: int, calls: int, database_url: str, results: Results) -> None:
    """All configurations once, each round beginning with another: none always runs behind the same neighbour."""
    tools = [tool for tool in TOOLS if library in tool.keeps and tool is not Tool]
    begin = number % len(tools)
    for tool in tools[begin:] + tools[:begin]:
        measured, bare = _run_pair(library, tool, calls, database_url)
        results.setdefault((library, tool.name), []).append(measured)
        results.setdefault((library, Tool.name), []).append(bare)
        measured["added"] = {name: measured[name] - bare[name] for name in ("caller_us", "process_us")}
        if measured["delivered"] != calls:
            print(f"{library}, {tool.name}: delivered {measured['delivered']:,} of {calls:,} calls", file=sys.stderr)
        if tool is Product:
            _empty(database_url)


def _run_pair(library: str, tool: type[Tool], calls: int, database_url: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the tool's process and its bare companion have measured, at the same time."""
    with _process(library, tool, calls, database_url) as one, _process(library, Tool, calls, database_url) as companion:
        for process in (one, companion):
            _read(process)
        for process in (one, companion):
            _write(process)
            time.sleep(BURST_CALLS / RATE_PER_S / 2)  # so that bursts fall into pauses
        return json.loads(_read(one)), json.loads(_read(companion))


def _process(library: str, tool: type[Tool], calls: int, database_url: str) -> "subprocess.Popen[str]":
    """A measured process. Its log is ours: there the product tells its losses, and a peer what it complains of."""
    command = [sys.executable, "-m", "benchmarks.capture_process"]
    command += ["--library", library, "--tool", tool.name, "--calls", str(calls)]
    environment = {**os.environ, "INTEGRATION_MONITOR_DATABASE_URL": database_url}
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 -- ourselves


def _read(process: "subprocess.Popen[str]") -> str:
    """The next line of the process.

    Errors:
        SystemExit: it failed.
    """
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise SystemExit(f"a measured process failed: {process.args!r}")
    return line


def _write(process: "subprocess.Popen[str]") -> None:
    if process.stdin:
        process.stdin.write("\n")
        process.stdin.flush()


@contextlib.contextmanager
def _database() -> Iterator[str]:
    """A PostgreSQL of our own, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="integration-monitor-benchmark-") as folder:
        Path(folder).chmod(0o755)  # for the user that PostgreSQL runs as where we are root
        with resolve(EMBEDDED, Path(folder)) as database:
            migrate(database.url)
            yield database.url


def _empty(database_url: str) -> None:
    """Every run finds the same, empty table."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("truncate public.integration_logs")


def _print_conditions(arguments: argparse.Namespace) -> None:
    sample = resend_email(0)
    distributions = dict.fromkeys([*LIBRARY_DISTRIBUTIONS, *(name for tool in TOOLS for name in tool.distributions)])
    conditions = [
        *describe_machine(),
        ("versions", ", ".join(f"{name} {version}" for name, version in describe_versions(distributions))),
        ("call", f"{sample.method} {sample.url}, JSON of {len(sample.request):,} bytes, answered with {len(sample.answer):,}"),
    ]
    if not arguments.memory:
        pace = f"{RATE_PER_S:,} a second, in bursts of {BURST_CALLS} and units of {UNIT_CALLS}; {TASKS:,} tasks make one each half second"
        conditions.append(("pace", pace))
        conditions.append(
            ("rounds", f"{arguments.rounds} of {arguments.calls:,} calls a process, after {WARM_UP_CALLS} to warm up")
        )
    for what, which in conditions:
        print(f"- {what}: {which}")


def _print_table(library: str, results: Results) -> None:
    print(f"\n{TITLES[library]}\n")
    print("| configuration | keeps | caller, µs | of OpenTelemetry's | process, µs | delivered |")
    print("|---|---|---:|---:|---:|---:|")
    for tool in TOOLS:
        rounds = results.get((library, tool.name))
        if rounds is None:
            print(f"| {tool.name} | does not support it | | | | |")
        elif tool is Tool:
            caller, process = (statistics.median(one[name] for one in rounds) for name in ("caller_us", "process_us"))
            print(f"| {tool.name}: the call itself | | {caller:.1f} | | {process:.1f} | |")
        else:
            caller, process = _shown(library, tool, "caller_us", results), _shown(library, tool, "process_us", results)
            share = f"{_share_of_opentelemetry(library, tool, results):.0%}"
            delivered = sum(one["delivered"] for one in rounds) / sum(one["calls"] for one in rounds)
            print(f"| {tool.name} | {tool.keeps[library]} | {caller} | {share} | {process} | {delivered:.1%} |")


def _added(library: str, tool: type[Tool], name: str, results: Results) -> list[float]:
    """What it cost more than the bare loop beside it, for each round; microseconds."""
    return [one["added"][name] for one in results[library, tool.name]]


def _shown(library: str, tool: type[Tool], name: str, results: Results) -> str:
    added = _added(library, tool, name, results)
    return f"{statistics.median(added):+.1f} ({min(added):+.1f} … {max(added):+.1f})"


def _share_of_opentelemetry(library: str, tool: type[Tool], results: Results) -> float:
    ours, theirs = (statistics.median(_added(library, one, "caller_us", results)) for one in (tool, OpenTelemetry))
    return ours / theirs


def _print_wanted(libraries: Sequence[str], results: Results) -> None:
    rows: dict[str, list[str]] = {}
    for library in libraries:
        caller, process = (statistics.median(_added(library, Product, name, results)) for name in ("caller_us", "process_us"))
        keepers = [tool for tool in TOOLS if not issubclass(tool, Product) and "bodies" in tool.keeps.get(library, "")]
        dearer = [statistics.median(_added(library, tool, "process_us", results)) > process for tool in keepers]
        met = {
            f"caller: at most {WANTED_CALLER_US} µs": caller <= WANTED_CALLER_US,
            "caller: at most a tenth of OpenTelemetry's": _share_of_opentelemetry(library, Product, results)
            <= WANTED_OF_OPENTELEMETRY,
            f"process: at most {WANTED_PROCESS_US} µs": process <= WANTED_PROCESS_US,
            "process: less than each peer that keeps bodies": all(dearer),
        }
        for wanted, is_met in met.items():
            rows.setdefault(wanted, []).append("yes" if is_met else "no")
    print(f"\n| {Product.name}: wanted | {' | '.join(TITLES[library] for library in libraries)} |")
    print(f"|---|{'---|' * len(libraries)}")
    for wanted, cells in rows.items():
        print(f"| {wanted} | {' | '.join(cells)} |")


def _print_memory(database_url: str) -> None:
    """The table is emptied on the way: what grows in the database is not what is asked about."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.capture_process",
        "--calls",
        str(MEMORY_CALLS),
        "--memory-every",
        str(MEMORY_EVERY),
    ]
    environment = {**os.environ, "INTEGRATION_MONITOR_DATABASE_URL": database_url}
    print("\n| calls | process in memory, MB |\n|---:|---:|", flush=True)
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 -- ourselves
        for line in process.stdout or ():
            told = json.loads(line)
            when = ", written and shut down" if "delivered" in told else ""
            print(f"| {told['calls']:,}{when} | {told['rss_bytes'] / 1e6:.1f} |", flush=True)
            _empty(database_url)
            if "delivered" in told:
                print(f"\nDelivered: {told['delivered']:,}. Dropped: {told['dropped'] or 'none'}.")
    if process.returncode:
        raise SystemExit(process.returncode)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two rounds, unless they are given")
    parser.add_argument("--rounds", type=int, help="how often each configuration runs (default 8)")
    parser.add_argument("--calls", type=int, help="measured calls of a process, a multiple of 1,000 (default 2,000)")
    parser.add_argument("--libraries", nargs="+", choices=LIBRARIES, default=list(LIBRARIES), help="default: all")
    parser.add_argument("--memory", action="store_true", help="a million calls, and the size of the process on the way")
    parser.add_argument(
        "--profile",
        action="store_true",
        help="where the calling thread spends its time in this product; as `caller_cost --profile`",
    )
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (2 if arguments.quick else 8)
    arguments.calls = arguments.calls or 2_000
    return arguments


if __name__ == "__main__":
    main()
