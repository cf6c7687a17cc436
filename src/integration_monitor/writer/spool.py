"""One process's records on disk, in segments: appended while the store cannot be reached, read again when it can."""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from integration_monitor.batch import Report
from integration_monitor.errors import SpoolDamaged, SpoolError
from integration_monitor.record import IntegrationLog
from integration_monitor.writer.entry import Entry, Kind, unpack
from integration_monitor.writer.folder import Folder, Home, segment_bytes
from integration_monitor.writer.segment import SUFFIX, Extent, Segment, is_gone

#: What a file of the spool holds before the next one is begun: it is the unit that is removed.
SEGMENT_BYTES = 16 * 1024 * 1024
# While the store is away, the log of a segment is moved into it when it has grown to this.
CHECKPOINT_BYTES = 4 * 1024 * 1024
# A small spool has segments too, so that making room does not empty it.
SEGMENTS_MIN = 8
# Calls in flight that are remembered. More than any process has; what an application begins and never ends must not grow without bound.
BEGUN_MAX = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """Entries that were read, and are to be delivered."""

    segment: Segment
    entries: Sequence[Entry]
    #: entries of it that were damaged
    damaged_count: int
    last_seq: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """Records that were removed from the disk without being delivered."""

    #: spool_full, spool_damaged
    reason: str
    records_count: int
    #: of which time they are, in milliseconds since the epoch; None where that is not known
    first_at_ms: int | None = None
    last_at_ms: int | None = None
    #: whether this process has taken them
    is_own: bool = True


class Locks:
    """Held around everything that is done in SQLite, so that a fork can wait until nobody is in there."""

    def __init__(self) -> None:
        # Taken again where a signal handler makes a call in the middle of ours.
        self.write = threading.RLock()
        self.read = threading.RLock()


class Spool:
    """The segments of one home. `append` is for any thread, everything else for the worker's."""

    def __init__(self, home: Home, *, locks: Locks, segment_bytes_max: int = SEGMENT_BYTES, is_own: bool = True) -> None:
        self.home = home
        self.is_own = is_own
        self._locks = locks
        self._segment_bytes_max = segment_bytes_max
        self._segments = [self._segment(path) for path in home.segments()]
        self._number = len(self._segments)
        # Whether the last segment is not to be appended to any more, whatever is in it.
        self._is_segment_over = False
        # How many records wait in each; counted here, since a damaged segment does not tell.
        self._waiting: dict[Segment, int] = {}
        #: calls that have begun and not ended, with the segment their entry lies in
        self._begun: dict[UUID, tuple[Segment, Entry]] = {}
        # Where to go on reading, also where the disk is too full to note it.
        self._read_seq: dict[Segment, int] = {}
        # Whose entries are being delivered: it is counted record by record, and not dropped meanwhile.
        self._in_hand: Segment | None = None
        self.losses: list[Loss] = []
        for segment in self._segments:
            self._waiting[segment] = self._extent(segment).records_count

    @property
    def records_count(self) -> int:
        """Records that wait."""
        return sum(self._waiting.values())

    @property
    def oldest_at_ms(self) -> int | None:
        """When the oldest segment that has records was begun, in milliseconds since the epoch."""
        return next((began_ms(segment.path) for segment in self._segments if self._waiting.get(segment)), None)

    @property
    def is_full_segment(self) -> bool:
        """Whether the next record begins a new segment, for which there must be room."""
        return not self._segments or self._is_segment_over or self._segments[-1].bytes_appended >= self._segment_bytes_max

    def append(self, entries: Sequence[Entry], report: Report | None = None) -> None:
        """Adds entries, all or none.

        Errors:
            SpoolError: the disk is full or read-only.
        """
        with self._locks.write:
            segment = self._begin_segment() if self.is_full_segment else self._segments[-1]
            try:
                segment.append(entries, report)
            except SpoolDamaged:
                # What is in it is read later, as far as it can be.
                segment = self._begin_segment()
                segment.append(entries, report)
            self._waiting[segment] += sum(entry.kind < Kind.BEGUN for entry in entries)
            for entry in entries:
                if entry.kind is Kind.BEGUN:
                    self._begun[entry.record_id] = (segment, entry)
                    if len(self._begun) > BEGUN_MAX:
                        self._begun.pop(next(iter(self._begun)))
                elif self._begun:
                    self._begun.pop(entry.record_id, None)

    def read(self, *, records_max: int, bytes_max: int) -> Slice | None:
        """The next entries; None where nothing waits. What cannot be read is lost, and goes to `losses`.

        Errors:
            SpoolError: the disk cannot be read now.
        """
        while self._segments:
            segment = self._segments[0]
            try:
                rows = segment.read(records_max=records_max, bytes_max=bytes_max, after_seq=self._read_seq.get(segment))
            except SpoolError as error:
                # Somebody may have removed the file under us.
                if not isinstance(error, SpoolDamaged) and not is_gone(segment.path):
                    raise
                self._drop(segment, "spool_damaged")
                continue
            if rows:
                entries = [entry for _seq, entry in rows if entry is not None]
                self._in_hand = segment
                return Slice(segment=segment, entries=entries, damaged_count=len(rows) - len(entries), last_seq=rows[-1][0])
            if self.is_own and segment is self._segments[-1]:
                return None
            self._retire(segment)
        return None

    def advance(self, delivered: Slice, report: Report | None) -> None:
        """The slice is delivered, and need not be kept any more."""
        segment = delivered.segment
        self._in_hand = None
        self._read_seq[segment] = delivered.last_seq
        records_count = sum(entry.kind < Kind.BEGUN for entry in delivered.entries) + delivered.damaged_count
        with self._locks.write:
            self._waiting[segment] = max(0, self._waiting[segment] - records_count)
        # A disk that is full holds no note of it: the next process delivers it again, and the store skips it.
        with contextlib.suppress(SpoolError):
            segment.advance(delivered.last_seq, report)

    def note(self, report: Report) -> None:
        """Keeps what the writer tells about itself, for whoever takes over what waits here."""
        with self._locks.write, contextlib.suppress(SpoolError):
            if self._segments:
                self._segments[-1].note(report)

    def tidy(self, *, is_away: bool) -> None:
        """What SQLite needs done now and then; on the worker's thread, since it waits for the disk.

        While the store is there, what is on disk is soon gone: a log that has grown is left behind with its segment, and nobody waits.

        is_away:
            Whether the store is away, so that what is on disk will stay.
        """
        segments = list(self._segments)
        for segment in segments:
            is_complete = segment is not segments[-1]
            if is_away and segment.log_bytes() >= (1 if is_complete else CHECKPOINT_BYTES):
                # A disk that is full is found by whoever appends.
                with contextlib.suppress(SpoolError):
                    segment.checkpoint(is_complete=is_complete)
                    if is_complete:
                        # SQLite keeps megabytes for each file that is open. It is opened again when its turn comes.
                        segment.close()
            elif not is_complete and segment.log_bytes() >= self._segment_bytes_max:
                self._is_segment_over = True
        if segments and is_gone(segments[-1].path):
            # What is added to a file that was removed would end with the process.
            self._is_segment_over = True

    def lose(self) -> bool:
        """The home was removed under us, with all that is in it; that goes to `losses`. False while something of it is being delivered."""
        with self._locks.write:
            if self._in_hand is not None:
                return False
            self._begun.clear()
            for segment in list(self._segments):
                self._drop(segment, "spool_damaged")
            self.home.release()
        return True

    def put_back(self) -> None:
        """The slice that was read last is not delivered: it is read again."""
        self._in_hand = None

    def drop(self, path: Path, reason: str) -> bool:
        """Removes a segment; what waits in it is lost, and goes to `losses`. False where it is needed."""
        segment = next((segment for segment in self._segments if segment.path == path), None)
        if segment is None or segment is self._in_hand:
            return False
        self._drop(segment, reason)
        return True

    def _drop(self, segment: Segment, reason: str) -> None:
        with self._locks.write:
            if segment not in self._segments:  # somebody was faster
                return
            extent = self._extent(segment)
            loss = Loss(
                reason=reason,
                records_count=self._waiting.get(segment, 0),
                first_at_ms=extent.first_at_ms,
                last_at_ms=extent.last_at_ms,
                is_own=self.is_own,
            )
            if loss.records_count:
                self.losses.append(loss)
            self._retire(segment)

    def take_losses(self) -> list[Loss]:
        """What was lost since the last time."""
        losses, self.losses = self.losses, []
        return losses

    def orphans(self) -> list[IntegrationLog]:
        """Calls that had begun and of whose end nothing is known, in the order of their begin. For the spool of a process that has died."""
        begun: dict[UUID, bytes] = {}
        for segment in self._segments:
            with contextlib.suppress(SpoolError):
                for kind, record_id, body in segment.begun():
                    if kind is Kind.BEGUN:
                        begun[record_id] = body
                    else:
                        begun.pop(record_id, None)
        records = []
        for body in begun.values():
            with contextlib.suppress(SpoolDamaged):
                records.append(unpack(body))
        return records

    def report(self) -> tuple[Report | None, int]:
        """What its writer told last, and how many records it took since."""
        for segment in reversed(self._segments):
            with contextlib.suppress(SpoolError):
                report, unreported_count = segment.report()
                if report is not None:
                    return report, unreported_count
        return None, 0

    def close(self) -> None:
        """Leaves what waits to the next process; where nothing does, nothing is left."""
        with self._locks.write:
            for segment in self._segments:
                segment.close()
            is_empty = self.records_count == 0 and not self._begun if self.is_own else not self._segments
            if is_empty:
                self.home.remove()
            else:
                self.home.release()

    def _begin_segment(self) -> Segment:
        self._number += 1
        segment = self._segment(self.home.path / f"{self._number:06d}-{int(time.time() * 1000):014d}{SUFFIX}")
        try:
            segment.create()
        except SpoolError:
            segment.remove()
            raise
        self._segments.append(segment)
        self._waiting[segment] = 0
        self._is_segment_over = False
        return segment

    def _retire(self, segment: Segment) -> None:
        """Removes a segment; calls that begun in it and run on are noted again."""
        with self._locks.write:
            self._segments.remove(segment)
            self._waiting.pop(segment, None)
            self._read_seq.pop(segment, None)
            running = [entry for place, entry in self._begun.values() if place is segment]
            if running:
                with contextlib.suppress(SpoolError):
                    self.append(running)
            segment.remove()

    def _extent(self, segment: Segment) -> Extent:
        with contextlib.suppress(SpoolError):
            return segment.extent()
        return Extent()

    def _segment(self, path: Path) -> Segment:
        return Segment(path, write_lock=self._locks.write, read_lock=self._locks.read)


def make_room(folder: Folder, bytes_max: int, held: Mapping[Path, Spool], locks: Locks) -> list[Loss]:
    """Removes the oldest segments until all of them together take no more than this; those of other living processes stay.

    held:
        The spools that this process owns, by their home.
    """
    losses: list[Loss] = []
    bytes_used = folder.bytes_used()
    for path in _oldest_first(folder):
        if bytes_used <= bytes_max:
            break
        size_bytes = segment_bytes(path)
        spool = held.get(path.parent)
        if spool is not None:
            bytes_used -= size_bytes if spool.drop(path, "spool_full") else 0
            continue
        home = folder.adopt(path.parent)
        if home is not None:
            adopted = Spool(home, locks=locks, is_own=False)
            adopted.drop(path, "spool_full")
            losses += adopted.take_losses()
            adopted.close()
            bytes_used -= size_bytes
    return losses


def began_ms(path: Path) -> int:
    """When a segment was begun, in milliseconds since the epoch."""
    digits = path.stem.partition("-")[2]
    return int(digits) if digits.isdecimal() else 0


def _oldest_first(folder: Folder) -> Iterator[Path]:
    return iter(sorted(folder.segments(), key=lambda path: (began_ms(path), path.name)))
