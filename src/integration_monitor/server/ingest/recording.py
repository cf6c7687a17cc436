"""The recorder on a thread of its own: bodies become clean records, and the event loop goes on meanwhile.

Bodies that wait are read in one turn of the thread: where two threads of Python pass work to and fro, the passing takes longer than to read a
record.
"""

import asyncio
import dataclasses
import functools
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import msgspec

from integration_monitor.batch import Report
from integration_monitor.capture.operation import Operation
from integration_monitor.pipeline import open_recorder
from integration_monitor.record import IntegrationLog, Json
from integration_monitor.recorder import Recorder
from integration_monitor.server.ingest.bodies import unpack
from integration_monitor.server.ingest.calls import to_operation
from integration_monitor.server.ingest.items import Item, ItemProblem, RefusedItem, read_items
from integration_monitor.server.ingest.limits import RECORDS_MAX
from integration_monitor.server.ingest.records import to_record
from integration_monitor.server.refusals import BodyRefused, BodyTooLarge, NotAllowed
from integration_monitor.settings import Settings

Result = TypeVar("Result")
#: An item becomes what the recorder takes.
Reading = Callable[[Json], IntegrationLog | Operation]
#: A body becomes items.
Split = Callable[[bytes], Sequence[Item]]

_PARTS: Final = frozenset({"records", "finished", "report"})
# Bodies that are read in one turn have so many bytes together, or there is only one: whoever waits for a small one of them does not wait for
# more than some milliseconds.
_TURN_BYTES_MAX: Final = 64 * 1024

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """What a body became."""

    #: with the place of each in the body
    records: Sequence[tuple[int, IntegrationLog]]
    #: items of which there is to be no record: the server's settings `ignore` and `sample` say so, or it is a long poll that brought nothing
    ignored: int
    refused: Sequence[RefusedItem]
    #: of a batch: records that were sent before, as pending
    finished: Sequence[tuple[int, IntegrationLog]] = ()
    #: of a batch: what the process that sends it tells of itself
    report: Report | None = None
    #: whether all of it is stored or nothing
    is_batch: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Job:
    read: Callable[[], object]
    bytes_count: int
    done: "asyncio.Future[Any]"


class Recording:
    """Reads bodies, one at a time: a recorder is for one thread, and one body at a time is decoded. For one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._recorder: Recorder | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="integration-monitor-recording")
        # As many as there are requests under way: the door bounds them.
        self._jobs: deque[_Job] = deque()
        self._is_reading = False

    async def unpack(self, body: bytes, encoding: str) -> bytes:
        """As `bodies.unpack`."""
        return await self._run(unpack, body, encoding)

    async def records(self, body: bytes, content_type: str, service: str | None) -> Recorded:
        """The records of a body that holds records, or a batch of them.

        service:
            The only one whose records are taken; None for any.

        Errors:
            BodyRefused, BodyTooLarge; NotAllowed for a batch where only one service's records are taken.
        """
        return await self._run(self._read_records, body, content_type, service)

    async def calls(self, body: bytes, content_type: str, service: str | None) -> Recorded:
        """The records of a body that holds calls. Arguments and errors as of `records`."""
        return await self._run(self._read_calls, body, content_type, service)

    async def items(self, body: bytes, split: Split, read: Reading, service: str | None) -> Recorded:
        """The records of a body in words of its own.

        split:
            Its items. What it raises is raised here.
        read:
            What the recorder takes, of one item; it raises ItemProblem where there is none.
        service:
            As of `records`.
        """
        return await self._run(self._read_own, body, split, read, service)

    def close(self) -> None:
        self._thread.shutdown()

    async def _run(self, read: Callable[..., Result], body: bytes, *arguments: Any) -> Result:
        loop = asyncio.get_running_loop()
        job = _Job(read=functools.partial(read, body, *arguments), bytes_count=len(body), done=loop.create_future())
        self._jobs.append(job)
        if not self._is_reading:
            self._is_reading = True
            # Not at once: what has come with this one is read with it.
            loop.call_soon(self._begin_turn)
        result: Result = await job.done
        return result

    def _begin_turn(self) -> None:
        """Gives the thread what waits."""
        jobs = [self._jobs.popleft()]
        bytes_count = jobs[0].bytes_count
        while self._jobs and (bytes_count := bytes_count + self._jobs[0].bytes_count) <= _TURN_BYTES_MAX:
            jobs.append(self._jobs.popleft())
        turn = asyncio.get_running_loop().run_in_executor(self._thread, _read_each, [job.read for job in jobs])
        turn.add_done_callback(functools.partial(self._end_turn, jobs))

    def _end_turn(self, jobs: Sequence[_Job], turn: "asyncio.Future[list[object]]") -> None:
        """Tells everybody, and begins again."""
        for job, result in zip(jobs, turn.result(), strict=True):
            if job.done.done():
                continue  # whoever asked has gone
            if isinstance(result, BaseException):
                job.done.set_exception(result)
            else:
                job.done.set_result(result)
        if self._jobs:
            self._begin_turn()
        else:
            self._is_reading = False

    def _read_records(self, body: bytes, content_type: str, service: str | None) -> Recorded:
        items, refused = read_items(body, content_type)
        only = items[0].value if len(items) == 1 and not refused else None
        if isinstance(only, dict) and "records" in only:
            return self._read_batch(only, service)
        return self._record(items, refused, to_record, service)

    def _read_calls(self, body: bytes, content_type: str, service: str | None) -> Recorded:
        items, refused = read_items(body, content_type)
        return self._record(items, refused, to_operation, service)

    def _read_own(self, body: bytes, split: Split, read: Reading, service: str | None) -> Recorded:
        return self._record(split(body), [], read, service)

    def _read_batch(self, batch: dict[str, Json], service: str | None) -> Recorded:
        """As the SDK sends it."""
        if service is not None:
            raise NotAllowed(
                f"The key is for the service `{service}` alone, and a batch is a whole process's.",
                hint="Use a key without a service for the SDK; or send records without `finished` and `report`.",
            )
        unknown = batch.keys() - _PARTS
        lists = [batch.get(name, []) for name in ("records", "finished")]
        if unknown or not all(isinstance(one, list) for one in lists):
            raise BodyRefused("A batch is {records: [...], finished: [...], report: {...}}.")
        if sum(map(len, lists)) > RECORDS_MAX:
            raise BodyTooLarge(f"There are more than {RECORDS_MAX} records in the batch.")
        try:
            report = None if batch.get("report") is None else msgspec.convert(batch["report"], Report)
        except msgspec.ValidationError as error:
            raise BodyRefused(f"The batch's report cannot be read: {error}") from error
        fresh, done = (
            self._record([Item(number, one) for number, one in enumerate(part, 1)], [], to_record, None) for part in lists
        )
        return Recorded(
            records=fresh.records,
            finished=done.records,
            report=report,
            ignored=fresh.ignored + done.ignored,
            refused=[*fresh.refused, *done.refused],
            is_batch=True,
        )

    def _record(self, items: Sequence[Item], refused: Sequence[RefusedItem], read: Reading, service: str | None) -> Recorded:
        records, problems, ignored = [], list(refused), 0
        plain: Reading = functools.partial(to_record, is_plain=True)
        for item in items:
            try:
                record = self._cleaned(plain if item.is_plain and read is to_record else read, item.value)
                _check_service(record, service)
            except ItemProblem as problem:
                problems.append(problem.at(item.line))
                continue
            if record is None:
                ignored += 1
            else:
                records.append((item.line, record))
        return Recorded(records=records, ignored=ignored, refused=sorted(problems, key=lambda one: one.line))

    def _cleaned(self, read: Reading, value: Json) -> IntegrationLog | None:
        if self._recorder is None:
            # Here and not before: it takes a tenth of a second, and a server that only answers questions needs none.
            self._recorder = open_recorder(
                self._settings,
                lambda error: logger.warning("a service description is left out: %s", error),
                on_error=lambda error: logger.warning("a service description failed on a call: %s", type(error).__name__),
            )
        try:
            return self._recorder(read(value))
        except ItemProblem:
            raise
        except Exception as error:
            # What is in it may be secret still: only the kind of error is told.
            logger.warning("an ingested item could not be recorded: %s", type(error).__name__)
            raise ItemProblem(None, "it could not be understood", "Please report it, if it is nothing unusual.") from error


def _read_each(reads: Sequence[Callable[[], object]]) -> list[object]:
    """What each gives, or raises: an error belongs to those who wait for it."""
    results: list[object] = []
    for read in reads:
        try:
            results.append(read())
        except Exception as error:  # noqa: BLE001 -- whatever it is, whoever waits is told
            results.append(error)
    return results


def _check_service(record: IntegrationLog | None, service: str | None) -> None:
    if record is not None and service is not None and record.service_name != service:
        raise ItemProblem(
            "service_name",
            f"the key is for the service `{service}` alone",
            "Send it with a key for this service, or for all.",
            value=record.service_name,
        )
