"""requests over an adapter in memory; over sockets in tests/integration/test_capture_endings.py."""

import gc
import gzip
import io
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter

from integration_monitor.capture import operation as operation_module
from integration_monitor.capture.call import WHOLE_BODY_BYTES_MAX, Capture, operation_of
from integration_monitor.capture.context import suppressed
from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.capture.requests import RequestsPatch
from integration_monitor.guard import RAISE_VARIABLE, Guard

URL = "https://api.example.com/v1/leads"
KEPT_BYTES = 100


@pytest.fixture(autouse=True)
def _raise_internal_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RAISE_VARIABLE, "1")


@pytest.fixture
def seen() -> Iterator[list[Operation]]:
    """What was captured of requests while the test ran."""
    operations: list[Operation] = []
    patch = make_patch(operations.append)
    patch.patch(requests)
    yield operations
    patch.unpatch()


def make_patch(take: Callable[[Operation], None]) -> RequestsPatch:
    return RequestsPatch(Capture(take=lambda taken: take(operation_of(taken)), body_bytes_max=KEPT_BYTES, guard=Guard()))


class Answer:
    """What the adapter answers: urllib3's own response over bytes in memory."""

    def __init__(
        self, body: bytes | io.BufferedIOBase = b"", *, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self.body = io.BytesIO(body) if isinstance(body, bytes) else body
        self.status = status
        self.headers = headers or {}

    def build(self) -> urllib3.HTTPResponse:
        return urllib3.HTTPResponse(
            self.body, headers=self.headers, status=self.status, preload_content=False, decode_content=False
        )


class MemoryAdapter(BaseAdapter):
    """Answers each request with the next answer, or raises it."""

    def __init__(self, *answers: Answer | BaseException) -> None:
        super().__init__()
        self.answers = iter(answers)
        self.options: list[dict[str, Any]] = []

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        self.options.append(options)
        answer = next(self.answers)
        if isinstance(answer, BaseException):
            raise answer
        return HTTPAdapter().build_response(request, answer.build())

    def close(self) -> None:
        pass


def session(*answers: Answer | BaseException) -> requests.Session:
    made = requests.Session()
    made.mount("https://", MemoryAdapter(*answers))
    return made


def only_attempt(operations: list[Operation]) -> Attempt:
    (operation,) = operations
    (attempt,) = operation.attempts
    return attempt


def test_a_call_becomes_an_operation_of_one_attempt(seen: list[Operation]) -> None:
    response = session(Answer(b'{"id":1}', headers={"Content-Type": "application/json"})).post(
        URL, json={"name": "Anna"}, headers={"X-Trace": "1"}
    )

    assert response.json() == {"id": 1}
    attempt = only_attempt(seen)
    assert (attempt.client, attempt.method, attempt.url) == ("requests", "POST", URL)
    assert attempt.request_body == b'{"name": "Anna"}'
    assert (attempt.status_code, attempt.response_body) == (200, b'{"id":1}')
    assert attempt.request_headers["X-Trace"] == "1"
    assert attempt.response_headers["Content-Type"] == "application/json"
    assert attempt.no_answer is None
    assert attempt.duration_ms == seen[0].duration_ms
    assert attempt.ttfb_ms is not None


def test_a_redirect_is_part_of_its_call(seen: list[Operation]) -> None:
    response = session(Answer(status=302, headers={"Location": "/v2/leads"}), Answer(b"gone", status=404)).get(URL)

    assert len(response.history) == 1
    attempt = only_attempt(seen)
    assert (attempt.url, attempt.status_code, attempt.response_body) == (URL, 404, b"gone")


def test_calls_after_a_redirect_are_recorded_again(seen: list[Operation]) -> None:
    client = session(Answer(status=302, headers={"Location": "/v2/leads"}), Answer(), Answer())

    client.get(URL)
    client.get(URL)

    assert len(seen) == 2


def test_another_sessions_call_inside_a_call_is_a_call(seen: list[Operation]) -> None:
    tokens = session(Answer(b"token"))

    def refresh(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = tokens.get("https://auth.example.com/token").text
        return request

    session(Answer()).get(URL, auth=refresh)

    assert [operation.attempts[0].url for operation in seen] == ["https://auth.example.com/token", URL]


def test_an_exception_reaches_the_application_as_the_same_object(seen: list[Operation]) -> None:
    error = requests.ConnectTimeout("slow")

    with pytest.raises(requests.ConnectTimeout) as raised:
        session(error).get(URL)

    assert raised.value is error
    attempt = only_attempt(seen)
    assert attempt.no_answer is not None
    assert (attempt.no_answer.code, attempt.no_answer.is_unsent) == ("TIMEOUT", True)


class LateBody(io.BytesIO):
    """A body during which half a second passes."""

    def __init__(self, clock: list[float]) -> None:
        super().__init__(b"late")
        self.clock = clock

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(size)
        self.clock[0] += 0.5 if piece else 0
        return piece


@pytest.mark.parametrize("is_stream", [False, True])
def test_durations_run_to_the_last_byte(seen: list[Operation], monkeypatch: pytest.MonkeyPatch, is_stream: bool) -> None:
    clock = [0.0]
    monkeypatch.setattr(operation_module, "time", types.SimpleNamespace(time=lambda: 0.0, perf_counter=lambda: clock[0]))

    response = session(Answer(LateBody(clock))).get(URL, stream=is_stream)
    content = response.content

    assert content == b"late"
    assert only_attempt(seen).duration_ms == seen[0].duration_ms == 500


def test_a_streamed_answer_closed_late_counts_to_what_came_last(seen: list[Operation], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(operation_module, "time", types.SimpleNamespace(time=lambda: 0.0, perf_counter=lambda: clock[0]))

    response = session(Answer(b"x" * 20)).get(URL, stream=True)
    clock[0] += 0.25
    response.raw.read(10)
    clock[0] += 100
    response.close()

    assert only_attempt(seen).duration_ms == seen[0].duration_ms == 250


READERS: dict[str, Callable[[requests.Response], bytes]] = {
    "content": lambda response: response.content,
    "text": lambda response: response.text.encode(),
    "iter_content": lambda response: b"".join(response.iter_content(7)),
    "iter_lines": lambda response: b"\n".join(response.iter_lines()) + b"\n",
    "iteration": b"".join,
    "raw.read": lambda response: response.raw.read(),
    "raw.read in parts": lambda response: b"".join(iter(lambda: response.raw.read(7), b"")),
    "raw.read1": lambda response: b"".join(iter(lambda: response.raw.read1(7), b"")),
    "raw.stream": lambda response: b"".join(response.raw.stream(7)),
    "raw.data": lambda response: response.raw.data,
    "raw in a BufferedReader": lambda response: io.BufferedReader(response.raw).read(),
    "raw as lines": lambda response: b"".join(response.raw),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_streamed_answer_is_recorded_when_it_was_read(
    seen: list[Operation], read: Callable[[requests.Response], bytes]
) -> None:
    body = b"one\ntwo\nthree\n" * 20

    response = session(Answer(body)).get(URL, stream=True)
    assert seen == []
    content = read(response)

    assert content == body
    attempt = only_attempt(seen)
    assert (attempt.response_body, attempt.response_body_bytes) == (body[:KEPT_BYTES], len(body))
    assert attempt.no_answer is None
    response.close()
    assert len(seen) == 1


def test_a_streamed_answer_keeps_its_object_and_type(seen: list[Operation]) -> None:
    answer = Answer(b"body")
    built = answer.build()
    answer.build = lambda: built  # type: ignore[method-assign]

    response = session(answer).get(URL, stream=True)

    assert response.raw is built
    assert isinstance(response.raw, urllib3.HTTPResponse)
    assert type(response.raw).__name__ == "HTTPResponse"
    response.close()


def test_an_answer_that_a_hook_has_read_piece_by_piece_is_recorded_without_its_body(seen: list[Operation]) -> None:
    pieces: list[bytes] = []

    def save(response: requests.Response, **_options: Any) -> None:
        pieces.extend(response.iter_content(2))

    session(Answer(b"hello")).get(URL, stream=True, hooks={"response": save})

    assert b"".join(pieces) == b"hello"
    assert only_attempt(seen).status_code == 200
    assert only_attempt(seen).response_body is None


def test_a_streamed_answer_that_is_closed_early_keeps_what_was_read(seen: list[Operation]) -> None:
    with session(Answer(b"half" + b"x" * 10, headers={"Content-Length": "14"})).get(URL, stream=True) as response:
        assert response.raw.read(4) == b"half"
        assert seen == []

    attempt = only_attempt(seen)
    assert (attempt.response_body, attempt.response_body_bytes, attempt.no_answer) == (b"half", 14, None)


def test_a_streamed_answer_that_is_dropped_is_recorded_and_freed(seen: list[Operation]) -> None:
    response = session(Answer(b"never read")).get(URL, stream=True)
    gc.disable()
    try:
        del response
        assert only_attempt(seen).response_body == b""
    finally:
        gc.enable()


class BrokenBody(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        raise TimeoutError("timed out")


def test_a_streamed_answer_that_breaks_is_recorded(seen: list[Operation]) -> None:
    response = session(Answer(BrokenBody())).get(URL, stream=True)

    with pytest.raises(requests.ConnectionError):
        response.content  # noqa: B018 -- reading it is the point

    attempt = only_attempt(seen)
    assert attempt.no_answer is not None
    assert attempt.no_answer.code == "TIMEOUT"
    assert "read time-out" in attempt.no_answer.message


def test_a_compressed_stream_is_kept_as_the_application_read_it(seen: list[Operation]) -> None:
    packed = gzip.compress(b"hello")
    answers = [Answer(packed, headers={"Content-Encoding": "gzip"}) for _ in range(2)]

    client = session(*answers)
    assert client.get(URL, stream=True).content == b"hello"
    assert client.get(URL, stream=True).raw.read() == packed

    kept = [(one.attempts[0].response_body, one.attempts[0].response_is_encoded) for one in seen]
    assert kept == [(b"hello", False), (packed, True)]


def test_a_raw_object_of_an_adapters_own_is_left_alone(seen: list[Operation]) -> None:
    class FileAdapter(MemoryAdapter):
        def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
            response = super().send(request, **options)
            response.raw = io.BytesIO(b"of a file")
            return response

    client = requests.Session()
    client.mount("https://", FileAdapter(Answer()))
    response = client.get(URL, stream=True)

    assert response.content == b"of a file"
    attempt = only_attempt(seen)
    assert (attempt.status_code, attempt.response_body) == (200, None)


def test_a_form_is_kept_as_text(seen: list[Operation]) -> None:
    session(Answer()).post(URL, data={"chat_id": "5"})

    assert only_attempt(seen).request_body == "chat_id=5"


def test_a_generator_as_request_body_is_left_to_the_adapter(seen: list[Operation]) -> None:
    body = iter([b"a", b"b"])

    session(Answer()).post(URL, data=body)

    assert only_attempt(seen).request_body is None
    assert list(body) == [b"a", b"b"]


def test_of_a_huge_body_the_beginning_is_kept(seen: list[Operation]) -> None:
    size = WHOLE_BODY_BYTES_MAX + 1

    session(Answer(b"x" * size)).post(URL, data=b"y" * size)

    attempt = only_attempt(seen)
    assert (attempt.request_body, attempt.request_body_bytes) == (b"y" * KEPT_BYTES, size)
    assert (attempt.response_body, attempt.response_body_bytes) == (b"x" * KEPT_BYTES, size)


def test_the_adapter_is_asked_as_without_us(seen: list[Operation]) -> None:
    client = session(Answer(), Answer())
    client.get(URL)
    client.get(URL, stream=True).close()

    adapter = client.get_adapter(URL)
    assert isinstance(adapter, MemoryAdapter)
    assert [options["stream"] for options in adapter.options] == [False, True]


def test_calls_inside_an_operation_are_its_attempts(seen: list[Operation]) -> None:
    client = session(Answer(status=503), Answer())

    with Operation(seen.append, service_name="mobizon", action="send_sms"):
        client.get(URL)
        client.get(URL)
        assert seen == []

    (operation,) = seen
    assert [attempt.status_code for attempt in operation.attempts] == [503, 200]


def test_our_own_traffic_is_not_recorded(seen: list[Operation]) -> None:
    client = session(Answer(status=302, headers={"Location": "/v2/leads"}), Answer())

    with suppressed():
        client.get(URL)

    assert seen == []


def test_a_defect_of_ours_does_not_reach_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(RAISE_VARIABLE)

    def take(_operation: Operation) -> None:
        raise RuntimeError("ours")

    patch = make_patch(take)
    patch.patch(requests)
    try:
        response = session(Answer(b"body")).get(URL)
        streamed = session(Answer(b"body")).get(URL, stream=True).content
    finally:
        patch.unpatch()

    assert response.content == streamed == b"body"


def test_unpatching_leaves_requests_as_it_was() -> None:
    before = requests.Session.send
    patch = make_patch(lambda _operation: None)

    patch.patch(requests)
    patch.patch(requests)
    assert requests.Session.send is not before
    patch.unpatch()

    assert requests.Session.send is before
