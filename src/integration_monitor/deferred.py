"""Parts of the pipeline that are made when the first call is recorded, and not when the application starts.

Imports cost the application time while it starts. And a module that is imported before gevent patches the standard library keeps locks
and queues on which a greenlet blocks all others: so writer and driver are imported as late as can be.
"""

import atexit
import functools
import os
import sys
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from integration_monitor.guard import Guard
from integration_monitor.writer.counts import Stats

if TYPE_CHECKING:
    from integration_monitor.writer.lifecycle import Writer

# The imports take a tenth of a second. A fork waits no longer than this even where the disk hangs.
FORK_WAIT_S = 2.0

Part = TypeVar("Part")
Item = TypeVar("Item")


class Deferred(Generic[Part]):
    """A part that is made at its first use, once. Where making it fails, the next use tries again.

    A fork waits until it is made: the child would have half-imported modules, and locks on them that nobody opens.

    hold, release:
        What the part itself does before a fork, and after it in the parent: one that is made while the fork waits is not told of it.
    """

    def __init__(
        self,
        make: Callable[[], Part],
        *,
        hold: Callable[[Part], None] = lambda _part: None,
        release: Callable[[Part], None] = lambda _part: None,
    ) -> None:
        self._make = make
        self._hold_part = hold
        self._release_part = release
        #: None until it is made
        self.part: Part | None = None
        # Taken again where a signal handler makes a call in the middle of ours.
        self._lock = threading.RLock()
        # The threads that fork: another one may come in between.
        self._held_by: set[int] = set()
        at_fork(before=self._hold, after_in_parent=self._release, after_in_child=self._renew_lock)

    def get(self) -> Part:
        if self.part is None:
            with self._lock:
                if self.part is None:
                    made = self._make()
                    # A signal handler may have been faster.
                    self.part = made if self.part is None else self.part
        return self.part

    def forget(self) -> None:
        """Makes another at the next use."""
        self.part = None

    def _hold(self) -> None:
        if self._lock.acquire(timeout=FORK_WAIT_S):
            self._held_by.add(threading.get_ident())
        if self.part is not None:
            self._hold_part(self.part)

    def _release(self) -> None:
        if self.part is not None:
            self._release_part(self.part)
        if threading.get_ident() in self._held_by:
            self._held_by.discard(threading.get_ident())
            self._lock.release()

    def _renew_lock(self) -> None:
        self._lock = threading.RLock()
        self._held_by.clear()


class DeferredWriter(Generic[Item]):
    """The writer, made with the first item that each process takes; until then there is nothing to flush and nothing to count.

    make:
        Gives a writer of this process's own.
    """

    def __init__(self, make: "Callable[[], Writer[Item]]", guard: Guard) -> None:
        self._make = make
        self._guard = guard
        self._writer = Deferred(self._begin, hold=lambda writer: writer.hold(), release=lambda writer: writer.release())
        self._process_id = os.getpid()
        self._of_parents: list[Writer[Item]] = []
        self.is_closed = False
        #: called when an item is taken, on the thread that took it
        self.after_take: Callable[[], None] | None = None
        # Here and not in the writer, so that the order among the application's own handlers does not hang on its first call.
        atexit.register(self.shutdown)
        at_fork(after_in_child=self._note_fork)
        self._look_for_multiprocessing()

    def begun(self, item: Item) -> None:
        """As the writer's."""
        try:
            if self._process_id != os.getpid():
                self._leave_parent()
            # Without another call where the writer is made, which it is for every item but the first.
            (self._writer.part or self._writer.get()).begun(item)
        except Exception as error:  # noqa: BLE001 -- the guard's
            self._guard.catch(error)

    def take(self, item: Item, size_bytes: int) -> None:
        """As the writer's."""
        try:
            if self._process_id != os.getpid():
                self._leave_parent()
            (self._writer.part or self._writer.get()).take(item, size_bytes)
            if self.after_take is not None:
                self.after_take()
        except Exception as error:  # noqa: BLE001 -- the guard's
            self._guard.catch(error)

    def flush(self, timeout_s: float | None = None) -> bool:
        """As the writer's."""
        self._leave_parent()
        writer = self._writer.part
        return True if writer is None else writer.flush(timeout_s)

    def secure(self, timeout_s: float | None = None) -> bool:
        """As the writer's."""
        self._leave_parent()
        writer = self._writer.part
        return True if writer is None else writer.secure(timeout_s)

    def shutdown(self, timeout_s: float | None = None) -> bool:
        """As the writer's."""
        self._leave_parent()
        self.is_closed = True
        atexit.unregister(self.shutdown)
        writer = self._writer.part
        return True if writer is None else writer.shutdown(timeout_s)

    def stats(self) -> Stats:
        """As the writer's."""
        self._leave_parent()
        writer = self._writer.part
        return Stats(internal_errors=self._guard.errors_count) if writer is None else writer.stats()

    def _begin(self) -> "Writer[Item]":
        writer = self._make()
        atexit.unregister(writer.shutdown)
        if self.is_closed:
            writer.shutdown()
        return writer

    def _note_fork(self) -> None:
        """In the child, where Python has noticed the fork: the writer has seen to itself."""
        self._process_id = os.getpid()
        self._look_for_multiprocessing()

    def _leave_parent(self) -> None:
        """In a child that Python knows nothing of, since uWSGI forks from C: the writer found in the child is its parent's then, and its thread is not here."""
        if self._process_id != os.getpid():
            self._process_id = os.getpid()
            writer = self._writer.part
            if writer is not None:
                # Kept, so that nothing of the parent's connection is finalised here.
                self._of_parents.append(writer)
                self._writer.forget()

    def _look_for_multiprocessing(self) -> None:
        """A child of multiprocessing may end without atexit: what it has taken is written when multiprocessing ends it."""
        util = sys.modules.get("multiprocessing.util")
        process = sys.modules.get("multiprocessing.process")
        if util is None or process is None:
            return
        if process.parent_process() is not None:
            self._finalize_with_multiprocessing()
        # Where the child is not yet set up, that will forget the finalisers of now, and then call this.
        util.register_after_fork(self, DeferredWriter._finalize_with_multiprocessing)

    def _finalize_with_multiprocessing(self) -> None:
        secure: weakref.WeakMethod[Callable[[], object]] = weakref.WeakMethod(self.secure)
        # The last of all, since the child's other finalisers may make calls. Not its end: a spawned child goes on to atexit.
        sys.modules["multiprocessing.util"].Finalize(None, functools.partial(_call, secure), exitpriority=-100)


def at_fork(**callbacks: Callable[[], object]) -> None:
    """As `os.register_at_fork`, with methods of objects that it does not keep alive. Nothing on systems without forks."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(**{when: functools.partial(_call, weakref.WeakMethod(method)) for when, method in callbacks.items()})


def _call(method: weakref.WeakMethod[Callable[[], object]]) -> None:
    bound = method()
    if bound is not None:
        bound()
