"""The worker's thread: items become records, records become batches, batches go to the sink."""

import contextlib
import logging
import random
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic

from integration_monitor.errors import IntegrationMonitorError, RecordsRefused
from integration_monitor.guard import Guard
from integration_monitor.record import IntegrationLog
from integration_monitor.settings import Settings
from integration_monitor.writer.counts import Counts, LossLog
from integration_monitor.writer.queue import BoundedQueue, Empty, Item, Marker
from integration_monitor.writer.sink import Sink

logger = logging.getLogger("integration_monitor")

# A store that is restarting is back within seconds, and one that is gone should not be knocked on more often than twice a minute.
RETRY_FIRST_S = 0.25
RETRY_MAX_S = 30.0

# The first time soon, since many processes do not live for a day; but not while the application starts.
MAINTAIN_FIRST_S = 60.0
MAINTAIN_INTERVAL_S = 86_400.0
MAINTAIN_RETRY_S = 3_600.0

# How long an idle worker sleeps at most, so that losses are told in time.
IDLE_S = 60.0

# After a defect of ours, so that it cannot eat a processor.
DEFECT_PAUSE_S = 1.0

_Batch = list[tuple[IntegrationLog, int]]


class Worker(Generic[Item]):
    """What the writer's thread does. Its methods but `hurry` and `end_by` belong to that thread."""

    def __init__(  # noqa: PLR0913 -- by name, and each is a part of the pipeline
        self,
        *,
        queue: BoundedQueue[Item],
        counts: Counts,
        losses: LossLog,
        record: Callable[[Item], IntegrationLog | None],
        open_sink: Callable[[], Sink],
        settings: Settings,
        guard: Guard,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._counts = counts
        self._losses = losses
        self._record = record
        self._open_sink = open_sink
        self._settings = settings
        self._guard = guard
        self._clock = clock
        self._sink: Sink | None = None
        self._batch: _Batch = []
        # Batches and halves of them that are not written yet; the next one is the last of the list.
        self._parts: list[_Batch] = []
        # As a SimpleQueue it can be filled by a signal handler, which an Event cannot.
        self._wake_up: SimpleQueue[None] = SimpleQueue()
        self._end_at: float | None = None
        self._failures_count = 0
        self._complain_at = clock()
        self._maintain_at = clock() + MAINTAIN_FIRST_S

    def hurry(self) -> None:
        """Makes a worker that waits for the store try again at once, also one that is about to wait."""
        if self._wake_up.empty():
            self._wake_up.put(None)

    def end_by(self, time_s: float) -> None:
        """After this time, by the clock given, the worker tries no more."""
        self._end_at = time_s

    def run(self) -> None:
        is_ended = False
        while not is_ended:
            with self._guard:
                is_ended = self._work()
                continue
            self._wait(DEFECT_PAUSE_S)
        self._losses.tell(is_last=True)
        self._close_sink()

    def _work(self) -> bool:
        """One batch. True when there is to be no other."""
        marker = self._fill()
        is_delivered = self._deliver()
        self._losses.tell()
        if marker is not None and is_delivered:
            marker.done.set()
        if (marker is not None and marker.is_last) or not is_delivered:
            return True
        self._maintain_when_due()
        return False

    def _fill(self) -> Marker | None:
        """Gathers a batch until it is full or old enough, or a marker comes, which it gives."""
        settings = self._settings
        size_bytes = 0
        due_at = min(self._maintain_at, self._clock() + IDLE_S)
        while len(self._batch) < settings.batch_records_max and size_bytes < settings.batch_bytes_max:
            try:
                got = self._queue.get(due_at - self._clock())
            except Empty:
                break
            if isinstance(got, Marker):
                return got
            item, item_bytes = got
            if not self._batch:
                due_at = self._clock() + settings.batch_age_s
            self._add(item, item_bytes)
            size_bytes += item_bytes
        return None

    def _add(self, item: Item, size_bytes: int) -> None:
        try:
            record = self._record(item)
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with one item, the others are to be written
            self._guard.report(error)
            self._drop("unrecordable", size_bytes)
            return
        if record is not None:
            self._batch.append((record, size_bytes))
        elif self._queue.settle(1, size_bytes):
            self._counts.add_ignored()

    def _drop(self, reason: str, size_bytes: int) -> None:
        if self._queue.settle(1, size_bytes):
            self._counts.add_dropped(reason)

    def _deliver(self) -> bool:
        """Writes what was gathered, however long that takes. False when the time to end came first."""
        if self._batch:
            self._parts.append(self._batch)
            self._batch = []
        while self._parts:
            if self._write(self._parts[-1]):
                self._failures_count = 0
                continue
            self._losses.tell()
            if not self._wait_for_store():
                return False
        return True

    def _write(self, part: _Batch) -> bool:
        """Writes the last part, or splits it in halves where a record of it is refused. False where the store is not to be had."""
        try:
            if self._sink is None:
                self._sink = self._open_sink()
        except Exception as error:  # noqa: BLE001 -- a store that cannot be opened is one that is away
            return self._note_unavailable(error)
        try:
            self._sink.write([record for record, _size in part])
        except RecordsRefused as error:
            self._split(part, error)
        except IntegrationMonitorError as error:
            return self._note_unavailable(error)
        except Exception as error:  # noqa: BLE001 -- a record that the sink stumbles over; the others are to be written
            self._split(part, error)
        else:
            self._parts.pop()
            if self._queue.settle(len(part), sum(size for _record, size in part)):
                self._counts.add_written(len(part))
        return True

    def _split(self, part: _Batch, error: Exception) -> None:
        self._counts.last_error = _told(error)
        self._parts.pop()
        if len(part) == 1:
            self._drop("refused", part[0][1])
            return
        middle = len(part) // 2
        self._parts += [part[middle:], part[:middle]]

    def _note_unavailable(self, error: Exception) -> bool:
        self._counts.last_error = _told(error)
        if self._clock() >= self._complain_at:
            self._complain_at = self._clock() + IDLE_S
            logger.warning(
                "integration_monitor cannot write to the store; %d records wait in memory: %s",
                self._queue.records_count,
                self._counts.last_error,
            )
        return False

    def _wait_for_store(self) -> bool:
        """Waits before the next try, longer each time. False when the time to end has come."""
        longest_s = min(RETRY_MAX_S, RETRY_FIRST_S * 2 ** min(self._failures_count, 16))
        self._failures_count += 1
        # Many processes that lost the same database shall not come back in step.
        if not self._wait(longest_s * random.uniform(0.5, 1)):  # noqa: S311 -- not a secret
            self._failures_count = 0
        return self._end_at is None or self._clock() < self._end_at

    def _wait(self, seconds: float) -> bool:
        """Sleeps; less when the worker is to hurry, which gives False, or to end."""
        if self._end_at is not None:
            seconds = min(seconds, self._end_at - self._clock())
        try:
            self._wake_up.get(timeout=max(seconds, 0))
        except Empty:
            return True
        return False

    def _maintain_when_due(self) -> None:
        if self._clock() < self._maintain_at:
            return
        self._maintain_at = self._clock() + MAINTAIN_RETRY_S
        try:
            if self._sink is None:
                self._sink = self._open_sink()
            self._sink.maintain()
        except Exception as error:  # noqa: BLE001 -- the records matter more; another process, or cron, may maintain as well
            logger.warning("integration_monitor could not maintain the store: %s", _told(error))
        else:
            self._maintain_at = self._clock() + MAINTAIN_INTERVAL_S

    def _close_sink(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            # The thread ends: there is nobody to whom an error in closing matters.
            with contextlib.suppress(Exception):
                sink.close()


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
