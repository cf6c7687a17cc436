"""Records of many requests become one batch: one statement and one commit for all of them."""

import asyncio
import contextlib
import dataclasses
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from integration_monitor.batch import Batch
from integration_monitor.errors import RecordsRefused, StoreUnavailable
from integration_monitor.record import IntegrationLog
from integration_monitor.writer.sink import Sink

#: A batch is written when it has so many records,
BATCH_RECORDS_MAX: Final = 1_000
#: or when its first request has waited for so long. Much less than a commit takes; what comes during a commit is the next batch.
COLLECT_S: Final = 0.003

#: Which records of a job the store refused, by their index, and why.
Refused = dict[int, str]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Job:
    batch: Batch
    #: whether it shares its transaction with others; else all of it is stored or nothing
    is_shared: bool
    done: "asyncio.Future[Refused]"

    @property
    def size(self) -> int:
        return len(self.batch.records) + len(self.batch.finished)


class Batcher:
    """Writes through one sink, on a thread of its own. What waits is bounded by whoever gives it."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._jobs: deque[_Job] = deque()
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="integration-monitor-ingest")
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False

    def open(self) -> None:
        """Begins to write. Called on the event loop."""
        self._task = asyncio.create_task(self._run(), name="integration-monitor ingest")

    async def close(self) -> None:
        """Writes what waits, and ends. Nothing that waits was acknowledged: once the store is away, the rest is told so and not tried."""
        self._is_closing = True
        self._wake.set()
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await asyncio.get_running_loop().run_in_executor(self._thread, self._sink.close)
        self._thread.shutdown()

    async def add(self, records: Sequence[IntegrationLog]) -> Refused:
        """Stores records, together with those of others, and gives which of them the store refused. The others are committed then.

        Errors:
            StoreUnavailable: nothing is known to be stored. Records with ids may be sent again.
            StoreError: anything else.
        """
        return await self._put(Batch(records=records), is_shared=True)

    async def write(self, batch: Batch) -> None:
        """Stores a batch in a transaction of its own, all or nothing.

        Errors:
            RecordsRefused: the store will not take one of the records.
            Others as of `add`.
        """
        await self._put(batch, is_shared=False)

    async def _put(self, batch: Batch, *, is_shared: bool) -> Refused:
        if self._is_closing or self._task is None or self._task.done():
            raise StoreUnavailable("the server is ending")
        job = _Job(batch=batch, is_shared=is_shared, done=asyncio.get_running_loop().create_future())
        self._jobs.append(job)
        self._wake.set()
        return await job.done

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if not self._jobs:
                if self._is_closing:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            if not self._is_closing and sum(job.size for job in self._jobs) < BATCH_RECORDS_MAX:
                await asyncio.sleep(COLLECT_S)
            jobs = self._take()
            results = await loop.run_in_executor(self._thread, _write_jobs, self._sink, jobs)
            _tell(jobs, results)
            away = next((result for result in results if isinstance(result, StoreUnavailable)), None)
            if self._is_closing and away is not None:
                _tell(self._jobs, [away] * len(self._jobs))
                self._jobs.clear()

    def _take(self) -> list[_Job]:
        """The next jobs that are written together: at least one, and of those with a transaction of their own only one."""
        jobs = [self._jobs.popleft()]
        size = jobs[0].size
        while jobs[0].is_shared and self._jobs and self._jobs[0].is_shared and size + self._jobs[0].size <= BATCH_RECORDS_MAX:
            jobs.append(self._jobs.popleft())
            size += jobs[-1].size
        return jobs


def _tell(jobs: Iterable[_Job], results: Sequence[Refused | Exception]) -> None:
    """What became of each."""
    for job, result in zip(jobs, results, strict=True):
        if job.done.done():
            continue  # whoever asked has gone
        if isinstance(result, Exception):
            job.done.set_exception(result)
        else:
            job.done.set_result(result)


def _write_jobs(sink: Sink, jobs: Sequence[_Job]) -> list[Refused | Exception]:
    """What became of each job. Never raises: an error belongs to those who wait for it."""
    if not jobs[0].is_shared:
        try:
            sink.write(jobs[0].batch)
        except Exception as error:  # noqa: BLE001 -- whatever it is, whoever waits is told
            return [error]
        return [{}]
    units = [(number, index) for number, job in enumerate(jobs) for index in range(len(job.batch.records))]
    results: list[Refused | Exception] = [{} for _ in jobs]
    waiting = [units] if units else []
    while waiting:
        part = waiting.pop()
        try:
            sink.write(Batch(records=[jobs[number].batch.records[index] for number, index in part]))
        except RecordsRefused as error:
            if len(part) > 1:
                # Until the one that is refused stands alone.
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
                continue
            number, index = part[0]
            result = results[number]
            if isinstance(result, dict):
                result[index] = str(error)
        except Exception as error:  # noqa: BLE001 -- as above
            for number in {number for number, _index in part}:
                results[number] = error
    return results
