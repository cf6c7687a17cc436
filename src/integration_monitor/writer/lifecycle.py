"""The writer as the rest of the program sees it: takes items on any thread, and sees that none is lost when the process ends."""

import atexit
import contextvars
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Generic

from integration_monitor.guard import Guard
from integration_monitor.record import IntegrationLog
from integration_monitor.settings import Settings
from integration_monitor.writer.counts import Counts, LossLog, Stats
from integration_monitor.writer.delivery import Delivery
from integration_monitor.writer.depot import Depot
from integration_monitor.writer.identity import identity_of_process
from integration_monitor.writer.journal import Journal
from integration_monitor.writer.queue import BoundedQueue, Item, Marker
from integration_monitor.writer.sink import Sink
from integration_monitor.writer.unfinished import Unfinished
from integration_monitor.writer.worker import Recorded, Worker

THREAD_NAME = "integration-monitor"

# A worker that dies takes a flush's marker with it; it is put again after this time, for its successor.
FLUSH_REPEAT_S = 1.0

# The part of the shutdown's time that is kept for the disk, where the worker hangs in the store.
RESCUE_SHARE = 0.25
# And the least of it, also beyond that time: on a machine that is overloaded nothing comes when it is due, and a record takes the disk a
# millisecond.
RESCUE_MIN_S = 1.0


class Writer(Generic[Item]):
    """A bounded queue and the one daemon thread that empties it. The thread starts with the first item, in each process for itself.

    record:
        Makes a record of an item, or None where it is worth none; called on the worker's thread, in journal mode on the one that takes
        the item, and never twice at once. An item for which it raises is lost and counted.
    record_unfinished:
        As `record`, for an operation in flight; its record has the id that the finished one will have.
    running:
        The operations in flight, whose `started_monotonic` is of `time.perf_counter()`.
    open_sink:
        Gives a sink of this process's own: after a fork the child must not speak on its parent's connection.
    context:
        The context in which the thread runs; each thread gets a copy.
    """

    def __init__(  # noqa: PLR0913 -- by name, and each is a part of the pipeline
        self,
        *,
        record: Callable[[Item], IntegrationLog | None],
        open_sink: Callable[[], Sink],
        settings: Settings,
        guard: Guard,
        record_unfinished: Callable[[Item], IntegrationLog | None] = lambda _item: None,
        running: Callable[[], Sequence[Item]] = lambda: (),
        context: contextvars.Context | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._record = record
        self._record_unfinished = record_unfinished
        self._running = running
        self._open_sink = open_sink
        self._settings = settings
        self._guard = guard
        self._context = context or contextvars.Context()
        self._clock = clock
        self._has_disk = settings.durability != "off"
        self._begin()
        atexit.register(self.shutdown)
        if hasattr(os, "register_at_fork"):  # not on Windows, where there is no fork
            before, after_in_parent, after_in_child = (
                weakref.WeakMethod(method) for method in (self.hold, self.release, self._begin_in_child)
            )
            os.register_at_fork(
                before=lambda: _call(before()),
                after_in_parent=lambda: _call(after_in_parent()),
                after_in_child=lambda: _call(after_in_child()),
            )

    def begun(self, item: Item) -> None:
        """An operation has begun. In journal mode it is noted on disk; else this only sees that somebody looks after it."""
        if self._journal is not None and not self._queue.is_closed:
            with self._guard:
                self._journal.begin(item)
        if not self._worker.is_running:
            self._ensure_thread()

    def take(self, item: Item, size_bytes: int) -> None:
        """Takes an item, or drops and counts it where there is no room. Does not wait, but for the disk in journal mode."""
        worker, counts = self._worker, self._counts
        if self._journal is not None and not self._queue.is_closed:
            with self._guard:
                self._take_with_journal(self._journal, item, size_bytes)
            waiting_count = counts.waiting_records + counts.spooled
        elif self._queue.put(item, size_bytes):
            waiting_count = counts.waiting_records
        else:
            self._unfinished.lose(item, "queue_full")
            return
        if not worker.is_running:
            self._ensure_thread()
        elif waiting_count >= worker.alarm.records_count or counts.waiting_bytes >= worker.alarm.bytes_count:
            self._wake()

    def flush(self, timeout_s: float | None = None) -> bool:
        """Waits until everything taken so far is in the store, or dropped for good. False where that takes longer."""
        if self._counts.waiting_records == 0 and self._counts.spooled == 0:
            return True
        deadline = self._clock() + (self._settings.shutdown_timeout_s if timeout_s is None else timeout_s)
        marker = Marker()
        try:
            while True:
                self._queue.put_marker(marker)
                self._ensure_thread()
                self._worker.hurry()
                left_s = deadline - self._clock()
                if marker.done.wait(max(0.0, min(left_s, FLUSH_REPEAT_S))):
                    return True
                if left_s <= FLUSH_REPEAT_S:
                    return False
        finally:
            self._queue.withdraw(marker)

    def secure(self, timeout_s: float | None = None) -> bool:
        """As `flush`; what is not in the store in time goes to disk. For a process that may end now without another word.

        False where some of it could not go there either.
        """
        timeout_s = self._settings.shutdown_timeout_s if timeout_s is None else timeout_s
        deadline = self._clock() + timeout_s
        if not self.flush(timeout_s * (1 - RESCUE_SHARE)) and self._counts.waiting_records:
            self._rescue(deadline)
        return self._counts.waiting_records == 0

    def shutdown(self, timeout_s: float | None = None) -> bool:
        """Takes no more, writes what waits and ends the thread. What the store does not take in time goes to the spool.

        False where something could not go there either: it is lost and counted.
        """
        deadline = self._clock() + (self._settings.shutdown_timeout_s if timeout_s is None else timeout_s)
        self._queue.close()
        if self._counts.waiting_records or self._counts.spooled:
            self._ensure_thread()
        thread = self._thread
        if thread is not None and thread.is_alive():
            patience_s = max(0.0, deadline - self._clock())
            self._worker.end_by(deadline - patience_s * RESCUE_SHARE)
            self._queue.put_marker(Marker(is_last=True))
            self._worker.hurry()
            thread.join(patience_s * (1 - RESCUE_SHARE / 2))
        if self._counts.waiting_records:
            self._worker.give_up()
            self._rescue(deadline)
        atexit.unregister(self.shutdown)
        lost_count = self._counts.give_up("shutdown")
        if lost_count:
            self._losses.tell(is_last=True)
        if self._depot.locks.write.acquire(timeout=max(0.0, deadline - self._clock())):
            try:
                self._depot.close()
            finally:
                self._depot.locks.write.release()
        return lost_count == 0

    def hold(self) -> None:
        """Before a fork. Happens by itself; again by whoever made this writer when the fork had begun already."""
        self._depot.hold()

    def release(self) -> None:
        """After a fork, in the parent."""
        self._depot.release()

    @property
    def is_closed(self) -> bool:
        """Whether it takes no more."""
        return self._queue.is_closed

    def stats(self) -> Stats:
        return self._counts.stats(oldest_unsent_s=self._oldest_unsent_s(), internal_errors=self._guard.errors_count)

    def _rescue(self, deadline: float) -> None:
        with self._guard:
            self._context.copy().run(self._worker.rescue, max(deadline, self._clock() + RESCUE_MIN_S))

    def _oldest_unsent_s(self) -> float | None:
        """For how long the oldest record has waited, in memory or on disk."""
        ages = []
        put_at = self._worker.oldest_at()
        if put_at is not None:
            ages.append(self._clock() - put_at)
        spool = self._depot.own
        spooled_at_ms = spool.oldest_at_ms if spool is not None else None
        if spooled_at_ms is not None:
            ages.append(max(0.0, time.time() - spooled_at_ms / 1000))
        return max(ages, default=None)

    def _take_with_journal(self, journal: Journal[Item], item: Item, size_bytes: int) -> None:
        done = journal.take(item)
        if done is False:
            self._queue.put(item, size_bytes)
        elif done is not True:
            record, is_finished = done
            self._queue.put(Recorded(record, is_finished=is_finished), size_bytes)

    def _begin(self) -> None:
        """Everything of this process's own."""
        settings, guard, clock = self._settings, self._guard, self._clock
        self._counts = Counts()
        self._losses = LossLog(self._counts, clock=clock)
        self._queue: BoundedQueue[Item | Recorded] = BoundedQueue(
            self._counts, records_max=settings.queue_records_max, bytes_max=settings.queue_bytes_max, clock=clock
        )
        self._unfinished: Unfinished[Item] = Unfinished(
            running=self._running, record=self._record_unfinished, after_s=settings.pending_after_s, guard=guard
        )
        identity = identity_of_process()
        self._depot = Depot(settings, self._counts, writer_id=identity.writer_id, clock=clock)
        self._depot.is_on = self._has_disk
        delivery = Delivery(
            counts=self._counts,
            depot=self._depot,
            identity=identity,
            open_sink=self._open_sink,
            settings=settings,
            clock=clock,
        )
        self._worker: Worker[Item] = Worker(
            queue=self._queue,
            counts=self._counts,
            losses=self._losses,
            unfinished=self._unfinished,
            record=self._record,
            delivery=delivery,
            depot=self._depot,
            settings=settings,
            guard=guard,
            clock=clock,
        )
        self._journal: Journal[Item] | None = None
        if settings.durability == "journal":
            self._journal = Journal(
                depot=self._depot,
                counts=self._counts,
                unfinished=self._unfinished,
                recording=self._worker.recording,
                record=self._record,
                record_unfinished=self._record_unfinished,
                report=lambda records_count: identity.report(self._counts, taken=records_count, spooled=records_count),
                guard=guard,
            )
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def _begin_in_child(self) -> None:
        """After a fork: the parent writes what it has taken, and its locks may be held by threads that are not here."""
        is_closed = self._queue.is_closed
        if not self._depot.release():
            # Somebody was inside SQLite for long, and its inner locks stay closed here: this process does without a disk.
            self._has_disk = False
        self._depot.leave_to_parent()
        # Kept, so that nothing of the parent's connections is finalised here.
        self._of_parent = (self._worker, self._depot, getattr(self, "_of_parent", None))
        self._begin()
        if is_closed:
            self._queue.close()
        multiprocessing_util = sys.modules.get("multiprocessing.util")
        if multiprocessing_util is not None:
            # A child of multiprocessing ends without atexit, and forgets the finalisers that were registered before its start.
            multiprocessing_util.register_after_fork(self, _finalize_with_multiprocessing)

    def _wake(self) -> None:
        self._worker.alarm.ring()
        # A thread that was ended before it came to its work has not said so.
        self._ensure_thread()

    def _ensure_thread(self) -> None:
        if self._is_thread_alive():
            return
        if self._starting.acquire(blocking=False):  # else another thread is at it
            try:
                # Where no thread can be started, what waits is tried again with the next item.
                with self._guard:
                    self._start_thread()
            finally:
                self._starting.release()

    def _start_thread(self) -> None:
        if self._is_thread_alive():
            return
        thread = threading.Thread(target=self._context.copy().run, args=(self._worker.run,), name=THREAD_NAME, daemon=True)
        self._worker.prepare()
        try:
            thread.start()
        except BaseException:
            self._worker.is_running = False
            raise
        self._thread = thread

    def _is_thread_alive(self) -> bool:
        return self._worker.is_running and self._thread is not None and self._thread.is_alive()


def _finalize_with_multiprocessing(writer: Writer[Item]) -> None:
    """Flushes the writer when a child of multiprocessing ends."""
    # The last of all, since the child's other finalisers may make calls.
    sys.modules["multiprocessing.util"].Finalize(None, writer.shutdown, exitpriority=-100)


def _call(method: Callable[[], None] | None) -> None:
    if method is not None:
        method()
