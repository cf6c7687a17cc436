"""Operations in flight: written as pending or retrying when they take long, and finished later."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic

import msgspec

from integration_monitor.guard import Guard
from integration_monitor.record import IntegrationLog, now
from integration_monitor.writer.queue import Item

ABANDONED = "ABANDONED"


class Unfinished(Generic[Item]):
    """What is known of operations in flight. The worker asks what is due; `end` and `lose` are for whoever takes the operation.

    running:
        The operations in flight. `started_monotonic` of each is of the clock given, in seconds.
    record:
        Makes the record of one as it is now; None where it is worth none yet.
    """

    def __init__(
        self,
        *,
        running: Callable[[], Sequence[Item]],
        record: Callable[[Item], IntegrationLog | None],
        after_s: float,
        guard: Guard,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._running = running
        self._record = record
        self._after_s = after_s
        self._guard = guard
        self._clock = clock
        # By identity, and with the item, so that the identity is not used again. None where it was worth no record.
        self._known: dict[int, tuple[Item, IntegrationLog | None]] = {}
        self._unsent: dict[int, IntegrationLog] = {}
        self._lost: deque[IntegrationLog] = deque()

    def due(self) -> list[IntegrationLog]:
        """Records of operations that have been in flight for long and are not in the store yet."""
        running = {id(item): item for item in self._running()}
        started_before = self._clock() - self._after_s
        for key, item in running.items():
            if key not in self._known and getattr(item, "started_monotonic", started_before) <= started_before:
                record = None
                with self._guard:
                    record = self._record(item)
                self._known[key] = (item, record)
                if record is not None:
                    self._unsent[key] = record
        for key in [key for key, (_item, record) in self._known.items() if record is None and key not in running]:
            self._known.pop(key, None)
        return list(self._unsent.values())

    def note_sent(self, records: Sequence[IntegrationLog]) -> None:
        """These are in the store."""
        sent = {record.id for record in records}
        self._unsent = {key: record for key, record in self._unsent.items() if record.id not in sent}

    def end(self, item: Item) -> IntegrationLog | None:
        """The record of an operation that has ended, if it may be in the store as pending."""
        _item, record = self._known.pop(id(item), (item, None))
        self._unsent.pop(id(item), None)
        return record

    def lose(self, item: Item, reason: str) -> None:
        """An operation has ended, and how is lost: its row must not stay pending."""
        record = self.end(item)
        if record is not None:
            self._lost.append(abandon(record, f"the end of this call could not be recorded: {reason}"))

    def take_lost(self) -> list[IntegrationLog]:
        """Rows to be closed for `lose`."""
        lost = []
        while self._lost:
            lost.append(self._lost.popleft())
        return lost


def close(record: IntegrationLog) -> IntegrationLog:
    """The end of an operation that was written as pending, and is worth no record after all: a long poll that brought nothing."""
    return msgspec.structs.replace(record, status="success", updated_at=now())


def abandon(record: IntegrationLog, message: str) -> IntegrationLog:
    """The end of an operation of whose end nothing is known."""
    payload = record.response_payload if isinstance(record.response_payload, dict) else {}
    return msgspec.structs.replace(
        record,
        status="failed",
        error_code=ABANDONED,
        error_message=message,
        # It may have happened, and nobody but us can tell why it was broken off.
        response_payload={**payload, "fault": "ours", "retry": "ambiguous"},
        updated_at=now(),
    )
