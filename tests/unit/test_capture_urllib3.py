"""urllib3 over a server on loopback: it has no transport in memory. What ends a call is in tests/integration/test_capture_endings.py."""

import gc
import gzip
import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter

from integration_monitor.capture.context import suppressed
from integration_monitor.capture.http_client import HttpClientPatch
from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.capture.requests import RequestsPatch
from integration_monitor.capture.urllib3 import Urllib3Patch
from integration_monitor.guard import RAISE_VARIABLE
from tests.unit.answering_vendor import KEPT_BYTES, PATIENCE_S, Vendor, make_capture, running_vendor, watched

#: retries without waiting between them
RETRY = urllib3.Retry(3, status_forcelist=[503], backoff_factor=0)


@pytest.fixture(autouse=True)
def _raise_internal_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RAISE_VARIABLE, "1")


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with running_vendor() as server:
        yield server


@pytest.fixture
def seen() -> Iterator[list[Operation]]:
    """What was captured of urllib3 and requests while the test ran."""
    with watched(Urllib3Patch, RequestsPatch, HttpClientPatch) as operations:
        yield operations


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
    assert {("X-Trace", "1"), ("Content-Type", "application/json")} <= set(attempt.request_headers)
    assert attempt.response_headers["Content-Type"] == "application/json"
    assert attempt.no_answer is None
    assert attempt.duration_ms == seen[0].duration_ms
    assert attempt.ttfb_ms is not None


def test_the_headers_of_a_manager_are_seen(seen: list[Operation], vendor: Vendor, manager: urllib3.PoolManager) -> None:
    manager.request("GET", vendor.url)

    assert only_attempt(seen).request_headers == {"X-Trace": "1"}


@pytest.mark.parametrize("kind", [dict, urllib3.HTTPHeaderDict])
def test_headers_that_the_application_changes_later_are_kept_as_sent(
    seen: list[Operation], vendor: Vendor, manager: urllib3.PoolManager, kind: Callable[[dict[str, str]], Any]
) -> None:
    headers = kind({"X-Trace": "1"})

    manager.request("GET", vendor.url, headers=headers)
    headers["X-Trace"] = "2"

    assert dict(only_attempt(seen).request_headers) == {"X-Trace": "1"}


def test_a_call_of_a_pool_is_a_call(seen: list[Operation], vendor: Vendor) -> None:
    with urllib3.connection_from_url(vendor.url) as pool:
        pool.urlopen("POST", "/v1/leads?a=1", b"body", {"X-Trace": "2"})

    attempt = only_attempt(seen)
    assert (attempt.url, attempt.request_body) == (f"{vendor.url}/v1/leads?a=1", b"body")
    assert attempt.request_headers == {"X-Trace": "2"}


BODIES: dict[str, Callable[[], Any]] = {
    "generator": lambda: iter([b"one", b"two"]),
    "generator of text": lambda: iter(["one", "two"]),
    "list": lambda: [b"one", b"two"],
    "file": lambda: io.BytesIO(b"onetwo"),
    "text file": lambda: io.StringIO("onetwo"),
}


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "6"}], ids=["chunked", "with its length"])
@pytest.mark.parametrize("make", BODIES.values(), ids=list(BODIES))
def test_a_body_that_is_given_in_pieces_is_noted_as_it_is_sent(
    seen: list[Operation], vendor: Vendor, manager: urllib3.PoolManager, make: Callable[[], Any], headers: dict[str, str]
) -> None:
    manager.request("POST", vendor.url, body=make(), headers=headers)

    attempt = only_attempt(seen)
    assert (attempt.request_body, attempt.request_body_bytes) == (b"onetwo", None)
    assert vendor.bodies == [b"onetwo"]


def test_of_a_large_body_in_pieces_the_beginning_is_kept(
    seen: list[Operation], vendor: Vendor, manager: urllib3.PoolManager
) -> None:
    manager.request("POST", vendor.url, body=(b"x" * 60 for _ in range(10)))

    attempt = only_attempt(seen)
    assert (attempt.request_body, attempt.request_body_bytes) == (b"x" * KEPT_BYTES, 600)
    assert vendor.bodies == [b"x" * 600]


def test_a_body_that_breaks_off_is_kept_as_far_as_it_was_sent(
    seen: list[Operation], vendor: Vendor, manager: urllib3.PoolManager
) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"one"
        raise RuntimeError("of the application's own")

    with pytest.raises(RuntimeError):
        manager.request("POST", vendor.url, body=pieces())

    attempt = only_attempt(seen)
    assert attempt.request_body == b"one"
    assert attempt.no_answer is not None
    assert attempt.no_answer.code == "NOT_DONE"


def test_the_files_of_a_form_are_kept_with_it(seen: list[Operation], vendor: Vendor, manager: urllib3.PoolManager) -> None:
    manager.request("POST", vendor.url, fields={"chat_id": "5", "photo": ("cat.png", b"\x89PNG", "image/png")})

    attempt = only_attempt(seen)
    assert attempt.request_body == vendor.bodies[0]
    assert isinstance(attempt.request_body, bytes)
    assert b'filename="cat.png"' in attempt.request_body


def test_a_file_that_is_sent_again_for_a_redirect_is_kept_once(seen: list[Operation], vendor: Vendor) -> None:
    vendor.answers = [(307, {"Location": "/v2"}, b"")]

    with urllib3.connection_from_url(vendor.url) as pool:
        pool.urlopen("POST", "/v1", io.BytesIO(b"file"))

    assert vendor.bodies == [b"file", b"file"]
    attempt = only_attempt(seen)
    assert (attempt.request_body, attempt.status_code) == (b"file", 200)


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
    assert busy.response_headers["X-Try"] == "1"
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
