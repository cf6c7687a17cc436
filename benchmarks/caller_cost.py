"""What this product costs the calling thread, to within a microsecond or two: for work on that path.

    python -m benchmarks.caller_cost                      # httpx, requests and aiohttp, about twenty seconds
    python -m benchmarks.caller_cost --libraries httpx
    python -m benchmarks.caller_cost --profile            # where the calling thread spends its time, by function

One process makes the calls in bursts, in turns with the HTTP libraries patched and not. Both bursts of a pair are some milliseconds apart, and
the writer is idle before each pair. So a busy machine spoils some pairs, and not their median. `capture_overhead` compares with peers instead.
"""

import argparse
import asyncio
import atexit
import contextlib
import cProfile
import os
import pstats
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp

from benchmarks.capture_loops import Run, as_text, make_httpx_call, make_requests_call, without_tls
from benchmarks.capture_tools import ProductDiscarding
from benchmarks.machine import describe_machine, stay_on_one_core
from benchmarks.memory_transports import MemoryConnector
from benchmarks.sample_calls import Call

LIBRARIES = ("httpx", "requests", "aiohttp")
BURST_CALLS = 100
PAIRS = 150
WARM_UP_PAIRS = 5
PROFILE_BURSTS = 50
PROFILE_LINES = 45


class Caller:
    """Calls of one library, made with the libraries patched or not."""

    def __init__(self, library: str) -> None:
        # Nothing is written to it.
        os.environ["INTEGRATION_MONITOR_DATABASE_URL"] = "postgresql://unused.example.com/unused"
        self._tool = ProductDiscarding()
        self._tool.start(library)
        self._run = Run(self._tool, calls=0, wait=lambda: None)
        make = {"httpx": make_httpx_call, "requests": make_requests_call, "aiohttp": _make_aiohttp_call}[library]
        self._call: Callable[[Call], object] = make(self._tool, self._run.samples)
        for number in range(WARM_UP_PAIRS):
            self.pair(is_patched_first=number % 2 == 0)

    def patch(self) -> None:
        for patch in self._tool.pipeline._patches:  # noqa: SLF001 -- it offers no pause: an application has no use for one
            if patch.library in sys.modules:
                patch.patch(sys.modules[patch.library])

    def unpatch(self) -> None:
        for patch in self._tool.pipeline._patches:  # noqa: SLF001
            patch.unpatch()

    def burst(self) -> float:
        """Microseconds of the thread for a call, the median of a burst."""
        clock, costs_ns = time.thread_time_ns, []
        for _ in range(BURST_CALLS):
            sample = next(self._run.turns)
            begin_ns = clock()
            self._call(sample)
            costs_ns.append(clock() - begin_ns)
        return statistics.median(costs_ns) / 1_000

    def settle(self) -> None:
        self._tool.settle()

    def close(self) -> None:
        self._tool.finish()

    def pair(self, *, is_patched_first: bool) -> tuple[float, float]:
        """Microseconds of a bare call, and of one that is captured."""
        costs_us: dict[bool, float] = {}
        self.settle()
        for is_patched in (is_patched_first, not is_patched_first):
            (self.patch if is_patched else self.unpatch)()
            costs_us[is_patched] = self.burst()
        return costs_us[False], costs_us[True]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--libraries", nargs="+", choices=LIBRARIES, default=list(LIBRARIES), help="default: all")
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"pairs of bursts (default {PAIRS})")
    parser.add_argument("--quick", action="store_true", help="a third of the pairs")
    parser.add_argument("--profile", action="store_true", help="print where the calling thread spends its time instead")
    arguments = parser.parse_args()
    stay_on_one_core()
    if arguments.profile:
        profile_caller(arguments.libraries)
        return
    pairs = arguments.pairs // 3 if arguments.quick else arguments.pairs
    for what, which in describe_machine():
        print(f"- {what}: {which}")
    print(f"- bursts: {pairs} pairs of {BURST_CALLS} calls, after {WARM_UP_PAIRS} pairs to warm up\n")
    print("| library | bare, µs | added, µs | half of the pairs, µs |\n|---|---:|---:|---|")
    for library in arguments.libraries:
        with contextlib.closing(Caller(library)) as caller:
            _print_row(library, [caller.pair(is_patched_first=number % 2 == 0) for number in range(pairs)])


def profile_caller(libraries: Sequence[str]) -> None:
    """By the thread's own clock, since waiting for the interpreter's lock is not work. Reading it makes small functions look dear."""
    for library in libraries:
        with contextlib.closing(Caller(library)) as caller:
            profile = cProfile.Profile(time.thread_time)
            caller.patch()
            for _ in range(PROFILE_BURSTS):
                caller.settle()
                profile.runcall(caller.burst)
        print(f"{library}, {PROFILE_BURSTS * BURST_CALLS:,} calls")
        stats = pstats.Stats(profile).sort_stats("tottime")
        stats.print_stats("/integration_monitor/", PROFILE_LINES)
        stats.print_callees("/integration_monitor/")


def _print_row(library: str, pairs: list[tuple[float, float]]) -> None:
    low, median, high = statistics.quantiles([patched - bare for bare, patched in pairs], n=4)
    print(f"| {library} | {statistics.median(bare for bare, _patched in pairs):.1f} | {median:+.1f} | {low:+.1f} … {high:+.1f} |")


def _make_aiohttp_call(tool: ProductDiscarding, samples: list[Call]) -> Callable[[Call], object]:
    """A loop runs until the call is done, patched or not."""
    del tool
    loop = asyncio.new_event_loop()

    async def open_session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=MemoryConnector(samples))

    session: Any = loop.run_until_complete(open_session())
    atexit.register(lambda: loop.run_until_complete(session.close()))

    async def call(one: Call) -> None:
        async with session.request(one.method, without_tls(one.url), data=one.request, headers=as_text(one)) as response:
            assert await response.read()

    return lambda one: loop.run_until_complete(call(one))


if __name__ == "__main__":
    main()
