"""aiohttp over a server on loopback: it has no transport in memory. What ends a call is in tests/integration/test_capture_endings.py."""

import asyncio
import hashlib
import io
import types
from collections.abc import AsyncIterator, Callable, Iterator

import aiohttp
import pytest
from aiohttp import web

from integration_monitor.body import parse
from integration_monitor.capture import call as call_module
from integration_monitor.capture import operation as operation_module
from integration_monitor.capture.context import suppressed
from integration_monitor.capture.operation import Operation
from integration_monitor.guard import RAISE_VARIABLE
from tests.unit import aiohttp_calls
from tests.unit.aiohttp_calls import (
    converse,
    header,
    make_patch,
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


def test_a_call_becomes_an_operation_of_one_attempt(seen: list[Operation]) -> None:
    async def talk(session: aiohttp.ClientSession, address: str) -> str:
        async with session.post(f"{address}/v1/leads", json={"name": "Anna"}, params={"with": "tags"}) as response:
            assert await response.json() == {"id": 1}
        return f"{address}/v1/leads?with=tags"

    url = converse(talk, headers={"X-Trace": "1"})

    assert seen[0].service_name is None
    attempt = only_attempt(seen)
    assert (attempt.client, attempt.method, attempt.url) == ("aiohttp", "POST", url)
    assert attempt.request_body == b'{"name": "Anna"}'
    assert (attempt.status_code, attempt.response_body) == (200, b'{"id": 1}')
    assert attempt.request_body_bytes is attempt.response_body_bytes is None
    assert (header(attempt, "X-Trace"), header(attempt, "Content-Type")) == ("1", "application/json")
    assert isinstance(attempt.response_headers, tuple)
    assert (b"Content-Type", b"application/json; charset=utf-8") in attempt.response_headers
    assert attempt.no_answer is None
    assert attempt.duration_ms == seen[0].duration_ms
    assert attempt.ttfb_ms is not None


def test_a_url_below_the_base_of_a_session_is_seen_whole(seen: list[Operation]) -> None:
    async def talk(_session: aiohttp.ClientSession, address: str) -> str:
        async with aiohttp.ClientSession(address) as session, session.get("/v1/leads") as response:
            await response.read()
        return f"{address}/v1/leads"

    assert converse(talk) == only_attempt(seen).url


def test_a_call_without_a_session_is_a_call(seen: list[Operation]) -> None:
    async def talk(_session: aiohttp.ClientSession, address: str) -> None:
        async with aiohttp.request("GET", address) as response:
            await response.read()

    converse(talk)

    assert only_attempt(seen).response_body == b'{"id": 1}'


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (b"\xff\x00", b"\xff\x00"),
        ("имя", "имя".encode()),
        ({"name": "Anna Maria"}, b"name=Anna+Maria"),
        (bytearray(b"mine"), b"mine"),
    ],
)
def test_a_body_that_is_there_is_kept(seen: list[Operation], data: object, kept: bytes) -> None:
    converse(send(data=data))

    assert only_attempt(seen).request_body == kept


def make_form(photo: bytes) -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("chat_id", "42")
    form.add_field("photo", photo, filename="photo.png")
    form.add_field("note", io.StringIO("mine"), filename="note.txt")
    return form


async def answer_fields(request: web.Request) -> web.Response:
    return web.Response(text=",".join(await request.post()))


def test_a_multipart_form_is_kept_as_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aiohttp_calls, "KEPT_BYTES", 1_000)
    with watched() as operations:
        assert converse(send(data=make_form(b"\x89PNG")), answer_fields) == b"chat_id,photo,note"

    attempt = only_attempt(operations)
    assert attempt.request_form is None
    assert parse(attempt.request_body, content_type=header(attempt, "Content-Type")).value == {
        "chat_id": "42",
        "photo": {"filename": "photo.png", "binary": True, "size": 4, "sha256": hashlib.sha256(b"\x89PNG").hexdigest()},
        "note": {"filename": "note.txt", "binary": True, "size": 4, "sha256": hashlib.sha256(b"mine").hexdigest()},
    }


def test_of_a_multipart_form_beyond_the_bound_the_fields_are_kept(seen: list[Operation]) -> None:
    assert converse(send(data=make_form(b"x" * 200)), answer_fields) == b"chat_id,photo,note"

    attempt = only_attempt(seen)
    assert attempt.request_form == [
        ("chat_id", "42"),
        ("photo", {"filename": "photo.png", "binary": True, "size": 200}),
        ("note", {"filename": "note.txt", "binary": True}),
    ]
    assert attempt.request_body_bytes == int(header(attempt, "Content-Length"))
    assert attempt.payload_bytes == len("chat_id" + "42")


def test_the_fields_of_a_multipart_form_that_was_never_sent_are_kept(
    seen: list[Operation], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", refuse)

    with pytest.raises(aiohttp.ClientOSError):
        converse(send(data=make_form(b"\x89PNG")))

    attempt = only_attempt(seen)
    assert attempt.request_body is None
    assert attempt.request_form is not None
    assert attempt.request_form[0] == ("chat_id", "42")


def test_a_form_beyond_the_bound_is_not_kept(seen: list[Operation], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_module, "WHOLE_BODY_BYTES_MAX", 10)
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("text", "x" * 10)

    converse(send(data=form))

    attempt = only_attempt(seen)
    assert attempt.request_form is None
    assert attempt.request_body_bytes is not None
    assert attempt.request_body_bytes > 10


async def give_pieces() -> AsyncIterator[bytes]:
    yield b"one"
    yield b"two"


BODIES: dict[str, Callable[[], object]] = {
    "generator": give_pieces,
    "file": lambda: io.BytesIO(b"onetwo"),
    "text file": lambda: io.StringIO("onetwo"),
}


@pytest.mark.parametrize("make", BODIES.values(), ids=list(BODIES))
@pytest.mark.parametrize("compress", [None, "deflate"])
def test_a_body_that_is_given_in_pieces_is_noted_as_it_is_sent(
    seen: list[Operation], make: Callable[[], object], compress: str | None
) -> None:
    got: list[bytes] = []

    async def keep(request: web.Request) -> web.Response:
        got.append(await request.read())
        return web.Response()

    converse(send(data=make(), compress=compress), keep)

    assert got == [b"onetwo"]
    attempt = only_attempt(seen)
    assert (attempt.request_body, attempt.request_body_bytes) == (b"onetwo", None)
    # Noted before aiohttp packs it.
    assert attempt.request_is_encoded is (compress is None)


def test_of_a_large_body_in_pieces_the_beginning_is_kept(seen: list[Operation]) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * 60

    converse(send(data=pieces()))

    attempt = only_attempt(seen)
    assert (attempt.request_body, attempt.request_body_bytes) == (b"x" * 100, 600)


def test_a_body_that_breaks_off_is_kept_as_far_as_it_was_sent(seen: list[Operation]) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        raise RuntimeError("of the application's own")

    with pytest.raises(aiohttp.ClientConnectionError):
        converse(send(data=pieces()))

    attempt = only_attempt(seen)
    assert attempt.request_body == b"one"
    assert attempt.no_answer is not None


def test_a_redirect_is_part_of_its_call(seen: list[Operation]) -> None:
    async def redirect(request: web.Request) -> web.Response:
        if request.path == "/v1/leads":
            raise web.HTTPFound("/v2/leads")
        return web.Response(status=404, text="gone")

    async def talk(session: aiohttp.ClientSession, address: str) -> None:
        async with session.post(f"{address}/v1/leads", data="body") as response:
            assert [one.status for one in response.history] == [302]
            await response.read()

    converse(talk, redirect)

    attempt = only_attempt(seen)
    assert (attempt.method, attempt.request_body) == ("POST", b"body")
    assert attempt.url is not None
    assert attempt.url.endswith("/v1/leads")
    assert (attempt.status_code, attempt.response_body) == (404, b"gone")


def test_too_many_redirects_are_no_answer(seen: list[Operation]) -> None:
    async def redirect(_request: web.Request) -> web.Response:
        raise web.HTTPFound("/again")

    with pytest.raises(aiohttp.TooManyRedirects):
        converse(send(), redirect)

    no_answer = only_attempt(seen).no_answer
    assert no_answer is not None
    assert no_answer.code == "NOT_DONE"


@pytest.mark.parametrize("is_own", [False, True], ids=["aiohttp's check", "the application's check"])
def test_an_answer_that_is_refused_for_its_status_is_an_answer(seen: list[Operation], is_own: bool) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=422, text="wrong")

    async def refuse(response: aiohttp.ClientResponse) -> None:
        raise RuntimeError(await response.text())

    with pytest.raises(RuntimeError if is_own else aiohttp.ClientResponseError):
        converse(send(), answer, raise_for_status=refuse if is_own else True)

    attempt = only_attempt(seen)
    assert (attempt.status_code, attempt.no_answer) == (422, None)
    assert attempt.response_body == (b"wrong" if is_own else None)


def test_the_last_byte_ends_a_call_even_where_it_is_read_later(seen: list[Operation], monkeypatch: pytest.MonkeyPatch) -> None:
    monotonic = [0.0]
    monkeypatch.setattr(operation_module, "time", types.SimpleNamespace(time=lambda: 0.0, perf_counter=lambda: monotonic[0]))
    may_go_on = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await may_go_on.wait()
        monotonic[0] = 0.5
        await response.write(b"second")
        return response

    async def talk(session: aiohttp.ClientSession, address: str) -> None:
        async with session.get(address) as response:
            may_go_on.set()
            await response.content.wait_eof()
            monotonic[0] = 7.0
            assert seen == []
            assert await response.read() == b"firstsecond"

    converse(talk, answer)

    attempt = only_attempt(seen)
    assert (attempt.ttfb_ms, attempt.duration_ms, seen[0].duration_ms) == (0, 500, 500)


def test_an_exception_reaches_the_application_as_the_same_object(seen: list[Operation], monkeypatch: pytest.MonkeyPatch) -> None:
    error = aiohttp.ServerDisconnectedError()

    async def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", fail)

    with pytest.raises(aiohttp.ServerDisconnectedError) as raised:
        converse(send(data="sent"))

    assert raised.value is error
    attempt = only_attempt(seen)
    assert (attempt.request_body, attempt.status_code) == (b"sent", None)
    assert attempt.no_answer is not None
    assert attempt.no_answer.code == "CONNECTION_FAILED"


def test_a_middleware_that_calls_another_address_makes_a_call_of_its_own(seen: list[Operation]) -> None:
    async def talk(session: aiohttp.ClientSession, address: str) -> None:
        async def sign(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
            async with session.get(f"{address}/token") as response:
                request.headers["Authorization"] = await response.text()
            return await handler(request)

        async with session.get(f"{address}/v1/leads", middlewares=[sign]) as response:
            await response.read()

    converse(talk)

    assert [str(one.attempts[0].url).rpartition("/")[2] for one in seen] == ["token", "leads"]
    assert header(seen[1].attempts[0], "Authorization") == '{"id": 1}'


def test_websockets_are_left_alone(seen: list[Operation]) -> None:
    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    async def talk(session: aiohttp.ClientSession, address: str) -> str:
        async with session.ws_connect(address) as socket:
            await socket.send_str("hello")
            return await socket.receive_str()

    assert converse(talk, echo) == "hello"

    assert seen == []


def test_suppressed_calls_are_not_recorded(seen: list[Operation]) -> None:
    async def talk(session: aiohttp.ClientSession, address: str) -> None:
        with suppressed():
            async with session.get(address) as response:
                assert type(response.content) is aiohttp.StreamReader

    converse(talk)

    assert seen == []


def test_calls_inside_an_operation_are_its_attempts(seen: list[Operation]) -> None:
    operations: list[Operation] = []
    with Operation(operations.append, service_name="amocrm", action="sync_lead"):
        converse(send())
        converse(send())

    assert seen == []
    assert [attempt.status_code for attempt in operations[0].attempts] == [200, 200]


def test_unpatching_restores_aiohttp() -> None:
    originals = (aiohttp.ClientSession._request, aiohttp.ClientRequest.__init__)
    operations: list[Operation] = []
    patch = make_patch(operations.append)

    patch.patch(aiohttp)
    patch.patch(aiohttp)
    patch.unpatch()
    converse(send())

    assert (aiohttp.ClientSession._request, aiohttp.ClientRequest.__init__) == originals
    assert operations == []


def test_a_defect_of_ours_does_not_reach_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(RAISE_VARIABLE)
    operations: list[Operation] = []
    patch = make_patch(operations.append)
    for name in ("keep_request", "keep_form", "keep_answer"):
        monkeypatch.setattr(f"integration_monitor.capture.call.Call.{name}", lambda *_: 1 / 0)

    patch.patch(aiohttp)
    try:
        assert converse(send(data="body")) == b'{"id": 1}'
    finally:
        patch.unpatch()

    assert len(operations) == 1
