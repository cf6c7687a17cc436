"""The libraries of coroutines: httpx and httpx2 as asynchronous clients, and aiohttp."""

import asyncio
import contextlib
import gc
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import Any, ClassVar

import aiohttp

from tests.integration.vendor import PATIENCE_S
from tests.integration.ways import NOT_OVER_HTTP2, TIMEOUT_S, Answer, Way


class AsyncWay(Way):
    """A library of coroutines: each method has a loop of its own."""

    def run(self, coroutine: Any) -> Any:
        return asyncio.run(coroutine)

    @contextlib.contextmanager
    def running(self, open_pieces: Callable[[], contextlib.AbstractAsyncContextManager[AsyncIterator[bytes]]]) -> Iterator[Any]:
        """What an asynchronous block gives, piece by piece, as an ordinary iterator."""
        with asyncio.Runner() as runner:
            block = open_pieces()
            pieces = runner.run(_enter(block))
            try:
                yield _iterate(runner, pieces)
            finally:
                runner.run(block.__aexit__(None, None, None))

    async def cancel_once(self, call: Any, is_asked: Callable[[], bool]) -> None:
        task = asyncio.ensure_future(call)
        while not is_asked():  # noqa: ASYNC110 -- no event of this loop tells
            await asyncio.sleep(0)
        task.cancel()
        await task


async def _enter(block: contextlib.AbstractAsyncContextManager[AsyncIterator[bytes]]) -> AsyncIterator[bytes]:
    return await block.__aenter__()


def _iterate(runner: asyncio.Runner, pieces: AsyncIterator[bytes]) -> Iterator[bytes]:
    async def take() -> bytes | None:
        return await anext(pieces, None)

    while (piece := runner.run(take())) is not None:
        yield piece


async def give(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


class HttpxAsync(AsyncWay):
    def __init__(self, module: ModuleType, **options: Any) -> None:
        self.module = module
        self.library = module.__name__
        self.options = options

    def client(self, timeout_s: float = PATIENCE_S, **options: Any) -> Any:
        given = {"follow_redirects": True, "timeout": timeout_s, "trust_env": False, **self.options, **options}
        return self.module.AsyncClient(**given)

    def call(self, url: str, *, body: bytes | None = None, timeout_s: float = TIMEOUT_S, trusted: str | None = None) -> Answer:
        async def call() -> Answer:
            verify = ssl.create_default_context(cafile=trusted)
            async with self.client(timeout_s, verify=verify) as client:
                response = await client.request("GET" if body is None else "POST", url, content=body)
                return response.status_code, response.content

        return self.run(call())  # type: ignore[no-any-return]

    @contextlib.asynccontextmanager
    async def _stream(self, url: str) -> AsyncIterator[AsyncIterator[bytes]]:
        async with self.client() as client, client.stream("GET", url) as response:
            yield response.aiter_bytes()

    @contextlib.asynccontextmanager
    async def _lines(self, url: str) -> AsyncIterator[AsyncIterator[bytes]]:
        async with self.client() as client, client.stream("GET", url) as response:
            yield (line.encode() async for line in response.aiter_lines())

    def stream(self, url: str) -> contextlib.AbstractContextManager[Iterator[bytes]]:
        return self.running(lambda: self._stream(url))

    def lines(self, url: str) -> contextlib.AbstractContextManager[Iterator[bytes]]:
        return self.running(lambda: self._lines(url))

    def drop(self, url: str) -> None:
        async def drop() -> None:
            async with self.client() as client:
                await client.send(client.build_request("GET", url), stream=True)

        self.run(drop())

    def upload(self, url: str, pieces: list[bytes]) -> Answer:
        async def upload() -> Answer:
            async with self.client() as client:
                response = await client.post(url, content=give(pieces))
                return response.status_code, response.content

        return self.run(upload())  # type: ignore[no-any-return]

    def twice(self, url: str, between: Callable[[], object]) -> Answer:
        async def twice() -> Answer:
            async with self.client() as client:
                await client.get(url)
                between()
                response = await client.get(url)
                return response.status_code, response.content

        return self.run(twice())  # type: ignore[no-any-return]

    def wait_for_pool(self, held_url: str, url: str) -> None:
        async def wait() -> None:
            limits = self.module.Limits(max_connections=1)
            timeout = self.module.Timeout(PATIENCE_S, pool=TIMEOUT_S)
            async with self.client(limits=limits) as client, client.stream("GET", held_url):
                await client.get(url, timeout=timeout)

        self.run(wait())

    def cancel(self, url: str, is_asked: Callable[[], bool]) -> None:
        async def cancel() -> None:
            async with self.client() as client:
                await self.cancel_once(client.get(url), is_asked)

        self.run(cancel())


class HttpxHttp2Async(HttpxAsync):
    """Over HTTP/2, without asking the server first."""

    cannot: ClassVar = NOT_OVER_HTTP2
    is_http2 = True
    after_a_cut: ClassVar = [(None, "CONNECTION_FAILED")]
    is_helpless_against_cuts = True
    code_of_a_cut = "CONNECTION_FAILED"

    def __init__(self, module: ModuleType) -> None:
        super().__init__(module, http1=False, http2=True)


class Aiohttp(AsyncWay):
    library = "aiohttp"
    # It has one time-out for both waits and one error for it, so that nothing tells which of them it was.
    pool_words = "connect time-out"

    def session(self, timeout: aiohttp.ClientTimeout | None = None, **options: Any) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(timeout=timeout or aiohttp.ClientTimeout(total=PATIENCE_S), **options)

    def call(self, url: str, *, body: bytes | None = None, timeout_s: float = TIMEOUT_S, trusted: str | None = None) -> Answer:
        async def call() -> Answer:
            tls = ssl.create_default_context(cafile=trusted)
            timeout = aiohttp.ClientTimeout(sock_connect=timeout_s, sock_read=timeout_s)
            async with (
                self.session(timeout) as session,
                session.request("GET" if body is None else "POST", url, data=body, ssl=tls) as response,
            ):
                return response.status, await response.read()

        return self.run(call())  # type: ignore[no-any-return]

    @contextlib.asynccontextmanager
    async def _stream(self, url: str) -> AsyncIterator[AsyncIterator[bytes]]:
        async with self.session() as session, session.get(url) as response:
            yield response.content.iter_any()

    @contextlib.asynccontextmanager
    async def _lines(self, url: str) -> AsyncIterator[AsyncIterator[bytes]]:
        async with self.session() as session, session.get(url) as response:
            yield (line.rstrip(b"\n") async for line in response.content)

    def stream(self, url: str) -> contextlib.AbstractContextManager[Iterator[bytes]]:
        return self.running(lambda: self._stream(url))

    def lines(self, url: str) -> contextlib.AbstractContextManager[Iterator[bytes]]:
        return self.running(lambda: self._lines(url))

    def drop(self, url: str) -> None:
        async def drop() -> None:
            async with self.session() as session:
                await session.get(url)
                gc.collect()

        self.run(drop())

    def upload(self, url: str, pieces: list[bytes]) -> Answer:
        async def upload() -> Answer:
            async with self.session() as session, session.post(url, data=give(pieces)) as response:
                return response.status, await response.read()

        return self.run(upload())  # type: ignore[no-any-return]

    def twice(self, url: str, between: Callable[[], object]) -> Answer:
        async def twice() -> Answer:
            async with self.session() as session:
                async with session.get(url) as response:
                    await response.read()
                between()
                async with session.get(url) as response:
                    return response.status, await response.read()

        return self.run(twice())  # type: ignore[no-any-return]

    def wait_for_pool(self, held_url: str, url: str) -> None:
        async def wait() -> None:
            timeout = aiohttp.ClientTimeout(connect=TIMEOUT_S)
            async with self.session(connector=aiohttp.TCPConnector(limit=1)) as session, session.get(held_url):
                await session.get(url, timeout=timeout)

        self.run(wait())

    def cancel(self, url: str, is_asked: Callable[[], bool]) -> None:
        async def cancel() -> None:
            async with self.session() as session:
                await self.cancel_once(session.get(url), is_asked)

        self.run(cancel())
