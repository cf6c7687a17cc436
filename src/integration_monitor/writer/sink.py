"""What the writer asks of a store."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from integration_monitor.batch import Batch, Report

__all__ = ["Batch", "PatientSink", "Report", "Sink"]


class Sink(Protocol):
    """Where batches go. One thread uses it."""

    def write(self, batch: Batch) -> None:
        """Writes all of the batch or none of it. The same batch may come again.

        Errors:
            StoreUnavailable: the same call may succeed later.
            RecordsRefused: one of the records at least will never be taken.
            StoreError: anything else, such as a missing right; it may be put right later.
        """
        ...

    def maintain(self) -> None:
        """What the store needs done once a day, such as retention."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class PatientSink(Protocol):
    """A sink that lets its thread do something else while the store makes it wait."""

    def while_waiting(self, do: Callable[[], None]) -> None:
        """From now on this is called some ten times a second while the store is silent. It raises nothing."""
        ...
