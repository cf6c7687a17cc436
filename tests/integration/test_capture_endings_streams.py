"""What ends a call whose body is sent or read piece by piece, over real sockets: every library, as in the table beside this."""

import asyncio
import contextlib
import gc
import http.client
from collections.abc import Iterator

import aiohttp
import pytest
import requests
from aiohttp import web

from integration_monitor.capture.operation import Operation
from integration_monitor.guard import RAISE_VARIABLE
from tests.integration.vendor import PATIENCE_S, Http2Vendor, Vendor, running_http2_vendor, running_vendor
from tests.integration.ways import Way
from tests.integration.ways_table import ERRORS, KEPT_BYTES, captured, only_attempt, rows


@pytest.fixture
def vendor(request: pytest.FixtureRequest) -> Iterator[Vendor | Http2Vendor]:
    # A test that is not for all libraries has none.
    is_http2 = "way" in request.fixturenames and request.getfixturevalue("way").is_http2
    with running_http2_vendor() if is_http2 else running_vendor() as server:
        yield server


@pytest.fixture(autouse=True)
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Operation]]:
    """What was captured while the test ran."""
    monkeypatch.setenv(RAISE_VARIABLE, "1")
    yield from captured()


@rows("streamed request")
def test_a_body_in_pieces_is_kept_as_it_was_sent(way: Way, vendor: Vendor, seen: list[Operation]) -> None:
    assert way.upload(f"{vendor.url}/echo", [b"one", b"two"]) == (200, b"onetwo")

    attempt = only_attempt(seen)
    assert (attempt.request_body, attempt.request_body_bytes) == (b"onetwo", None)


@rows("streamed request")
def test_of_a_large_body_in_pieces_the_beginning_and_the_size_are_kept(way: Way, vendor: Vendor, seen: list[Operation]) -> None:
    pieces = [b"x" * 700] * 5

    assert way.upload(f"{vendor.url}/echo", pieces) == (200, b"".join(pieces))

    attempt = only_attempt(seen)
    assert (attempt.request_body, attempt.request_body_bytes) == (b"x" * KEPT_BYTES, 3_500)


@rows("streamed answer")
def test_a_stream_is_not_read_ahead_and_recorded_at_its_end(way: Way, vendor: Vendor, seen: list[Operation]) -> None:
    with way.stream(f"{vendor.url}/slowly") as pieces:
        first = next(pieces)
        assert seen == []
        vendor.control.may_go_on.set()
        rest = list(pieces)

        attempt = only_attempt(seen)

    assert [first, *rest] == [b"first", b"second"]
    assert (attempt.response_body, attempt.response_body_bytes, attempt.no_answer) == (b"firstsecond", None, None)
    assert attempt.ttfb_ms is not None
    assert len(seen) == 1


@rows("streamed answer")
def test_a_stream_that_breaks_off_keeps_what_was_read(way: Way, vendor: Vendor, seen: list[Operation]) -> None:
    got: list[bytes] = []
    with contextlib.suppress(*ERRORS), way.stream(f"{vendor.url}/halfway") as pieces:
        got.extend(pieces)

    attempt = only_attempt(seen)
    # aiohttp throws away what came before an error that is there when it is read.
    assert attempt.response_body == b"".join(got)
    assert attempt.status_code == 200
    assert attempt.no_answer is not None
    assert attempt.no_answer.code == way.code_of_a_cut


@rows("closed early")
def test_a_stream_that_is_left_early_is_recorded_then(way: Way, vendor: Vendor, seen: list[Operation]) -> None:
    with way.stream(f"{vendor.url}/slowly") as pieces:
        assert next(pieces) == b"first"
        assert seen == []

    attempt = only_attempt(seen)
    assert (attempt.status_code, attempt.response_body, attempt.no_answer) == (200, b"first", None)


@rows("event stream")
def test_an_event_stream_is_passed_on_event_by_event(way: Way, vendor: Vendor, seen: list[Operation]) -> None:
    with way.lines(f"{vendor.url}/events") as lines:
        assert next(lines) == b"data: first"
        assert seen == []
        vendor.control.may_go_on.set()
        assert [line for line in lines if line] == [b"data: second"]

    attempt = only_attempt(seen)
    assert (attempt.response_body, attempt.no_answer) == (b"data: first\n\ndata: second\n\n", None)


@pytest.mark.filterwarnings("ignore:Unclosed response:ResourceWarning", "ignore:unclosed:ResourceWarning")
@rows("dropped")
def test_an_answer_that_is_neither_read_nor_closed_was_a_call(way: Way, vendor: Vendor, seen: list[Operation]) -> None:
    way.drop(f"{vendor.url}/ok")
    gc.collect()

    attempt = only_attempt(seen)
    assert (attempt.status_code, attempt.response_body, attempt.response_body_bytes) == (200, b"", 11)
    assert attempt.no_answer is None


def test_a_streamed_connection_goes_back_to_its_pool(vendor: Vendor, seen: list[Operation]) -> None:
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(3):
            assert session.get(f"{vendor.url}/ok", stream=True, timeout=PATIENCE_S).json() == {"ok": True}

    assert vendor.control.connections_count == 1
    assert len(seen) == 3


def test_a_connection_that_goes_on_as_a_websocket_is_left_alone(vendor: Vendor, seen: list[Operation]) -> None:
    connection = http.client.HTTPConnection(vendor.url.removeprefix("http://"), timeout=PATIENCE_S)
    with contextlib.closing(connection):
        connection.request("GET", "/ok", headers={"Connection": "Upgrade", "Upgrade": "websocket"})
        response = connection.getresponse()
        assert response.status == 101
        connection.sock.sendall(b"hello")
        assert response.fp.read(5) == b"hello"
        response.close()

    assert seen == []


def test_a_websocket_of_aiohttp_is_left_alone(seen: list[Operation]) -> None:
    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(await socket.receive_str())
        return socket

    async def talk() -> str:
        app = web.Application()
        app.router.add_get("/", echo)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            address = f"http://127.0.0.1:{runner.addresses[0][1]}/"
            async with aiohttp.ClientSession() as session, session.ws_connect(address) as socket:
                await socket.send_str("hello")
                return await socket.receive_str()
        finally:
            await runner.cleanup()

    assert asyncio.run(talk()) == "hello"

    assert seen == []
