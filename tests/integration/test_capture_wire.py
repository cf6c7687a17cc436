"""What ends a call, over real sockets: the same table for httpx sync, httpx async and requests."""

import asyncio
import contextlib
import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import requests

from integration_monitor.capture.call import Capture
from integration_monitor.capture.httpx import HttpxPatch
from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.capture.requests import RequestsPatch
from integration_monitor.guard import RAISE_VARIABLE, Guard

# Long enough for any machine; what is waited for comes at once.
PATIENCE_S = 30
# Short, because it is waited for in full where a server does not answer.
TIMEOUT_S = 0.2
KEPT_BYTES = 1_000


class Vendor(ThreadingHTTPServer):
    """A server on loopback. Paths say how it answers; `may_go_on` lets go of what it holds back."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.may_go_on = threading.Event()
        self.connections_count = 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def get_request(self) -> tuple[socket.socket, Any]:
        self.connections_count += 1
        return super().get_request()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away in the middle are what these tests are about."""


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Vendor

    def do_GET(self) -> None:
        getattr(self, "answer_" + self.path.strip("/").partition("?")[0])()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(b'{"got":' + body + b"}")

    def answer(self, body: bytes = b"", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Transfer_Encoding" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer_ok(self) -> None:
        self.answer(b'{"ok":true}', Content_Type="application/json")

    def answer_missing(self) -> None:
        self.answer(b"gone", 404)

    def answer_redirect(self) -> None:
        self.answer(b"", 302, Location="/ok")

    def answer_compressed(self) -> None:
        self.answer(gzip.compress(b"hello"), Content_Encoding="gzip")

    def answer_badly_compressed(self) -> None:
        self.answer(b"this is no gzip", Content_Encoding="gzip")

    def answer_never(self) -> None:
        self.server.may_go_on.wait(PATIENCE_S)

    def answer_slowly(self) -> None:
        """Two chunks, the second one when the test says so."""
        self.answer(b"5\r\nfirst\r\n", Transfer_Encoding="chunked")
        self.wfile.flush()
        self.server.may_go_on.wait(PATIENCE_S)
        self.wfile.write(b"6\r\nsecond\r\n0\r\n\r\n")

    def answer_halfway(self) -> None:
        self.answer(b"5\r\nfirst\r\n", Transfer_Encoding="chunked")
        self.close_connection = True

    def answer_rubbish(self) -> None:
        self.wfile.write(b"this is no HTTP\r\n\r\n")
        self.close_connection = True

    def answer_hangup(self) -> None:
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


Client = Callable[..., Any]


def call_httpx(url: str, *, method: str = "GET", **options: Any) -> Any:
    with httpx.Client(follow_redirects=True, timeout=TIMEOUT_S, trust_env=False) as client:
        return client.request(method, url, **options)


def call_httpx_async(url: str, *, method: str = "GET", **options: Any) -> Any:
    async def call() -> httpx.Response:
        async with httpx.AsyncClient(follow_redirects=True, timeout=TIMEOUT_S, trust_env=False) as client:
            return await client.request(method, url, **options)

    return asyncio.run(call())


def call_requests(url: str, *, method: str = "GET", **options: Any) -> Any:
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, **{"timeout": TIMEOUT_S, **options})


@contextlib.contextmanager
def running_vendor() -> Iterator[Vendor]:
    """A vendor that answers until the block ends."""
    server = Vendor()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.may_go_on.set()
    server.shutdown()
    thread.join()
    server.server_close()


CLIENTS = {"httpx": call_httpx, "httpx async": call_httpx_async, "requests": call_requests}


@pytest.fixture(params=CLIENTS.values(), ids=list(CLIENTS))
def client(request: pytest.FixtureRequest) -> Client:
    made: Client = request.param
    return made


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with running_vendor() as server:
        yield server


@pytest.fixture(autouse=True)
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Operation]]:
    """What was captured while the test ran."""
    monkeypatch.setenv(RAISE_VARIABLE, "1")
    operations: list[Operation] = []
    capture = Capture(take=operations.append, body_bytes_max=KEPT_BYTES, guard=Guard())
    over_httpx, over_requests = HttpxPatch(capture), RequestsPatch(capture)
    over_httpx.patch(httpx)
    over_requests.patch(requests)
    yield operations
    over_httpx.unpatch()
    over_requests.unpatch()


def only_attempt(operations: list[Operation]) -> Attempt:
    (operation,) = operations
    (attempt,) = operation.attempts
    return attempt


def test_success(client: Client, vendor: Vendor, seen: list[Operation]) -> None:
    response = client(f"{vendor.url}/ok")

    assert response.json() == {"ok": True}
    attempt = only_attempt(seen)
    assert (attempt.status_code, attempt.response_body) == (200, b'{"ok":true}')
    assert attempt.ttfb_ms is not None
    assert attempt.duration_ms is not None
    assert attempt.ttfb_ms <= attempt.duration_ms


def test_a_body_that_is_sent_is_kept(client: Client, vendor: Vendor, seen: list[Operation]) -> None:
    response = client(f"{vendor.url}/echo", method="POST", json={"a": 1})

    assert response.json() == {"got": {"a": 1}}
    body = only_attempt(seen).request_body
    assert isinstance(body, bytes)
    assert body.replace(b" ", b"") == b'{"a":1}'


def test_an_http_error(client: Client, vendor: Vendor, seen: list[Operation]) -> None:
    client(f"{vendor.url}/missing")

    attempt = only_attempt(seen)
    assert (attempt.status_code, attempt.response_body, attempt.no_answer) == (404, b"gone", None)


def test_a_redirect_is_one_call_with_the_final_answer(client: Client, vendor: Vendor, seen: list[Operation]) -> None:
    client(f"{vendor.url}/redirect")

    attempt = only_attempt(seen)
    assert (attempt.url, attempt.status_code) == (f"{vendor.url}/redirect", 200)


def test_a_compressed_body_is_kept_unpacked(client: Client, vendor: Vendor, seen: list[Operation]) -> None:
    client(f"{vendor.url}/compressed")

    attempt = only_attempt(seen)
    assert (attempt.response_body, attempt.response_is_encoded) == (b"hello", False)


FAILURES = {
    "no answer in time": ("never", "TIMEOUT", "read time-out"),
    "a body that stops": ("slowly", "TIMEOUT", "read time-out"),
    "half a body": ("halfway", "INVALID_RESPONSE", ""),
    "no HTTP": ("rubbish", "INVALID_RESPONSE", ""),
    "a connection closed instead of an answer": ("hangup", "CONNECTION_FAILED", ""),
    "a body that cannot be unpacked": ("badly_compressed", "INVALID_RESPONSE", ""),
}


@pytest.mark.parametrize(("path", "code", "words"), FAILURES.values(), ids=FAILURES)
def test_a_call_without_a_complete_answer(  # noqa: PLR0917 -- fixtures and a row of the table
    client: Client, vendor: Vendor, seen: list[Operation], path: str, code: str, words: str
) -> None:
    with pytest.raises((httpx.HTTPError, requests.RequestException)):
        client(f"{vendor.url}/{path}")

    no_answer = only_attempt(seen).no_answer
    assert no_answer is not None
    assert (no_answer.code, no_answer.is_unsent) == (code, False)
    assert words in no_answer.message


def test_a_refused_connection(client: Client, seen: list[Operation]) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets the port, and it refuses
        with pytest.raises((httpx.ConnectError, requests.ConnectionError)):
            client(f"http://127.0.0.1:{reserved.getsockname()[1]}/")

    no_answer = only_attempt(seen).no_answer
    assert no_answer is not None
    assert (no_answer.code, no_answer.is_unsent) == ("CONNECTION_FAILED", True)


def test_a_name_that_does_not_exist(client: Client, seen: list[Operation], monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(host: Any, *_: Any, **__: Any) -> Any:
        # What a resolver answers (RFC 2606 keeps the name free); asking a real one may take as long as it likes.
        raise socket.gaierror(socket.EAI_NONAME, f"Name or service not known: {host!r}")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    with pytest.raises((httpx.ConnectError, requests.ConnectionError)):
        client("http://vendor.invalid/")

    no_answer = only_attempt(seen).no_answer
    assert no_answer is not None
    assert (no_answer.code, no_answer.is_unsent) == ("DNS_FAILURE", True)


def test_a_server_that_does_not_speak_tls(client: Client, vendor: Vendor, seen: list[Operation]) -> None:
    with pytest.raises((httpx.ConnectError, requests.exceptions.SSLError)):
        client(f"{vendor.url.replace('http', 'https')}/ok")

    no_answer = only_attempt(seen).no_answer
    assert no_answer is not None
    assert no_answer.code == "TLS_ERROR"


def test_a_cancelled_task(vendor: Vendor, seen: list[Operation]) -> None:
    async def main() -> None:
        async with httpx.AsyncClient(timeout=PATIENCE_S, trust_env=False) as client:
            task = asyncio.create_task(client.get(f"{vendor.url}/never"))
            while not client._transport._pool.connections:  # type: ignore[attr-defined] # noqa: ASYNC110 -- no event tells
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())

    no_answer = only_attempt(seen).no_answer
    assert no_answer is not None
    assert no_answer.code == "CANCELLED"


@contextlib.contextmanager
def stream_httpx(url: str) -> Iterator[Iterator[bytes]]:
    with httpx.Client(timeout=PATIENCE_S, trust_env=False) as client, client.stream("GET", url) as response:
        yield response.iter_raw()


@contextlib.contextmanager
def stream_requests(url: str) -> Iterator[Iterator[bytes]]:
    with requests.Session() as session:
        session.trust_env = False
        with session.get(url, stream=True, timeout=PATIENCE_S) as response:
            yield response.iter_content(chunk_size=None)


streams = pytest.mark.parametrize("stream", [stream_httpx, stream_requests], ids=["httpx", "requests"])


@streams
def test_a_stream_is_not_read_ahead_and_recorded_at_its_end(
    stream: Callable[[str], contextlib.AbstractContextManager[Iterator[bytes]]], vendor: Vendor, seen: list[Operation]
) -> None:
    with stream(f"{vendor.url}/slowly") as pieces:
        first = next(pieces)
        assert seen == []
        vendor.may_go_on.set()
        rest = list(pieces)

        attempt = only_attempt(seen)

    assert [first, *rest] == [b"first", b"second"]
    assert (attempt.response_body, attempt.response_body_bytes) == (b"firstsecond", None)
    assert attempt.ttfb_ms is not None
    assert len(seen) == 1


@streams
def test_a_stream_that_is_left_early_is_recorded_then(
    stream: Callable[[str], contextlib.AbstractContextManager[Iterator[bytes]]], vendor: Vendor, seen: list[Operation]
) -> None:
    with stream(f"{vendor.url}/slowly") as pieces:
        next(pieces)

    attempt = only_attempt(seen)
    assert (attempt.response_body, attempt.no_answer) == (b"first", None)


def test_an_async_stream_is_not_read_ahead_and_recorded_at_its_end(vendor: Vendor, seen: list[Operation]) -> None:
    async def main() -> list[bytes]:
        async with (
            httpx.AsyncClient(timeout=PATIENCE_S, trust_env=False) as client,
            client.stream("GET", f"{vendor.url}/slowly") as response,
        ):
            pieces = response.aiter_raw()
            first = await anext(pieces)
            assert seen == []
            vendor.may_go_on.set()
            return [first, *[piece async for piece in pieces]]

    assert asyncio.run(main()) == [b"first", b"second"]

    assert only_attempt(seen).response_body == b"firstsecond"


def test_a_streamed_connection_goes_back_to_its_pool(vendor: Vendor, seen: list[Operation]) -> None:
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(3):
            assert session.get(f"{vendor.url}/ok", stream=True, timeout=PATIENCE_S).json() == {"ok": True}

    assert vendor.connections_count == 1
    assert len(seen) == 3
