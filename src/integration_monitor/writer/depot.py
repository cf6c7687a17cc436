"""What a writer keeps on disk: its own spool, made when it is first needed, and what the store refused."""

import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence

from integration_monitor.batch import Report
from integration_monitor.errors import SpoolError
from integration_monitor.record import IntegrationLog, new_id, now
from integration_monitor.settings import Settings
from integration_monitor.writer.counts import Counts
from integration_monitor.writer.dead_letters import DeadLetters
from integration_monitor.writer.entry import Entry
from integration_monitor.writer.folder import Folder, Home, folder_of
from integration_monitor.writer.segment import is_gone
from integration_monitor.writer.spool import SEGMENT_BYTES, SEGMENTS_MIN, Locks, Loss, Spool, make_room

logger = logging.getLogger("integration_monitor")

# A disk that is full stays so for a while; until then records wait in memory.
RETRY_S = 10.0
LOG_INTERVAL_S = 60.0

# A fork waits no longer than this for a disk that hangs.
FORK_WAIT_S = 1.0

#: The record that tells of records lost on disk is one of ours, about ourselves.
OWN_SERVICE = "integration-monitor"
RECORDS_DROPPED = "records_dropped"


class Depot:
    """The disk of one writer. `keep` is for any thread that holds `locks.write`, everything else for the worker's."""

    def __init__(
        self, settings: Settings, counts: Counts, *, writer_id: uuid.UUID, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._counts = counts
        self._writer_id = writer_id
        self._clock = clock
        self.locks = Locks()
        self.is_on = settings.durability != "off"
        self.own: Spool | None = None
        self.adopted: Spool | None = None
        #: one that is about to be adopted
        self._home: Home | None = None
        self._folder: Folder | None = None
        self._retry_at = clock()
        self._complain_at = clock()
        #: records lost on disk, of any process
        self.lost_count = 0
        #: lost on disk since the last record that told of it
        self._losses: list[Loss] = []
        # Made once, so that a record that is sent twice is one record; with the number of losses that it tells of.
        self._notice: tuple[IntegrationLog, int] | None = None
        # By thread: a fork of another one may come in between.
        self._are_locks_held: dict[int, list[bool]] = {}

    def keep(self, entries: Sequence[Entry], report: Callable[[], Report]) -> bool:
        """Keeps entries, all or none. False where the disk takes none: it is full or read-only, or the spool is switched off."""
        if not self.is_on or self._clock() < self._retry_at:
            return False
        try:
            spool = self._own_spool()
            is_new_segment = spool.is_full_segment
            if is_new_segment:
                self._make_room(self._folder_of())
            # In journal mode an entry is a transaction: its report is told when it is delivered, and when a segment begins.
            spool.append(entries, report() if is_new_segment or len(entries) > 1 else None)
        except SpoolError as error:
            self._complain(error)
            return False
        return True

    def keep_dead_letter(self, record: IntegrationLog, reason: str) -> bool:
        """Keeps what the store refused. False where that is not possible."""
        if not self.is_on:
            return False
        try:
            folder = self._folder_of()
            folder.ensure()
        except SpoolError as error:
            self._complain(error)
            return False
        return DeadLetters(folder.path).add(record, reason)

    def adopt(self) -> Spool | None:
        """The spool of a process that has died, if there is one; it is `adopted` until it is closed."""
        if not self.is_on or self.adopted is not None:
            return self.adopted
        with contextlib.suppress(SpoolError):
            folder = self._folder_of()
            folder.clear()
            with self.locks.write:
                # A fork comes before or after it: the child lets go of what it knows of.
                self._home = next(folder.adopt_any(), None)
            if self._home is not None:
                # All of it is read, and nobody who calls waits for that.
                adopted = Spool(self._home, locks=self.locks, is_own=False)
                with self.locks.write:
                    self.adopted, self._home = adopted, None
        return self.adopted

    def close_adopted(self) -> None:
        """Leaves what the adopted spool still has to the next process."""
        spool, self.adopted = self.adopted, None
        if spool is not None:
            spool.close()

    def settle_losses(self) -> int:
        """Counts what was lost on disk, and tells how many records of other processes that were."""
        foreign_count = 0
        for spool in (self.own, self.adopted):
            for loss in spool.take_losses() if spool is not None else ():
                self._note(loss)
                foreign_count += 0 if loss.is_own else loss.records_count
        return foreign_count

    def tidy(self, *, is_away: bool) -> None:
        """What the own spool needs done now and then; is_away as of `Spool.tidy`."""
        own = self.own
        if own is None:
            return
        own.tidy(is_away=is_away)
        if is_gone(own.home.path):
            with self.locks.write:
                if own.lose():
                    self.settle_losses()
                    self.own = None

    def note_damaged(self, spool: Spool, records_count: int) -> None:
        """Entries of a spool were read that make no sense."""
        self._note(Loss(reason="spool_damaged", records_count=records_count, is_own=spool.is_own))

    def notice(self) -> IntegrationLog | None:
        """The record that tells what was lost on disk; None where nothing was. `note_told` when it is in the store."""
        if self._notice is None and self._losses:
            self._notice = (_notice(self._losses), len(self._losses))
        return self._notice[0] if self._notice is not None else None

    def note_told(self) -> None:
        """The store has the record."""
        if self._notice is not None:
            del self._losses[: self._notice[1]]
            self._notice = None

    def close(self) -> None:
        """Ends the use of the disk. What waits stays for the next process."""
        self.close_adopted()
        with self.locks.write:
            own, self.own = self.own, None
            self.is_on = False
            if own is not None:
                own.close()

    def hold(self) -> None:
        """Before a fork: nobody shall be inside SQLite, whose inner locks would stay closed in the child. A second time it does nothing."""
        if threading.get_ident() in self._are_locks_held:
            return
        held = [lock.acquire(timeout=FORK_WAIT_S) for lock in (self.locks.write, self.locks.read)]
        self._are_locks_held[threading.get_ident()] = held

    def release(self) -> bool:
        """After a fork, in the parent or in the child. Whether it is known that nobody was inside SQLite."""
        held = self._are_locks_held.pop(threading.get_ident(), [])
        for lock, is_held in zip((self.locks.write, self.locks.read), held, strict=False):
            if is_held:
                lock.release()
        return bool(held) and all(held)

    def leave_to_parent(self) -> None:
        """In the child of a fork: the homes are the parent's. The connections are kept and never used, since closing is using."""
        for spool in (self.own, self.adopted):
            if spool is not None:
                spool.home.release()
        if self._home is not None:
            self._home.release()

    def _own_spool(self) -> Spool:
        if self.own is None:
            home = self._folder_of().claim(self._writer_id, int(time.time() * 1000))
            size_bytes = min(SEGMENT_BYTES, max(1, self._settings.spool_bytes_max // SEGMENTS_MIN))
            self.own = Spool(home, locks=self.locks, segment_bytes_max=size_bytes)
        return self.own

    def _make_room(self, folder: Folder) -> None:
        held = {spool.home.path: spool for spool in (self.own, self.adopted) if spool is not None}
        size_bytes = min(SEGMENT_BYTES, self._settings.spool_bytes_max // SEGMENTS_MIN)
        for loss in make_room(folder, self._settings.spool_bytes_max - size_bytes, held, self.locks):
            self._note(loss)
        self.settle_losses()

    def _note(self, loss: Loss) -> None:
        if loss.is_own:
            self._counts.unspool("dropped", loss.records_count, reason=loss.reason)
        self._losses.append(loss)
        self.lost_count += loss.records_count
        logger.warning("integration_monitor lost %d records on disk (%s)", loss.records_count, loss.reason)

    def _folder_of(self) -> Folder:
        if self._folder is None:
            self._folder = folder_of(self._settings)
        return self._folder

    def _complain(self, error: SpoolError) -> None:
        self._retry_at = self._clock() + RETRY_S
        if self._clock() >= self._complain_at:
            self._complain_at = self._clock() + LOG_INTERVAL_S
            logger.warning("integration_monitor cannot use its spool, so records wait in memory only: %s", error)


def _notice(losses: Sequence[Loss]) -> IntegrationLog:
    counts: dict[str, int] = {}
    for loss in losses:
        counts[loss.reason] = counts.get(loss.reason, 0) + loss.records_count
    times = [at for loss in losses for at in (loss.first_at_ms, loss.last_at_ms) if at is not None]
    at = now()
    return IntegrationLog(
        id=new_id(at),
        service_name=OWN_SERVICE,
        action=RECORDS_DROPPED,
        status="failed",
        error_code=max(counts, key=lambda reason: counts[reason]).upper(),
        error_message=f"{sum(counts.values())} records were lost on disk before they could be written",
        response_payload={
            "fault": "ours",
            "records": counts,
            "from": _iso(min(times)) if times else None,
            "to": _iso(max(times)) if times else None,
        },
        created_at=at,
        updated_at=at,
    )


def _iso(at_ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms / 1000))
