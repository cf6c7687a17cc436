"""httplib2 over a server on loopback. What ends a call is in tests/integration/test_capture_endings.py."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httplib2  # type: ignore[import-untyped]
import pytest

from integration_monitor.capture.context import suppressed
from integration_monitor.capture.http_client import HttpClientPatch
from integration_monitor.capture.httplib2 import Httplib2Patch
from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.guard import RAISE_VARIABLE
from tests.unit.answering_vendor import PATIENCE_S, Vendor, make_capture, running_vendor, watched


@pytest.fixture(autouse=True)
def _raise_internal_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RAISE_VARIABLE, "1")


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with running_vendor() as server:
        yield server


@pytest.fixture
def seen() -> Iterator[list[Operation]]:
    """What was captured of httplib2 and http.client while the test ran."""
    with watched(Httplib2Patch, HttpClientPatch) as operations:
        yield operations


@contextlib.contextmanager
def client(folder: str | None = None) -> Iterator[Any]:
    with contextlib.closing(httplib2.Http(folder, timeout=PATIENCE_S)) as made:
        yield made


def only_attempt(operations: list[Operation]) -> Attempt:
    (operation,) = operations
    (attempt,) = operation.attempts
    return attempt


def test_a_call_becomes_an_operation_of_one_attempt(seen: list[Operation], vendor: Vendor) -> None:
    headers = {"X-Trace": "1"}

    with client() as http:
        _response, content = http.request(f"{vendor.url}/v1", "POST", "a=1", headers=headers)
    headers["X-Trace"] = "2"

    assert content == b'{"id":1}'
    attempt = only_attempt(seen)
    assert (attempt.client, attempt.method, attempt.url) == ("httplib2", "POST", f"{vendor.url}/v1")
    assert (attempt.request_body, attempt.request_headers) == ("a=1", {"X-Trace": "1"})
    assert (attempt.status_code, attempt.response_body) == (200, b'{"id":1}')
    assert dict(attempt.response_headers)["Content-Type"] == "application/json"
    assert attempt.ttfb_ms is not None


def test_an_answer_of_the_cache_alone_is_no_call(seen: list[Operation], vendor: Vendor, tmp_path: Path) -> None:
    vendor.answers = [(200, {"Cache-Control": "max-age=1000", "Date": "Sun, 06 Nov 2094 08:49:37 GMT"}, b"kept")]

    with client(str(tmp_path)) as http:
        contents = [http.request(f"{vendor.url}/v1")[1] for _ in range(2)]

    assert contents == [b"kept", b"kept"]
    assert only_attempt(seen).response_body == b"kept"


def test_an_answer_that_is_made_of_an_exception_is_kept_as_the_application_gets_it(
    seen: list[Operation], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_connection: object) -> None:
        raise TimeoutError("slow")

    monkeypatch.setattr(httplib2.HTTPConnectionWithTimeout, "connect", refuse)

    with client() as http:
        http.force_exception_to_status_code = True
        response, _content = http.request("http://vendor.invalid/")

    assert response.status == only_attempt(seen).status_code == 408


def test_an_exception_reaches_the_application_as_the_same_object(seen: list[Operation], monkeypatch: pytest.MonkeyPatch) -> None:
    error = TimeoutError("slow")

    def refuse(_connection: object) -> None:
        raise error

    monkeypatch.setattr(httplib2.HTTPConnectionWithTimeout, "connect", refuse)

    with client() as http, pytest.raises(TimeoutError) as raised:
        http.request("http://vendor.invalid/", "POST", b"body")

    assert raised.value is error
    attempt = only_attempt(seen)
    assert attempt.request_body == b"body"
    assert attempt.no_answer is not None
    assert (attempt.no_answer.code, attempt.no_answer.is_unsent) == ("TIMEOUT", True)


def test_suppressed_calls_are_not_recorded(seen: list[Operation], vendor: Vendor) -> None:
    with suppressed(), client() as http:
        http.request(vendor.url)

    assert seen == []


def test_unpatching_restores_httplib2() -> None:
    original = httplib2.Http.request
    patch = Httplib2Patch(make_capture(lambda _operation: None))

    patch.patch(httplib2)
    patch.patch(httplib2)
    assert httplib2.Http.request is not original
    patch.unpatch()

    assert httplib2.Http.request is original


def test_a_defect_of_ours_does_not_reach_the_application(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(RAISE_VARIABLE)
    for name in ("keep_request", "keep_answer", "end"):
        monkeypatch.setattr(f"integration_monitor.capture.call.Call.{name}", lambda *_: 1 / 0)

    with watched(Httplib2Patch, HttpClientPatch), client() as http:
        assert http.request(vendor.url)[1] == b'{"id":1}'
