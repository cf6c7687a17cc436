"""What it costs to understand and redact a captured call, and to make its record as a whole. On the writer's thread, not the application's.

The calls are made through httpx and captured as in an application, before the clock runs: what capture leaves to the writer's thread is measured.

    python -m benchmarks.recorder_cost             # a table, about half a minute
    python -m benchmarks.recorder_cost --profile   # where the time goes, for every kind or for `--kind telegram`

CPU time of the thread (`time.thread_time_ns`), one reading per record: what else runs on the machine adds little. The kinds take turns, round
by round, so that a slow minute of the machine hits them alike. In a round, records are first made one after the other and let go, then
as the writer makes them: a batch that is kept until it would be written.

The stages are read of other records, in the order in which a record is made, by a clock around each call that begins one:
- understanding: which service, which route, what it meant
- redacting: headers, which are read and cleaned in one go, URL, bodies and words
- the rest: bodies parsed, and the record built
What the clock itself takes is measured, and taken off.
"""

import argparse
import contextlib
import cProfile
import dataclasses
import pstats
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx

from benchmarks.machine import describe_machine, describe_versions, stay_on_one_core
from benchmarks.memory_transports import MemoryTransport
from benchmarks.sample_calls import KINDS, Kind
from integration_monitor.capture.call import Call, Capture, operation_of
from integration_monitor.capture.httpx import HttpxPatch
from integration_monitor.capture.operation import Operation
from integration_monitor.guard import Guard
from integration_monitor.recorder import Recorder
from integration_monitor.recorder.payloads import Cleaner
from integration_monitor.recorder.words import Told
from integration_monitor.redaction import HeaderReader
from integration_monitor.services.registry import Registry
from integration_monitor.settings import Settings

#: What was wanted of understanding and redacting together, at the median.
WANTED_US = 25

UNDERSTANDING, REDACTING = "understanding", "redacting"
# Each begins a part of a stage, and none of them calls another.
_STAGES: tuple[tuple[type, str, str], ...] = (
    (Registry, "service_at", UNDERSTANDING),
    (Registry, "match", UNDERSTANDING),
    (Registry, "understand", UNDERSTANDING),
    (HeaderReader, "read", REDACTING),
    (Cleaner, "quick", REDACTING),
    (Cleaner, "thorough", REDACTING),
    (Told, "cleaned", REDACTING),
)
_CLOCK_SAMPLES = 20_000

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
    figures = {kind.name: Figures() for kind in kinds}
    for one in range(arguments.rounds):
        begin = WARM_UP_RECORDS + 3 * one * arguments.records
        for kind in kinds:
            numbers = [range(begin + part * arguments.records, begin + (part + 1) * arguments.records) for part in range(3)]
            figures[kind.name].whole_us += measure(recorder, kind, numbers[0])
            figures[kind.name].batch_us.append(measure_batch(recorder, kind, numbers[1]))
            measure_stages(recorder, kind, numbers[2], figures[kind.name])
    _print_table(kinds, figures)


@dataclasses.dataclass(kw_only=True)
class Figures:
    """What was measured of one kind."""

    #: of each record, when it is let go at once
    whole_us: list[float] = dataclasses.field(default_factory=list)
    #: of a record of each batch, on average
    batch_us: list[float] = dataclasses.field(default_factory=list)
    #: stage → of each record
    stages_us: dict[str, list[float]] = dataclasses.field(default_factory=lambda: {UNDERSTANDING: [], REDACTING: []})

    @property
    def wanted_us(self) -> float:
        """Understanding and redacting of a record together, at the median."""
        return statistics.median(map(sum, zip(*self.stages_us.values(), strict=True)))


def measure(recorder: Recorder, kind: Kind, numbers: range) -> list[float]:
    """Microseconds of each record."""
    clock, costs_us = time.thread_time_ns, []
    for call in capture(kind, numbers):
        begin_ns = clock()
        record = recorder(operation_of(call))
        costs_us.append((clock() - begin_ns) / 1_000)
        del record  # here, or the next reading would pay for it
    return costs_us


def measure_batch(recorder: Recorder, kind: Kind, numbers: range) -> float:
    """Microseconds of a record, on average, where all of them are kept until the last is made."""
    calls = capture(kind, numbers)
    begin_ns = time.thread_time_ns()
    batch = [recorder(operation_of(call)) for call in calls]
    return (time.thread_time_ns() - begin_ns) / 1_000 / len(batch)


def measure_stages(recorder: Recorder, kind: Kind, numbers: range, figures: Figures) -> None:
    """Adds microseconds of each stage of each record."""
    calls = capture(kind, numbers)
    with _clocks() as (spent_ns, calls_count, own_ns):
        for call in calls:
            for stage in figures.stages_us:
                spent_ns[stage] = calls_count[stage] = 0
            recorder(operation_of(call))
            for stage, costs_us in figures.stages_us.items():
                costs_us.append((spent_ns[stage] - calls_count[stage] * own_ns) / 1_000)


@contextlib.contextmanager
def _clocks() -> Iterator[tuple[dict[str, int], dict[str, int], float]]:
    """Puts a clock around what begins a stage: (nanoseconds by stage, how often it was asked, what it takes itself)."""
    # Not the thread's own clock: that one is a call of the system, and takes as long as a stage.
    clock = time.perf_counter_ns
    spent_ns, calls_count = {UNDERSTANDING: 0, REDACTING: 0, "": 0}, {UNDERSTANDING: 0, REDACTING: 0, "": 0}

    def timed(function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            begin_ns = clock()
            result = function(*arguments, **named)
            spent_ns[stage] += clock() - begin_ns
            calls_count[stage] += 1
            return result

        return run

    nothing = timed(lambda: None, "")
    for _ in range(_CLOCK_SAMPLES):
        nothing()
    own_ns = spent_ns[""] / _CLOCK_SAMPLES
    before = [getattr(owner, name) for owner, name, _stage in _STAGES]
    for (owner, name, stage), function in zip(_STAGES, before, strict=True):
        setattr(owner, name, timed(function, stage))
    try:
        yield spent_ns, calls_count, own_ns
    finally:
        for (owner, name, _stage), function in zip(_STAGES, before, strict=True):
            setattr(owner, name, function)


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


def _print_table(kinds: Sequence[Kind], figures: dict[str, Figures]) -> None:
    print(
        f"| kind | request, bytes | answer, bytes | understanding, µs | redacting, µs | both | at most {WANTED_US} µs | whole, µs | p99 | kept, µs |"
    )
    print("|---|---:|---:|---:|---:|---:|---|---:|---:|---:|")
    for kind in kinds:
        call, found = kind.make(0), figures[kind.name]
        stages = " | ".join(f"{statistics.median(costs_us):.1f}" for costs_us in found.stages_us.values())
        both, whole = found.wanted_us, statistics.median(found.whole_us)
        p99, batch = statistics.quantiles(found.whole_us, n=100)[98], statistics.median(found.batch_us)
        print(
            f"| {kind.name} | {len(call.request):,} | {len(call.answer):,} | {stages} | {both:.1f} | {'yes' if both <= WANTED_US else 'no'} "
            f"| {whole:.1f} | {p99:.1f} | {batch:.1f} |"
        )


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
