"""The response that lasts until its reader, their rights or the server end."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from litestar import Request
from litestar.response import Stream
from litestar.response.base import ASGIResponse
from litestar.types import Message, Receive, Scope, Send

from integration_monitor.errors import PermissionRefused, StoreError
from integration_monitor.server.auth import entrance_of
from integration_monitor.server.caller import Caller
from integration_monitor.server.live.events import OPENING, beat
from integration_monitor.server.live.feed import Feed
from integration_monitor.server.live.watcher import BEAT_S, Told, Watcher
from integration_monitor.server.refusals import Refusal
from integration_monitor.store.answers import LogFilter

# Whoever takes nothing for so long has gone, or holds a place that others want.
SEND_TIMEOUT_S: Final = 30.0
#: An `opt` of such a handler: packed, events would wait for more of them.
IS_STREAM: Final = "is_stream"
MEDIA_TYPE: Final = "text/event-stream"
# nginx keeps answers until they are whole, unless it is told not to.
_HEADERS: Final = {"x-accel-buffering": "no"}

#: Makes events of what is told.
Write = Callable[[Sequence[Told]], bytes]

logger = logging.getLogger(__name__)


def live_answer(request: Request[Caller, Any, Any], asked: LogFilter, *, last_event_id: str | None, write: Write) -> "LiveAnswer":
    """The stream of what fits a filter, for whoever sent a request. The route must be guarded by `requires`.

    Errors:
        TooManyWatchers: this server has no place left.
    """
    feed: Feed = request.app.state.feed
    watcher = Watcher(feed, request.user.role, asked, last_event_id=last_event_id)
    feed.join()
    return LiveAnswer(_events(request, watcher, write), feed)


async def _events(request: Request[Caller, Any, Any], watcher: Watcher, write: Write) -> AsyncIterator[bytes]:
    yield OPENING
    beaten_at = checked_at = time.monotonic()
    try:
        async for told in watcher.told(beat_s=BEAT_S):
            if told:
                beaten_at = time.monotonic()
                yield write(told)
            if time.monotonic() - checked_at >= BEAT_S:
                if not await _is_welcome(request):
                    return
                checked_at = time.monotonic()
            if time.monotonic() - beaten_at >= BEAT_S:
                beaten_at = time.monotonic()
                yield beat(watcher.position)
    except PermissionRefused:
        # A reader who comes back is told why.
        return


async def _is_welcome(request: Request[Caller, Any, Any]) -> bool:
    """Whether what the request carried still opens what it opened: sessions and tokens expire, keys are revoked."""
    try:
        caller = await entrance_of(request.app.state).caller(request)
    except Refusal as refusal:
        # The issuer of tokens is away: that says nothing about this one.
        return refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    except StoreError:
        return True
    return caller == request.user


class LiveAnswer(Stream):
    """A stream that gives its place in the feed back, whatever becomes of it."""

    def __init__(self, events: AsyncIterator[bytes], feed: Feed) -> None:
        super().__init__(events, media_type=MEDIA_TYPE, headers=dict(_HEADERS))
        self._feed = feed

    def to_asgi_response(self, *arguments: Any, **others: Any) -> Any:
        """What is called to answer."""
        return partial(_answer, super().to_asgi_response(*arguments, **others), self._feed)


async def _answer(response: ASGIResponse, feed: Feed, scope: Scope, receive: Receive, send: Send) -> None:
    async def send_soon(message: Message) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await send(message)

    try:
        await response(scope, receive, send_soon)
    except* TimeoutError:
        # The connection is closed, since the answer has no end.
        logger.info("a reader of the live stream took nothing for %d s, and was let go", SEND_TIMEOUT_S)
    finally:
        feed.leave()
