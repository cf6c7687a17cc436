"""Answers of aiohttp: however the application reads them, leaves them or drops them, they are noted and stay what they are."""

import asyncio
import contextvars
import gc
import gzip
import weakref
from collections.abc import Awaitable, Callable, Iterator

import aiohttp
import pytest
from aiohttp import web

from integration_monitor.capture.operation import Operation
from integration_monitor.guard import RAISE_VARIABLE
from tests.unit.aiohttp_calls import (
    KEPT_BYTES,
    converse,
    only_attempt,
    send,
    watched,
)


@pytest.fixture(autouse=True)
def _raise_internal_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RAISE_VARIABLE, "1")


@pytest.fixture
def seen() -> Iterator[list[Operation]]:
    with watched() as operations:
        yield operations


async def read_whole(content: aiohttp.StreamReader) -> bytes:
    return await content.read()


async def read_some(content: aiohttp.StreamReader) -> bytes:
    data = b""
    while piece := await content.read(3):
        data += piece
    return data


async def read_exactly(content: aiohttp.StreamReader) -> bytes:
    return await content.readexactly(12)


async def read_lines(content: aiohttp.StreamReader) -> bytes:
    return b"".join([line async for line in content])


async def read_until(content: aiohttp.StreamReader) -> bytes:
    return await content.readuntil(b"one\n") + await content.readuntil(b"!")


async def read_any(content: aiohttp.StreamReader) -> bytes:
    return b"".join([piece async for piece in content.iter_any()])


async def read_chunked(content: aiohttp.StreamReader) -> bytes:
    return b"".join([piece async for piece in content.iter_chunked(5)])


async def read_chunks(content: aiohttp.StreamReader) -> bytes:
    return b"".join([piece async for piece, _is_end in content.iter_chunks()])


async def read_nowait(content: aiohttp.StreamReader) -> bytes:
    await content.wait_eof()
    return content.read_nowait()


WAYS = [
    read_whole,
    read_some,
    read_exactly,
    read_lines,
    read_until,
    read_any,
    read_chunked,
    read_chunks,
    read_nowait,
]


@pytest.mark.parametrize("read", WAYS)
def test_an_answer_is_noted_whichever_way_it_is_read(
    seen: list[Operation], read: Callable[[aiohttp.StreamReader], Awaitable[bytes]]
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in (b"li", b"ne one\n", b"two"):
            await response.write(piece)
        return response

    async def talk(session: aiohttp.ClientSession, address: str) -> None:
        async with session.get(address) as response:
            assert isinstance(response.content, aiohttp.StreamReader)
            assert seen == []
            assert await read(response.content) == b"line one\ntwo"
            assert response.content.at_eof()
            assert response.content.total_bytes == 12
            # Recorded when all was read, not when the answer is released.
            assert len(seen) == 1

    converse(talk, answer)

    attempt = only_attempt(seen)
    assert (attempt.response_body, attempt.response_body_bytes) == (b"line one\ntwo", None)


def test_an_answer_of_several_parts_is_read_as_ever(seen: list[Operation]) -> None:
    parts = b"--x\r\n\r\none\r\n--x\r\n\r\ntwo\r\n--x--\r\n"

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=parts, headers={"Content-Type": "multipart/mixed; boundary=x"})

    async def talk(session: aiohttp.ClientSession, address: str) -> list[bytes]:
        async with session.get(address) as response:
            reader = aiohttp.MultipartReader.from_response(response)
            return [bytes(await part.read()) async for part in reader.stream]  # type: ignore[union-attr]

    assert converse(talk, answer) == [b"one", b"two"]

    assert only_attempt(seen).response_body == parts


def test_the_stream_of_an_answer_shows_itself_as_ever(seen: list[Operation]) -> None:
    async def talk(session: aiohttp.ClientSession, address: str) -> tuple[type, str]:
        async with session.get(address) as response:
            return type(response.content), repr(response.content)

    kind, shown = converse(talk)

    assert (kind.__module__, kind.__name__) == ("aiohttp.streams", "StreamReader")
    assert shown.startswith("<StreamReader ")
    assert len(seen) == 1


def test_a_context_that_outlives_a_call_does_not_keep_its_answer(seen: list[Operation]) -> None:
    contexts: list[contextvars.Context] = []

    async def keep_context(*_: object) -> None:
        contexts.append(contextvars.copy_context())

    async def talk(_session: aiohttp.ClientSession, address: str) -> bool:
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(keep_context)
        async with aiohttp.ClientSession(trace_configs=[trace]) as session:
            async with session.get(address) as response:
                await response.read()
            answer = weakref.ref(response)
            del response
            gc.collect()
            return answer() is None

    assert converse(talk)
    assert (len(contexts), len(seen)) == (1, 1)


def test_a_large_answer_is_kept_up_to_the_bound(seen: list[Operation]) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 1_000_000)

    assert len(converse(send(), answer)) == 1_000_000

    attempt = only_attempt(seen)
    assert (attempt.response_body, attempt.response_body_bytes) == (b"x" * KEPT_BYTES, 1_000_000)


@pytest.mark.parametrize("is_decoded", [True, False])
def test_a_compressed_answer_is_noted_as_the_application_gets_it(seen: list[Operation], is_decoded: bool) -> None:
    packed = gzip.compress(b"hello")

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    got = converse(send(), answer, auto_decompress=is_decoded)

    attempt = only_attempt(seen)
    assert got == attempt.response_body == (b"hello" if is_decoded else packed)
    assert attempt.response_is_encoded is not is_decoded


def test_an_answer_without_a_body_ends_with_its_headers(seen: list[Operation]) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def talk(session: aiohttp.ClientSession, address: str) -> None:
        response = await session.get(address)
        assert len(seen) == 1
        assert await response.read() == b""

    converse(talk, answer)

    assert (only_attempt(seen).status_code, only_attempt(seen).response_body) == (204, b"")


async def answer_endlessly(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"first")
    await asyncio.Event().wait()
    return response


@pytest.mark.parametrize("way", ["release", "close", "leave"])
def test_an_answer_that_is_left_unread_is_recorded_then(seen: list[Operation], way: str) -> None:
    async def talk(session: aiohttp.ClientSession, address: str) -> None:
        response = await session.get(address)
        assert seen == []
        if way == "leave":
            async with response:
                pass
        else:
            getattr(response, way)()
        assert len(seen) == 1

    converse(talk, answer_endlessly)

    attempt = only_attempt(seen)
    assert (attempt.status_code, attempt.response_body, attempt.no_answer) == (200, b"", None)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # aiohttp's, which is right
def test_an_answer_that_is_dropped_is_recorded_with_its_connection(seen: list[Operation]) -> None:
    async def talk(session: aiohttp.ClientSession, address: str) -> None:
        await session.get(address)
        # aiohttp keeps it as long as its connection.

    converse(talk, answer_endlessly)
    gc.collect()

    attempt = only_attempt(seen)
    assert (attempt.status_code, attempt.no_answer) == (200, None)


def test_a_cancelled_task_is_recorded_and_stays_cancelled(seen: list[Operation]) -> None:
    async def talk(session: aiohttp.ClientSession, address: str) -> None:
        is_reading = asyncio.Event()

        async def call() -> None:
            async with session.get(address) as response:
                is_reading.set()
                await response.read()

        task = asyncio.create_task(call())
        await is_reading.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    converse(talk, answer_endlessly)

    attempt = only_attempt(seen)
    assert (attempt.status_code, attempt.response_body) == (200, b"first")
    assert attempt.no_answer is not None
    assert attempt.no_answer.code == "CANCELLED"


def test_a_time_limit_around_one_read_is_not_the_end(seen: list[Operation]) -> None:
    may_go_on = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await may_go_on.wait()
        await response.write(b"late")
        return response

    async def talk(session: aiohttp.ClientSession, address: str) -> bytes:
        async with session.get(address) as response:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(response.content.readany(), 0.01)
            may_go_on.set()
            return await response.read()

    assert converse(talk, answer) == b"late"

    attempt = only_attempt(seen)
    assert (attempt.response_body, attempt.no_answer) == (b"late", None)
