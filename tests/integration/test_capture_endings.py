"""What ends a call whose answer is read as a whole, over real sockets: every library, every ending. Streams are in the table beside this."""

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration_monitor.body import parse
from integration_monitor.capture.context import suppressed
from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.guard import RAISE_VARIABLE
from integration_monitor.record import NoAnswer
from tests.integration.vendor import (
    PATIENCE_S,
    Http2Vendor,
    Vendor,
    full_backlog,
    make_certificate,
    running_http2_vendor,
    running_vendor,
)
from tests.integration.ways import ENDINGS, Way
from tests.integration.ways_async import AsyncWay
from tests.integration.ways_table import ERRORS, WAYS, captured, only_attempt, rows


@pytest.fixture
def vendor(way: Way) -> Iterator[Vendor | Http2Vendor]:
    with running_http2_vendor() if way.is_http2 else running_vendor() as server:
        yield server


@pytest.fixture(autouse=True)
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Operation]]:
    """What was captured while the test ran."""
    monkeypatch.setenv(RAISE_VARIABLE, "1")
    yield from captured()


def only_failure(operations: list[Operation]) -> NoAnswer:
    no_answer = only_attempt(operations).no_answer
    assert no_answer is not None
    return no_answer


def test_what_a_library_cannot_do_is_told_with_a_reason() -> None:
    told = [(ending, reason) for way in WAYS.values() for ending, reason in way.cannot.items()]

    assert all(ending in ENDINGS and reason for ending, reason in told)
    assert not any("cancelled" in way.cannot for way in WAYS.values() if isinstance(way, AsyncWay))


@rows("success")
def test_success(way: Way, vendor: Vendor, seen: list[Operation]) -> None:
    assert way.call(f"{vendor.url}/ok") == (200, b'{"ok":true}')

    attempt = only_attempt(seen)
    assert (attempt.client, attempt.method, attempt.url) == (way.library, "GET", f"{vendor.url}/ok")
    assert (attempt.status_code, attempt.response_body, attempt.no_answer) == (200, b'{"ok":true}', None)
    assert attempt.request_headers is not None
    assert attempt.response_headers is not None
    assert attempt.ttfb_ms is not None
    assert attempt.duration_ms is not None
    assert attempt.ttfb_ms <= attempt.duration_ms


@rows("success")
def test_a_body_that_is_sent_is_kept(way: Way, vendor: Vendor, seen: list[Operation]) -> None:
    assert way.call(f"{vendor.url}/echo", body=b'{"a":1}') == (200, b'{"a":1}')

    attempt = only_attempt(seen)
    assert (attempt.method, attempt.request_body) == ("POST", b'{"a":1}')


@rows("success")
def test_a_call_that_is_suppressed_is_so_in_all_libraries(way: Way, vendor: Vendor, seen: list[Operation]) -> None:
    with suppressed():
        way.call(f"{vendor.url}/ok")

    assert seen == []


@pytest.mark.parametrize(("path", "status", "body"), [("missing", 404, b"gone"), ("broken", 503, b"sorry")])
@rows("HTTP error")
def test_an_http_error_is_an_answer(  # noqa: PLR0917 -- fixtures and a row of the table
    way: Way, vendor: Vendor, seen: list[Operation], path: str, status: int, body: bytes
) -> None:
    assert way.call(f"{vendor.url}/{path}") == (status, body)

    attempt = only_attempt(seen)
    assert (attempt.status_code, attempt.response_body, attempt.no_answer) == (status, body, None)


@rows("redirect")
def test_a_redirect_is_one_call_with_the_final_answer(way: Way, vendor: Vendor, seen: list[Operation]) -> None:
    assert way.call(f"{vendor.url}/redirect") == (200, b'{"ok":true}')

    attempt = only_attempt(seen)
    assert (attempt.url, attempt.status_code, attempt.response_body) == (f"{vendor.url}/redirect", 200, b'{"ok":true}')


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@rows("compressed body")
def test_a_compressed_body_is_stored_unpacked(way: Way, vendor: Vendor, seen: list[Operation], encoding: str) -> None:
    way.call(f"{vendor.url}/{encoding}")

    attempt = only_attempt(seen)
    assert attempt.response_is_encoded is not way.is_unpacking
    stored = parse(attempt.response_body, encoding=encoding if attempt.response_is_encoded else "")
    assert stored.value == "hello"


@rows("body that cannot be unpacked")
def test_a_body_that_cannot_be_unpacked_is_no_answer(way: Way, vendor: Vendor, seen: list[Operation]) -> None:
    with pytest.raises(ERRORS):
        way.call(f"{vendor.url}/badly_compressed")

    assert (only_failure(seen).code, only_failure(seen).is_unsent) == ("INVALID_RESPONSE", False)
    assert only_attempt(seen).status_code == 200


#: path, what it means (or `code_of_a_cut`), words of its message, the status that was seen
INCOMPLETE: dict[str, tuple[str, str, str, int | None]] = {
    "no answer in time": ("never", "TIMEOUT", "read time-out", None),
    "a body that stops": ("slowly", "TIMEOUT", "read time-out", 200),
    "half a body in chunks": ("halfway", "", "", 200),
    "half a body with its length": ("short", "", "", 200),
    "no HTTP": ("rubbish", "", "", None),
    "a connection closed instead of an answer": ("hangup", "CONNECTION_FAILED", "", None),
}


@pytest.mark.parametrize(("path", "code", "words", "status"), INCOMPLETE.values(), ids=list(INCOMPLETE))
@rows("no complete answer")
def test_a_call_without_a_complete_answer(  # noqa: PLR0917 -- fixtures and a row of the table
    way: Way, vendor: Vendor, seen: list[Operation], path: str, code: str, words: str, status: int | None
) -> None:
    with pytest.raises(ERRORS):
        way.call(f"{vendor.url}/{path}")

    no_answer = only_failure(seen)
    assert (no_answer.code, no_answer.is_unsent) == (code or way.code_of_a_cut, False)
    assert words in no_answer.message
    assert only_attempt(seen).status_code == status


@rows("late body")
def test_a_body_that_comes_late_counts(way: Way, vendor: Vendor, seen: list[Operation], monkeypatch: pytest.MonkeyPatch) -> None:
    # The clock stands still until the headers have been noted; then half a second passes, and the server goes on.
    begun = time.perf_counter()
    now = [begun]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    mark_headers = Attempt.mark_headers

    def mark_and_go_on(attempt: Attempt) -> None:
        mark_headers(attempt)
        now[0] = begun + 0.5
        vendor.control.may_go_on.set()

    monkeypatch.setattr(Attempt, "mark_headers", mark_and_go_on)

    assert way.call(f"{vendor.url}/slowly", timeout_s=PATIENCE_S) == (200, b"firstsecond")

    attempt = only_attempt(seen)
    assert (attempt.ttfb_ms, attempt.duration_ms, seen[0].duration_ms) == (0, 500, 500)


@rows("connect time-out")
def test_a_server_that_takes_no_connection(way: Way, seen: list[Operation]) -> None:
    with full_backlog() as url, pytest.raises(ERRORS):
        way.call(f"{url}/ok")

    no_answer = only_failure(seen)
    assert (no_answer.code, no_answer.is_unsent) == ("TIMEOUT", True)
    assert "connect time-out" in no_answer.message


@rows("pool time-out")
def test_a_pool_without_a_free_connection(way: Way, vendor: Vendor, seen: list[Operation]) -> None:
    with pytest.raises(ERRORS):
        way.wait_for_pool(f"{vendor.url}/slowly", f"{vendor.url}/ok")

    (no_answer,) = [one.no_answer for operation in seen for one in operation.attempts if (one.url or "").endswith("/ok")]
    assert no_answer is not None
    assert (no_answer.code, no_answer.is_unsent) == ("TIMEOUT", True)
    assert way.pool_words in no_answer.message


@rows("refused connection")
def test_a_refused_connection(way: Way, seen: list[Operation]) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets the port, and it refuses
        with pytest.raises(ERRORS):
            way.call(f"http://127.0.0.1:{reserved.getsockname()[1]}/")

    assert (only_failure(seen).code, only_failure(seen).is_unsent) == ("CONNECTION_FAILED", True)


@rows("unknown name")
def test_a_name_that_does_not_exist(way: Way, seen: list[Operation], monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(host: Any, *_: Any, **__: Any) -> Any:
        # What a resolver answers (RFC 2606 keeps the name free); asking a real one may take as long as it likes.
        raise socket.gaierror(socket.EAI_NONAME, f"Name or service not known: {host!r}")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    with pytest.raises(ERRORS):
        way.call("http://vendor.invalid/")

    assert (only_failure(seen).code, only_failure(seen).is_unsent) == ("DNS_FAILURE", True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls_vendor(certificate: Path) -> Iterator[Vendor]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with running_vendor(context) as server:
        yield server


@rows("TLS error")
def test_a_certificate_that_nobody_has_signed(way: Way, tls_vendor: Vendor, seen: list[Operation]) -> None:
    with pytest.raises(ERRORS):
        way.call(f"{tls_vendor.url}/ok", timeout_s=PATIENCE_S)

    assert (only_failure(seen).code, only_failure(seen).is_unsent) == ("TLS_ERROR", True)
    assert only_attempt(seen).url == f"{tls_vendor.url}/ok"


@rows("trusted certificate")
def test_a_certificate_that_is_trusted(way: Way, tls_vendor: Vendor, certificate: Path, seen: list[Operation]) -> None:
    assert way.call(f"{tls_vendor.url}/ok", timeout_s=PATIENCE_S, trusted=str(certificate)) == (200, b'{"ok":true}')

    attempt = only_attempt(seen)
    assert (attempt.url, attempt.status_code, attempt.response_body) == (f"{tls_vendor.url}/ok", 200, b'{"ok":true}')


@rows("TLS error")
def test_a_server_that_does_not_speak_tls(way: Way, seen: list[Operation]) -> None:
    with running_vendor() as server, pytest.raises(ERRORS):
        way.call(f"{server.url.replace('http', 'https')}/ok", timeout_s=PATIENCE_S)

    assert only_failure(seen).code == "TLS_ERROR"


@rows("cancelled")
def test_a_cancelled_task(way: Way, vendor: Vendor, seen: list[Operation]) -> None:
    import asyncio  # noqa: PLC0415 -- its error is all that is needed

    with pytest.raises(asyncio.CancelledError):
        way.cancel(f"{vendor.url}/never", vendor.control.is_asked.is_set)

    assert (only_failure(seen).code, only_failure(seen).is_unsent) == ("CANCELLED", False)


@rows("connection cut between two calls")
def test_a_connection_that_the_server_cuts_between_two_calls(way: Way, vendor: Vendor, seen: list[Operation]) -> None:
    def wait() -> None:
        assert vendor.control.has_cut.wait(PATIENCE_S)

    with pytest.raises(ERRORS) if way.is_helpless_against_cuts else contextlib.nullcontext():
        assert way.twice(f"{vendor.url}/farewell", wait)[0] == 200

    attempts = [attempt for operation in seen for attempt in operation.attempts]
    codes = [(one.status_code, one.no_answer.code if one.no_answer else None) for one in attempts]
    assert codes == [(200, None), *way.after_a_cut]
