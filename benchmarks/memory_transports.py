"""Vendors in memory: what lies below each HTTP library, without a network. All answers are ready before a clock runs.

Each one is put in at the lowest place that its library offers, so that everything above runs as it does in an application: whatever a tool
has patched there is passed through. httpx takes a transport, aiohttp a connector, and http.client a socket, which requests comes to through
urllib3. Nothing of the libraries is patched.
"""

import asyncio
import io
import itertools
from collections.abc import AsyncIterator, Iterator, Sequence

import aiohttp
import aiohttp.client_proto
import httpx
import requests.adapters
import urllib3
import urllib3.connection

from benchmarks.sample_calls import Call, answer_headers

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


class MemoryTransport(httpx.BaseTransport):
    """httpx: gives the answers in turn, as streams, as a network does."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self._answers = itertools.cycle([(list(answer_headers(call)), call.answer) for call in calls])

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        del request  # a vendor that answers the same whatever it is asked
        headers, body = next(self._answers)
        return httpx.Response(200, headers=headers, stream=_Piece(body))


class AsyncMemoryTransport(httpx.AsyncBaseTransport):
    """As `MemoryTransport`; other tasks run while the answer is on its way."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self._answers = itertools.cycle([(list(answer_headers(call)), call.answer) for call in calls])

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        del request
        headers, body = next(self._answers)
        await asyncio.sleep(0)
        return httpx.Response(200, headers=headers, stream=_AsyncPiece(body))


class _Piece(httpx.SyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body


class _AsyncPiece(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body


def memory_adapter(calls: Sequence[Call]) -> requests.adapters.HTTPAdapter:
    """requests: its own adapter over urllib3's own pool and connection, whose socket is memory. For `http://`."""
    answers = itertools.cycle([_as_wire(call) for call in calls])

    class MemoryConnection(urllib3.connection.HTTPConnection):
        def connect(self) -> None:
            self.sock = _MemorySocket(answers)

        @property
        def is_connected(self) -> bool:
            return self.sock is not None

    class MemoryPool(urllib3.HTTPConnectionPool):
        ConnectionCls = MemoryConnection

    adapter = requests.adapters.HTTPAdapter()
    adapter.poolmanager.pool_classes_by_scheme = {"http": MemoryPool}
    return adapter


class _MemorySocket:
    """As much of a socket as http.client and urllib3 use."""

    def __init__(self, answers: Iterator[bytes]) -> None:
        self._answers = answers

    def sendall(self, data: bytes) -> None: ...

    def makefile(self, mode: str) -> io.BytesIO:
        del mode  # http.client reads bytes
        return io.BytesIO(next(self._answers))

    def settimeout(self, timeout: float | None) -> None: ...

    def shutdown(self, how: int) -> None: ...

    def close(self) -> None: ...


class MemoryConnector(aiohttp.BaseConnector):
    """aiohttp: connections whose transport is memory; they are kept alive as others are. For `http://`."""

    def __init__(self, calls: Sequence[Call]) -> None:
        super().__init__(limit=0)
        self._answers = itertools.cycle([_as_wire(call) for call in calls])

    async def _create_connection(self, *_: object, **__: object) -> aiohttp.client_proto.ResponseHandler:
        protocol = self._factory()
        protocol.connection_made(_MemoryPipe(protocol, self._answers))
        return protocol


class _MemoryPipe(asyncio.Transport):
    """Answers each request once it is whole, on the next turn of the loop."""

    def __init__(self, protocol: asyncio.Protocol, answers: Iterator[bytes]) -> None:
        super().__init__()
        self._protocol = protocol
        self._answers = answers
        self._request = b""
        self._is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._request += bytes(data)
        head, end, body = self._request.partition(_HEAD_END)
        if end and len(body) >= int(head.lower().partition(_LENGTH)[2].partition(b"\r\n")[0]):
            self._request = b""
            asyncio.get_running_loop().call_soon(self._protocol.data_received, next(self._answers))

    def is_closing(self) -> bool:
        return self._is_closed

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._protocol.connection_lost(None)

    def abort(self) -> None:
        self.close()


def _as_wire(call: Call) -> bytes:
    """The answer as HTTP/1.1."""
    head = b"".join(name + b": " + value + b"\r\n" for name, value in answer_headers(call))
    return b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + call.answer
