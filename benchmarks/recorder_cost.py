"""What it costs to make a record of a captured call: to parse, understand and clean it. On the writer's thread, not the application's.

The calls are made through httpx and captured as in an application, before the clock runs: what capture leaves to the writer's thread is measured.

    python -m benchmarks.recorder_cost             # a table, about ten seconds
    python -m benchmarks.recorder_cost --profile   # where the time goes, for every kind or for `--kind telegram`

CPU time of the thread (`time.thread_time_ns`), one reading per record: what else runs on the machine adds little. The kinds take turns, round
by round, so that a slow minute of the machine hits them alike.
"""

import argparse
import cProfile
import pstats
import statistics
import time
from collections.abc import Sequence

import httpx

from benchmarks.machine import describe_machine, describe_versions, stay_on_one_core
from benchmarks.memory_transports import MemoryTransport
from benchmarks.sample_calls import KINDS, Kind
from integration_monitor.capture.call import Call, Capture, operation_of
from integration_monitor.capture.httpx import HttpxPatch
from integration_monitor.capture.operation import Operation
from integration_monitor.guard import Guard
from integration_monitor.recorder import Recorder
from integration_monitor.settings import Settings

#: What was wanted, at the median.
WANTED_US = 25

# Below these the first records of a kind, which fill caches and let the interpreter specialise, would count.
WARM_UP_RECORDS = 500
PROFILE_RECORDS = 5_000
PROFILE_LINES = 30


def main() -> None:
    arguments = _parse_arguments()
    stay_on_one_core()
    kinds = [kind for kind in KINDS if arguments.kind.lower() in kind.name.lower()]
    recorder = Recorder(Settings())
    for kind in kinds:
        _check(recorder, kind)
        measure(recorder, kind, range(WARM_UP_RECORDS))
    if arguments.profile:
        _print_profile(recorder, kinds)
        return
    for what, which in (*describe_machine(), *describe_versions(["msgspec"])):
        print(f"{what:<10} {which}")
    print(f"{'rounds':<10} {arguments.rounds} of {arguments.records} records a kind, after {WARM_UP_RECORDS} to warm up\n")
    costs_us: dict[str, list[float]] = {kind.name: [] for kind in kinds}
    for one in range(arguments.rounds):
        begin = WARM_UP_RECORDS + one * arguments.records
        for kind in kinds:
            costs_us[kind.name] += measure(recorder, kind, range(begin, begin + arguments.records))
    _print_table(kinds, costs_us)


def measure(recorder: Recorder, kind: Kind, numbers: range) -> list[float]:
    """Microseconds of each record."""
    clock, costs_us = time.thread_time_ns, []
    for call in capture(kind, numbers):
        begin_ns = clock()
        record = recorder(operation_of(call))
        costs_us.append((clock() - begin_ns) / 1_000)
        del record  # here, or the next reading would pay for it
    return costs_us


def capture(kind: Kind, numbers: range) -> list[Operation | Call]:
    """What capture hands to the writer of these calls."""
    calls = [kind.make(number) for number in numbers]
    taken: list[Operation | Call] = []
    patch = HttpxPatch(Capture(take=taken.append, body_bytes_max=Settings().body_bytes_max, guard=Guard()))
    patch.patch(httpx)
    with httpx.Client(transport=MemoryTransport(calls)) as client:
        for call in calls:
            client.request(call.method, call.url, content=call.request, headers=call.headers)
    patch.unpatch()
    return taken


def _check(recorder: Recorder, kind: Kind) -> None:
    """Fails where the recorder does not find what the kind is: another way would be measured."""
    (call,) = capture(kind, range(1))
    record = recorder(operation_of(call))
    if record is None or (record.action, record.status) != (kind.action, "success"):
        raise SystemExit(f"{kind.name}: expected a success of {kind.action!r}, the record is {record!r}")


def _print_table(kinds: Sequence[Kind], costs_us: dict[str, list[float]]) -> None:
    print(f"| kind | request, bytes | answer, bytes | median, µs | p99, µs | at most {WANTED_US} µs |")
    print("|---|---:|---:|---:|---:|---|")
    for kind in kinds:
        call, costs = kind.make(0), costs_us[kind.name]
        median, p99 = statistics.median(costs), statistics.quantiles(costs, n=100)[98]
        sizes = f"{len(call.request):,} | {len(call.answer):,}"
        print(f"| {kind.name} | {sizes} | {median:.1f} | {p99:.1f} | {'yes' if median <= WANTED_US else 'no'} |")


def _print_profile(recorder: Recorder, kinds: Sequence[Kind]) -> None:
    for kind in kinds:
        calls = capture(kind, range(WARM_UP_RECORDS, WARM_UP_RECORDS + PROFILE_RECORDS))
        profile = cProfile.Profile()
        profile.enable()
        for call in calls:
            recorder(operation_of(call))
        profile.disable()
        print(f"\n{kind.name}, {PROFILE_RECORDS} records:")
        pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(PROFILE_LINES)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="5 rounds, unless they are given")
    parser.add_argument("--rounds", type=int, help="rounds, in which the kinds take turns (default 25)")
    parser.add_argument("--records", type=int, default=200, help="records of each kind in a round (default 200)")
    parser.add_argument("--kind", default="", help="only kinds with this in their name")
    parser.add_argument("--profile", action="store_true", help="print where the time goes instead")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (5 if arguments.quick else 25)
    return arguments


if __name__ == "__main__":
    main()
