"""Looks for arrivals while somebody watches, for everybody who watches through this process.

There is no LISTEN: it does not pass a transaction pooler. So the database is asked once a second, and by nobody when nobody watches.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from integration_monitor.errors import StoreError
from integration_monitor.record import IntegrationLog
from integration_monitor.server.refusals import TooManyWatchers
from integration_monitor.store.answers import LogFilter, Role
from integration_monitor.store.arrivals import Arrival, ArrivalPosition, ArrivalsRead, Looked, RecordKey

T = TypeVar("T")

#: What a look found, or why there was none.
Outcome: TypeAlias = Looked | StoreError

# A tail is called live when what it shows is about a second old; each look costs the database some 0.1 ms.
LOOK_INTERVAL_S: Final = 1.0
# The database is away: it comes back within some seconds, or after hours.
RETRY_S: Final = 3.0
# Of one process. Each holds a connection, and some of them a question a second.
WATCHERS_MAX: Final = 100
# Read at once: payloads may weigh 128 KiB each.
ARRIVALS_MAX: Final = 100
# Of the pool's ten connections: whoever only watches must not keep out those who ask.
READS_MAX: Final = 3

logger = logging.getLogger(__name__)


class Arrivals(Protocol):
    """What the feed needs of a store. Errors: StoreUnavailable, StoreError."""

    async def look(self) -> Looked:
        """Keeps the lease, without which nothing is noted, and finds what has arrived."""

    async def after(self, position: ArrivalPosition, *, limit: int) -> Sequence[Arrival] | None:
        """What arrived behind a position, in order; None where some of it is not kept any more."""

    async def records(self, role: Role, asked: LogFilter, keys: Sequence[RecordKey]) -> Mapping[RecordKey, IntegrationLog]:
        """Those of these records that fit, as far as the role may see them."""


class Feed:
    """The one task that looks, and what watchers share. For one event loop."""

    def __init__(self, arrivals: Arrivals, *, watchers_max: int = WATCHERS_MAX) -> None:
        self._arrivals = arrivals
        self._watchers_max = watchers_max
        self._watchers = 0
        self._task: asyncio.Task[None] | None = None
        self._outcome: Outcome | None = None
        # Set, and replaced by a new one, whenever the outcome is another.
        self._changed = asyncio.Event()
        #: what is being read for several who want the same
        self._reading: dict[Hashable, asyncio.Task[Any]] = {}
        self._reads = asyncio.Semaphore(READS_MAX)
        self._is_ended = False

    @property
    def is_ended(self) -> bool:
        """Whether the server ends, and every stream with it."""
        return self._is_ended

    @property
    def watchers(self) -> int:
        """How many watch."""
        return self._watchers

    def join(self) -> None:
        """One more watches.

        Errors:
            TooManyWatchers: as many as one process takes do already, or it is about to end.
        """
        if self._watchers >= self._watchers_max or self._is_ended:
            raise TooManyWatchers(f"{self._watchers} streams are open, which is as many as one server has.")
        self._watchers += 1
        if self._task is None:
            self._outcome = None
            self._task = asyncio.create_task(self._look_on(), name="integration-monitor live")

    def leave(self) -> None:
        """One less watches."""
        self._watchers -= 1
        if self._watchers == 0 and self._task is not None:
            self._task.cancel()
            self._task = None

    def end(self) -> None:
        """Ends every stream: they would last for ever, and the server waits for them before it stops."""
        self._is_ended = True
        self._wake()

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Ends with the block, whoever still watches."""
        try:
            yield
        finally:
            self.end()
            for task in [*([self._task] if self._task else []), *self._reading.values()]:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, StoreError):
                    await task

    async def outcome(self, *, but: Outcome | None, timeout_s: float) -> Outcome | None:
        """What came of the last look, as soon as it is another than `but`; None where that takes longer, or the server ends."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not self._is_ended and (self._outcome is None or self._outcome == but):
                    await self._changed.wait()
        return None if self._is_ended or self._outcome == but else self._outcome

    async def look(self) -> Looked:
        """What there is to be read at this moment, where the last outcome is too old to tell.

        Errors:
            StoreError: as of `Arrivals`.
        """
        async with self._reads:
            return await self._arrivals.look()

    async def read(self, role: Role, asked: LogFilter, position: ArrivalPosition) -> ArrivalsRead | None:
        """The next arrivals behind a position, and those of their records that this role may see and that fit; None where some are missing.

        Watchers of one role and filter who are at the same place share it.

        Errors:
            StoreError: as of `Arrivals`.
        """
        return await self._shared((role, asked, position), lambda: self._read(role, asked, position))

    async def _read(self, role: Role, asked: LogFilter, position: ArrivalPosition) -> ArrivalsRead | None:
        arrivals = await self._shared(position, lambda: self._after(position))
        if arrivals is None:
            return None
        keys = list(dict.fromkeys(each.key for each in arrivals if each.key is not None))
        async with self._reads:
            records = await self._arrivals.records(role, asked, keys)
        return ArrivalsRead(arrivals=arrivals, records=records)

    async def _after(self, position: ArrivalPosition) -> Sequence[Arrival] | None:
        async with self._reads:
            return await self._arrivals.after(position, limit=ARRIVALS_MAX)

    async def _shared(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        """What is read under this key, by whoever came first. One who goes away does not stop it for the others."""
        task = self._reading.get(key)
        if task is None:
            task = asyncio.ensure_future(read())
            self._reading[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        found: T = await asyncio.shield(task)
        return found

    def _forget(self, key: Hashable, done: asyncio.Future[Any]) -> None:
        del self._reading[key]
        # Everybody who waited has got the error; where all of them have gone, nobody wants it.
        if not done.cancelled():
            done.exception()

    async def _look_on(self) -> None:
        while True:
            try:
                outcome = await self._arrivals.look()
            except StoreError as error:
                # Once for all attempts: those who watch have been told.
                if not isinstance(self._outcome, StoreError):
                    logger.warning("the live stream cannot look for arrivals, next attempt in %d s: %s", RETRY_S, error)
                    self._note(error)
                await asyncio.sleep(RETRY_S)
            else:
                if outcome != self._outcome:
                    self._note(outcome)
                await asyncio.sleep(LOOK_INTERVAL_S)

    def _note(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
