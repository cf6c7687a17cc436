"""What capture hands on: an operation with its attempts, as cheap references.

Everything here runs on the application's thread: it notes what there is and parses nothing. `recorder` makes an `IntegrationLog`
of it on the worker's thread. Wall clock times are seconds since the epoch; durations are milliseconds of the monotonic clock.
"""

import contextlib
import contextvars
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from integration_monitor.capture.failure import describe
from integration_monitor.capture.payload import copy_anything
from integration_monitor.record import Json, NoAnswer

#: The operation whose block the running code is in: HTTP attempts made here belong to it.
current_operation: contextvars.ContextVar["Operation | None"] = contextvars.ContextVar(
    "integration_monitor_operation", default=None
)

# An operation that retries for hours must not grow without bound. The recorder lists fewer; the last one decides.
ATTEMPTS_KEPT_MAX = 100

# What an attempt weighs beside its bodies, with twenty headers of the answer: 2.5 KB of requests, 4.9 KB of httpx (tracemalloc).
ATTEMPT_OVERHEAD_BYTES = 5_120


class Attempt:
    """One request of an operation: over HTTP, or told by the application itself with `request`, `response` and `fail`."""

    __slots__ = (
        "client",
        "duration_ms",
        "failure",
        "method",
        "no_answer",
        "payload_bytes",
        "request_body",
        "request_body_bytes",
        "request_form",
        "request_headers",
        "request_payload",
        "response_body",
        "response_body_bytes",
        "response_headers",
        "response_is_encoded",
        "response_payload",
        "started_at",
        "started_monotonic",
        "status_code",
        "ttfb_ms",
        "url",
    )

    def __init__(self, *, client: str | None = None, method: str | None = None, url: str | None = None) -> None:
        #: the HTTP library, such as `httpx`; None for an attempt that the application tells
        self.client = client
        self.method = method
        self.url = url
        #: a mapping, or pairs, of text or bytes, in any case
        self.request_headers: object = None
        #: bytes or text as sent, at most the first part of a large body; None where it was not seen
        self.request_body: bytes | str | None = None
        #: size of the whole body, where request_body is only its beginning or None
        self.request_body_bytes: int | None = None
        #: the fields of a form that the library encodes only while it sends it, where request_body is None
        self.request_form: list[tuple[str, Json]] | None = None
        self.status_code: int | None = None
        self.response_headers: object = None
        self.response_body: bytes | str | None = None
        self.response_body_bytes: int | None = None
        #: whether response_body is still as the Content-Encoding header says; streams are, whole answers are not
        self.response_is_encoded = False
        self.no_answer: NoAnswer | None = None
        #: what the application gave with `request` and `response`
        self.request_payload: Json = None
        self.response_payload: Json = None
        #: what these two weigh, and request_form
        self.payload_bytes = 0
        #: (error_code, error_message) that the application gave with `fail`
        self.failure: tuple[str, str] | None = None
        self.started_at = time.time()
        self.started_monotonic = time.perf_counter()
        self.ttfb_ms: int | None = None
        #: None while the attempt is running
        self.duration_ms: int | None = None

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

    def mark_headers(self) -> None:
        """The answer's headers have arrived."""
        self.ttfb_ms = self.elapsed_ms()

    def mark_end(self, duration_ms: int | None = None) -> None:
        """The last byte has arrived, now or after `duration_ms`, or nothing more will. Only the first call counts."""
        if self.duration_ms is None:
            self.duration_ms = self.elapsed_ms() if duration_ms is None else duration_ms

    def again(self) -> "Attempt":
        """The same request, sent now."""
        attempt = Attempt(client=self.client, method=self.method, url=self.url)
        attempt.request_headers = self.request_headers
        attempt.request_body = self.request_body
        attempt.request_body_bytes = self.request_body_bytes
        attempt.request_form = self.request_form
        return attempt

    def ms_since(self, monotonic: float) -> int:
        """What had passed since then when it began."""
        return round((self.started_monotonic - monotonic) * 1000) if self.started_monotonic > monotonic else 0

    def elapsed_ms(self) -> int:
        return round((time.perf_counter() - self.started_monotonic) * 1000)

    def size_bytes(self) -> int:
        """What it weighs in memory, near enough."""
        return ATTEMPT_OVERHEAD_BYTES + len(self.request_body or b"") + len(self.response_body or b"") + self.payload_bytes


class Operation:
    """One thing the application wanted from a service, and the attempts it took. A context manager: attempts made inside belong to it.

    take:
        Receives the operation when it has ended and none of its attempts is running any more; must not raise and must not block.
    """

    __slots__ = (
        "_takers",
        "_token",
        "action",
        "attempts",
        "attempts_count",
        "duration_ms",
        "entity",
        "error",
        "failure",
        "payload_bytes",
        "request_payload",
        "response_payload",
        "service_name",
        "started_at",
        "started_monotonic",
    )

    def __init__(
        self,
        take: "Callable[[Operation], None]",
        *,
        service_name: str | None = None,
        action: str | None = None,
        entity: tuple[str, object] | None = None,
    ) -> None:
        # Emptied when the operation is handed on: `pop` is atomic, and attempts may end on other threads.
        self._takers = [take]
        self._token: contextvars.Token[Operation | None] | None = None
        #: None for an HTTP call outside an operation: the service description says it
        self.service_name = service_name
        self.action = action
        #: (type, id as the application knows it)
        self.entity = entity
        self.attempts: list[Attempt] = []
        self.attempts_count = 0
        self.request_payload: Json = None
        self.response_payload: Json = None
        #: what these two weigh
        self.payload_bytes = 0
        #: (error_code, error_message) that the application gave with `fail`
        self.failure: tuple[str, str] | None = None
        #: the exception that left the block, as class and text
        self.error: NoAnswer | None = None
        self.started_at = time.time()
        self.started_monotonic = time.perf_counter()
        #: None while the operation is running
        self.duration_ms: int | None = None

    def __enter__(self) -> Self:
        self._token = current_operation.set(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._token is not None:
            with contextlib.suppress(ValueError):  # a generator's block may end in another context than it began
                current_operation.reset(self._token)
            self._token = None
        if error is not None:
            self.error = describe(error)
        self.end()

    def end(self, duration_ms: int | None = None) -> None:
        """Closes the operation, now or as it was after `duration_ms`. Only the first call counts."""
        if self.duration_ms is None:
            elapsed_ms = round((time.perf_counter() - self.started_monotonic) * 1000)
            self.duration_ms = elapsed_ms if duration_ms is None else duration_ms
            self.hand_on()

    def hand_on(self) -> None:
        """Hands the operation on, once, unless it or an attempt is running.

        A task that was started in the block, or a stream that is read behind it, may go on when the block has ended: what became
        of the operation is known only then, and it took that long.
        """
        if self.duration_ms is None or any(attempt.duration_ms is None for attempt in self.attempts):
            return
        ends_ms = (attempt.ms_since(self.started_monotonic) + (attempt.duration_ms or 0) for attempt in self.attempts)
        self.duration_ms = max(self.duration_ms, *ends_ms, 0)
        with contextlib.suppress(IndexError):
            self._takers.pop()(self)

    def add(self, attempt: Attempt) -> None:
        """Adds an attempt as it begins; beyond the bound it replaces the last one, since the last one decides."""
        self.attempts_count += 1
        if len(self.attempts) < ATTEMPTS_KEPT_MAX:
            self.attempts.append(attempt)
        else:
            self.attempts[-1] = attempt

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
