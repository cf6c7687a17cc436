"""The same calls through each library, timed.

Calls come at a steady rate, in bursts with pauses between them, so that every tool has time to deliver what it has: a tool that drops what it
cannot keep up with would be cheap.
"""

import asyncio
import dataclasses
import gc
import itertools
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence

import aiohttp
import httpx

from benchmarks.capture_tools import Tool
from benchmarks.memory_transports import AsyncMemoryTransport, MemoryConnector, MemoryTransport, memory_adapter
from benchmarks.sample_calls import Call, resend_email

LIBRARIES = ("httpx", "requests", "aiohttp", "asyncio")

# Calls that the application makes while it serves one request of its own.
UNIT_CALLS = 10
# A burst is long enough for caches to be warm, and a pause short enough for them to stay so.
BURST_CALLS = 100
RATE_PER_S = 2_000
TASKS = 1_000
WARM_UP_CALLS = 500
# Each has its own ids and texts; they come again in turn.
SAMPLES = 64


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """What one process has measured."""

    #: CPU time of the caller's thread per call: the median, for `asyncio` the mean; microseconds
    caller_us: float
    #: CPU time of the whole process per call, all threads and the end of the tool included; microseconds
    process_us: float
    calls: int
    #: delivered by the tool
    delivered: int


class Run:
    """What the loops of all libraries have in common.

    tool:
        It has been started.
    wait:
        Called when everything is warm; returns when the clock may run.
    """

    def __init__(self, tool: Tool, *, calls: int, wait: Callable[[], None]) -> None:
        self.tool = tool
        self.calls = calls
        self.samples = [resend_email(number) for number in range(SAMPLES)]
        self.turns = itertools.cycle(self.samples)
        self._wait = wait
        self._begin_s = 0.0

    def begin(self) -> None:
        """The warm-up is over: nothing of it is to be paid for from now on."""
        self.tool.settle()
        gc.collect()
        self._wait()
        self._begin_s = time.process_time()

    def end(self, caller_us: float, *, warm_up_calls: int = WARM_UP_CALLS) -> Costs:
        """The calls are made; the tool's end is a part of its costs."""
        delivered = self.tool.finish() - warm_up_calls
        process_us = (time.process_time() - self._begin_s) * 1e6 / self.calls
        return Costs(caller_us=caller_us, process_us=process_us, calls=self.calls, delivered=delivered)


def measure(library: str, run: Run) -> Costs:
    """Runs the loop of a library."""
    if library == "httpx":
        return _measure_sync(make_httpx_call(run.tool, run.samples), run)
    if library == "requests":
        return _measure_sync(make_requests_call(run.tool, run.samples), run)
    return asyncio.run((_measure_aiohttp if library == "aiohttp" else _measure_tasks)(run))


def make_httpx_call(tool: Tool, samples: Sequence[Call]) -> Callable[[Call], object]:
    """One call of httpx, its answer read."""
    client = httpx.Client(transport=tool.wrap(MemoryTransport(samples)))
    tool.watch(client)

    def call(one: Call) -> None:
        response = client.request(one.method, one.url, content=one.request, headers=one.headers)
        assert response.content

    return call


def make_requests_call(tool: Tool, samples: Sequence[Call]) -> Callable[[Call], object]:
    """As `make_httpx_call`."""
    session = tool.make_session()
    session.trust_env = False  # it would look for proxies and a .netrc at each call, which costs every configuration the same
    session.mount("http://", memory_adapter(samples))

    def call(one: Call) -> None:
        response = session.request(one.method, without_tls(one.url), data=one.request, headers=as_text(one))
        assert response.content

    return call


def _measure_sync(call: Callable[[Call], object], run: Run) -> Costs:
    _run_bursts(call, run, WARM_UP_CALLS)
    run.begin()
    return run.end(statistics.median(_run_bursts(call, run, run.calls)) / 1_000)


def _run_bursts(call: Callable[[Call], object], run: Run, calls: int) -> list[int]:
    """Nanoseconds of the thread for each call."""
    clock, costs_ns, due_s = time.thread_time_ns, [], time.perf_counter()
    for first in range(0, calls, BURST_CALLS):
        for _unit in range(first, first + BURST_CALLS, UNIT_CALLS):
            with run.tool.unit_of_work():
                for _ in range(UNIT_CALLS):
                    sample = next(run.turns)
                    begin_ns = clock()
                    call(sample)
                    costs_ns.append(clock() - begin_ns)
        due_s += BURST_CALLS / RATE_PER_S
        time.sleep(max(due_s - time.perf_counter(), 0))
    return costs_ns


async def _measure_aiohttp(run: Run) -> Costs:
    """One task, one call at a time: what the thread does meanwhile is the call."""
    async with aiohttp.ClientSession(connector=MemoryConnector(run.samples)) as session:

        async def call(one: Call) -> None:
            async with session.request(one.method, without_tls(one.url), data=one.request, headers=as_text(one)) as response:
                assert await response.read()

        await _run_bursts_async(call, run, WARM_UP_CALLS)
        run.begin()
        return run.end(statistics.median(await _run_bursts_async(call, run, run.calls)) / 1_000)


async def _run_bursts_async(call: Callable[[Call], Awaitable[object]], run: Run, calls: int) -> list[int]:
    """As `_run_bursts`."""
    clock, costs_ns, due_s = time.thread_time_ns, [], time.perf_counter()
    for first in range(0, calls, BURST_CALLS):
        for _unit in range(first, first + BURST_CALLS, UNIT_CALLS):
            with run.tool.unit_of_work():
                for _ in range(UNIT_CALLS):
                    sample = next(run.turns)
                    begin_ns = clock()
                    await call(sample)
                    costs_ns.append(clock() - begin_ns)
        due_s += BURST_CALLS / RATE_PER_S
        await asyncio.sleep(max(due_s - time.perf_counter(), 0))
    return costs_ns


async def _measure_tasks(run: Run) -> Costs:
    """A thousand tasks that make calls and wait, spread evenly. What one call costs cannot be told from another's: the mean."""
    async with httpx.AsyncClient(transport=run.tool.wrap(AsyncMemoryTransport(run.samples))) as client:
        run.tool.watch(client)
        await _run_tasks(client, run, TASKS)
        run.begin()
        begin_ns = time.thread_time_ns()
        await _run_tasks(client, run, run.calls)
        return run.end((time.thread_time_ns() - begin_ns) / 1_000 / run.calls, warm_up_calls=TASKS)


async def _run_tasks(client: httpx.AsyncClient, run: Run, calls: int) -> None:
    pause_s = TASKS / RATE_PER_S

    async def work(number: int) -> None:
        await asyncio.sleep(pause_s * number / TASKS)
        with run.tool.unit_of_work():
            for _ in range(calls // TASKS):
                one = next(run.turns)
                response = await client.request(one.method, one.url, content=one.request, headers=one.headers)
                assert response.content
                await asyncio.sleep(pause_s)

    await asyncio.gather(*(work(number) for number in range(TASKS)))


def without_tls(url: str) -> str:
    """Encryption needs another side; it would cost every configuration the same."""
    return url.replace("https://", "http://", 1)


def as_text(call: Call) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in call.headers}
