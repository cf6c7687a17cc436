"""Journal mode: every record is on disk before the call returns, and every call that begins is noted there.

A process that is killed loses nothing then: whoever takes over its spool delivers what it had, and closes its calls in flight as ABANDONED.
"""

import threading
from collections.abc import Callable
from typing import Generic

from integration_monitor.batch import Report
from integration_monitor.guard import Guard
from integration_monitor.record import IntegrationLog
from integration_monitor.writer.counts import Counts
from integration_monitor.writer.depot import Depot
from integration_monitor.writer.entry import Kind, pack, void
from integration_monitor.writer.queue import Item
from integration_monitor.writer.spool import BEGUN_MAX
from integration_monitor.writer.unfinished import Unfinished, close


class Journal(Generic[Item]):
    """The application's side of the disk. Its methods run on the application's threads, one at a time.

    recording:
        Held while the recorder is at work, which is for one thread at a time.
    record, record_unfinished:
        As the writer's.
    report:
        What the writer tells about itself, once so many more records are taken and on disk.
    """

    def __init__(  # noqa: PLR0913 -- by name, and each is a part of the pipeline
        self,
        *,
        depot: Depot,
        counts: Counts,
        unfinished: Unfinished[Item],
        recording: threading.RLock,
        record: Callable[[Item], IntegrationLog | None],
        record_unfinished: Callable[[Item], IntegrationLog | None],
        report: Callable[[int], Report],
        guard: Guard,
    ) -> None:
        self._depot = depot
        self._counts = counts
        self._unfinished = unfinished
        self._recording = recording
        self._record = record
        self._record_unfinished = record_unfinished
        self._report = report
        self._guard = guard
        self._is_busy = False
        # By identity, and with the item, so that the identity is not used again.
        self._begun: dict[int, tuple[Item, IntegrationLog]] = {}

    def begin(self, item: Item) -> None:
        """Notes an operation that begins."""
        with self._recording:
            if self._is_busy:  # a signal handler makes a call in the middle of this
                return
            self._is_busy = True
            try:
                record = self._record_unfinished(item)
                if record is not None and self._depot_keeps(record, Kind.BEGUN):
                    self._begun[id(item)] = (item, record)
                    if len(self._begun) > BEGUN_MAX:
                        self._begun.pop(next(iter(self._begun)))
            finally:
                self._is_busy = False

    def take(self, item: Item) -> "bool | tuple[IntegrationLog, bool]":
        """Keeps the record of an item that has ended, and counts it.

        False where nothing was done; (record, is_finished) where the disk has no room for it: both are to wait in memory.
        """
        with self._recording:
            if self._is_busy:
                return False
            self._is_busy = True
            try:
                return self._take(item)
            finally:
                self._is_busy = False

    def _take(self, item: Item) -> "bool | tuple[IntegrationLog, bool]":
        _item, begun = self._begun.pop(id(item), (item, None))
        try:
            record, pending = self._record(item), self._unfinished.end(item)
        except Exception as error:  # noqa: BLE001 -- as on the worker's thread
            self._guard.report(error)
            self._unfinished.lose(item, "unrecordable")
            self._counts.pass_by("dropped", reason="unrecordable")
            return True
        if record is not None:
            kind = Kind.RECORD if pending is None else Kind.FINISHED
            with self._depot.locks.write:
                if self._depot_keeps(record, kind):
                    # In the same breath: the worker may not count it as written before.
                    self._counts.pass_by("spooled")
                    return True
            return record, pending is not None
        if pending is not None:
            self._depot_keeps(close(pending), Kind.CLOSING)
        elif begun is not None:
            with self._depot.locks.write:
                self._depot.keep([void(begun)], lambda: self._report(0))
        self._counts.pass_by("ignored")
        return True

    def _depot_keeps(self, record: IntegrationLog, kind: Kind) -> bool:
        try:
            entry = pack(record, kind)
        except (TypeError, ValueError, RecursionError):
            # The worker finds the same, and sees to it.
            return False
        with self._depot.locks.write:
            # The entry may begin a segment, and then the report lies with it.
            return self._depot.keep([entry], lambda: self._report(kind < Kind.BEGUN))
