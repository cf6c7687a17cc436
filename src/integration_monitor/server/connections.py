"""Connections that send a request too slowly, or too much before it is one, are closed.

uvicorn waits for a request as long as it takes, and for the rest of a body that nobody wants any more, too: whoever sends a byte a second could
hold as many connections as the machine has (slowloris). How long an answer takes is not bounded here.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.auto import AutoHTTPProtocol

#: From the first byte of a request, or the opening of a connection, to the end of its body. Longer than ingest waits, which says why it gives up.
REQUEST_TIMEOUT_S: Final = 60.0
#: Of a head, and of what comes after an answer; as much as h11, one of uvicorn's two parsers, takes. The other takes any number.
HEAD_BYTES_MAX: Final = 64 * 1024
# A read brings up to 256 KiB, and a head that is whole is not counted any more: so it is given to the parser in pieces.
_PIECE_BYTES: Final = 4096


class _Impatience(asyncio.Protocol):
    """What stands before one of uvicorn's protocols, whose attributes these are."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    _deadline: asyncio.TimerHandle | None = None
    _waiting_bytes: int = 0
    _cycles: tuple[Any, ...] = ()

    @property
    def cycle(self) -> Any:  # of uvicorn's protocols, each has its own
        """The last request and its answer; None before the first."""
        return self._cycles[-1] if self._cycles else None

    @cycle.setter
    def cycle(self, cycle: Any) -> None:
        # uvicorn knows the last alone, and the ones before may still be answered.
        self._cycles = (*(each for each in self._cycles if not each.response_complete), *([] if cycle is None else [cycle]))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._deadline = self.loop.call_later(REQUEST_TIMEOUT_S, self._give_up)

    def data_received(self, data: bytes) -> None:
        start = 0
        while start < len(data) and not self.transport.is_closing():
            # What remains of a body is one piece.
            end = len(data) if self._is_reading_body() else start + _PIECE_BYTES
            self._take(data[start:end])
            start = end

    def on_response_complete(self) -> None:
        super().on_response_complete()  # type: ignore[misc]  # of uvicorn's protocols
        # The next request may have come with this one, and its body not.
        if self._is_reading_body():
            self._wait()

    def _take(self, data: bytes) -> None:
        super().data_received(data)
        is_answering = self._is_answering()
        if is_answering and not self.cycle.more_body:
            self._wait_no_more()
            return
        self._wait()
        # Of a body that somebody reads, that one bounds the size.
        self._waiting_bytes = 0 if is_answering else self._waiting_bytes + len(data)
        if self._waiting_bytes > HEAD_BYTES_MAX:
            self._give_up()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        for cycle in self._cycles[:-1]:
            # An answer that has no end would go on for nobody.
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _is_reading_body(self) -> bool:
        return self._is_answering() and bool(self.cycle.more_body)

    def _wait(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_TIMEOUT_S, self._give_up)

    def _wait_no_more(self) -> None:
        self._waiting_bytes = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        # Not close(), which would wait for what the client does not read.
        self.transport.abort()


def impatient(protocol: type[asyncio.Protocol]) -> type[asyncio.Protocol]:
    """One of uvicorn's protocols, with these bounds."""
    return type("ImpatientProtocol", (_Impatience, protocol), {})


#: For `uvicorn.Config(http=…)`.
HTTP_PROTOCOL: Final = impatient(AutoHTTPProtocol)
