"""What waits to be written, bounded by number and by weight."""

import threading
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

Item = TypeVar("Item")

__all__ = ["BoundedQueue", "Empty", "Marker"]


class Marker:
    """A place in the queue: everything that came before it has been settled once `done` is set.

    is_last:
        Whether the worker is to end here.
    """

    def __init__(self, *, is_last: bool = False) -> None:
        self.done = threading.Event()
        self.is_last = is_last


class BoundedQueue(Generic[Item]):
    """Items in order. An item counts until it is settled, so a batch that is being written, or written again, is inside the bound.

    `put` may be called by a signal handler or a finaliser in the middle of another `put` of the same thread. So the lock can be taken
    again, and the items travel in a SimpleQueue, the one queue of the standard library that allows this.
    """

    def __init__(self, *, records_max: int, bytes_max: int) -> None:
        self._records_max = records_max
        self._bytes_max = bytes_max
        self._lock = threading.RLock()
        self._items: SimpleQueue[tuple[Item, int] | Marker] = SimpleQueue()
        self.is_closed = False
        #: items that are not settled
        self.records_count = 0
        self.bytes_count = 0

    def put(self, item: Item, size_bytes: int) -> str | None:
        """Adds an item. Gives the reason where it is dropped instead."""
        with self._lock:
            if self.is_closed:
                return "shutdown"
            if self.records_count >= self._records_max or self.bytes_count + size_bytes > self._bytes_max:
                return "queue_full"
            self.records_count += 1
            self.bytes_count += size_bytes
        self._items.put((item, size_bytes))
        return None

    def put_marker(self, marker: Marker) -> None:
        self._items.put(marker)

    def get(self, timeout_s: float) -> tuple[Item, int] | Marker:
        """The next item with its size, or marker.

        Errors:
            Empty: nothing came in time.
        """
        return self._items.get(timeout=max(timeout_s, 0))

    def settle(self, records_count: int, bytes_count: int) -> bool:
        """The items need no room any more: written, or dropped. False where they were given up meanwhile."""
        with self._lock:
            if records_count > self.records_count:
                return False
            self.records_count -= records_count
            self.bytes_count -= bytes_count
            return True

    def close(self) -> None:
        """No more items are taken."""
        self.is_closed = True

    def give_up(self) -> int:
        """How many items are not settled. They are forgotten: whoever still has them in hand settles them in vain."""
        with self._lock:
            lost_count, self.records_count, self.bytes_count = self.records_count, 0, 0
            return lost_count
