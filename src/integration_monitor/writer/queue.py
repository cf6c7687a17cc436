"""What waits to be written, bounded by number and by weight, and how the worker sleeps until there is enough of it."""

import contextlib
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from integration_monitor.writer.counts import Counts

Item = TypeVar("Item")


class Marker:
    """A place in the queue: everything that came before it is in the store, or lost for good, once `done` is set.

    is_last:
        Whether the worker is to end here.
    """

    def __init__(self, *, is_last: bool = False) -> None:
        self.done = threading.Event()
        self.is_last = is_last
        #: whether nobody waits for it any more
        self.is_over = False


class BoundedQueue(Generic[Item]):
    """Items in order. An item counts until it is settled in `counts`, so a batch that is being written, or written again, is inside the bound.

    `put` may be called by a signal handler or a finaliser in the middle of another `put` of the same thread. So the lock can be taken
    again, and between the bound's check and the item's place in the queue there is no call that could be interrupted.
    """

    def __init__(self, counts: Counts, *, records_max: int, bytes_max: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._counts = counts
        self._records_max = records_max
        self._bytes_max = bytes_max
        self._clock = clock
        self._items: deque[tuple[Item, int, float] | Marker] = deque()
        self._markers_count = 0
        self.is_closed = False

    def put(self, item: Item, size_bytes: int) -> bool:
        """Adds an item, or drops and counts it. Whether it was added."""
        counts = self._counts
        now = self._clock()
        with counts.lock:
            if (
                counts.waiting_records < self._records_max
                and counts.waiting_bytes + size_bytes <= self._bytes_max
                and not self.is_closed
            ):
                counts.taken += 1
                counts.waiting_records += 1
                counts.waiting_bytes += size_bytes
                self._items.append((item, size_bytes, now))
                return True
        counts.pass_by("dropped", reason="shutdown" if self.is_closed else "queue_full")
        return False

    def put_marker(self, marker: Marker) -> None:
        with self._counts.lock:
            self._markers_count += 1
            self._items.append(marker)

    def withdraw(self, marker: Marker) -> None:
        """Nobody waits for it any more: what is left of it goes, so that markers do not pile up while the store is away."""
        marker.is_over = True
        with self._counts.lock, contextlib.suppress(ValueError):
            while True:
                self._items.remove(marker)
                self._markers_count -= 1

    def get(self) -> tuple[Item, int] | Marker | None:
        """The next item with its size, or marker; None where there is none. For one thread at a time."""
        try:
            got = self._items.popleft()
        except IndexError:
            return None
        if isinstance(got, Marker):
            with self._counts.lock:
                self._markers_count -= 1
            return got
        return got[0], got[1]

    @property
    def has_marker(self) -> bool:
        return self._markers_count > 0

    def weight(self) -> tuple[int, int]:
        """What is in the queue: (items, bytes), counted anew, with the markers. To be asked while `counts.lock` is held."""
        items = [got for got in self._items if not isinstance(got, Marker)]
        self._markers_count = len(self._items) - len(items)
        return len(items), sum(size_bytes for _item, size_bytes, _put_at in items)

    def oldest_at(self) -> float | None:
        """When the next item was put, by the clock given; None where there is none, or a marker."""
        try:
            oldest = self._items[0]
        except IndexError:
            return None
        return None if isinstance(oldest, Marker) else oldest[2]

    def close(self) -> None:
        """No more items are taken."""
        self.is_closed = True


class Alarm:
    """Wakes the worker. Made when its thread is started, so that it is of the same kind: gevent may have replaced both since the import."""

    def __init__(self) -> None:
        # As a SimpleQueue it can be filled by a signal handler, which an Event cannot.
        self._rings: queue.SimpleQueue[None] = queue.SimpleQueue()
        #: the worker sleeps, and wants to be woken from so many records or bytes on; at first, whether it is there at all
        self.records_count = 1
        self.bytes_count = sys.maxsize

    def ring(self) -> None:
        """Wakes the worker now, also one that is about to sleep."""
        if self._rings.empty():
            self._rings.put(None)

    def sleep(self, seconds: float, *, records_count: int, bytes_count: int, is_enough: Callable[[], bool]) -> None:
        """Sleeps until there are so many records or bytes, it rings, or the time is over.

        is_enough:
            Asked once the alarm is set, so that nothing that comes meanwhile is overslept.
        """
        self.records_count, self.bytes_count = records_count, bytes_count
        try:
            if seconds > 0 and not is_enough():
                self._rings.get(timeout=seconds)
        except queue.Empty:
            pass
        finally:
            # A worker that is awake needs no waking, which costs the application's thread a system call.
            self.records_count = self.bytes_count = sys.maxsize
