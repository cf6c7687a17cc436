"""What capture hands on: an operation with its attempts, as cheap references.

Everything here runs on the application's thread: it notes what there is and parses nothing. `recorder` makes an `IntegrationLog`
of it on the worker's thread. Wall clock times are seconds since the epoch; durations are milliseconds of the monotonic clock.
"""

import contextlib
import contextvars
import functools
import inspect
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, cast

from integration_monitor.capture.context import current_entity, current_trace_id, is_suppressed
from integration_monitor.capture.failure import describe
from integration_monitor.capture.payload import copy_anything
from integration_monitor.record import Json, NoAnswer

#: The operation whose block the running code is in: HTTP attempts made here belong to it.
current_operation: contextvars.ContextVar["Operation | None"] = contextvars.ContextVar(
    "integration_monitor_operation", default=None
)

# Of 64 bits; `int` raises for numbers of some thousand digits, which a vendor may send.
_COUNT_DIGITS_MAX = 19

_P = ParamSpec("_P")
_R = TypeVar("_R")

# An operation that retries for hours must not grow without bound. The recorder lists fewer; the last one decides.
ATTEMPTS_KEPT_MAX = 100

# What an attempt weighs beside its bodies, with twenty headers of the answer: 2.5 KB of requests, 4.9 KB of httpx (tracemalloc).
ATTEMPT_OVERHEAD_BYTES = 5_120


def monotonic() -> float:
    """Seconds of the clock by which attempts are timed."""
    return time.perf_counter()


class Attempt:
    """One request of an operation: over HTTP, or told by the application itself with `request`, `response` and `fail`.

    Fields that few attempts have are defaults of the class: a call of the application pays for each one that is set.
    """

    #: bytes or text as sent, at most the first part of a large body; None where it was not seen
    request_body: bytes | str | None = None
    #: the fields of a form that the library encodes only while it sends it, where request_body is None
    request_form: list[tuple[str, Json]] | None = None
    #: whether request_body is as the Content-Encoding header says; aiohttp packs only what it sends
    request_is_encoded = True
    status_code: int | None = None
    response_body: bytes | str | None = None
    #: size of the whole body, where response_body is only its beginning or None
    response_body_bytes: int | None = None
    #: whether response_body is still as the Content-Encoding header says; streams are, whole answers are not
    response_is_encoded = False
    #: False where whoever reports the call sees no bodies
    is_answer_seen = True
    no_answer: NoAnswer | None = None
    #: what the application gave with `request` and `response`
    request_payload: Json = None
    response_payload: Json = None
    #: what these two weigh, and request_form
    payload_bytes = 0
    #: (error_code, error_message) that the application gave with `fail`
    failure: tuple[str, str] | None = None
    #: when the answer's headers came, of the monotonic clock
    headers_monotonic: float | None = None
    # Of the same clock.
    _ended_monotonic: float | None = None
    _request_headers: object = None
    _request_body_bytes: int | None = None
    _response_headers: object = None

    def __init__(self, *, client: str | None = None, method: str | None = None, url: object = None) -> None:
        #: the HTTP library, such as `httpx`; None for an attempt that the application tells
        self.client = client
        self.method = method
        # Text, or the library's own object, which becomes text when it is asked for, on another thread.
        self._url = url
        self.started_at = time.time()
        self.started_monotonic = time.perf_counter()

    @property
    def url(self) -> str | None:
        """None for an attempt that the application tells."""
        if self._url is not None and not isinstance(self._url, str):
            self._url = str(self._url)
        return self._url

    @url.setter
    def url(self, url: object) -> None:
        self._url = url

    @property
    def request_headers(self) -> Any:
        """A mapping, or pairs, of text or bytes, in any case; None where they were not seen."""
        return _pairs(self._request_headers)

    @request_headers.setter
    def request_headers(self, headers: object) -> None:
        self._request_headers = headers

    @property
    def response_headers(self) -> Any:
        """As `request_headers`."""
        return _pairs(self._response_headers)

    @response_headers.setter
    def response_headers(self, headers: object) -> None:
        self._response_headers = headers

    @property
    def request_body_bytes(self) -> int | None:
        """Size of the whole body, where request_body is only its beginning or None."""
        if self._request_body_bytes is None and self.request_body is None:
            return content_length(self.request_headers)
        return self._request_body_bytes

    @request_body_bytes.setter
    def request_body_bytes(self, size: int | None) -> None:
        self._request_body_bytes = size

    def request(self, payload: Json) -> None:
        """Keeps a copy of what was sent."""
        self.request_payload, size = copy_anything(payload)
        self.payload_bytes += size

    def response(self, payload: Json) -> None:
        """Keeps a copy of what came back."""
        self.response_payload, size = copy_anything(payload)
        self.payload_bytes += size

    def fail(self, code: str, message: str) -> None:
        """Marks the attempt as failed: the vendor's code and words."""
        self.failure = (_as_text(code), _as_text(message))

    @property
    def ttfb_ms(self) -> int | None:
        """From its beginning to the headers of the answer; None where none came."""
        return None if self.headers_monotonic is None else round((self.headers_monotonic - self.started_monotonic) * 1000)

    @ttfb_ms.setter
    def ttfb_ms(self, milliseconds: int) -> None:
        self.headers_monotonic = self.started_monotonic + milliseconds / 1000

    @property
    def duration_ms(self) -> int | None:
        """From its beginning to the last byte of the answer; None while it is running."""
        return None if self._ended_monotonic is None else round((self._ended_monotonic - self.started_monotonic) * 1000)

    @duration_ms.setter
    def duration_ms(self, milliseconds: int) -> None:
        self._ended_monotonic = self.started_monotonic + milliseconds / 1000

    def mark_headers(self) -> None:
        """The answer's headers have arrived."""
        self.headers_monotonic = time.perf_counter()

    def mark_end(self, ended_monotonic: float | None = None) -> None:
        """The last byte has arrived, now or at that time of the monotonic clock, or nothing more will. Only the first call counts."""
        if self._ended_monotonic is None:
            self._ended_monotonic = time.perf_counter() if ended_monotonic is None else ended_monotonic

    def forget_answer(self) -> None:
        """The answer that came is not the one to the request: the library goes on."""
        self.status_code = self._response_headers = self.headers_monotonic = None

    def again(self) -> "Attempt":
        """The same request, sent now."""
        attempt = Attempt(client=self.client, method=self.method, url=self._url)
        attempt._request_headers = self._request_headers
        attempt.request_body = self.request_body
        attempt._request_body_bytes = self._request_body_bytes
        attempt.request_form = self.request_form
        attempt.request_is_encoded = self.request_is_encoded
        return attempt

    @property
    def is_running(self) -> bool:
        return self._ended_monotonic is None

    def ms_since(self, monotonic: float) -> int:
        """What had passed since then when it ended, or since then until now."""
        ended = self._ended_monotonic
        return round(((time.perf_counter() if ended is None else ended) - monotonic) * 1000)

    def size_bytes(self) -> int:
        """What it weighs in memory, near enough."""
        return ATTEMPT_OVERHEAD_BYTES + len(self.request_body or b"") + len(self.response_body or b"") + self.payload_bytes


class Operation:
    """One thing the application wanted from a service, and the attempts it took.

    A context manager, also an asynchronous one, and a decorator: attempts made inside belong to it.

    take:
        Receives the operation when it has ended and none of its attempts is running any more; must not raise and must not block.
    begun:
        Receives it as its block begins; the same holds.
    """

    #: of its record, once there is one; the recorder sets it
    id: uuid.UUID | None = None
    #: None for an HTTP call outside an operation: the service description says it
    service_name: str | None = None
    action: str | None = None
    request_payload: Json = None
    response_payload: Json = None
    #: what these two weigh
    payload_bytes = 0
    #: (error_code, error_message) that the application gave with `fail`
    failure: tuple[str, str] | None = None
    #: the exception that left the block, as class and text
    error: NoAnswer | None = None
    #: None while the operation is running
    duration_ms: int | None = None
    _token: "contextvars.Token[Operation | None] | None" = None
    _begun: "Callable[[Operation], None] | None" = None

    def __init__(
        self,
        take: "Callable[[Operation], None]",
        *,
        begun: "Callable[[Operation], None] | None" = None,
        service_name: str | None = None,
        action: str | None = None,
        entity: tuple[str, object] | None = None,
    ) -> None:
        # Emptied when the operation is handed on: `pop` is atomic, and attempts may end on other threads.
        self._takers = [take]
        self._again = (take, begun, entity)
        if begun is not None:
            self._begun = begun
        self.service_name = service_name
        self.action = action
        #: (type, id as the application knows it)
        self.entity = entity or current_entity.get()
        #: of OpenTelemetry, where it is in use
        self.trace_id = current_trace_id()
        self.attempts: list[Attempt] = []
        self.attempts_count = 0
        self.started_at = time.time()
        self.started_monotonic = time.perf_counter()

    @classmethod
    def of_attempt(cls, attempt: Attempt, *, entity: tuple[str, object] | None, trace_id: int | None) -> Self:
        """A call that was made outside of any operation, as one. It has been handed on already."""
        operation = cls.__new__(cls)
        operation._takers = []  # noqa: SLF001 -- of this class
        operation.entity, operation.trace_id = entity, trace_id
        operation.attempts, operation.attempts_count = [attempt], 1
        operation.started_at, operation.started_monotonic = attempt.started_at, attempt.started_monotonic
        return operation

    def __enter__(self) -> Self:
        before = current_operation.get()
        try:
            self._token = current_operation.set(self)
            if is_suppressed():
                self._takers.clear()
            elif self._begun is not None:
                self._begun(self)
        except BaseException as error:
            # A signal handler's: the block does not begin, so nothing else would end it, and later calls would be taken for its own.
            self._token = None
            current_operation.set(before)
            self.error = describe(error)
            self.end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._token is not None:
            with contextlib.suppress(ValueError):  # a generator's block may end in another context than it began
                current_operation.reset(self._token)
            self._token = None
        if error is not None:
            self.error = describe(error)
        self.end()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: Callable[_P, _R]) -> Callable[_P, _R]:
        """As a decorator: each call of the function, or of the coroutine function, is such an operation.

        Errors:
            TypeError: it is a generator function, whose block would end before it has done anything.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"operation() cannot decorate the generator function {function.__name__}: use a `with` block inside it"
            )
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def run_async(*args: _P.args, **kwargs: _P.kwargs) -> Any:
                with self._another():
                    return await function(*args, **kwargs)

            return cast("Callable[_P, _R]", run_async)

        @functools.wraps(function)
        def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            with self._another():
                return function(*args, **kwargs)

        return run

    def _another(self) -> "Operation":
        take, begun, entity = self._again
        return Operation(take, begun=begun, service_name=self.service_name, action=self.action, entity=entity)

    def end(self) -> None:
        """Closes the operation. Only the first call counts."""
        if self.duration_ms is None:
            self.duration_ms = round((time.perf_counter() - self.started_monotonic) * 1000)
            self.hand_on()

    def hand_on(self) -> None:
        """Hands the operation on, once, unless it or an attempt is running.

        A task that was started in the block, or a stream that is read behind it, may go on when the block has ended: what became
        of the operation is known only then, and it took that long.
        """
        if self.duration_ms is None:
            return
        if any(attempt.is_running for attempt in self.attempts):
            return
        self.duration_ms = max(self.duration_ms, *(attempt.ms_since(self.started_monotonic) for attempt in self.attempts), 0)
        try:
            take = self._takers.pop()
        except IndexError:
            return
        take(self)

    def abandon(self) -> None:
        """Never hands it on: it is another process's, from which this one was forked. Calls that are made in its block are none of its own."""
        self._takers.clear()
        self.end()

    def add(self, attempt: Attempt) -> None:
        """Adds an attempt as it begins; beyond the bound it replaces the last one, since the last one decides."""
        self.attempts_count += 1
        if len(self.attempts) < ATTEMPTS_KEPT_MAX:
            self.attempts.append(attempt)
        else:
            self.attempts[-1] = attempt

    def remove(self, attempt: Attempt) -> None:
        """An attempt was none."""
        with contextlib.suppress(ValueError):
            self.attempts.remove(attempt)
            self.attempts_count -= 1

    @contextlib.contextmanager
    def attempt(self) -> Iterator[Attempt]:
        """One attempt of a call that is not HTTP. An exception marks it as failed and goes on."""
        attempt = Attempt()
        self.add(attempt)
        try:
            yield attempt
        except BaseException as error:
            attempt.no_answer = describe(error)
            raise
        finally:
            attempt.mark_end()

    def request(self, payload: Json) -> None:
        """Keeps a copy of what was sent, where the call is not HTTP."""
        self.request_payload, size = copy_anything(payload)
        self.payload_bytes += size

    def response(self, payload: Json) -> None:
        """Keeps a copy of what came back, where the call is not HTTP."""
        self.response_payload, size = copy_anything(payload)
        self.payload_bytes += size

    def fail(self, code: str, message: str) -> None:
        """Marks the operation as failed, whatever its attempts say: the vendor's code and words."""
        self.failure = (_as_text(code), _as_text(message))

    def size_bytes(self) -> int:
        """What it weighs in memory, near enough, for the queue's bound."""
        return self.payload_bytes + sum(attempt.size_bytes() for attempt in self.attempts)


def _as_text(value: object) -> str:
    """A code or message the application gave, whatever its type: vendors' codes are often numbers."""
    text, _size = copy_anything(value)
    return text if isinstance(text, str) else str(text)


def content_length(headers: Any) -> int | None:
    """What the headers (a mapping, or pairs, of text or bytes) say about the body's size."""
    for name, value in headers.items() if isinstance(headers, Mapping) else headers or ():
        if (name.decode("latin-1") if isinstance(name, bytes) else str(name)).lower() == "content-length":
            return as_count(value.decode("latin-1") if isinstance(value, bytes) else str(value))
    return None


def as_count(header: str | None) -> int | None:
    return int(header) if header is not None and header.isdecimal() and len(header) <= _COUNT_DIGITS_MAX else None


def _pairs(headers: Any) -> Any:
    """The pairs as they were sent, which httpx keeps under `raw`: its mapping joins and decodes them."""
    return getattr(headers, "raw", headers)
