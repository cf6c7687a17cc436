"""The guard around our own work in another's process: what goes wrong in it is told, and never reaches the application."""

import contextlib
import logging
import os
import time
import traceback
from collections.abc import Callable
from types import TracebackType

logger = logging.getLogger("integration_monitor")

# The switch for our own tests: errors in our work are raised instead of logged. Read when an error happens, so that a test can set it.
RAISE_VARIABLE = "INTEGRATION_MONITOR_RAISE_INTERNAL_ERRORS"

# A defect on the path of every call would else fill the application's log.
LOG_INTERVAL_S = 60


class Guard:
    """A context manager that ends every exception of our own work. One object serves any number of threads, also nested.

    It logs the kind of an error and where it was raised, not its text: that may quote a secret of the call that was being recorded.
    What ends the program or a task (KeyboardInterrupt, CancelledError) passes.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._log_at = clock()
        #: errors since the process began, logged or not
        self.errors_count = 0

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if not isinstance(error, Exception) or os.environ.get(RAISE_VARIABLE):
            return False
        self.report(error)
        return True

    def catch(self, error: Exception) -> None:
        """As the block's end, for the path of every call: there a `try` costs nothing, and a block a tenth of a microsecond.

        Errors:
            The error itself, under our own tests.
        """
        if os.environ.get(RAISE_VARIABLE):
            raise error
        self.report(error)

    def report(self, error: Exception) -> None:
        """Counts an error, and logs it unless one was logged within the last minute."""
        self.errors_count += 1
        if self._clock() < self._log_at:
            return
        self._log_at = self._clock() + LOG_INTERVAL_S
        # A handler of the application's logging may raise as well.
        with contextlib.suppress(Exception):
            logger.warning(
                "integration_monitor could not record something; the application is not affected (%d such errors so far). "
                "Please report this: %s at\n%s",
                self.errors_count,
                type(error).__name__,
                "".join(traceback.format_tb(error.__traceback__)),
            )
