"""One HTTP call while it runs, whichever library makes it: from its request to the last byte of its answer.

The client modules are thin shells around these classes. No method here raises: the guard sees to it.
"""

import dataclasses
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator

from integration_monitor.capture.context import is_suppressed
from integration_monitor.capture.failure import describe
from integration_monitor.capture.operation import Attempt, Operation, current_operation
from integration_monitor.guard import Guard
from integration_monitor.record import Json

# Up to here a whole body is kept by reference, so that its JSON can be understood before it is shortened; vendors' answers are far smaller.
WHOLE_BODY_BYTES_MAX = 1024 * 1024

# Of 64 bits; `int` raises for numbers of some thousand digits, which a vendor may send.
_COUNT_DIGITS_MAX = 19


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Capture:
    """What a client module needs of us."""

    #: receives each operation when it has ended; must not raise and must not block
    take: Callable[[Operation], None]
    #: how much is kept of a streamed body, and of one beyond WHOLE_BODY_BYTES_MAX
    body_bytes_max: int
    guard: Guard

    def begin(self, client: str, method: str | None, url: str | None) -> "Call | None":
        """The call that begins now; None where it is not to be recorded."""
        return None if is_suppressed() else Call(self, Attempt(client=client, method=method, url=url))

    def keep(self, body: object) -> tuple[bytes | str | None, int | None]:
        """What is kept of a body that is there as a whole, and its size where that is only the beginning."""
        if isinstance(body, bytearray | memoryview):
            body = bytes(body)  # the application may change it
        if not isinstance(body, bytes | str):
            return None, None
        if len(body) <= max(WHOLE_BODY_BYTES_MAX, self.body_bytes_max):
            return body, None
        return body[: self.body_bytes_max], len(body)


class Call:
    """A running call: it belongs to the operation whose block the code is in, else it is an operation by itself."""

    __slots__ = ("_alone", "_operation", "attempt", "capture")

    def __init__(self, capture: Capture, attempt: Attempt) -> None:
        self.capture = capture
        self.attempt = attempt
        operation = current_operation.get()
        self._alone: Operation | None = None
        # A task that was started in the block may make calls when the operation has ended.
        if operation is None or operation.duration_ms is not None:
            operation = self._alone = Operation(capture.take)
        self._operation = operation
        operation.add(attempt)

    def keep_request(self, headers: object, body: object, body_bytes: str | None) -> None:
        """Notes what is sent. `body` is looked at only where it is bytes or text; `body_bytes` is its Content-Length."""
        self.attempt.request_headers = headers
        kept, size = self.capture.keep(body)
        self.attempt.request_body = kept
        self.attempt.request_body_bytes = _as_count(body_bytes) if kept is None else size

    def keep_form(self, parts: Iterable[tuple[str, str | None, object]]) -> None:
        """Notes the fields of a form that is encoded while it is sent: (name, filename, value). Of files only name and size are kept."""
        form = [(name, _form_value(filename, value)) for name, filename, value in parts]
        weight = sum(len(name) + len(value) for name, value in form if isinstance(value, str))
        if weight <= WHOLE_BODY_BYTES_MAX:
            self.attempt.request_form = form
            self.attempt.payload_bytes += weight

    def keep_answer(self, status_code: int, headers: object) -> None:
        self.attempt.status_code = status_code
        self.attempt.response_headers = headers

    def end(self, body: object = None) -> None:
        """The answer is there as a whole."""
        with self.capture.guard:
            self.attempt.response_body, self.attempt.response_body_bytes = self.capture.keep(body)
        self.finish()

    def fail(self, error: BaseException, phase: str | None = None) -> None:
        """No answer came, or not all of it. `phase` as in `describe`."""
        with self.capture.guard:
            self.attempt.no_answer = describe(error, phase)
        self.finish()

    def finish(self, duration_ms: int | None = None) -> None:
        """The attempt is over, now or as it was after `duration_ms`. Only the first call counts."""
        with self.capture.guard:
            self.attempt.mark_end(duration_ms)
            if self._alone is None:
                self._operation.hand_on()
            elif self.attempt.duration_ms is not None:
                self._alone.end(self.attempt.ms_since(self._alone.started_monotonic) + self.attempt.duration_ms)

    def end_attempt(self, error: BaseException | None) -> None:
        """The attempt is over, and the library makes another by itself. `error` is None where an answer came."""
        with self.capture.guard:
            if error is not None:
                self.attempt.no_answer = describe(error)
            self.attempt.mark_end()

    def resume(self) -> None:
        """The library sends again; a new attempt, if the last one is over."""
        with self.capture.guard:
            if self.attempt.duration_ms is not None:
                self.attempt = self.attempt.again()
                self._operation.add(self.attempt)


class StreamedBody:
    """The body of an answer that the application reads piece by piece: notes what passes, and reads nothing itself.

    body_bytes:
        The Content-Length header, where there is one.
    is_encoded:
        Whether the pieces are as the Content-Encoding header says.
    """

    __slots__ = ("__weakref__", "_body_bytes", "_call", "_is_done", "_last_ms", "_pieces", "_room", "_size", "is_encoded")

    def __init__(self, call: Call, *, body_bytes: str | None, is_encoded: bool = False) -> None:
        self._call = call
        self._body_bytes = body_bytes
        self.is_encoded = is_encoded
        self._pieces: list[bytes] = []
        self._room = call.capture.body_bytes_max
        self._size = 0
        self._is_done = False
        # An application that holds a stream open without reading says nothing about the vendor: the last thing that came counts.
        self._last_ms = call.attempt.elapsed_ms()

    def keep(self, piece: object) -> None:
        """A piece has come."""
        with self._call.capture.guard:
            self._last_ms = self._call.attempt.elapsed_ms()
            if isinstance(piece, bytes):
                self._size += len(piece)
                if self._room > 0 and piece:
                    self._pieces.append(piece[: self._room])
                    self._room -= len(piece)

    def end(self) -> None:
        """All of it has come."""
        self._finish()

    def close(self) -> None:
        """The application wants no more of it."""
        if not self._is_done:
            told = _as_count(self._body_bytes)
            if told is not None and told > self._size:
                self._size = told
            self._finish(self._last_ms)

    def fail(self, error: BaseException) -> None:
        """The rest will not come."""
        if not self._is_done:
            self._call.attempt.no_answer = describe(error, "read")
            self._finish()

    def _finish(self, duration_ms: int | None = None) -> None:
        if self._is_done:
            return
        self._is_done = True
        with self._call.capture.guard:
            attempt = self._call.attempt
            attempt.response_body = b"".join(self._pieces)
            attempt.response_is_encoded = self.is_encoded
            if self._size > len(attempt.response_body):
                attempt.response_body_bytes = self._size
            self._pieces = []
        self._call.finish(duration_ms)

    def __del__(self) -> None:
        # An answer that is dropped without being closed was a call all the same.
        self.close()


def pass_pieces(pieces: Iterable[bytes], body: StreamedBody) -> Iterator[bytes]:
    """The pieces as they are, noted."""
    try:
        for piece in pieces:
            body.keep(piece)
            yield piece
    except GeneratorExit:
        raise  # the application stopped reading; closing the answer ends the call
    except BaseException as error:
        body.fail(error)
        raise
    body.end()


async def pass_pieces_async(pieces: AsyncIterable[bytes], body: StreamedBody) -> AsyncIterator[bytes]:
    """As `pass_pieces`."""
    try:
        async for piece in pieces:
            body.keep(piece)
            yield piece
    except GeneratorExit:
        raise
    except BaseException as error:
        body.fail(error)
        raise
    body.end()


def _form_value(filename: str | None, value: object) -> Json:
    """Text as it is; of anything else what can be told without reading it, in the shape that `body` gives to files."""
    if filename is None and isinstance(value, str | int | float):
        return str(value)
    told: dict[str, Json] = {"binary": True} if filename is None else {"filename": filename, "binary": True}
    if isinstance(value, bytes | bytearray | str):
        told["size"] = len(value)
    return told


def _as_count(header: str | None) -> int | None:
    return int(header) if header is not None and header.isdecimal() and len(header) <= _COUNT_DIGITS_MAX else None
