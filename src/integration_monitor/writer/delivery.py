"""From the worker to the sink; to the spool while the sink is away, and then from there."""

import time
from collections.abc import Callable, Sequence

from integration_monitor.batch import Batch, Report
from integration_monitor.record import IntegrationLog
from integration_monitor.settings import Settings
from integration_monitor.writer.connection import Connection
from integration_monitor.writer.counts import Counts
from integration_monitor.writer.depot import Depot
from integration_monitor.writer.drain import Drain
from integration_monitor.writer.entry import Entry, Kind, pack
from integration_monitor.writer.identity import Identity
from integration_monitor.writer.part import Part, Parts, Unit
from integration_monitor.writer.sink import Sink

# The store closes the pending records of a writer of whom it heard nothing for ten minutes.
HEARTBEAT_S = 60.0


class Delivery:
    """Everything behind the recorder, on the worker's thread: what is given to `add` comes to the store, to the disk, or is counted as lost."""

    def __init__(  # noqa: PLR0913 -- by name, and each is a part of the pipeline
        self,
        *,
        counts: Counts,
        depot: Depot,
        identity: Identity,
        open_sink: Callable[[], Sink],
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._counts = counts
        self._depot = depot
        self._identity = identity
        self._clock = clock
        self._beaten_at = clock()
        self.connection = Connection(open_sink, counts, clock=clock)
        self._fresh = Parts(
            write=self.connection.write,
            report=lambda records_count: self._report(written=records_count),
            note_written=self._note_written,
            note_refused=self._note_refused,
        )
        self.drain = Drain(
            depot=depot, connection=self.connection, counts=counts, report=self._report, settings=settings, clock=clock
        )

    @property
    def is_clear(self) -> bool:
        """Whether nothing that this process took waits any more."""
        return not self._fresh and not self.drain.has_own

    @property
    def has_room(self) -> bool:
        """Whether more may be added: what neither store nor disk takes waits in the queue, where it is bounded."""
        return not self._fresh

    def weight(self) -> tuple[int, int]:
        """What was added and is neither in the store nor on disk: (items, bytes)."""
        return self._fresh.weight()

    def next_at(self) -> float | None:
        """When there is something to do; None where there is nothing."""
        times = [self.drain.next_at(), self._beat_at()]
        if self._fresh:
            times.append(self.connection.retry_at or self._clock())
        return min((at for at in times if at is not None), default=None)

    def add(self, part: Part) -> None:
        """Takes records to be delivered."""
        self._fresh.add(part)

    def push(self) -> None:
        """Brings what was added to the store; to the disk while the store is away; else keeps it for the next time."""
        while self._fresh:
            if not self.connection.may_try:
                if self._depot.is_on:
                    self.spool_fresh()
                return
            if self._fresh.write_next() and self._depot.own is not None and self.drain.has_own:
                self._depot.own.note(self._report())

    def spool_fresh(self) -> bool:
        """Puts what was added on disk. False where that is not possible; it is kept then."""
        left = self.spool(self._fresh.take_all())
        self._fresh.add(left)
        return not left

    def spool(self, part: Part) -> Part:
        """Puts records on disk; gives those for which there is no place, all or none."""
        entries, units = _entries(part, self._note_refused)
        records_count = sum(unit.is_counted for unit in units)
        with self._depot.locks.write:
            if entries and not self._depot.keep(entries, lambda: self._report(spooled=records_count)):
                return units
            self._counts.settle("spooled", records_count, sum(unit.size_bytes for unit in units))
        return []

    def tell(self, records: Sequence[IntegrationLog]) -> bool:
        """Writes records about operations in flight and about ourselves, and the counts. False where the store is away."""
        if not self.connection.may_try:
            return False
        return self.connection.write(Batch(records=records, report=self._report())) != "away"

    def beat(self) -> None:
        """Tells the store that this process lives, unless it was told lately, and what was lost on disk."""
        notice = self._depot.notice()
        if notice is not None and self.tell([notice]):
            self._depot.note_told()
        beat_at = self._beat_at()
        if beat_at is not None and self._clock() >= beat_at and self.tell([]):
            # Also where it was refused, which another one soon would be as well.
            self._beaten_at = self._clock()

    def end(self, *, is_in_time: bool) -> None:
        """Nothing more will be added: what waits goes to disk.

        is_in_time:
            Whether the store may still be told that this was all.
        """
        if self._fresh:
            self.spool_fresh()
        if is_in_time and not self.connection.is_away and self.connection.written_at is not None:
            self.connection.write(Batch(records=(), report=self._report(is_final=True)))
        self.connection.close()

    def _beat_at(self) -> float | None:
        """When the next heartbeat is due; None before the first record, since there is no row to keep alive."""
        written_at = self.connection.written_at
        if written_at is None:
            return None
        return max(max(written_at, self._beaten_at) + HEARTBEAT_S, self.connection.retry_at or 0.0)

    def _report(self, *, written: int = 0, spooled: int = 0, is_final: bool = False) -> Report:
        return self._identity.report(self._counts, written=written, spooled=spooled, is_final=is_final)

    def _note_written(self, part: Part) -> None:
        self._counts.settle("written", sum(unit.is_counted for unit in part), sum(unit.size_bytes for unit in part))

    def _note_refused(self, unit: Unit) -> None:
        is_kept = self._depot.keep_dead_letter(unit.record, self._counts.last_error or "refused")
        if unit.is_counted:
            self._counts.settle("dead_lettered" if is_kept else "dropped", 1, unit.size_bytes, reason="refused")


def _entries(units: Part, note_refused: Callable[[Unit], None]) -> tuple[list[Entry], list[Unit]]:
    """The units as entries, and those of them that can be: what is no JSON cannot be kept anywhere."""
    entries, kept = [], []
    for unit in units:
        kind = Kind.RECORD if not unit.is_finished else Kind.FINISHED if unit.is_counted else Kind.CLOSING
        try:
            entries.append(pack(unit.record, kind))
        except (TypeError, ValueError, RecursionError):
            note_refused(unit)
        else:
            kept.append(unit)
    return entries, kept
