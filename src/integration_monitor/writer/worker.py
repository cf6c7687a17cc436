"""The worker's thread: items become records, records become batches, batches go to the sink."""

import logging
import sys
import threading
import time
from collections.abc import Callable
from typing import Generic

from integration_monitor.guard import Guard
from integration_monitor.record import IntegrationLog
from integration_monitor.settings import Settings
from integration_monitor.writer.counts import Counts, LossLog
from integration_monitor.writer.delivery import Delivery
from integration_monitor.writer.depot import Depot
from integration_monitor.writer.part import Unit
from integration_monitor.writer.queue import Alarm, BoundedQueue, Item, Marker
from integration_monitor.writer.unfinished import Unfinished, close

logger = logging.getLogger("integration_monitor")

# The first time soon, since many processes do not live for a day; but not while the application starts.
MAINTAIN_FIRST_S = 60.0
MAINTAIN_INTERVAL_S = 86_400.0
MAINTAIN_RETRY_S = 3_600.0

# How often the worker looks for operations that have been in flight for long. It makes nobody wait who rang in vain, either.
TICK_S = 1.0

# After a defect of ours, so that it cannot eat a processor.
DEFECT_PAUSE_S = 1.0


class Recorded:
    """An item of the queue that is a record already: the disk did not take it."""

    __slots__ = ("is_finished", "record")

    def __init__(self, record: IntegrationLog, *, is_finished: bool) -> None:
        self.record = record
        self.is_finished = is_finished


class Worker(Generic[Item]):
    """What the writer's thread does. Its methods but `hurry`, `end_by`, `give_up` and `rescue` belong to that thread."""

    def __init__(  # noqa: PLR0913 -- by name, and each is a part of the pipeline
        self,
        *,
        queue: BoundedQueue[Item | Recorded],
        counts: Counts,
        losses: LossLog,
        unfinished: Unfinished[Item],
        record: Callable[[Item], IntegrationLog | None],
        delivery: Delivery,
        depot: Depot,
        settings: Settings,
        guard: Guard,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._counts = counts
        self._losses = losses
        self._unfinished = unfinished
        self._record = record
        self._delivery = delivery
        self._depot = depot
        self._settings = settings
        self._guard = guard
        self._clock = clock
        delivery.connection.while_waiting = self._relieve
        #: a recorder is for one thread at a time; taken again where a signal handler makes a call
        self.recording = threading.RLock()
        #: wakes the thread; made anew for each thread
        self.alarm = Alarm()
        #: whether a thread is at work, or about to be
        self.is_running = False
        self._batch: list[Unit] = []
        self._markers: list[Marker] = []
        self._end_at: float | None = None
        self._has_given_up = False
        self._gathered_at: float | None = None
        # As if something had been written just now, so that the first records of a process come together.
        self._sent_at = clock()
        self._tick_at = clock()
        self._maintain_at = clock() + MAINTAIN_FIRST_S

    def oldest_at(self) -> float | None:
        """When the oldest item that waits in memory was put, by the clock given; None where none waits."""
        times = [self._queue.oldest_at(), None if self._delivery.has_room else self._gathered_at]
        return min((at for at in times if at is not None), default=None)

    def prepare(self) -> None:
        """Before a thread is started: the alarm is of the thread's own kind, and nobody starts another."""
        self.alarm = Alarm()
        self.is_running = True

    def hurry(self) -> None:
        """Makes the worker look at once, also at a store that was away."""
        self._delivery.connection.hurry()
        self.alarm.ring()

    def end_by(self, time_s: float) -> None:
        """After this time, by the clock given, the worker tries no more."""
        self._end_at = time_s

    def give_up(self) -> None:
        """The worker is to do nothing more, whatever it comes back from."""
        self._has_given_up = True

    def rescue(self, deadline: float) -> None:
        """Puts on disk what the thread does not get rid of: it hangs in the store. For the thread that ends the process.

        deadline:
            When to stop, by the clock given; what is not on disk by then stays where it is.
        """
        if not self._depot.is_on or not self.recording.acquire(timeout=max(0.0, deadline - self._clock())):
            return
        try:
            self._delivery.add(self._batch)
            self._batch = []
            while self._clock() < deadline and (got := self._queue.get()) is not None:
                if not isinstance(got, Marker):
                    unit = self._unit(*got)
                    self._delivery.add([unit] if unit is not None else [])
        finally:
            self.recording.release()
        if self._depot.locks.write.acquire(timeout=max(0.0, deadline - self._clock())):
            try:
                self._delivery.spool_fresh()
            finally:
                self._depot.locks.write.release()

    def run(self) -> None:
        """The thread. It ends with the last marker, or with an exception that no guard holds; the next item starts another then."""
        try:
            self._reconcile()
            is_ended = False
            while not is_ended:
                with self._guard:
                    is_ended = self._work()
                    continue
                # What was in hand may be lost.
                self._reconcile()
                self.alarm.sleep(DEFECT_PAUSE_S, records_count=sys.maxsize, bytes_count=sys.maxsize, is_enough=lambda: False)
            self._end()
        except Exception:
            raise  # under our own tests alone
        except BaseException as error:  # noqa: BLE001 -- whoever ends a thread of ours does not want a traceback of it
            logger.warning("integration_monitor's thread was ended by %s; another takes over", type(error).__name__)
        finally:
            self.is_running = False

    def _work(self) -> bool:
        """One round. True when there is to be no other."""
        self._sleep()
        if self._has_given_up or self._is_over():
            return True
        if self._is_due():
            self._gathered_at = self._queue.oldest_at()
            self._gather()
            batch, self._batch = self._batch, []
            self._delivery.add(batch)
            self._sent_at = self._clock()
        self._delivery.push()
        if self._clock() >= self._tick_at:
            self._tick()
        is_more = self._delivery.drain.run(is_hurried=bool(self._markers))
        self._delivery.beat()
        self._losses.tell()
        return self._settle_markers(is_more=is_more)

    def _sleep(self) -> None:
        """Until a batch is full or old enough, or there is something else to do."""
        delivery = self._delivery
        if self._markers and delivery.drain.has_own and delivery.connection.may_try and not delivery.drain.is_resting:
            return
        wake_at = [self._tick_at, delivery.next_at(), self._end_at]
        records_count, bytes_count = 1, sys.maxsize
        if not delivery.has_room:
            # What waits in the queue cannot be helped by waking.
            records_count = sys.maxsize
        elif self._waiting_count() or self._queue.has_marker:
            records_count, bytes_count = self._settings.batch_records_max, self._settings.batch_bytes_max
            if self._counts.waiting_records or self._queue.has_marker:  # what is on disk has its own time
                wake_at.append(self._batch_at())
        self.alarm.sleep(
            min(at for at in wake_at if at is not None) - self._clock(),
            records_count=records_count,
            bytes_count=bytes_count,
            is_enough=lambda: self._waiting_count() >= records_count or self._is_due(),
        )

    def _is_due(self) -> bool:
        """Whether a batch is to be gathered: it would be full or old enough, or somebody waits for it."""
        counts = self._counts
        if not self._delivery.has_room or not (counts.waiting_records or self._queue.has_marker):
            return False
        return (
            self._queue.has_marker
            or counts.waiting_records >= self._settings.batch_records_max
            or counts.waiting_bytes >= self._settings.batch_bytes_max
            or self._clock() >= self._batch_at()
        )

    def _batch_at(self) -> float:
        """When the next batch is old enough. An idle system writes at once; a busy one writes once in a while, and more each time."""
        return self._sent_at + self._settings.batch_age_s

    def _waiting_count(self) -> int:
        """Records that the worker is to be woken for."""
        return self._counts.waiting_records + (self._counts.spooled if self._settings.durability == "journal" else 0)

    def _is_over(self) -> bool:
        return self._end_at is not None and self._clock() >= self._end_at

    def _gather(self) -> None:
        """Gets a batch from the queue, if there is room for it."""
        settings = self._settings
        size_bytes = 0
        while (
            self._delivery.has_room
            and len(self._batch) < settings.batch_records_max
            and size_bytes < settings.batch_bytes_max
            and (got := self._queue.get()) is not None
        ):
            if isinstance(got, Marker):
                self._markers.append(got)
                return
            item, item_bytes = got
            self._add(item, item_bytes)
            size_bytes += item_bytes

    def _relieve(self) -> None:
        """While the store makes this thread wait: a queue that is half full goes to disk, so that nothing has to be dropped."""
        with self._guard:
            while self._depot.is_on and not self._batch and self._is_crowded() and (got := self._queue.get()) is not None:
                part: list[Unit] = []
                while got is not None and not isinstance(got, Marker):
                    unit = self._unit(*got)
                    part += [unit] if unit is not None else []
                    got = self._queue.get() if len(part) < self._settings.batch_records_max else None
                if isinstance(got, Marker):
                    self._markers.append(got)
                # What the disk does not take is in the next batch.
                self._batch += self._delivery.spool(part)

    def _is_crowded(self) -> bool:
        counts, settings = self._counts, self._settings
        return counts.waiting_records * 2 >= settings.queue_records_max or counts.waiting_bytes * 2 >= settings.queue_bytes_max

    def _add(self, item: Item | Recorded, size_bytes: int) -> None:
        unit = self._unit(item, size_bytes)
        if unit is not None:
            self._batch.append(unit)

    def _unit(self, item: Item | Recorded, size_bytes: int) -> Unit | None:
        """An item as a record; None where it is worth none, or cannot be one. It is counted then."""
        if isinstance(item, Recorded):
            return Unit(record=item.record, size_bytes=size_bytes, is_finished=item.is_finished)
        try:
            with self.recording:
                record, pending = self._record(item), self._unfinished.end(item)
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with one item, the others are to be written
            self._guard.report(error)
            self._unfinished.lose(item, "unrecordable")
            self._counts.settle("dropped", 1, size_bytes, reason="unrecordable")
            return None
        if record is not None:
            return Unit(record=record, size_bytes=size_bytes, is_finished=pending is not None)
        self._counts.settle("ignored", 1, size_bytes)
        return None if pending is None else Unit(record=close(pending), is_finished=True, is_counted=False)

    def _tick(self) -> None:
        """What is done now and then: the disk, operations in flight, maintenance."""
        self._tick_at = self._clock() + TICK_S
        self._depot.tidy(is_away=self._delivery.connection.is_away)
        if not self._delivery.connection.is_away:
            with self.recording:
                due = self._unfinished.due()
            for start in range(0, len(due), self._settings.batch_records_max):
                part = due[start : start + self._settings.batch_records_max]
                if not self._delivery.tell(part):
                    break
                self._unfinished.note_sent(part)
        lost = self._unfinished.take_lost()
        if lost:
            self._delivery.add([Unit(record=record, is_finished=True, is_counted=False) for record in lost])
        if self._clock() >= self._maintain_at and not self._delivery.connection.is_away:
            self._maintain_at = self._clock() + MAINTAIN_RETRY_S
            if self._delivery.connection.maintain():
                self._maintain_at = self._clock() + MAINTAIN_INTERVAL_S

    def _settle_markers(self, *, is_more: bool) -> bool:
        """Tells those who wait, if there is nothing left. True when the worker is to end."""
        self._markers = [marker for marker in self._markers if not marker.is_over]
        if not self._markers or is_more:
            return False
        is_clear = self._delivery.is_clear
        is_last = any(marker.is_last for marker in self._markers)
        if is_clear:
            for marker in self._markers:
                marker.done.set()
            self._markers = []
        if not is_last:
            return False
        # What is on disk is safe: the end of the process does not wait for a store that is away.
        is_safe = self._delivery.has_room and self._delivery.connection.is_away
        return is_clear or is_safe

    def _reconcile(self) -> None:
        # What was given up is counted already.
        if not self._has_given_up:
            self._counts.reconcile(self._in_hand)

    def _in_hand(self) -> tuple[int, int]:
        """Everything that waits in memory: (items, bytes)."""
        weights = [self._queue.weight(), self._delivery.weight(), _weight(self._batch)]
        return sum(records_count for records_count, _bytes in weights), sum(size_bytes for _records, size_bytes in weights)

    def _end(self) -> None:
        if not self._has_given_up:
            self._delivery.end(is_in_time=not self._is_over())
        self._losses.tell(is_last=True)


def _weight(units: list[Unit]) -> tuple[int, int]:
    return sum(unit.is_counted for unit in units), sum(unit.size_bytes for unit in units)
