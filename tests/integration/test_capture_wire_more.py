"""What ends a call, over real sockets: the table of test_capture_wire.py for aiohttp, urllib3, http.client and urllib.request.

All client modules are at work, as `instrument()` has them: a call that passes through several of them is one record.
"""

import asyncio
import contextlib
import http.client
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest
import requests
import urllib3

from integration_monitor.capture.aiohttp import AiohttpPatch
from integration_monitor.capture.call import Capture
from integration_monitor.capture.context import suppressed
from integration_monitor.capture.http_client import HttpClientPatch
from integration_monitor.capture.httpx import HttpxPatch
from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.capture.requests import RequestsPatch
from integration_monitor.capture.urllib3 import Urllib3Patch
from integration_monitor.capture.urllib_request import UrllibRequestPatch
from integration_monitor.guard import RAISE_VARIABLE, Guard
from tests.integration.test_capture_wire import FAILURES, KEPT_BYTES, PATIENCE_S, TIMEOUT_S, Vendor, running_vendor

#: one call: what it gives is (status, body)
Client = Callable[..., tuple[int, bytes]]


def call_aiohttp(url: str, *, body: bytes | None = None, timeout_s: float = TIMEOUT_S) -> tuple[int, bytes]:
    async def call() -> tuple[int, bytes]:
        timeout = aiohttp.ClientTimeout(sock_read=timeout_s)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request("GET" if body is None else "POST", url, data=body) as response,
        ):
            return response.status, await response.read()

    return asyncio.run(call())


ONE_ATTEMPT = urllib3.Retry(3, connect=0, read=0, other=0)


def call_urllib3(url: str, *, body: bytes | None = None, timeout_s: float = TIMEOUT_S) -> tuple[int, bytes]:
    with urllib3.PoolManager(timeout=timeout_s, retries=ONE_ATTEMPT) as manager:
        response = manager.request("GET" if body is None else "POST", url, body=body)
        return response.status, response.data


def call_urllib3_streamed(url: str, *, body: bytes | None = None, timeout_s: float = TIMEOUT_S) -> tuple[int, bytes]:
    with urllib3.PoolManager(timeout=timeout_s, retries=ONE_ATTEMPT) as manager:
        response = manager.request("GET" if body is None else "POST", url, body=body, preload_content=False)
        with contextlib.closing(response):
            return response.status, b"".join(response.stream())


def call_http_client(url: str, *, body: bytes | None = None, timeout_s: float = TIMEOUT_S) -> tuple[int, bytes]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=timeout_s)
    with contextlib.closing(connection):
        connection.request("GET" if body is None else "POST", parts.path, body)
        with connection.getresponse() as response:
            return response.status, response.read()


def call_urllib_request(url: str, *, body: bytes | None = None, timeout_s: float = TIMEOUT_S) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, body, timeout=timeout_s) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


CLIENTS: dict[str, Client] = {
    "http.client": call_http_client,
    "urllib.request": call_urllib_request,
    "aiohttp": call_aiohttp,
    "urllib3": call_urllib3,
    "urllib3 streamed": call_urllib3_streamed,
}
FOLLOWING = {name: client for name, client in CLIENTS.items() if client is not call_http_client}
UNPACKING_NOTHING = (call_http_client, call_urllib_request)
ERRORS = (aiohttp.ClientError, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)


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
    """What was captured while the test ran, by all client modules together as `instrument()` has them."""
    monkeypatch.setenv(RAISE_VARIABLE, "1")
    operations: list[Operation] = []
    capture = Capture(take=operations.append, body_bytes_max=KEPT_BYTES, guard=Guard())
    kinds = (HttpxPatch, RequestsPatch, AiohttpPatch, Urllib3Patch, HttpClientPatch, UrllibRequestPatch)
    patches = [kind(capture) for kind in kinds]
    for patch in patches:
        patch.patch(sys.modules[patch.library])
    yield operations
    for patch in patches:
        patch.unpatch()


def only_attempt(operations: list[Operation]) -> Attempt:
    (operation,) = operations
    (attempt,) = operation.attempts
    return attempt


def test_success(client: Client, vendor: Vendor, seen: list[Operation]) -> None:
    assert client(f"{vendor.url}/ok") == (200, b'{"ok":true}')

    attempt = only_attempt(seen)
    assert (attempt.url, attempt.status_code, attempt.response_body) == (f"{vendor.url}/ok", 200, b'{"ok":true}')
    assert attempt.ttfb_ms is not None
    assert attempt.duration_ms is not None
    assert attempt.ttfb_ms <= attempt.duration_ms


def test_a_body_that_is_sent_is_kept(client: Client, vendor: Vendor, seen: list[Operation]) -> None:
    assert client(f"{vendor.url}/echo", body=b"1") == (200, b'{"got":1}')

    attempt = only_attempt(seen)
    assert (attempt.method, attempt.request_body) == ("POST", b"1")


def test_an_http_error(client: Client, vendor: Vendor, seen: list[Operation]) -> None:
    client(f"{vendor.url}/missing")

    attempt = only_attempt(seen)
    assert (attempt.status_code, attempt.response_body, attempt.no_answer) == (404, b"gone", None)


@pytest.mark.parametrize("client", FOLLOWING.values(), ids=FOLLOWING)
def test_a_redirect_is_one_call_with_the_final_answer(client: Client, vendor: Vendor, seen: list[Operation]) -> None:
    client(f"{vendor.url}/redirect")

    attempt = only_attempt(seen)
    assert (attempt.url, attempt.status_code) == (f"{vendor.url}/redirect", 200)


def test_a_compressed_body_can_be_unpacked(client: Client, vendor: Vendor, seen: list[Operation]) -> None:
    _status, body = client(f"{vendor.url}/compressed")

    attempt = only_attempt(seen)
    assert attempt.response_body == body
    assert attempt.response_is_encoded is (body != b"hello")


@pytest.mark.parametrize(("path", "code", "words"), FAILURES.values(), ids=FAILURES)
def test_a_call_without_a_complete_answer(  # noqa: PLR0917 -- fixtures and a row of the table
    client: Client, vendor: Vendor, seen: list[Operation], path: str, code: str, words: str
) -> None:
    is_noticed = path != "badly_compressed" or client not in UNPACKING_NOTHING
    with pytest.raises(ERRORS) if is_noticed else contextlib.nullcontext():
        client(f"{vendor.url}/{path}")

    no_answer = only_attempt(seen).no_answer
    if not is_noticed:
        assert no_answer is None
        return
    assert no_answer is not None
    assert (no_answer.code, no_answer.is_unsent) == (code, False)
    assert words in no_answer.message


def test_a_refused_connection(client: Client, seen: list[Operation]) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets the port, and it refuses
        with pytest.raises(ERRORS):
            client(f"http://127.0.0.1:{reserved.getsockname()[1]}/")

    no_answer = only_attempt(seen).no_answer
    assert no_answer is not None
    assert (no_answer.code, no_answer.is_unsent) == ("CONNECTION_FAILED", True)


def test_a_name_that_does_not_exist(client: Client, seen: list[Operation], monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(host: Any, *_: Any, **__: Any) -> Any:
        # What a resolver answers (RFC 2606 keeps the name free); asking a real one may take as long as it likes.
        raise socket.gaierror(socket.EAI_NONAME, f"Name or service not known: {host!r}")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    with pytest.raises(ERRORS):
        client("http://vendor.invalid/")

    no_answer = only_attempt(seen).no_answer
    assert no_answer is not None
    assert (no_answer.code, no_answer.is_unsent) == ("DNS_FAILURE", True)


def test_a_server_that_does_not_speak_tls(client: Client, vendor: Vendor, seen: list[Operation]) -> None:
    with pytest.raises(ERRORS):
        client(f"{vendor.url.replace('http', 'https')}/ok")

    no_answer = only_attempt(seen).no_answer
    assert no_answer is not None
    assert no_answer.code == "TLS_ERROR"


def test_a_body_that_comes_late_counts(
    client: Client, vendor: Vendor, seen: list[Operation], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The clock stands still until the headers have been noted; then half a second passes, and the server goes on.
    begun = time.perf_counter()
    now = [begun]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    mark_headers = Attempt.mark_headers

    def mark_and_go_on(attempt: Attempt) -> None:
        mark_headers(attempt)
        now[0] = begun + 0.5
        vendor.may_go_on.set()

    monkeypatch.setattr(Attempt, "mark_headers", mark_and_go_on)

    assert client(f"{vendor.url}/slowly", timeout_s=PATIENCE_S) == (200, b"firstsecond")

    attempt = only_attempt(seen)
    assert (attempt.ttfb_ms, attempt.duration_ms) == (0, 500)


def test_a_cancelled_task(vendor: Vendor, seen: list[Operation]) -> None:
    async def main() -> None:
        async with aiohttp.ClientSession() as session:
            task = asyncio.create_task(session.get(f"{vendor.url}/never"))
            while vendor.connections_count == 0:  # noqa: ASYNC110 -- no event tells
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())

    no_answer = only_attempt(seen).no_answer
    assert no_answer is not None
    assert no_answer.code == "CANCELLED"


NESTED: dict[str, Callable[[str], Any]] = {
    "requests": lambda url: requests.get(url, timeout=PATIENCE_S),
    "requests streamed": lambda url: list(requests.get(url, timeout=PATIENCE_S, stream=True).iter_content(100)),
    "httpx": lambda url: httpx.get(url, timeout=PATIENCE_S, follow_redirects=True),
    "urllib3": lambda url: urllib3.request("GET", url, timeout=PATIENCE_S),
    "urllib.request": lambda url: urllib.request.urlopen(url, timeout=PATIENCE_S).read(),
}


@pytest.mark.parametrize(("name", "call"), NESTED.items(), ids=list(NESTED))
def test_a_call_through_several_libraries_is_one_record_of_the_outermost(
    vendor: Vendor, seen: list[Operation], name: str, call: Callable[[str], Any]
) -> None:
    call(f"{vendor.url}/redirect")

    attempt = only_attempt(seen)
    assert attempt.client == name.partition(" ")[0]
    assert (attempt.url, attempt.response_body) == (f"{vendor.url}/redirect", b'{"ok":true}')
    assert attempt.request_headers is not None
    assert attempt.ttfb_ms is not None


@pytest.mark.parametrize("call", NESTED.values(), ids=list(NESTED))
def test_a_call_that_is_suppressed_is_so_in_all_libraries(
    vendor: Vendor, seen: list[Operation], call: Callable[[str], Any]
) -> None:
    with suppressed():
        call(f"{vendor.url}/ok")

    assert seen == []
