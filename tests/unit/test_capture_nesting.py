"""Calls that code of the application makes while another call is under way: hooks, handlers, adapters, generators that give a body.

They are calls of their own; what a library does itself for a call (redirects, retries, authentication) is part of it.
"""

import http.client
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.auth import HTTPDigestAuth

from integration_monitor.capture.http_client import HttpClientPatch
from integration_monitor.capture.operation import Operation
from integration_monitor.capture.requests import RequestsPatch
from integration_monitor.capture.urllib3 import Urllib3Patch
from integration_monitor.capture.urllib_request import UrllibRequestPatch
from integration_monitor.guard import RAISE_VARIABLE
from tests.unit.answering_vendor import PATIENCE_S, Vendor, running_vendor, watched

#: fetches a token from this address
Fetch = Callable[[str], Any]


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with running_vendor() as server:
        yield server


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Operation]]:
    """What was captured while the test ran, by all modules that send through each other."""
    monkeypatch.setenv(RAISE_VARIABLE, "1")
    with watched(RequestsPatch, Urllib3Patch, HttpClientPatch, UrllibRequestPatch) as operations:
        yield operations


def told(operations: list[Operation]) -> list[tuple[str | None, str, int | None]]:
    """(library, last part of the path, status) of the records, in the order of their ends."""
    attempts = [attempt for operation in operations for attempt in operation.attempts]
    return [(one.client, (one.url or "").rpartition("/")[2], one.status_code) for one in attempts]


def fetch_by_http_client(address: str) -> None:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=PATIENCE_S)
    connection.request("GET", "/token")
    connection.getresponse().read()
    connection.close()


FETCHES: dict[str, Fetch] = {
    "requests": lambda address: requests.get(f"{address}/token", timeout=PATIENCE_S),
    "urllib3": lambda address: urllib3.request("GET", f"{address}/token", timeout=PATIENCE_S),
    "urllib.request": lambda address: urllib.request.urlopen(f"{address}/token", timeout=PATIENCE_S).read(),
    "http.client": fetch_by_http_client,
}
fetches = pytest.mark.parametrize(("library", "fetch"), FETCHES.items(), ids=list(FETCHES))


@fetches
def test_a_token_that_a_hook_of_requests_fetches_is_a_call(
    seen: list[Operation], vendor: Vendor, library: str, fetch: Fetch
) -> None:
    def refresh(response: requests.Response, **options: Any) -> requests.Response:
        fetch(vendor.url)
        response.request.headers["Authorization"] = "Bearer FAKE"
        return response.connection.send(response.request, **options)

    vendor.answers = [(401, {}, b"")]
    with requests.Session() as session:
        response = session.get(f"{vendor.url}/v1", hooks={"response": refresh}, timeout=PATIENCE_S)

    assert response.status_code == 200
    assert told(seen) == [(library, "token", 200), ("requests", "v1", 200)]
    assert len(vendor.bodies) == 3


def test_a_token_that_a_hook_fetches_through_the_same_session_is_a_call(seen: list[Operation], vendor: Vendor) -> None:
    def refresh(response: requests.Response, **_options: Any) -> requests.Response:
        session.post(f"{vendor.url}/token", timeout=PATIENCE_S, allow_redirects=False)
        response.request.hooks["response"].remove(refresh)
        return session.send(response.request)

    vendor.answers = [(401, {}, b"")]
    with requests.Session() as session:
        response = session.get(f"{vendor.url}/v1", hooks={"response": refresh}, timeout=PATIENCE_S)

    assert response.status_code == 200
    # The same request, sent again, is part of its call.
    assert told(seen) == [("requests", "token", 200), ("requests", "v1", 200)]


@fetches
def test_a_token_that_an_adapter_fetches_is_a_call(seen: list[Operation], vendor: Vendor, library: str, fetch: Fetch) -> None:
    class SigningAdapter(HTTPAdapter):
        def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
            fetch(vendor.url)
            return super().send(request, *args, **options)

    vendor.answers = [(200, {}, b"token"), (302, {"Location": "/v2"}, b"")]
    with requests.Session() as session:
        session.mount("http://", SigningAdapter())
        session.get(f"{vendor.url}/v1", timeout=PATIENCE_S)

    assert told(seen) == [(library, "token", 200), (library, "token", 200), ("requests", "v1", 200)]


def send_by_requests(url: str, pieces: Iterator[bytes]) -> None:
    requests.post(url, data=pieces, timeout=PATIENCE_S)


def send_by_urllib3(url: str, pieces: Iterator[bytes]) -> None:
    with urllib3.PoolManager(timeout=PATIENCE_S) as manager:
        manager.request("POST", url, body=pieces)


def send_by_urllib_request(url: str, pieces: Iterator[bytes]) -> None:
    urllib.request.urlopen(url, pieces, timeout=PATIENCE_S).read()


def send_by_http_client(url: str, pieces: Iterator[bytes]) -> None:
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=PATIENCE_S)
    connection.request("POST", f"/{path}", pieces)
    connection.getresponse().read()
    connection.close()


SENDERS = {
    "requests": send_by_requests,
    "urllib3": send_by_urllib3,
    "urllib.request": send_by_urllib_request,
    "http.client": send_by_http_client,
}


@fetches
@pytest.mark.parametrize(("outer", "send"), SENDERS.items(), ids=list(SENDERS))
def test_a_call_that_a_generator_makes_while_it_gives_a_body_is_a_call(  # noqa: PLR0917 -- fixtures and a row of the table
    seen: list[Operation], vendor: Vendor, outer: str, send: Callable[[str, Iterator[bytes]], None], library: str, fetch: Fetch
) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"one"
        fetch(vendor.url)
        yield b"two"

    send(f"{vendor.url}/v1", pieces())

    assert told(seen) == [(library, "token", 200), (outer, "v1", 200)]
    assert seen[1].attempts[0].request_body == b"onetwo"
    assert sorted(vendor.bodies) == [b"", b"onetwo"]


def test_a_call_of_a_generator_of_the_same_pool_is_a_call(seen: list[Operation], vendor: Vendor) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"one"
        pool.request("GET", "/token")

    with urllib3.connection_from_url(vendor.url, maxsize=2, timeout=PATIENCE_S) as pool:
        pool.request("POST", "/v1", body=pieces())

    assert told(seen) == [("urllib3", "token", 200), ("urllib3", "v1", 200)]


class TokenHandler(urllib.request.BaseHandler):
    """Answers 401 with a token that it fetches by itself."""

    def __init__(self, vendor: Vendor, fetch: Callable[[urllib.request.OpenerDirector], Any]) -> None:
        self.vendor, self.fetch = vendor, fetch

    def http_error_401(self, request: urllib.request.Request, *_: Any) -> Any:
        self.fetch(self.parent)
        request.add_header("Authorization", "Bearer FAKE")
        return self.parent.open(request, timeout=PATIENCE_S)


@fetches
def test_a_token_that_a_handler_of_urllib_request_fetches_is_a_call(
    seen: list[Operation], vendor: Vendor, library: str, fetch: Fetch
) -> None:
    opener = urllib.request.build_opener(TokenHandler(vendor, lambda _opener: fetch(vendor.url)))
    vendor.answers = [(401, {}, b""), (200, {}, b"token"), (302, {"Location": "/v2"}, b"")]

    opener.open(f"{vendor.url}/v1", timeout=PATIENCE_S).read()

    assert told(seen) == [(library, "token", 200), ("urllib.request", "v1", 200)]


def test_a_token_that_a_handler_fetches_through_its_own_opener_is_a_call(seen: list[Operation], vendor: Vendor) -> None:
    def fetch(opener: urllib.request.OpenerDirector) -> None:
        opener.open(f"{vendor.url}/token", timeout=PATIENCE_S).read()

    opener = urllib.request.build_opener(TokenHandler(vendor, fetch))
    vendor.answers = [(401, {}, b"")]

    opener.open(f"{vendor.url}/v1", timeout=PATIENCE_S).read()

    assert told(seen) == [("urllib.request", "token", 200), ("urllib.request", "v1", 200)]


DIGEST = 'Digest realm="vendor", nonce="FAKE", qop="auth", algorithm=MD5'


def test_what_a_library_sends_again_by_itself_is_part_of_its_call(seen: list[Operation], vendor: Vendor) -> None:
    vendor.answers = [(401, {"WWW-Authenticate": DIGEST}, b""), (302, {"Location": "/v2"}, b""), (200, {}, b"done")]
    auth = HTTPDigestAuth("user", "FAKE")
    requests.get(f"{vendor.url}/v1", auth=auth, timeout=PATIENCE_S)

    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, vendor.url, "user", "FAKE")
    opener = urllib.request.build_opener(urllib.request.HTTPDigestAuthHandler(passwords))
    vendor.answers = [(302, {"Location": "/v2"}, b""), (401, {"WWW-Authenticate": DIGEST}, b""), (200, {}, b"done")]
    opener.open(f"{vendor.url}/v1", timeout=PATIENCE_S).read()

    assert told(seen) == [("requests", "v1", 200), ("urllib.request", "v1", 200)]
    assert [one.attempts[0].response_body for one in seen] == [b"done", b"done"]
    assert len(vendor.bodies) == 6


def test_retries_of_a_body_in_pieces_are_attempts(seen: list[Operation], vendor: Vendor) -> None:
    class Pieces:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"one", b"two"])

    vendor.answers = [None, (503, {}, b"busy")]

    with urllib3.PoolManager(timeout=PATIENCE_S) as manager:
        manager.request(
            "POST",
            f"{vendor.url}/v1",
            body=Pieces(),
            retries=urllib3.Retry(3, status_forcelist=[503], backoff_factor=0, allowed_methods=None),
        )

    (operation,) = seen
    assert [one.status_code for one in operation.attempts] == [None, 503, 200]
    assert [one.request_body for one in operation.attempts] == [b"onetwo"] * 3


def test_an_adapter_that_sends_through_another_library_by_itself_makes_one_record(seen: list[Operation], vendor: Vendor) -> None:
    class PlainAdapter(BaseAdapter):
        def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:  # type: ignore[override]
            connection = http.client.HTTPConnection(vendor.url.removeprefix("http://"), timeout=PATIENCE_S)
            connection.request("GET", request.path_url)
            answer = connection.getresponse()
            response = requests.Response()
            response.status_code, response.raw, response._content = answer.status, answer, answer.read()
            connection.close()
            return response

        def close(self) -> None:
            pass

    with requests.Session() as session:
        session.mount("http://", PlainAdapter())
        session.get(f"{vendor.url}/v1#part")

    assert told(seen) == [("requests", "v1#part", 200)]


def test_a_call_whose_whole_body_breaks_keeps_its_status(seen: list[Operation], vendor: Vendor) -> None:
    # Less comes than the headers say.
    short = {"Content-Length": "100", "Transfer-Encoding": "identity", "Connection": "close"}
    vendor.answers = [(200, short, b"half"), (200, short, b"half")]

    with pytest.raises(requests.RequestException):
        requests.get(f"{vendor.url}/v1", timeout=PATIENCE_S)
    with pytest.raises(urllib3.exceptions.HTTPError):
        urllib3.request("GET", f"{vendor.url}/v1", retries=False, timeout=PATIENCE_S)

    assert told(seen) == [("requests", "v1", 200), ("urllib3", "v1", 200)]
    assert [one.attempts[0].no_answer.code for one in seen if one.attempts[0].no_answer] == ["INVALID_RESPONSE"] * 2
    assert dict(seen[0].attempts[0].response_headers)["Content-Length"] == "100"


def test_the_answer_of_a_redirect_is_not_taken_for_the_final_one(seen: list[Operation], vendor: Vendor) -> None:
    vendor.answers = [(302, {"Location": "/v2"}, b""), None]

    with pytest.raises(requests.ConnectionError):
        requests.get(f"{vendor.url}/v1", timeout=PATIENCE_S)

    assert told(seen) == [("requests", "v1", None)]
    assert seen[0].attempts[0].ttfb_ms is None
