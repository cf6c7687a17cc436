"""From the spool to the sink: this process's own first, then those of processes that have died; oldest first in each."""

import dataclasses
import time
from collections.abc import Callable

from integration_monitor.batch import Batch, Report
from integration_monitor.errors import SpoolDamaged, SpoolError
from integration_monitor.settings import Settings
from integration_monitor.writer.connection import Connection
from integration_monitor.writer.counts import Counts
from integration_monitor.writer.depot import Depot
from integration_monitor.writer.entry import Entry, Kind, unpack
from integration_monitor.writer.part import Part, Parts, Unit
from integration_monitor.writer.spool import Slice, Spool
from integration_monitor.writer.unfinished import abandon

# A database that is back is met gently: with so many records at first, then with twice as many each time.
SLICE_FIRST_RECORDS = 100
# A store that takes a full slice as quickly as this has no trouble, and gets the next one soon. Else it has as long for itself as the last took.
BRISK_S = 0.25
BRISK_REST_SHARE = 0.1

# How often the worker looks for spools of processes that have died. The first time soon: a process that is restarted finds its own.
ADOPT_INTERVAL_S = 60.0

# A disk that cannot be read now is left alone for so long, whoever waits for what is on it.
REST_S = 1.0

ABANDONED_MESSAGE = "the process ended while the call was in flight"

_TO_BE_SENT = {Kind.RECORD, Kind.FINISHED, Kind.CLOSING}


class Drain:
    """Empties spools, a slice at a time. After each it rests for as long as the store took, so that it takes half of its time at most; for
    less where the store is quick with full slices.
    """

    def __init__(  # noqa: PLR0913 -- by name, and each is a part of the pipeline
        self,
        *,
        depot: Depot,
        connection: Connection,
        counts: Counts,
        report: Callable[..., Report],
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._depot = depot
        self._connection = connection
        self._counts = counts
        self._report = report
        self._settings = settings
        self._clock = clock
        self._parts = Parts(
            write=connection.write, report=self._report_with, note_written=self._note_written, note_refused=self._note_refused
        )
        self._spool: Spool | None = None
        self._slice: Slice | None = None
        # Whether some of the slice is written, or refused, and counted.
        self._is_begun = False
        self._slice_records_max = SLICE_FIRST_RECORDS
        self._began_at = 0.0
        #: records that were delivered, of any process
        self.delivered_count = 0
        #: not before this time
        self.due_at = clock()
        self._adopt_at = clock()
        self._rest_until = clock()
        #: what the dead writer of the adopted spool told, brought up to date
        self._adopted_report: Report | None = None
        #: records of it that were found to be lost
        self._adopted_lost_count = 0

    @property
    def has_own(self) -> bool:
        """Whether records of this process wait on disk."""
        return self._counts.spooled > 0

    @property
    def is_resting(self) -> bool:
        """Whether what is on disk could not be read just now."""
        return self._clock() < self._rest_until

    def next_at(self) -> float | None:
        """When there is something to do; None where nothing is known of."""
        if not (self._parts or self.has_own or self._depot.adopted is not None):
            return max(self.due_at, self._adopt_at) if self._may_adopt() else None
        due_at = self._clock() if self._is_batch_full() else self.due_at
        return max(due_at, self._rest_until, self._connection.retry_at or due_at)

    def run(self, *, is_hurried: bool = False) -> bool:
        """Delivers a slice, if it is time. Whether there may be more at once."""
        now = self._clock()
        if not self._connection.may_try or self.is_resting or not (is_hurried or now >= self.due_at or self._is_batch_full()):
            return False
        if not self._parts and self._slice is None and not self._load(now):
            if self.has_own:
                # It cannot be read, or is counted and not there.
                self._rest_until = self._clock() + REST_S
            return False
        if self._connection.is_away:
            self._slice_records_max = SLICE_FIRST_RECORDS
        while self._parts:
            if not self._parts.write_next():
                self._put_back()
                return False
            self._is_begun = True
        self._finish()
        return True

    def adopt(self) -> bool:
        """Takes over the spool of a process that has died, if there is one."""
        spool = self._depot.adopt()
        if spool is None:
            return False
        told, unreported_count = spool.report()
        self._adopted_report = None
        if told is not None:
            self._adopted_report = dataclasses.replace(
                told,
                taken=told.taken + unreported_count,
                # A segment that cannot be read does not say how much is in it.
                spooled=max(told.spooled + unreported_count, spool.records_count),
                is_final=False,
            )
        self._adopted_lost_count = 0
        # First of all, since the entries of their begin go with the first segments.
        orphans = [abandon(record, ABANDONED_MESSAGE) for record in spool.orphans()]
        self._spool, self._began_at = spool, self._clock()
        for start in range(len(orphans), 0, -self._settings.batch_records_max):
            part = orphans[max(0, start - self._settings.batch_records_max) : start]
            self._parts.add([Unit(record=record, is_finished=True, is_counted=False) for record in part])
        return True

    def _load(self, now: float) -> bool:
        """The next slice, of one spool or another. False where nothing waits."""
        own = self._depot.own
        if own is not None and self._read(own):
            return True
        if self._depot.adopted is None:
            if now < self._adopt_at or not self._may_adopt():
                return False
            self._adopt_at = now + ADOPT_INTERVAL_S
            if not self.adopt():
                return False
            if self._parts:
                return True
        adopted = self._depot.adopted
        if adopted is not None and self._read(adopted):
            return True
        self._end_adoption()
        return False

    def _read(self, spool: Spool) -> bool:
        try:
            found = spool.read(records_max=self._slice_records_max, bytes_max=self._settings.batch_bytes_max)
        except SpoolError:
            self._rest_until = self._clock() + REST_S
            return False
        finally:
            self._adopted_lost_count += self._depot.settle_losses()
        if found is None:
            return False
        units = []
        damaged_count = found.damaged_count
        for entry in found.entries:
            try:
                units += _units(entry)
            except SpoolDamaged:
                damaged_count += 1
        if damaged_count:
            self._depot.note_damaged(spool, damaged_count)
            self._adopted_lost_count += 0 if spool.is_own else damaged_count
        # The last of all: a slice without parts counts as delivered.
        self._parts.add(units)
        self._spool, self._slice, self._began_at = spool, found, self._clock()
        return True

    def _put_back(self) -> None:
        """The store is away: the slice is read again later, and may be dropped until then; but not half of it."""
        if not self._is_begun and self._slice is not None and self._spool is not None:
            self._parts.take_all()
            self._slice = None
            self._spool.put_back()

    def _finish(self) -> None:
        """The slice is delivered."""
        spool, delivered = self._spool, self._slice
        self._slice, self._is_begun = None, False
        if spool is not None and delivered is not None:
            spool.advance(delivered, self._report() if spool.is_own else self._adopted_report)
        took_s = self._clock() - self._began_at
        is_brisk = took_s <= BRISK_S and self._slice_records_max >= self._settings.batch_records_max
        rest_s = took_s * BRISK_REST_SHARE if is_brisk else took_s
        self._slice_records_max = min(self._settings.batch_records_max, self._slice_records_max * 2)
        # In journal mode everything goes this way, and in batches as from the queue.
        is_journal = self._settings.durability == "journal" and self._is_own()
        self.due_at = self._clock() + (self._settings.batch_age_s if is_journal else rest_s)

    def _end_adoption(self) -> None:
        """The adopted spool is empty: its writer's row is brought up to date, and its home goes."""
        report, self._adopted_report = self._adopted_report, None
        if self._depot.adopted is None:
            return
        if report is not None:
            if report.spooled:
                if report.spooled > self._adopted_lost_count:
                    self._depot.note_damaged(self._depot.adopted, report.spooled - self._adopted_lost_count)
                dropped = {**report.dropped, "spool_damaged": report.dropped.get("spool_damaged", 0) + report.spooled}
                report = dataclasses.replace(report, spooled=0, dropped=dropped)
            # Only now: the ends of its pending records may have been among the last.
            report = dataclasses.replace(report, is_final=True)
            if self._connection.write(Batch(records=(), report=report)) == "away":
                self._adopted_report = report
                return
        self._depot.close_adopted()
        # There may be more than one.
        self._adopt_at = self._clock()

    def _may_adopt(self) -> bool:
        """Whether the store has answered: who cannot deliver leaves the spools of the dead to others."""
        return self._depot.is_on and self._connection.written_at is not None and not self._connection.is_away

    def _is_batch_full(self) -> bool:
        """Whether so much waits in journal mode that the store need not wait for more."""
        return self._settings.durability == "journal" and self._counts.spooled >= self._settings.batch_records_max

    def _is_own(self) -> bool:
        return self._spool is None or self._spool.is_own

    def _report_with(self, records_count: int) -> Report:
        """The report of whoever took the records, as it is once so many more are written."""
        if self._is_own():
            return self._report(written=records_count, spooled=-records_count)
        adopted = self._adopted_report
        if adopted is None:
            return self._report()
        return dataclasses.replace(
            adopted, written=adopted.written + records_count, spooled=max(0, adopted.spooled - records_count)
        )

    def _note_written(self, part: Part) -> None:
        records_count = sum(unit.is_counted for unit in part)
        self.delivered_count += records_count
        if self._is_own():
            with self._depot.locks.write:
                self._counts.unspool("written", records_count)
        elif self._adopted_report is not None:
            self._adopted_report = self._report_with(records_count)

    def _note_refused(self, unit: Unit) -> None:
        is_kept = self._depot.keep_dead_letter(unit.record, self._counts.last_error or "refused")
        if not unit.is_counted:
            return
        if self._is_own():
            with self._depot.locks.write:
                self._counts.unspool("dead_lettered" if is_kept else "dropped", 1, reason="refused")
        elif self._adopted_report is not None:
            report = self._adopted_report
            refused = {} if is_kept else {"refused": report.dropped.get("refused", 0) + 1}
            self._adopted_report = dataclasses.replace(
                report,
                spooled=max(0, report.spooled - 1),
                dead_lettered=report.dead_lettered + is_kept,
                dropped={**report.dropped, **refused},
            )


def _units(entry: Entry) -> list[Unit]:
    """What is to be written of an entry. Errors as of `unpack`."""
    if entry.kind not in _TO_BE_SENT:
        return []
    is_finished = entry.kind is not Kind.RECORD
    return [Unit(record=unpack(entry.body), is_finished=is_finished, is_counted=entry.kind is not Kind.CLOSING)]
