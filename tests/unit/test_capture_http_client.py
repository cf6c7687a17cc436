"""http.client and urllib.request over a server on loopback. What ends a call is in tests/integration/test_capture_endings.py."""

import array
import contextlib
import gc
import gzip
import http.client
import io
import sys
import tracemalloc
import urllib.error
import urllib.request
import xmlrpc.client
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from integration_monitor.capture.call import WHOLE_BODY_BYTES_MAX
from integration_monitor.capture.context import suppressed
from integration_monitor.capture.http_client import HttpClientPatch
from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.capture.urllib_request import UrllibRequestPatch
from integration_monitor.guard import RAISE_VARIABLE
from tests.unit.answering_vendor import KEPT_BYTES, PATIENCE_S, Vendor, make_capture, running_vendor, watched


@pytest.fixture(autouse=True)
def _raise_internal_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RAISE_VARIABLE, "1")


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with running_vendor() as server:
        yield server


@pytest.fixture
def seen() -> Iterator[list[Operation]]:
    """What was captured of http.client and urllib.request while the test ran."""
    with watched(HttpClientPatch, UrllibRequestPatch) as operations:
        yield operations


def make_patches(take: Callable[[Operation], None]) -> tuple[HttpClientPatch, UrllibRequestPatch]:
    capture = make_capture(take)
    return HttpClientPatch(capture), UrllibRequestPatch(capture)


@pytest.fixture
def connection(vendor: Vendor) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", vendor.server_address[1], timeout=PATIENCE_S)
    yield connection
    connection.close()


def only_attempt(operations: list[Operation]) -> Attempt:
    (operation,) = operations
    (attempt,) = operation.attempts
    return attempt


def header(attempt: Attempt, name: str) -> Any:
    headers: Any = attempt.request_headers
    return dict(headers).get(name)


def test_a_call_becomes_an_operation_of_one_attempt(
    seen: list[Operation], vendor: Vendor, connection: http.client.HTTPConnection
) -> None:
    connection.request("POST", "/v1/leads?a=1", '{"name":"Anna"}', {"X-Trace": "1"})
    with connection.getresponse() as response:
        assert isinstance(response, http.client.HTTPResponse)
        assert seen == []
        assert response.read() == b'{"id":1}'

    attempt = only_attempt(seen)
    assert (attempt.client, attempt.method, attempt.url) == ("http.client", "POST", f"{vendor.url}/v1/leads?a=1")
    # http.client has made bytes of the text.
    assert attempt.request_body == b'{"name":"Anna"}'
    assert (header(attempt, "X-Trace"), header(attempt, "Content-Length")) == (b"1", b"15")
    assert (attempt.status_code, attempt.response_body) == (200, b'{"id":1}')
    assert ("Content-Type", "application/json") in attempt.response_headers
    assert attempt.no_answer is None
    assert attempt.duration_ms == seen[0].duration_ms
    assert attempt.ttfb_ms is not None


def test_calls_of_one_connection_are_calls_of_their_own(seen: list[Operation], connection: http.client.HTTPConnection) -> None:
    for path in ("/one", "/two"):
        connection.request("GET", path)
        connection.getresponse().read()

    assert [str(one.attempts[0].url).rpartition("/")[2] for one in seen] == ["one", "two"]


def test_a_request_that_is_put_together_by_hand_is_seen(seen: list[Operation], connection: http.client.HTTPConnection) -> None:
    connection.putrequest("POST", "/v1")
    connection.putheader("Content-Length", 10)
    connection.endheaders()
    connection.send(b"first")
    connection.send(b"after")
    connection.getresponse().read()

    attempt = only_attempt(seen)
    assert (attempt.request_body, attempt.request_body_bytes) == (b"firstafter", None)


def test_a_large_body_that_is_sent_by_hand_is_kept_up_to_the_bound(
    seen: list[Operation], connection: http.client.HTTPConnection
) -> None:
    connection.putrequest("POST", "/v1")
    connection.putheader("Content-Length", "1200")
    connection.endheaders()
    connection.send(b"x" * 600)
    connection.send(b"x" * 600)
    connection.getresponse().read()

    attempt = only_attempt(seen)
    assert (attempt.request_body, attempt.request_body_bytes) == (b"x" * KEPT_BYTES, 1200)


BODIES: dict[str, Callable[[], Any]] = {
    "generator": lambda: iter([b"one", b"", b"two"]),
    "list": lambda: [b"one", b"two"],
    "file": lambda: io.BytesIO(b"onetwo"),
    "text file": lambda: io.StringIO("onetwo"),
    "array": lambda: array.array("H", b"onetwo"),
}


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "6"}], ids=["chunked", "with its length"])
@pytest.mark.parametrize("make", BODIES.values(), ids=list(BODIES))
def test_a_body_that_is_given_in_pieces_is_noted_as_it_is_sent(
    seen: list[Operation],
    vendor: Vendor,
    connection: http.client.HTTPConnection,
    make: Callable[[], Any],
    headers: dict[str, str],
) -> None:
    connection.request("POST", "/v1", make(), headers)
    connection.getresponse().read()

    attempt = only_attempt(seen)
    assert (attempt.request_body, attempt.request_body_bytes) == (b"onetwo", None)
    assert vendor.bodies == [b"onetwo"]


@pytest.mark.parametrize(
    "pieces", [[b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"], [b"3\r", b"\no", b"ne\r\n3\r\ntwo", b"\r\n0\r\n", b"\r\n"]]
)
def test_the_framing_of_a_body_that_is_chunked_by_hand_is_taken_off(
    seen: list[Operation], vendor: Vendor, connection: http.client.HTTPConnection, pieces: list[bytes]
) -> None:
    connection.putrequest("POST", "/v1")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    for piece in pieces:
        connection.send(piece)
    connection.getresponse().read()

    assert only_attempt(seen).request_body == b"onetwo"
    assert vendor.bodies == [b"onetwo"]


@pytest.mark.parametrize("data", [io.BytesIO(b"file"), [b"fi", b"le"]], ids=["file", "list"])
def test_of_a_file_that_the_application_itself_sends_only_the_size_is_known(
    seen: list[Operation], vendor: Vendor, connection: http.client.HTTPConnection, data: Any
) -> None:
    connection.putrequest("POST", "/v1")
    connection.putheader("Content-Length", "4")
    connection.endheaders()
    connection.send(data)
    connection.getresponse().read()

    assert vendor.bodies == [b"file"]
    assert (only_attempt(seen).request_body, only_attempt(seen).request_body_bytes) == (None, 4)


def test_a_request_to_the_server_as_such_has_its_host(
    seen: list[Operation], vendor: Vendor, connection: http.client.HTTPConnection
) -> None:
    connection.request("OPTIONS", "*")
    connection.getresponse().read()

    assert only_attempt(seen).url == vendor.url


READS: dict[str, Callable[[http.client.HTTPResponse], bytes]] = {
    "read": lambda response: response.read(),
    "read in pieces": lambda response: b"".join(iter(lambda: response.read(3), b"")),
    "read1": lambda response: b"".join(iter(lambda: response.read1(3), b"")),
    "lines": b"".join,
    "buffered": lambda response: io.BufferedReader(response).read(),
    "text": lambda response: io.TextIOWrapper(response).read().encode(),
}
LINES = b"line one\ntwo"


@pytest.mark.parametrize("is_chunked", [False, True], ids=["with its length", "chunked"])
@pytest.mark.parametrize("read", READS.values(), ids=list(READS))
def test_an_answer_is_noted_once_whichever_way_it_is_read(
    seen: list[Operation],
    vendor: Vendor,
    connection: http.client.HTTPConnection,
    read: Callable[[http.client.HTTPResponse], bytes],
    is_chunked: bool,
) -> None:
    chunks = b"4\r\nline\r\n8\r\n one\ntwo\r\n0\r\n\r\n"
    vendor.answers = [(200, {"Transfer-Encoding": "chunked"}, chunks) if is_chunked else (200, {}, LINES)]
    connection.request("GET", "/v1")
    response = connection.getresponse()

    assert read(response) == LINES

    response.close()
    attempt = only_attempt(seen)
    assert (attempt.response_body, attempt.response_body_bytes) == (LINES, None)


def test_an_answer_without_a_body_ends_with_its_headers(
    seen: list[Operation], vendor: Vendor, connection: http.client.HTTPConnection
) -> None:
    vendor.answers = [(204, {}, b"")]

    connection.request("GET", "/v1")
    response = connection.getresponse()

    assert (only_attempt(seen).status_code, only_attempt(seen).response_body) == (204, b"")
    assert response.read() == b""


@pytest.mark.parametrize("way", ["close", "drop"])
def test_an_answer_that_is_left_unread_is_recorded_then(
    seen: list[Operation], connection: http.client.HTTPConnection, way: str
) -> None:
    connection.request("GET", "/v1")
    response = connection.getresponse()
    assert seen == []

    if way == "close":
        response.close()
    connection.close()
    del response
    gc.collect()

    attempt = only_attempt(seen)
    assert (attempt.status_code, attempt.response_body, attempt.response_body_bytes) == (200, b"", 8)


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("refused header", ("NOT_DONE", True)),
        ("closed connection", ("CANCELLED", False)),
        ("next request", ("CANCELLED", False)),
    ],
)
def test_a_request_whose_answer_is_never_asked_for_ends_with_its_operation(
    seen: list[Operation], vendor: Vendor, way: str, told: tuple[str, bool]
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", vendor.server_address[1], timeout=PATIENCE_S)

    with Operation(seen.append, service_name="crm", action="create"):
        if way == "refused header":
            with pytest.raises(ValueError, match="Invalid header"):
                connection.request("GET", "/v1", headers={"X-Trace": "1\n2"})
        else:
            connection.request("GET", "/v1")
        connection.close()
        if way == "next request":
            connection.request("GET", "/v1")
            connection.getresponse().read()
            connection.close()
    del connection
    gc.collect()

    (operation,) = seen
    no_answer = operation.attempts[0].no_answer
    assert no_answer is not None
    assert (no_answer.code, no_answer.is_unsent) == told
    assert [attempt.status_code for attempt in operation.attempts[1:]] == ([200] if way == "next request" else [])


def test_a_buffer_of_large_items_is_filled_as_ever(
    seen: list[Operation], vendor: Vendor, connection: http.client.HTTPConnection
) -> None:
    vendor.answers = [(200, {"Connection": "close"}, b"12345678")]
    connection.request("GET", "/v1")
    response = connection.getresponse()
    # An answer that ends with its connection: http.client itself cuts the buffer by items where there is a length.
    response.length = None
    buffer = array.array("I", [0] * 10)

    assert response.readinto(buffer) == 8
    assert response.readinto(array.array("I")) == 0
    response.close()

    assert buffer.tobytes()[:8] == only_attempt(seen).response_body == b"12345678"


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_of_a_huge_body_only_the_beginning_is_copied(kind: Callable[[bytes], Any]) -> None:
    size_bytes = 8 * WHOLE_BODY_BYTES_MAX
    body = kind(bytes(size_bytes))

    with allocating_less_than(size_bytes // 2):
        kept = make_capture(lambda _operation: None).keep(body)

    assert kept == (bytes(KEPT_BYTES), size_bytes)


def test_of_a_huge_answer_only_the_beginning_is_copied(
    seen: list[Operation], vendor: Vendor, connection: http.client.HTTPConnection
) -> None:
    size_bytes = 8 * WHOLE_BODY_BYTES_MAX
    vendor.answers = [(200, {}, bytes(size_bytes))]
    connection.request("GET", "/v1")
    response, buffer = connection.getresponse(), bytearray(size_bytes)

    with allocating_less_than(size_bytes // 2):
        count = response.readinto(buffer)

    assert count == size_bytes
    attempt = only_attempt(seen)
    assert (attempt.response_body, attempt.response_body_bytes) == (bytes(KEPT_BYTES), size_bytes)


@contextlib.contextmanager
def allocating_less_than(size_bytes: int) -> Iterator[None]:
    """Fails where Python's own memory grows by more in the block, on any thread."""
    tracemalloc.start()
    try:
        yield
        _now, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < size_bytes


def test_an_empty_url_is_the_root(seen: list[Operation], vendor: Vendor, connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "")
    connection.getresponse().read()

    assert only_attempt(seen).url == f"{vendor.url}/"


@pytest.mark.parametrize("digits", [19, 5000])
def test_a_length_of_many_digits_does_not_reach_the_application(
    seen: list[Operation], vendor: Vendor, connection: http.client.HTTPConnection, digits: int
) -> None:
    vendor.answers = [(200, {"Transfer-Encoding": "identity", "Content-Length": "9" * digits}, b"hello")]
    connection.request("GET", "/v1")
    response = connection.getresponse()

    assert response.read(1) == b"h"
    response.close()

    attempt = only_attempt(seen)
    assert (attempt.status_code, attempt.response_body) == (200, b"h")


def test_a_compressed_answer_is_noted_as_the_application_gets_it(
    seen: list[Operation], vendor: Vendor, connection: http.client.HTTPConnection
) -> None:
    packed = gzip.compress(b"hello")
    vendor.answers = [(200, {"Content-Encoding": "gzip"}, packed)]

    connection.request("GET", "/v1")
    assert connection.getresponse().read() == packed

    assert (only_attempt(seen).response_body, only_attempt(seen).response_is_encoded) == (packed, True)


def test_the_host_behind_a_tunnel_is_the_one_that_is_called(seen: list[Operation], monkeypatch: pytest.MonkeyPatch) -> None:
    error = TimeoutError("slow")

    def connect(_connection: http.client.HTTPConnection) -> None:
        raise error

    monkeypatch.setattr(http.client.HTTPSConnection, "connect", connect)
    connection = http.client.HTTPSConnection("proxy.invalid", 3128)
    connection.set_tunnel("api.example.com")

    with pytest.raises(TimeoutError) as raised:
        connection.request("GET", "/v1")

    assert raised.value is error
    attempt = only_attempt(seen)
    assert attempt.url == "https://api.example.com/v1"
    assert attempt.no_answer is not None
    assert (attempt.no_answer.code, attempt.no_answer.is_unsent) == ("TIMEOUT", True)
    assert attempt.no_answer.message.endswith("(connect time-out)")


def test_a_library_above_that_is_not_known_is_seen(seen: list[Operation], vendor: Vendor) -> None:
    vendor.answers = [(200, {"Content-Type": "text/xml"}, xmlrpc.client.dumps((7,), methodresponse=True).encode())]

    with xmlrpc.client.ServerProxy(vendor.url) as server:
        assert server.ping() == 7

    attempt = only_attempt(seen)
    assert attempt.client == "http.client"
    assert isinstance(attempt.request_body, bytes)
    assert b"<methodName>ping</methodName>" in attempt.request_body


def test_suppressed_calls_are_not_recorded(seen: list[Operation], connection: http.client.HTTPConnection) -> None:
    with suppressed():
        connection.request("GET", "/v1")
        response = connection.getresponse()

    assert type(response) is http.client.HTTPResponse
    response.read()
    assert seen == []


def test_a_call_of_urllib_request_is_its_own(seen: list[Operation], vendor: Vendor) -> None:
    request = urllib.request.Request(f"{vendor.url}/v1", b"a=1", {"X-Trace": "1"}, method="PUT")
    vendor.answers = [(200, {}, b"done")]

    with pytest.raises(urllib.error.HTTPError), urllib.request.urlopen(request, timeout=PATIENCE_S):
        pass  # the server knows no PUT

    attempt = only_attempt(seen)
    assert (attempt.client, attempt.method, attempt.url) == ("urllib.request", "PUT", f"{vendor.url}/v1")
    assert (attempt.request_body, header(attempt, "X-Trace")) == (b"a=1", b"1")
    assert (attempt.status_code, attempt.no_answer) == (501, None)


def test_data_makes_a_request_a_post(seen: list[Operation], vendor: Vendor) -> None:
    urllib.request.urlopen(vendor.url, b"a=1", timeout=PATIENCE_S).read()
    urllib.request.urlopen(urllib.request.Request(vendor.url), b"a=1", timeout=PATIENCE_S).read()

    assert [one.attempts[0].method for one in seen] == ["POST", "POST"]


def test_the_body_of_an_error_is_noted_when_the_application_reads_it(seen: list[Operation], vendor: Vendor) -> None:
    vendor.answers = [(422, {}, b"wrong")]

    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(vendor.url, timeout=PATIENCE_S)
    with raised.value as error:
        assert seen == []
        assert error.read() == b"wrong"

    assert (only_attempt(seen).status_code, only_attempt(seen).response_body) == (422, b"wrong")


def test_files_are_no_calls(seen: list[Operation]) -> None:
    with urllib.request.urlopen("data:,hello") as response:
        assert response.read() == b"hello"

    assert seen == []


def test_calls_inside_an_operation_are_its_attempts(seen: list[Operation], vendor: Vendor) -> None:
    operations: list[Operation] = []
    with Operation(operations.append, service_name="amocrm", action="sync_lead"):
        urllib.request.urlopen(vendor.url, timeout=PATIENCE_S).read()
        urllib.request.urlopen(vendor.url, timeout=PATIENCE_S).read()

    assert seen == []
    assert [attempt.status_code for attempt in operations[0].attempts] == [200, 200]


def test_unpatching_restores_the_standard_library() -> None:
    def methods() -> list[object]:
        connection = http.client.HTTPConnection
        steps = [connection.putrequest, connection.endheaders, connection.send, connection.getresponse]
        return [*steps, urllib.request.OpenerDirector.open]

    originals = methods()
    patches = make_patches(lambda _operation: None)

    for patch in patches:
        patch.patch(sys.modules[patch.library])
        patch.patch(sys.modules[patch.library])
    assert all(ours is not theirs for ours, theirs in zip(methods(), originals, strict=True))
    for patch in patches:
        patch.unpatch()

    assert methods() == originals


def test_a_defect_of_ours_does_not_reach_the_application(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(RAISE_VARIABLE)
    operations: list[Operation] = []
    patches = make_patches(operations.append)
    for name in ("keep_request", "keep_answer"):
        monkeypatch.setattr(f"integration_monitor.capture.call.Call.{name}", lambda *_: 1 / 0)

    for patch in patches:
        patch.patch(sys.modules[patch.library])
    try:
        assert urllib.request.urlopen(vendor.url, timeout=PATIENCE_S).read() == b'{"id":1}'
    finally:
        for patch in patches:
            patch.unpatch()

    assert len(operations) == 1
