"""urllib3 over a server on loopback: it has no transport in memory. What ends a call is in tests/integration/test_capture_wire_more.py."""

import gc
import gzip
import io
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter

from integration_monitor.capture.call import Capture
from integration_monitor.capture.context import suppressed
from integration_monitor.capture.http_client import HttpClientPatch
from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.capture.requests import RequestsPatch
from integration_monitor.capture.urllib3 import Urllib3Patch
from integration_monitor.guard import RAISE_VARIABLE, Guard

KEPT_BYTES = 100
PATIENCE_S = 30
#: retries without waiting between them
RETRY = urllib3.Retry(3, status_forcelist=[503], backoff_factor=0)


class Vendor(ThreadingHTTPServer):
    """Answers the requests one after the other with `answers`: (status, headers, body); None hangs up. Then always with 200."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.answers: list[tuple[int, dict[str, str], bytes] | None] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Vendor

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.server.answers.pop(0) if self.server.answers else (200, {"Content-Type": "application/json"}, b'{"id":1}')
        if answer is None:
            self.close_connection = True
            return
        status, headers, body = answer
        self.send_response(status)
        length = {} if "Transfer-Encoding" in headers or status == 204 else {"Content-Length": str(len(body))}
        for name, value in {**headers, **length}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 -- the base class's name

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _raise_internal_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RAISE_VARIABLE, "1")


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    server = Vendor()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def seen() -> Iterator[list[Operation]]:
    """What was captured of urllib3 and requests while the test ran."""
    operations: list[Operation] = []
    capture = make_capture(operations.append)
    patches = [kind(capture) for kind in (Urllib3Patch, RequestsPatch, HttpClientPatch)]
    for patch in patches:
        patch.patch(sys.modules[patch.library])
    yield operations
    for patch in patches:
        patch.unpatch()


def make_capture(take: Callable[[Operation], None]) -> Capture:
    return Capture(take=take, body_bytes_max=KEPT_BYTES, guard=Guard())


@pytest.fixture
def manager() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager(timeout=PATIENCE_S, headers={"X-Trace": "1"}) as manager:
        yield manager


def only_attempt(operations: list[Operation]) -> Attempt:
    (operation,) = operations
    (attempt,) = operation.attempts
    return attempt


def test_a_call_becomes_an_operation_of_one_attempt(seen: list[Operation], vendor: Vendor, manager: urllib3.PoolManager) -> None:
    response = manager.request("POST", f"{vendor.url}/v1/leads", json={"name": "Anna"}, headers={"X-Trace": "1"})

    assert response.json() == {"id": 1}
    attempt = only_attempt(seen)
    assert (attempt.client, attempt.method, attempt.url) == ("urllib3", "POST", f"{vendor.url}/v1/leads")
    assert attempt.request_body == b'{"name":"Anna"}'
    assert (attempt.status_code, attempt.response_body) == (200, b'{"id":1}')
    assert isinstance(attempt.request_headers, list)
    assert {("X-Trace", "1"), ("Content-Type", "application/json")} <= set(attempt.request_headers)
    assert isinstance(attempt.response_headers, list)
    assert ("Content-Type", "application/json") in attempt.response_headers
    assert attempt.no_answer is None
    assert attempt.duration_ms == seen[0].duration_ms
    assert attempt.ttfb_ms is not None


def test_the_headers_of_a_manager_are_seen(seen: list[Operation], vendor: Vendor, manager: urllib3.PoolManager) -> None:
    manager.request("GET", vendor.url)

    assert only_attempt(seen).request_headers == [("X-Trace", "1")]


def test_a_call_of_a_pool_is_a_call(seen: list[Operation], vendor: Vendor) -> None:
    with urllib3.connection_from_url(vendor.url) as pool:
        pool.urlopen("POST", "/v1/leads?a=1", b"body", {"X-Trace": "2"})

    attempt = only_attempt(seen)
    assert (attempt.url, attempt.request_body) == (f"{vendor.url}/v1/leads?a=1", b"body")
    assert attempt.request_headers == [("X-Trace", "2")]


def test_generators_and_files_are_the_applications_to_read(
    seen: list[Operation], vendor: Vendor, manager: urllib3.PoolManager
) -> None:
    manager.request("POST", vendor.url, body=io.BytesIO(b"file"), headers={"Content-Length": "4"})

    attempt = only_attempt(seen)
    assert (attempt.request_body, attempt.request_body_bytes) == (None, 4)


def test_a_redirect_is_part_of_its_call(seen: list[Operation], vendor: Vendor, manager: urllib3.PoolManager) -> None:
    vendor.answers = [(302, {"Location": "/v2"}, b"moved"), (404, {}, b"gone")]

    manager.request("GET", f"{vendor.url}/v1")

    attempt = only_attempt(seen)
    assert (attempt.url, attempt.status_code, attempt.response_body) == (f"{vendor.url}/v1", 404, b"gone")


def test_retries_are_attempts(seen: list[Operation], vendor: Vendor, manager: urllib3.PoolManager) -> None:
    vendor.answers = [(503, {"X-Try": "1"}, b"busy"), None]

    response = manager.request("GET", f"{vendor.url}/v1", retries=RETRY)

    assert response.retries is not None
    assert len(response.retries.history) == 2
    (operation,) = seen
    busy, cut, good = operation.attempts
    assert [one.url for one in operation.attempts] == [f"{vendor.url}/v1"] * 3
    assert (busy.status_code, busy.no_answer, cut.status_code, good.status_code) == (503, None, None, 200)
    assert isinstance(busy.response_headers, list)
    assert ("X-Try", "1") in busy.response_headers
    assert cut.no_answer is not None
    assert cut.no_answer.code == "CONNECTION_FAILED"
    assert good.request_headers == busy.request_headers
    assert operation.duration_ms is not None
    assert all(one.duration_ms is not None and one.duration_ms <= operation.duration_ms for one in operation.attempts)


def test_retries_below_requests_are_attempts_of_its_call(seen: list[Operation], vendor: Vendor) -> None:
    vendor.answers = [(503, {}, b"busy")]

    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=RETRY))
        assert session.get(f"{vendor.url}/v1").json() == {"id": 1}

    (operation,) = seen
    assert [(one.client, one.status_code) for one in operation.attempts] == [("requests", 503), ("requests", 200)]
    assert operation.attempts[1].response_body == b'{"id":1}'


def test_retries_that_are_used_up_end_a_call(seen: list[Operation], vendor: Vendor, manager: urllib3.PoolManager) -> None:
    vendor.answers = [None, None]

    with pytest.raises(urllib3.exceptions.MaxRetryError):
        manager.request("GET", vendor.url, retries=urllib3.Retry(1, backoff_factor=0))

    (operation,) = seen
    assert [one.no_answer.code for one in operation.attempts if one.no_answer] == ["CONNECTION_FAILED"] * 2


def test_a_call_of_requests_is_one_call(seen: list[Operation], vendor: Vendor) -> None:
    with requests.Session() as session:
        session.get(f"{vendor.url}/v1")
        session.get(f"{vendor.url}/v1", stream=True).close()

    assert [one.attempts[0].client for one in seen] == ["requests", "requests"]
    assert all(one.attempts[0].ttfb_ms is not None for one in seen)


def test_a_call_of_requests_that_is_not_recorded_is_not_recorded_below(seen: list[Operation], vendor: Vendor) -> None:
    with suppressed():
        requests.get(vendor.url, timeout=PATIENCE_S)

    assert seen == []


def test_an_exception_reaches_the_application_as_the_same_object(
    seen: list[Operation], monkeypatch: pytest.MonkeyPatch, manager: urllib3.PoolManager
) -> None:
    error = urllib3.exceptions.LocationParseError("there")

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(urllib3.HTTPConnectionPool, "_get_conn", fail)

    with pytest.raises(urllib3.exceptions.LocationParseError) as raised:
        manager.request("GET", "http://vendor.invalid/")

    assert raised.value is error
    assert only_attempt(seen).no_answer is not None


READS: dict[str, Callable[[Any], bytes]] = {
    "read": lambda response: response.read(),
    "read in pieces": lambda response: b"".join(iter(lambda: response.read(3), b"")),
    "stream": lambda response: b"".join(response.stream(3)),
    "iterate": b"".join,
    "data": lambda response: response.data,
    "buffered": lambda response: io.BufferedReader(response).read(),
}


@pytest.mark.parametrize("read", READS.values(), ids=list(READS))
def test_an_answer_that_is_read_later_is_recorded_then(
    seen: list[Operation], vendor: Vendor, manager: urllib3.PoolManager, read: Callable[[Any], bytes]
) -> None:
    response = manager.request("GET", vendor.url, preload_content=False)
    assert isinstance(response, urllib3.HTTPResponse)
    assert seen == []

    assert read(response) == b'{"id":1}'

    response.release_conn()
    response.close()
    attempt = only_attempt(seen)
    assert (attempt.status_code, attempt.response_body, attempt.response_body_bytes) == (200, b'{"id":1}', None)


@pytest.mark.parametrize("way", ["close", "release_conn", "drop"])
def test_an_answer_that_is_left_unread_is_recorded_then(
    seen: list[Operation], vendor: Vendor, manager: urllib3.PoolManager, way: str
) -> None:
    response = manager.request("GET", vendor.url, preload_content=False)

    if way == "drop":
        del response
        gc.collect()
    else:
        getattr(response, way)()

    attempt = only_attempt(seen)
    assert (attempt.status_code, attempt.response_body, attempt.response_body_bytes) == (200, b"", 8)


def test_an_answer_is_left_unread_where_the_application_says_so_by_position(seen: list[Operation], vendor: Vendor) -> None:
    with urllib3.HTTPConnectionPool("127.0.0.1", vendor.server_address[1]) as pool:
        response = pool.urlopen("GET", "/v1", None, None, RETRY, True, True, PATIENCE_S, None, None, False, None, False)
        assert seen == []
        assert response.read() == b'{"id":1}'

    assert only_attempt(seen).response_body == b'{"id":1}'


def test_an_answer_ends_with_its_last_byte_also_where_a_piece_was_asked_for(
    seen: list[Operation], vendor: Vendor, manager: urllib3.PoolManager
) -> None:
    response = manager.request("GET", f"{vendor.url}/v1", preload_content=False)

    assert isinstance(response, urllib3.HTTPResponse)
    assert (response.read(4), seen) == (b'{"id', [])
    assert (response.read(4), only_attempt(seen).response_body) == (b'":1}', b'{"id":1}')


def test_a_compressed_answer_read_in_small_pieces_is_noted_whole(
    seen: list[Operation], vendor: Vendor, manager: urllib3.PoolManager
) -> None:
    vendor.answers = [(200, {"Content-Encoding": "gzip"}, gzip.compress(b"hello" * 10))]
    response = manager.request("GET", f"{vendor.url}/v1", preload_content=False)

    pieces = list(iter(lambda: response.read(7), b""))

    assert b"".join(pieces) == only_attempt(seen).response_body == b"hello" * 10


@pytest.mark.filterwarnings("ignore:URLs without a scheme:FutureWarning")
def test_a_url_that_a_manager_refuses_is_no_answer(seen: list[Operation], manager: urllib3.PoolManager) -> None:
    with pytest.raises(urllib3.exceptions.LocationValueError):
        manager.request("GET", "/v1")

    attempt = only_attempt(seen)
    assert attempt.no_answer is not None
    assert (attempt.url, attempt.no_answer.code) == ("/v1", "NOT_DONE")


@pytest.mark.parametrize("is_decoded", [True, False])
def test_a_compressed_answer_is_noted_as_the_application_gets_it(
    seen: list[Operation], vendor: Vendor, manager: urllib3.PoolManager, is_decoded: bool
) -> None:
    packed = gzip.compress(b"hello")
    vendor.answers = [(200, {"Content-Encoding": "gzip"}, packed)]

    response = manager.request("GET", vendor.url, preload_content=False, decode_content=is_decoded)

    attempt_body = response.read()
    attempt = only_attempt(seen)
    assert attempt_body == attempt.response_body == (b"hello" if is_decoded else packed)
    assert attempt.response_is_encoded is not is_decoded


def test_calls_inside_an_operation_are_its_attempts(seen: list[Operation], vendor: Vendor, manager: urllib3.PoolManager) -> None:
    operations: list[Operation] = []
    vendor.answers = [(503, {}, b"busy")]
    with Operation(operations.append, service_name="amocrm", action="sync_lead"):
        manager.request("GET", vendor.url, retries=RETRY)
        manager.request("GET", vendor.url)

    assert seen == []
    assert [attempt.status_code for attempt in operations[0].attempts] == [503, 200, 200]


def test_unpatching_restores_urllib3() -> None:
    def methods() -> list[object]:
        return [
            urllib3.PoolManager.urlopen,
            urllib3.HTTPConnectionPool.urlopen,
            urllib3.Retry.increment,
        ]

    originals = methods()
    patch = Urllib3Patch(make_capture(lambda _operation: None))

    patch.patch(urllib3)
    patch.patch(urllib3)
    assert methods() != originals
    patch.unpatch()

    assert methods() == originals


def test_a_defect_of_ours_does_not_reach_the_application(
    vendor: Vendor, manager: urllib3.PoolManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(RAISE_VARIABLE)
    operations: list[Operation] = []
    patch = Urllib3Patch(make_capture(operations.append))
    for name in ("keep_request", "keep_answer"):
        monkeypatch.setattr(f"integration_monitor.capture.call.Call.{name}", lambda *_: 1 / 0)
    vendor.answers = [(503, {}, b"busy")]

    patch.patch(urllib3)
    try:
        assert manager.request("GET", vendor.url, retries=RETRY).json() == {"id": 1}
    finally:
        patch.unpatch()
