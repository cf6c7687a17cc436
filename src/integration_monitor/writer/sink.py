"""What the writer asks of a store."""

from collections.abc import Sequence
from typing import Protocol

from integration_monitor.record import IntegrationLog


class Sink(Protocol):
    """Where records go. One thread uses it."""

    def write(self, records: Sequence[IntegrationLog]) -> None:
        """Writes all of the records or none; one that is there already (same id) is skipped.

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
