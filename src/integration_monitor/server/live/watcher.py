"""One who watches: where they are, and what they are told next."""

from collections.abc import AsyncIterator, Sequence
from typing import Final, Literal

import msgspec

from integration_monitor.errors import PermissionRefused, StoreError
from integration_monitor.monitoring import cursor
from integration_monitor.monitoring.cursor import CursorError
from integration_monitor.record import IntegrationLog
from integration_monitor.server.live.feed import RETRY_S, Feed, Outcome
from integration_monitor.store.answers import LogFilter, Role
from integration_monitor.store.arrivals import ArrivalPosition, ArrivalsRead, Looked

# Proxies close what is silent for 30 or 60 seconds.
BEAT_S: Final = 15.0

#: record: one that is new; change: one that was finished or otherwise written again; gap: some may be missing here; state: whether the
#: stream is live, or the database is away
Kind = Literal["record", "change", "gap", "state"]


class Told(msgspec.Struct, kw_only=True, frozen=True):
    """One thing that a watcher is told."""

    kind: Kind
    #: where to go on after it; None where no place was taken yet
    position: ArrivalPosition | None
    #: of `record` and `change`
    record: IntegrationLog | None = None
    #: of `state`: live, or away; of `gap`: lapsed (what was between is not kept), or bulk (one statement wrote too many to be told)
    word: str | None = None


class Watcher:
    """Follows the arrivals that fit a filter, as one role.

    last_event_id:
        Where a stream before this one ended; None for a reader who begins now. What is no position of ours is one that is not kept.
    """

    def __init__(self, feed: Feed, role: Role, asked: LogFilter, *, last_event_id: str | None) -> None:
        self._feed = feed
        self._role: Role = role
        self._asked = asked
        #: where they are; None for a reader who begins now, before the first look
        self.position = _position(last_event_id) if last_event_id else None

    async def told(self, *, beat_s: float) -> AsyncIterator[Sequence[Told]]:
        """What there is to tell, in the order of arrival; an empty list at least once in `beat_s`. It ends with the server.

        Errors:
            PermissionRefused: the role may not read records.
        """
        seen: Outcome | None = None
        word = ""
        while not self._feed.is_ended:
            found = await self._feed.outcome(but=seen, timeout_s=beat_s)
            if found is None:
                yield []
                continue
            seen = found
            if isinstance(found, Looked):
                try:
                    yield await self._begin(found)
                    async for told in self._catch_up():
                        yield told
                    if word != "live":
                        word = "live"
                        yield [Told(kind="state", position=self.position, word=word)]
                    continue
                except PermissionRefused:
                    raise
                except StoreError:
                    # The look was possible, and reading was not: nothing wakes us when it is.
                    seen = None
            if word != "away":
                word = "away"
                yield [Told(kind="state", position=self.position, word=word)]
            if seen is None:
                await self._feed.outcome(but=found, timeout_s=RETRY_S)

    async def _begin(self, found: Looked) -> list[Told]:
        """Takes a place: the one there is, if all behind it is kept; else behind everything, and says so unless the reader is new.

        Errors:
            StoreError: as of `Feed.look`.
        """
        if self.position is None:
            self.position = found.end
            return []
        # Another server may have looked since, and the reader may have been told what it found.
        if found.holds(self.position) or (found := await self._feed.look()).holds(self.position):
            return []
        self.position = found.end
        return [Told(kind="gap", position=self.position, word="lapsed")]

    async def _catch_up(self) -> AsyncIterator[Sequence[Told]]:
        while self.position is not None and not self._feed.is_ended:
            read = await self._feed.read(self._role, self._asked, self.position)
            # None: something was removed just now. The next look says so, and a place is taken anew.
            if read is None or not read.arrivals:
                return
            watch, last = self.position.watch, read.arrivals[-1]
            # Before they are told: each of them says where to go on behind it.
            self.position = ArrivalPosition(watch=watch, look=last.look, number=last.number)
            yield _told(read, watch)


def _told(read: ArrivalsRead, watch: int) -> list[Told]:
    told = []
    for arrival in read.arrivals:
        position = ArrivalPosition(watch=watch, look=arrival.look, number=arrival.number)
        if arrival.key is None:
            told.append(Told(kind="gap", position=position, word="bulk"))
        elif arrival.key in read.records:
            kind: Kind = "record" if arrival.is_new else "change"
            told.append(Told(kind=kind, position=position, record=read.records[arrival.key]))
    return told


def _position(last_event_id: str) -> ArrivalPosition:
    try:
        return cursor.decode(last_event_id, ArrivalPosition)
    except CursorError:
        # A client that is refused would stop for good; one that is told of a gap reads on.
        return ArrivalPosition(watch=-1, look=0, number=0)
