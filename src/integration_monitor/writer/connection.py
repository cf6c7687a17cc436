"""The sink as the worker uses it: opened when needed, tried again after a while when it is away, each time after a longer one."""

import contextlib
import logging
import random
import time
from collections.abc import Callable

from integration_monitor.batch import Batch
from integration_monitor.errors import IntegrationMonitorError, RecordsRefused
from integration_monitor.writer.counts import Counts
from integration_monitor.writer.part import Answer
from integration_monitor.writer.sink import PatientSink, Sink

logger = logging.getLogger("integration_monitor")

# A store that is restarting is back within seconds, and one that is gone should not be knocked on more often than twice a minute.
RETRY_FIRST_S = 0.25
RETRY_MAX_S = 30.0

LOG_INTERVAL_S = 60.0


class Connection:
    """The sink of one worker."""

    def __init__(self, open_sink: Callable[[], Sink], counts: Counts, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._open_sink = open_sink
        #: what is done while the store makes this thread wait, where the sink can tell; it raises nothing
        self.while_waiting: Callable[[], None] = lambda: None
        self._counts = counts
        self._clock = clock
        self._sink: Sink | None = None
        self._failures_count = 0
        self._complain_at = clock()
        #: why the store was away the last time
        self.failure: Exception | None = None
        #: when the store is to be tried again; None while it is there
        self.retry_at: float | None = None
        #: when something was last written
        self.written_at: float | None = None

    @property
    def is_away(self) -> bool:
        """Whether the store did not answer the last time."""
        return self.retry_at is not None

    @property
    def may_try(self) -> bool:
        """Whether the store is there, or it is time to see whether it is back."""
        return self.retry_at is None or self._clock() >= self.retry_at

    def hurry(self) -> None:
        """Tries again at once."""
        if self.retry_at is not None:
            self.retry_at = self._clock()
        self._failures_count = 0

    def write(self, batch: Batch) -> Answer:
        try:
            sink = self._opened()
        except Exception as error:  # noqa: BLE001 -- a store that cannot be opened is one that is away
            return self._note_away(error)
        try:
            sink.write(batch)
        except RecordsRefused as error:
            self._counts.last_error = told(error)
            return "refused"
        except IntegrationMonitorError as error:
            return self._note_away(error)
        except Exception as error:  # noqa: BLE001 -- a record that the sink stumbles over; the others are to be written
            self._counts.last_error = told(error)
            return "refused"
        self.retry_at, self._failures_count, self.written_at = None, 0, self._clock()
        return "written"

    def maintain(self) -> bool:
        """Has the store maintained, if that is possible. Whether it was."""
        try:
            self._opened().maintain()
        except Exception as error:  # noqa: BLE001 -- the records matter more; another process, or cron, may maintain as well
            logger.warning("integration_monitor could not maintain the store: %s", told(error))
            return False
        return True

    def close(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            # The thread ends: there is nobody to whom an error in closing matters.
            with contextlib.suppress(Exception):
                sink.close()

    def _opened(self) -> Sink:
        if self._sink is None:
            self._sink = self._open_sink()
            if isinstance(self._sink, PatientSink):
                self._sink.while_waiting(self.while_waiting)
        return self._sink

    def _note_away(self, error: Exception) -> Answer:
        self.failure = error
        self._counts.last_error = told(error)
        now = self._clock()
        longest_s = min(RETRY_MAX_S, RETRY_FIRST_S * 2 ** min(self._failures_count, 16))
        self._failures_count += 1
        # Many processes that lost the same database shall not come back in step.
        self.retry_at = now + longest_s * random.uniform(0.5, 1)  # noqa: S311 -- not a secret
        if now >= self._complain_at:
            self._complain_at = now + LOG_INTERVAL_S
            logger.warning(
                "integration_monitor cannot write to the store; %d records wait in memory, %d on disk: %s",
                self._counts.waiting_records,
                self._counts.spooled,
                self._counts.last_error,
            )
        return "away"


def told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
