"""What became of every item, so that a gap can be seen: taken = written + ignored + dropped + waiting."""

import dataclasses
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

logger = logging.getLogger("integration_monitor")

# An application that loses thousands of records a second is told so, and not thousands of times.
LOG_INTERVAL_S = 60


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Stats:
    """The writer's counts since the process began."""

    #: items that were offered
    taken: int = 0
    #: records that are in the store
    written: int = 0
    #: items that are not worth a record, such as a long poll that brought nothing
    ignored: int = 0
    #: items that were lost, by reason: queue_full, unrecordable, refused, shutdown
    dropped: Mapping[str, int] = dataclasses.field(default_factory=dict)
    #: items that wait
    queue_records: int = 0
    #: what they weigh
    queue_bytes: int = 0
    #: errors of our own code that the application was spared
    internal_errors: int = 0
    #: why the store could not be written to, the last time
    last_error: str | None = None


class Counts:
    """Counts of one writer, for any thread."""

    def __init__(self) -> None:
        # Taken again where a signal handler makes a call in the middle of ours.
        self._lock = threading.RLock()
        self._taken = 0
        self._written = 0
        self._ignored = 0
        self._dropped: Counter[str] = Counter()
        self.last_error: str | None = None

    def add_taken(self) -> None:
        with self._lock:
            self._taken += 1

    def add_written(self, count: int) -> None:
        with self._lock:
            self._written += count

    def add_ignored(self) -> None:
        with self._lock:
            self._ignored += 1

    def add_dropped(self, reason: str, count: int = 1) -> None:
        with self._lock:
            self._dropped[reason] += count

    def dropped(self) -> dict[str, int]:
        with self._lock:
            return dict(self._dropped)

    def stats(self, *, queue_records: int, queue_bytes: int, internal_errors: int) -> Stats:
        with self._lock:
            return Stats(
                taken=self._taken,
                written=self._written,
                ignored=self._ignored,
                dropped=dict(self._dropped),
                queue_records=queue_records,
                queue_bytes=queue_bytes,
                internal_errors=internal_errors,
                last_error=self.last_error,
            )


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
