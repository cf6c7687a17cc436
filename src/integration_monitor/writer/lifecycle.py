"""The writer as the rest of the program sees it: takes items on any thread, and sees that they are written before the process ends."""

import atexit
import contextvars
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Generic

from integration_monitor.guard import Guard
from integration_monitor.record import IntegrationLog
from integration_monitor.settings import Settings
from integration_monitor.writer.counts import Counts, LossLog, Stats
from integration_monitor.writer.queue import BoundedQueue, Item, Marker
from integration_monitor.writer.sink import Sink
from integration_monitor.writer.worker import Worker

THREAD_NAME = "integration-monitor"


class Writer(Generic[Item]):
    """A bounded queue and the one daemon thread that empties it. The thread starts with the first item, in each process for itself.

    record:
        Makes a record of an item, or None where it is worth none; called on the worker's thread. An item for which it raises is lost and counted.
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
        context: contextvars.Context | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._record = record
        self._open_sink = open_sink
        self._settings = settings
        self._guard = guard
        self._context = context or contextvars.Context()
        self._clock = clock
        self._begin()
        atexit.register(self.shutdown)
        if hasattr(os, "register_at_fork"):  # not on Windows, where there is no fork
            begin_in_child = weakref.WeakMethod(self._begin_in_child)
            os.register_at_fork(after_in_child=lambda: _call(begin_in_child()))

    def take(self, item: Item, size_bytes: int) -> None:
        """Takes an item, or drops and counts it where there is no room. Does not wait."""
        self._counts.add_taken()
        reason = self._queue.put(item, size_bytes)
        if reason is not None:
            self._counts.add_dropped(reason)
        else:
            self._ensure_thread()

    def flush(self, timeout_s: float | None = None) -> bool:
        """Waits until everything taken so far is written, or dropped for good. False where that takes longer."""
        if self._queue.records_count == 0:
            return True
        marker = Marker()
        self._queue.put_marker(marker)
        self._ensure_thread()
        self._worker.hurry()
        return marker.done.wait(self._settings.shutdown_timeout_s if timeout_s is None else timeout_s)

    def shutdown(self, timeout_s: float | None = None) -> bool:
        """Takes no more, writes what waits and ends the thread. What is not written in time is lost and counted; then False."""
        timeout_s = self._settings.shutdown_timeout_s if timeout_s is None else timeout_s
        self._queue.close()
        if self._queue.records_count:
            self._ensure_thread()
        thread = self._thread
        if thread is not None and thread.is_alive():
            self._worker.end_by(self._clock() + timeout_s)
            self._queue.put_marker(Marker(is_last=True))
            self._worker.hurry()
            thread.join(timeout_s)
        atexit.unregister(self.shutdown)
        lost_count = self._queue.give_up()
        if lost_count:
            self._counts.add_dropped("shutdown", lost_count)
            self._losses.tell(is_last=True)
        return lost_count == 0

    @property
    def is_closed(self) -> bool:
        """Whether it takes no more."""
        return self._queue.is_closed

    def stats(self) -> Stats:
        return self._counts.stats(
            queue_records=self._queue.records_count,
            queue_bytes=self._queue.bytes_count,
            internal_errors=self._guard.errors_count,
        )

    def _begin(self) -> None:
        settings = self._settings
        self._counts = Counts()
        self._losses = LossLog(self._counts, clock=self._clock)
        self._queue: BoundedQueue[Item] = BoundedQueue(records_max=settings.queue_records_max, bytes_max=settings.queue_bytes_max)
        self._worker = Worker(
            queue=self._queue,
            counts=self._counts,
            losses=self._losses,
            record=self._record,
            open_sink=self._open_sink,
            settings=settings,
            guard=self._guard,
            clock=self._clock,
        )
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def _begin_in_child(self) -> None:
        """After a fork: the parent writes what it has taken, and its locks may be held by threads that are not here."""
        is_closed = self._queue.is_closed
        # Kept, so that nothing of the parent's sink is finalised here while its connection is the parent's.
        self._worker_of_parent = self._worker
        self._begin()
        if is_closed:
            self._queue.close()
        multiprocessing_util = sys.modules.get("multiprocessing.util")
        if multiprocessing_util is not None:
            # A child of multiprocessing ends without atexit, and forgets the finalisers that were registered before its start.
            multiprocessing_util.register_after_fork(self, _finalize_with_multiprocessing)

    def _ensure_thread(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        if self._starting.acquire(blocking=False):  # else another thread is at it
            try:
                # Where no thread can be started, what waits is tried again with the next item.
                with self._guard:
                    self._start_thread()
            finally:
                self._starting.release()

    def _start_thread(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            run = self._context.copy().run
            thread = threading.Thread(target=run, args=(self._worker.run,), name=THREAD_NAME, daemon=True)
            thread.start()
            self._thread = thread


def _finalize_with_multiprocessing(writer: Writer[Item]) -> None:
    """Flushes the writer when a child of multiprocessing ends."""
    # The last of all, since the child's other finalisers may make calls.
    sys.modules["multiprocessing.util"].Finalize(None, writer.shutdown, exitpriority=-100)


def _call(function: Callable[[], None] | None) -> None:
    if function is not None:
        function()
