"""httpx over transports in memory; over sockets in tests/integration/test_capture_endings.py."""

import asyncio
import gc
import gzip
import itertools
import types
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from integration_monitor.capture import operation as operation_module
from integration_monitor.capture.call import WHOLE_BODY_BYTES_MAX, Capture, operation_of
from integration_monitor.capture.context import suppressed
from integration_monitor.capture.httpx import HttpxPatch
from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.guard import RAISE_VARIABLE, Guard

URL = "https://api.example.com/v1/leads"
KEPT_BYTES = 100

Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def _raise_internal_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RAISE_VARIABLE, "1")


@pytest.fixture
def seen() -> Iterator[list[Operation]]:
    """What was captured of httpx while the test ran."""
    operations: list[Operation] = []
    patch = make_patch(operations.append)
    patch.patch(httpx)
    yield operations
    patch.unpatch()


def make_patch(take: Callable[[Operation], None]) -> HttpxPatch:
    return HttpxPatch(Capture(take=lambda taken: take(operation_of(taken)), body_bytes_max=KEPT_BYTES, guard=Guard()))


def answer_ok(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"id": 1})


def call(is_async: bool, handler: Handler = answer_ok, **options: Any) -> httpx.Response:
    """One request, by whichever of the two clients."""
    method, url = options.pop("method", "GET"), options.pop("url", URL)

    async def call_async() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as client:
            return await client.request(method, url, **options)

    if is_async:
        return asyncio.run(call_async())
    with httpx.Client(transport=httpx.MockTransport(handler)) as client:
        return client.request(method, url, **options)


def only_attempt(operations: list[Operation]) -> Attempt:
    (operation,) = operations
    (attempt,) = operation.attempts
    return attempt


class Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in pieces; an exception among them is raised."""

    def __init__(self, *pieces: bytes | BaseException) -> None:
        self.pieces = pieces
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, BaseException):
                raise piece
            yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece

    def close(self) -> None:
        self.is_closed = True

    async def aclose(self) -> None:
        self.is_closed = True


def streaming(*pieces: bytes | BaseException, **options: Any) -> Handler:
    return lambda _request: httpx.Response(200, stream=Pieces(*pieces), **options)


both = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])


@both
def test_a_call_becomes_an_operation_of_one_attempt(seen: list[Operation], is_async: bool) -> None:
    response = call(is_async, method="POST", json={"name": "Anna"}, headers={"X-Trace": "1"})

    assert response.json() == {"id": 1}
    assert seen[0].service_name is None
    attempt = only_attempt(seen)
    assert (attempt.client, attempt.method, attempt.url) == ("httpx", "POST", URL)
    assert attempt.request_body == b'{"name":"Anna"}'
    assert (attempt.status_code, attempt.response_body) == (200, b'{"id":1}')
    assert attempt.request_body_bytes is attempt.response_body_bytes is None
    assert isinstance(attempt.request_headers, list)
    assert (b"X-Trace", b"1") in attempt.request_headers
    assert isinstance(attempt.response_headers, list)
    assert (b"Content-Type", b"application/json") in attempt.response_headers
    assert attempt.no_answer is None
    assert attempt.duration_ms == seen[0].duration_ms
    assert attempt.ttfb_ms is not None


@both
def test_headers_set_by_authentication_are_seen(seen: list[Operation], is_async: bool) -> None:
    call(is_async, auth=("user", "password"))

    headers = only_attempt(seen).request_headers
    assert isinstance(headers, list)
    assert b"Authorization" in dict(headers)


@both
def test_a_redirect_is_part_of_its_call(seen: list[Operation], is_async: bool) -> None:
    def redirect(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/leads":
            return httpx.Response(302, headers={"Location": "/v2/leads"})
        return httpx.Response(404, text="gone")

    response = call(is_async, redirect, follow_redirects=True)

    assert len(response.history) == 1
    attempt = only_attempt(seen)
    assert (attempt.url, attempt.status_code, attempt.response_body) == (URL, 404, b"gone")


@both
def test_durations_run_to_the_last_byte(seen: list[Operation], monkeypatch: pytest.MonkeyPatch, is_async: bool) -> None:
    clock = itertools.count()  # in the middle of the body half a second passes
    monotonic = [0.0]
    fake_time = types.SimpleNamespace(time=lambda: float(next(clock)), perf_counter=lambda: monotonic[0])
    monkeypatch.setattr(operation_module, "time", fake_time)

    class LateBody(Pieces):
        def __iter__(self) -> Iterator[bytes]:
            monotonic[0] += 0.5
            yield b"late"

    call(is_async, lambda _request: httpx.Response(200, stream=LateBody()))

    attempt = only_attempt(seen)
    assert (attempt.ttfb_ms, attempt.duration_ms) == (0, 500)
    assert seen[0].duration_ms == 500


@both
def test_an_exception_reaches_the_application_as_the_same_object(seen: list[Operation], is_async: bool) -> None:
    error = httpx.ReadTimeout("slow")

    def fail(_request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(httpx.ReadTimeout) as raised:
        call(is_async, fail)

    assert raised.value is error
    attempt = only_attempt(seen)
    assert attempt.status_code is None
    assert attempt.no_answer is not None
    assert attempt.no_answer.code == "TIMEOUT"


@both
def test_an_exception_within_the_body_keeps_the_status(seen: list[Operation], is_async: bool) -> None:
    error = httpx.ReadError("cut")
    body = Pieces(b"half", error)

    with pytest.raises(httpx.ReadError) as raised:
        call(is_async, lambda _request: httpx.Response(200, stream=body))

    assert raised.value is error
    assert body.is_closed
    attempt = only_attempt(seen)
    assert attempt.status_code == 200
    assert attempt.no_answer is not None
    assert attempt.no_answer.code == "CONNECTION_FAILED"


def test_a_cancelled_task_is_recorded_and_stays_cancelled(seen: list[Operation]) -> None:
    async def wait_for_ever(_request: httpx.Request) -> httpx.Response:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def main() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(wait_for_ever)) as client:
            task = asyncio.create_task(client.get(URL))
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    started = asyncio.Event()
    asyncio.run(main())

    attempt = only_attempt(seen)
    assert attempt.no_answer is not None
    assert attempt.no_answer.code == "CANCELLED"


def test_a_streamed_answer_is_recorded_when_it_was_read(seen: list[Operation]) -> None:
    with (
        httpx.Client(transport=httpx.MockTransport(streaming(b"a" * 60, b"b" * 60, b"c"))) as client,
        client.stream("GET", URL) as response,
    ):
        assert seen == []
        pieces = list(response.iter_raw())
        assert pieces == [b"a" * 60, b"b" * 60, b"c"]

        attempt = only_attempt(seen)

    assert attempt.response_body == b"a" * 60 + b"b" * 40
    assert attempt.response_body_bytes == 121
    assert len(seen) == 1


def test_a_streamed_async_answer_is_recorded_when_it_was_read(seen: list[Operation]) -> None:
    async def main() -> list[str]:
        async with (
            httpx.AsyncClient(transport=httpx.MockTransport(streaming(b"data: 1\n", b"data: 2\n"))) as client,
            client.stream("GET", URL) as response,
        ):
            assert seen == []
            return [line async for line in response.aiter_lines()]

    lines = asyncio.run(main())

    assert lines == ["data: 1", "data: 2"]
    assert only_attempt(seen).response_body == b"data: 1\ndata: 2\n"


def test_a_streamed_answer_that_is_read_behind_its_operation_belongs_to_it(seen: list[Operation]) -> None:
    with httpx.Client(transport=httpx.MockTransport(streaming(b"{}"))) as client:
        with Operation(seen.append, action="sync_lead"):
            response = client.send(client.build_request("GET", URL), stream=True)
        assert seen == []
        response.read()

    assert [operation.action for operation in seen] == ["sync_lead"]
    assert only_attempt(seen).response_body == b"{}"


def test_a_streamed_answer_that_is_closed_early_keeps_what_was_read(seen: list[Operation]) -> None:
    body = Pieces(b"half", b"never read")
    handler = lambda _request: httpx.Response(200, stream=body, headers={"Content-Length": "14"})  # noqa: E731

    with httpx.Client(transport=httpx.MockTransport(handler)) as client, client.stream("GET", URL) as response:
        assert next(response.iter_raw()) == b"half"

    assert body.is_closed
    attempt = only_attempt(seen)
    assert (attempt.response_body, attempt.response_body_bytes, attempt.no_answer) == (b"half", 14, None)


def test_a_streamed_answer_that_breaks_raises_the_same_object(seen: list[Operation]) -> None:
    error = httpx.ReadTimeout("slow")
    with (
        httpx.Client(transport=httpx.MockTransport(streaming(b"half", error))) as client,
        client.stream("GET", URL) as response,
        pytest.raises(httpx.ReadTimeout) as raised,
    ):
        response.read()

    assert raised.value is error
    attempt = only_attempt(seen)
    assert attempt.response_body == b"half"
    assert attempt.no_answer is not None
    assert attempt.no_answer.code == "TIMEOUT"


def test_a_streamed_answer_that_is_dropped_is_recorded_all_the_same(seen: list[Operation]) -> None:
    with httpx.Client(transport=httpx.MockTransport(streaming(b"never read"))) as client:
        response = client.send(client.build_request("GET", URL), stream=True)
        assert seen == []

        del response
        gc.collect()

    assert only_attempt(seen).response_body == b""


def test_a_compressed_stream_is_kept_as_it_came(seen: list[Operation]) -> None:
    packed = gzip.compress(b"hello")
    handler = streaming(packed, headers={"Content-Encoding": "gzip"})
    with httpx.Client(transport=httpx.MockTransport(handler)) as client, client.stream("GET", URL) as response:
        assert response.read() == b"hello"

    attempt = only_attempt(seen)
    assert (attempt.response_body, attempt.response_is_encoded) == (packed, True)


@both
def test_a_compressed_answer_is_kept_unpacked(seen: list[Operation], is_async: bool) -> None:
    call(is_async, streaming(gzip.compress(b"hello"), headers={"Content-Encoding": "gzip"}))

    attempt = only_attempt(seen)
    assert (attempt.response_body, attempt.response_is_encoded) == (b"hello", False)


def test_of_a_huge_body_the_beginning_is_kept(seen: list[Operation]) -> None:
    size = WHOLE_BODY_BYTES_MAX + 1

    call(False, lambda _request: httpx.Response(200, content=b"x" * size), method="POST", content=b"y" * size)

    attempt = only_attempt(seen)
    assert (attempt.request_body, attempt.request_body_bytes) == (b"y" * KEPT_BYTES, size)
    assert (attempt.response_body, attempt.response_body_bytes) == (b"x" * KEPT_BYTES, size)


def read_request(request: httpx.Request) -> httpx.Response:
    """Reads the request's stream, as a transport does."""
    assert isinstance(request.stream, httpx.SyncByteStream)
    return httpx.Response(200, content=b"".join(request.stream))


async def read_request_async(request: httpx.Request) -> httpx.Response:
    assert isinstance(request.stream, httpx.AsyncByteStream)
    return httpx.Response(200, content=b"".join([piece async for piece in request.stream]))


class Transport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Leaves the request's stream to the handler; MockTransport would read it first."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return read_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await read_request_async(request)


def send_streamed(is_async: bool, **content: Any) -> tuple[httpx.Request, httpx.Response]:
    """The request as it is after the call, and the answer, which repeats its body."""

    async def send_async() -> tuple[httpx.Request, httpx.Response]:
        async with httpx.AsyncClient(transport=Transport()) as client:
            request = client.build_request("POST", URL, **content)
            return request, await client.send(request)

    if is_async:
        return asyncio.run(send_async())
    with httpx.Client(transport=Transport()) as client:
        request = client.build_request("POST", URL, **content)
        return request, client.send(request)


async def pieces_async(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@both
def test_a_generator_as_request_body_is_noted_as_it_is_sent(seen: list[Operation], is_async: bool) -> None:
    content: Any = pieces_async(b"a", b"b") if is_async else iter([b"a", b"b"])

    _request, response = send_streamed(is_async, content=content)

    assert response.content == b"ab"
    assert only_attempt(seen).request_body == b"ab"
    assert only_attempt(seen).request_body_bytes is None


@both
def test_of_a_long_generated_body_only_the_beginning_is_kept(seen: list[Operation], is_async: bool) -> None:
    pieces = [b"x" * (KEPT_BYTES - 1), b"yz", b"z" * 1000]
    content: Any = pieces_async(*pieces) if is_async else iter(pieces)

    _request, response = send_streamed(is_async, content=content)

    assert len(response.content) == KEPT_BYTES + 1001
    assert only_attempt(seen).request_body == b"x" * (KEPT_BYTES - 1) + b"y"
    assert only_attempt(seen).request_body_bytes == KEPT_BYTES + 1001


@both
def test_a_multipart_body_is_noted_and_the_request_has_its_stream_again(seen: list[Operation], is_async: bool) -> None:
    before = httpx.Request("POST", URL, files={"file": ("a.txt", b"hello")}).stream

    request, response = send_streamed(is_async, files={"file": ("a.txt", b"hello")})

    assert type(request.stream) is type(before)
    attempt = only_attempt(seen)
    assert isinstance(attempt.request_body, bytes)
    assert response.content.startswith(attempt.request_body)
    assert attempt.request_body_bytes == len(response.content)


@both
def test_a_request_of_the_wrong_kind_is_refused_as_ever(seen: list[Operation], is_async: bool) -> None:
    content: Any = iter([b"a"]) if is_async else pieces_async(b"a")

    async def send_async() -> None:
        async with httpx.AsyncClient() as client:
            await client.post(URL, content=content)

    def send() -> None:
        asyncio.run(send_async()) if is_async else httpx.Client().post(URL, content=content)

    with pytest.raises(RuntimeError, match="Attempted to send an"):
        send()
    assert only_attempt(seen).no_answer is not None


@both
def test_a_websocket_is_left_alone(seen: list[Operation], is_async: bool) -> None:
    switched = streaming(b"frames", headers={"Upgrade": "websocket"})

    def switch(request: httpx.Request) -> httpx.Response:
        response = switched(request)
        response.status_code = 101
        return response

    async def connect_async() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(switch)) as client, client.stream("GET", URL) as response:
            assert [piece async for piece in response.aiter_raw()] == [b"frames"]

    if is_async:
        asyncio.run(connect_async())
    else:
        with httpx.Client(transport=httpx.MockTransport(switch)) as client, client.stream("GET", URL) as response:
            assert list(response.iter_raw()) == [b"frames"]

    gc.collect()
    assert seen == []


@both
def test_calls_inside_an_operation_are_its_attempts(seen: list[Operation], is_async: bool) -> None:
    answers = iter([httpx.Response(503), httpx.Response(200)])

    with Operation(seen.append, service_name="amocrm", action="sync_lead", entity=("lead", 5)):
        call(is_async, lambda _request: next(answers))
        call(is_async, lambda _request: next(answers))
        assert seen == []

    (operation,) = seen
    assert [attempt.status_code for attempt in operation.attempts] == [503, 200]


@both
def test_our_own_traffic_is_not_recorded(seen: list[Operation], is_async: bool) -> None:
    with suppressed():
        call(is_async)
    assert seen == []

    call(is_async)
    assert len(seen) == 1


@both
def test_a_response_hook_that_reads_a_streamed_answer_ends_the_call(seen: list[Operation], is_async: bool) -> None:
    def read(response: httpx.Response) -> None:
        response.read()

    async def read_async(response: httpx.Response) -> None:
        await response.aread()

    async def main() -> None:
        transport = httpx.MockTransport(streaming(b"body"))
        async with (
            httpx.AsyncClient(transport=transport, event_hooks={"response": [read_async]}) as client,
            client.stream("GET", URL),
        ):
            assert only_attempt(seen).response_body == b"body"

    if is_async:
        asyncio.run(main())
        return
    transport = httpx.MockTransport(streaming(b"body"))
    with (
        httpx.Client(transport=transport, event_hooks={"response": [read]}) as client,
        client.stream("GET", URL),
    ):
        assert only_attempt(seen).response_body == b"body"


@both
def test_a_defect_of_ours_does_not_reach_the_application(monkeypatch: pytest.MonkeyPatch, is_async: bool) -> None:
    monkeypatch.delenv(RAISE_VARIABLE)

    def take(_operation: Operation) -> None:
        raise RuntimeError("ours")

    patch = make_patch(take)
    patch.patch(httpx)
    try:
        response = call(is_async)
        streamed = call(is_async, streaming(b"body"))
    finally:
        patch.unpatch()

    assert response.json() == {"id": 1}
    assert streamed.content == b"body"


@both
def test_wrong_arguments_raise_what_httpx_raises(seen: list[Operation], is_async: bool) -> None:
    request = httpx.Request("GET", URL)

    def send() -> None:
        if is_async:
            asyncio.run(httpx.AsyncClient().send(request, nonsense=1))  # type: ignore[call-arg]
        else:
            httpx.Client().send(request, nonsense=1)  # type: ignore[call-arg]

    with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"):
        send()


def test_unpatching_leaves_httpx_as_it_was() -> None:
    before = (httpx.Client.send, httpx.AsyncClient.send)
    patch = make_patch(lambda _operation: None)

    patch.patch(httpx)
    assert httpx.Client.send is not before[0]
    patch.unpatch()

    assert (httpx.Client.send, httpx.AsyncClient.send) == before


def test_patching_twice_records_once() -> None:
    operations: list[Operation] = []
    patch = make_patch(operations.append)
    patch.patch(httpx)
    patch.patch(httpx)
    try:
        call(False)
    finally:
        patch.unpatch()

    assert len(operations) == 1


def test_a_patch_that_others_have_patched_over_passes_calls_on(monkeypatch: pytest.MonkeyPatch) -> None:
    operations: list[Operation] = []
    original = httpx.Client.send
    patch = make_patch(operations.append)
    patch.patch(httpx)
    ours = httpx.Client.send

    def theirs(client: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        return ours(client, request, **options)

    monkeypatch.setattr(httpx.Client, "send", theirs)
    patch.unpatch()
    response = call(False)

    assert response.status_code == 200
    assert operations == []
    assert httpx.Client.__dict__["send"] is theirs
    monkeypatch.setattr(httpx.Client, "send", original)
