"""Transports and adapters of the application's own, which send through another library: one call, and one record.

So does httpx-aiohttp, which SDKs over httpx offer for speed. What a transport calls besides is a call of its own.
"""

import asyncio
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import aiohttp
import httplib2  # type: ignore[import-untyped]
import httpx
import pytest
import requests
import urllib3
import yarl
from requests.adapters import BaseAdapter

from integration_monitor.capture.aiohttp import AiohttpPatch
from integration_monitor.capture.http_client import HttpClientPatch
from integration_monitor.capture.httplib2 import Httplib2Patch
from integration_monitor.capture.httpx import HttpxPatch
from integration_monitor.capture.nesting import Carrier, carrier, carrier_above
from integration_monitor.capture.operation import Operation
from integration_monitor.capture.requests import RequestsPatch
from integration_monitor.capture.urllib3 import Urllib3Patch
from integration_monitor.capture.urllib_request import UrllibRequestPatch
from integration_monitor.guard import RAISE_VARIABLE
from tests.unit.answering_vendor import PATIENCE_S, Vendor, running_vendor, watched

#: sends a POST of these bytes and gives the body of the answer
Send = Callable[[str, bytes], bytes]


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with running_vendor() as server:
        yield server


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Operation]]:
    """What was captured while the test ran, by all modules."""
    monkeypatch.setenv(RAISE_VARIABLE, "1")
    kinds = (HttpxPatch, AiohttpPatch, RequestsPatch, Urllib3Patch, HttpClientPatch, UrllibRequestPatch, Httplib2Patch)
    with watched(*kinds) as operations:
        yield operations


def told(operations: list[Operation]) -> list[tuple[str | None, str, int | None, object]]:
    """(library, last part of the path, status, body of the answer) of the records, in the order of their ends."""
    attempts = [attempt for operation in operations for attempt in operation.attempts]
    return [(one.client, (one.url or "").rpartition("/")[2], one.status_code, one.response_body) for one in attempts]


def send_by_urllib(url: str, body: bytes) -> bytes:
    with urllib.request.urlopen(url, body, timeout=PATIENCE_S) as answer:
        data: bytes = answer.read()
    return data


def send_by_httplib2(url: str, body: bytes) -> bytes:
    http = httplib2.Http(timeout=PATIENCE_S)
    try:
        _response, data = http.request(url, "POST", body=body)
    finally:
        http.close()
    return bytes(data)


SENDS: dict[str, Send] = {
    "requests": lambda url, body: requests.post(url, body, timeout=PATIENCE_S).content,
    "urllib3": lambda url, body: urllib3.request("POST", url, body=body, timeout=PATIENCE_S).data,
    "urllib.request": send_by_urllib,
    "httplib2": send_by_httplib2,
}
sends = pytest.mark.parametrize("send", SENDS.values(), ids=list(SENDS))


class OtherTransport(httpx.BaseTransport):
    """Sends a request of httpx's in another way."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=self._send(str(request.url), request.read()))


class AiohttpTransport(httpx.AsyncBaseTransport):
    """As httpx-aiohttp's."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = yarl.URL(str(request.url), encoded=True)
        async with self._session.request(request.method, url, data=await request.aread()) as answer:
            return httpx.Response(answer.status, content=await answer.read())


@sends
def test_a_transport_of_httpx_that_sends_through_another_library_is_one_call(
    seen: list[Operation], vendor: Vendor, send: Send
) -> None:
    with httpx.Client(transport=OtherTransport(send)) as client:
        client.post(f"{vendor.url}/v1", content=b"{}")

    assert told(seen) == [("httpx", "v1", 200, b'{"id":1}')]
    assert seen[0].attempts[0].request_body == b"{}"
    assert len(vendor.bodies) == 1


def test_a_transport_of_httpx_that_sends_through_aiohttp_is_one_call(seen: list[Operation], vendor: Vendor) -> None:
    async def main() -> None:
        async with aiohttp.ClientSession() as session, httpx.AsyncClient(transport=AiohttpTransport(session)) as client:
            await client.post(f"{vendor.url}/v1", content=b"{}")
            async with session.get(f"{vendor.url}/v1") as answer:
                await answer.read()

    asyncio.run(main())

    # The second one is the application's own, for the same URL.
    assert told(seen) == [("httpx", "v1", 200, b'{"id":1}'), ("aiohttp", "v1", 200, b'{"id":1}')]


def test_a_body_that_is_given_in_pieces_is_noted_once(seen: list[Operation], vendor: Vendor) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"first "
        yield b"second"

    async def main() -> None:
        async with aiohttp.ClientSession() as session, httpx.AsyncClient(transport=AiohttpTransport(session)) as client:
            await client.post(f"{vendor.url}/v1", content=pieces())

    asyncio.run(main())

    assert [one.attempts[0].request_body for one in seen] == [b"first second"]
    assert vendor.bodies == [b"first second"]


def test_an_adapter_of_requests_that_sends_through_httpx_is_one_call(seen: list[Operation], vendor: Vendor) -> None:
    class HttpxAdapter(BaseAdapter):
        def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:  # type: ignore[override]
            answer = httpx.post(str(request.url), content=request.body)
            response = requests.Response()
            response.status_code, response._content = answer.status_code, answer.content
            return response

        def close(self) -> None:
            pass

    with requests.Session() as session:
        session.mount("http://", HttpxAdapter())
        session.post(f"{vendor.url}/v1", b"{}", timeout=PATIENCE_S)

    assert told(seen) == [("requests", "v1", 200, b'{"id":1}')]


@sends
def test_what_an_application_calls_that_httpx_calls_in_its_own_process_is_a_call(
    seen: list[Operation], vendor: Vendor, send: Send
) -> None:
    """As a web framework's test client does."""

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(201, content=send(f"{vendor.url}/message", b"{}"))

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        client.post("http://testserver/orders")

    assert [(path, status) for _library, path, status, _body in told(seen)] == [("message", 200), ("orders", 201)]


def test_a_task_that_a_call_has_started_makes_calls_of_its_own(seen: list[Operation], vendor: Vendor) -> None:
    async def main() -> None:
        async with aiohttp.ClientSession() as session:
            may_go_on = asyncio.Event()

            async def call_later() -> None:
                await may_go_on.wait()
                async with session.get(f"{vendor.url}/v1") as answer:
                    await answer.read()

            tasks: list[asyncio.Task[None]] = []

            async def start(_request: httpx.Request) -> None:
                tasks.append(asyncio.create_task(call_later()))

            async with httpx.AsyncClient(event_hooks={"request": [start]}) as client:
                await client.get(f"{vendor.url}/v1")
            may_go_on.set()
            await tasks[0]

    asyncio.run(main())

    assert [(library, path) for library, path, _status, _body in told(seen)] == [("httpx", "v1"), ("aiohttp", "v1")]


def test_a_signal_handler_that_raises_as_a_call_begins_hides_no_later_call(
    seen: list[Operation], vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Carrier.begin

    def interrupted(self: Carrier) -> None:
        begin(self)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Carrier, "begin", interrupted)
        with pytest.raises(KeyboardInterrupt):
            urllib3.request("GET", f"{vendor.url}/v1", timeout=PATIENCE_S)
    urllib3.request("GET", f"{vendor.url}/v2", timeout=PATIENCE_S)

    assert [(path, status) for _library, path, status, _body in told(seen)] == [("v1", None), ("v2", 200)]
    assert carrier.get() is None


def test_a_signal_handler_that_raises_as_a_call_ends_hides_no_later_call(
    seen: list[Operation], vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_self: Carrier) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Carrier, "end", interrupted)
        with pytest.raises(KeyboardInterrupt):
            urllib.request.urlopen(f"{vendor.url}/v1", timeout=PATIENCE_S)
    assert carrier_above() is None
    send_by_urllib(f"{vendor.url}/v2", b"{}")

    assert ("urllib.request", "v2", 200, b'{"id":1}') in told(seen)
