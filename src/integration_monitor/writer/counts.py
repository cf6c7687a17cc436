"""What became of every item, so that a gap can be seen.

taken = written + ignored + dropped + dead_lettered + spooled + waiting (queue_records)
"""

import dataclasses
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Literal

logger = logging.getLogger("integration_monitor")

# An application that loses thousands of records a second is told so, and not thousands of times.
LOG_INTERVAL_S = 60

Outcome = Literal["written", "ignored", "spooled", "dead_lettered", "dropped"]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Stats:
    """The writer's counts since the process began."""

    #: items that were offered
    taken: int = 0
    #: records that are in the store
    written: int = 0
    #: items that are not worth a record, such as a long poll that brought nothing
    ignored: int = 0
    #: records that wait on disk for the store
    spooled: int = 0
    #: items that were lost, by reason: queue_full, unrecordable, refused, shutdown, crash, spool_full, spool_damaged
    dropped: Mapping[str, int] = dataclasses.field(default_factory=dict)
    #: records that the store refused, kept in a file beside the spool
    dead_lettered: int = 0
    #: items that wait in memory
    queue_records: int = 0
    #: what they weigh
    queue_bytes: int = 0
    #: for how long the oldest item has waited that is not in the store yet; None where none waits
    oldest_unsent_s: float | None = None
    #: errors of our own code that the application was spared
    internal_errors: int = 0
    #: why the store could not be written to, the last time
    last_error: str | None = None


class Counts:
    """Counts of one writer, for any thread. The numbers may be changed by whoever holds `lock`, and are read one by one without it."""

    def __init__(self) -> None:
        # Taken again where a signal handler makes a call in the middle of ours.
        self.lock = threading.RLock()
        self.taken = 0
        self.written = 0
        self.ignored = 0
        self.spooled = 0
        self.dead_lettered = 0
        #: items in memory that have not come to their end: in the queue, in a batch, or in one that is being written
        self.waiting_records = 0
        self.waiting_bytes = 0
        self.last_error: str | None = None
        self._dropped: Counter[str] = Counter()

    def settle(self, outcome: Outcome, records_count: int, bytes_count: int, *, reason: str = "") -> bool:
        """Items in memory have come to their end, or to the spool. False where they were given up meanwhile, and are counted already."""
        with self.lock:
            if records_count > self.waiting_records:
                return False
            self.waiting_records -= records_count
            self.waiting_bytes -= bytes_count
            self._add(outcome, records_count, reason)
            return True

    def unspool(self, outcome: Outcome, records_count: int, *, reason: str = "") -> None:
        """Records have left the spool."""
        with self.lock:
            records_count = min(records_count, self.spooled)
            self.spooled -= records_count
            self._add(outcome, records_count, reason)

    def pass_by(self, outcome: Outcome, *, reason: str = "") -> None:
        """An item was taken that never was in the queue."""
        with self.lock:
            self.taken += 1
            self._add(outcome, 1, reason)

    def give_up(self, reason: str) -> int:
        """Counts all that waits in memory as lost, and tells how many that are: whoever still has them in hand settles them in vain."""
        with self.lock:
            lost_count = self.waiting_records
            self.settle("dropped", lost_count, self.waiting_bytes, reason=reason)
            return lost_count

    def reconcile(self, in_hand: Callable[[], tuple[int, int]]) -> None:
        """After a thread that was ended in the middle of anything: what is nowhere any more is counted as lost.

        in_hand:
            Gives (items, bytes) of what waits in memory.
        """
        with self.lock:
            records_count, bytes_count = in_hand()
            settled_count = self.written + self.ignored + self.spooled + self.dead_lettered + sum(self._dropped.values())
            self.waiting_records, self.waiting_bytes = records_count, bytes_count
            lost_count = self.taken - settled_count - records_count
            if lost_count > 0:
                self._dropped["crash"] += lost_count

    def dropped(self) -> dict[str, int]:
        with self.lock:
            return {reason: count for reason, count in self._dropped.items() if count}

    def stats(self, *, oldest_unsent_s: float | None = None, internal_errors: int = 0) -> Stats:
        with self.lock:
            return Stats(
                taken=self.taken,
                written=self.written,
                ignored=self.ignored,
                spooled=self.spooled,
                dropped=self.dropped(),
                dead_lettered=self.dead_lettered,
                queue_records=self.waiting_records,
                queue_bytes=self.waiting_bytes,
                oldest_unsent_s=oldest_unsent_s,
                internal_errors=internal_errors,
                last_error=self.last_error,
            )

    def _add(self, outcome: Outcome, count: int, reason: str) -> None:
        if outcome == "dropped":
            self._dropped[reason] += count
        elif outcome == "written":
            self.written += count
        elif outcome == "ignored":
            self.ignored += count
        elif outcome == "spooled":
            self.spooled += count
        else:
            self.dead_lettered += count


class LossLog:
    """Logs how many records were lost and why: at once, then at most once a minute."""

    def __init__(self, counts: Counts, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._counts = counts
        self._clock = clock
        self._told: dict[str, int] = {}
        self._tell_at = clock()

    def tell(self, *, is_last: bool = False) -> None:
        """Logs what was lost since the last line, unless that is less than a minute ago.

        is_last:
            Whether there will be no later line, so that this one is written in any case.
        """
        if self._clock() < self._tell_at and not is_last:
            return
        dropped = self._counts.dropped()
        fresh = {reason: count - self._told.get(reason, 0) for reason, count in dropped.items()}
        fresh = {reason: count for reason, count in fresh.items() if count}
        if not fresh:
            return
        self._told = dropped
        self._tell_at = self._clock() + LOG_INTERVAL_S
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(fresh.items()))
        logger.warning(
            "integration_monitor lost %d records (%s); the application is not affected. Last error of the store: %s",
            sum(fresh.values()),
            reasons,
            self._counts.last_error or "none",
        )
