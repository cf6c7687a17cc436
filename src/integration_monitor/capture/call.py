"""One HTTP call while it runs, whichever library makes it: from its request to the last byte of its answer.

The client modules are thin shells around these classes. No method here raises: the guard sees to it.
"""

import contextlib
import dataclasses
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator

from integration_monitor.capture.context import current_entity, current_trace_id, is_suppressed
from integration_monitor.capture.failure import describe
from integration_monitor.capture.operation import Attempt, Operation, content_length, current_operation, monotonic
from integration_monitor.guard import Guard
from integration_monitor.record import Json

# Up to here a whole body is kept by reference, so that its JSON can be understood before it is shortened; vendors' answers are far smaller.
WHOLE_BODY_BYTES_MAX = 1024 * 1024


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Capture:
    """What a client module needs of us."""

    #: receives each operation, or call that is one by itself, when it has ended; must not raise and must not block
    take: "Callable[[Operation | Call], None]"
    #: receives a call that is an operation by itself when its request is known; the same holds
    begun: "Callable[[Call], None] | None" = None
    #: receives such a call where it turns out to be none; the same holds
    forget: "Callable[[Call], None]" = lambda _call: None
    #: how much is kept of a streamed body, and of one beyond WHOLE_BODY_BYTES_MAX
    body_bytes_max: int
    guard: Guard

    def begin(self, client: str, method: str | None, url: object) -> "Call | None":
        """The call that begins now; None where it is not to be recorded.

        url:
            Text, or an object of the library's that nobody changes and whose text is the URL.
        """
        if is_suppressed():
            return None
        operation = current_operation.get()
        # A task that was started in the block may make calls when the operation has ended.
        if operation is not None and operation.duration_ms is not None:
            operation = None
        return Call(self, Attempt(client=client, method=method, url=url), operation)

    def keep(self, body: object) -> tuple[bytes | str | None, int | None]:
        """What is kept of a body that is there as a whole, and its size where that is only the beginning."""
        if not isinstance(body, (bytes, str)):
            if not isinstance(body, (bytearray, memoryview)):
                return None, None
            # The application may change it; the whole of a large one is not copied.
            view = memoryview(body)
            if view.nbytes > max(WHOLE_BODY_BYTES_MAX, self.body_bytes_max) and view.contiguous and view.nbytes:
                return bytes(view.cast("B")[: self.body_bytes_max]), view.nbytes
            body = bytes(view)
        if len(body) <= WHOLE_BODY_BYTES_MAX or len(body) <= self.body_bytes_max:
            return body, None
        return body[: self.body_bytes_max], len(body)


class Call:
    """A running call: it belongs to the operation whose block the code is in, else it is an operation by itself.

    A call by itself is handed on as it is. The operation is made of it on another thread, so that the application does not pay for it.
    """

    __slots__ = ("__weakref__", "_operation", "_take", "attempt", "capture", "entity", "is_alone", "sent", "trace_id")

    def __init__(self, capture: Capture, attempt: Attempt, operation: Operation | None) -> None:
        self.capture = capture
        self.attempt = attempt
        self._operation = operation
        self.is_alone = operation is None
        #: the body of the request, where it is noted while it is sent and stored with the attempt's end
        self.sent: SentBody | None = None
        if operation is None:
            # Deleted when the call is handed on, which only one thread can do.
            self._take = capture.take
            self.entity = current_entity.get()
            self.trace_id = current_trace_id()
        else:
            operation.add(attempt)

    @property
    def operation(self) -> Operation:
        """The operation that it belongs to, or is."""
        if self._operation is None:
            made = Operation.of_attempt(self.attempt, entity=self.entity, trace_id=self.trace_id)
            # The worker's thread asks as well, where the call takes long: `setdefault` gives both the same one.
            self._operation = vars(self.attempt).setdefault("operation", made)
        if self.is_alone and not hasattr(self, "_take"):
            self._operation.duration_ms = max(self.attempt.ms_since(self._operation.started_monotonic), 0)
        return self._operation

    @property
    def started_monotonic(self) -> float:
        return self.attempt.started_monotonic if self._operation is None else self._operation.started_monotonic

    def size_bytes(self) -> int:
        """What it weighs in memory, near enough, for the queue's bound."""
        return self.attempt.size_bytes() if self._operation is None else self._operation.size_bytes()

    def keep_request(self, headers: object, body: object) -> None:
        """Notes what is sent. `body` is looked at only where it is bytes or text; else its size is what the headers say."""
        attempt = self.attempt
        attempt._request_headers = headers  # noqa: SLF001 -- a property of it costs a call on the path of every call
        if type(body) is bytes and len(body) <= WHOLE_BODY_BYTES_MAX:
            attempt.request_body = body  # as `keep` does, on the path of every call
        elif body is not None:
            attempt.request_body, size = self.capture.keep(body)
            if size is not None:
                attempt.request_body_bytes = size
        if self.is_alone and self.capture.begun is not None:
            self.capture.begun(self)

    def keep_form(self, parts: Iterable[tuple[str, str | None, object]]) -> None:
        """Notes the fields of a form that is encoded while it is sent: (name, filename, value). Of files only name and size are kept."""
        form = [(name, _form_value(filename, value)) for name, filename, value in parts]
        weight = sum(len(name) + len(value) for name, value in form if isinstance(value, str))
        if weight <= WHOLE_BODY_BYTES_MAX:
            self.attempt.request_form = form
            self.attempt.payload_bytes += weight

    def keep_answer(self, status_code: int, headers: object) -> None:
        attempt = self.attempt
        attempt.status_code = status_code
        attempt._response_headers = headers  # noqa: SLF001 -- as in `keep_request`

    def end(self, body: object = None) -> None:
        """The answer is there as a whole."""
        if type(body) is bytes and len(body) <= WHOLE_BODY_BYTES_MAX:
            self.attempt.response_body = body  # as `keep` does, on the path of every call
        elif body is not None:
            try:
                self.attempt.response_body, size = self.capture.keep(body)
                if size is not None:
                    self.attempt.response_body_bytes = size
            except Exception as error:  # noqa: BLE001 -- the guard's
                self.capture.guard.catch(error)
        self.finish()

    def fail(self, error: BaseException, phase: str | None = None) -> None:
        """No answer came, or not all of it. `phase` as in `describe`."""
        with self.capture.guard:
            self.attempt.no_answer = describe(error, phase)
        self.finish()

    def finish(self, ended_monotonic: float | None = None) -> None:
        """The attempt is over, now or at that time of the monotonic clock. Only the first call counts."""
        try:
            self.attempt.mark_end(ended_monotonic)
            if self.sent is not None:
                self.sent.store()
            if not self.is_alone and self._operation is not None:
                self._operation.hand_on()
                return
            try:
                take = self._take
                del self._take
            except AttributeError:
                return
            take(self)
        except Exception as error:  # noqa: BLE001 -- the guard's
            self.capture.guard.catch(error)

    def forget(self) -> None:
        """It was none: what began as a call goes on as something else, such as a websocket."""
        if self.is_alone:
            self.abandon()
            self.capture.forget(self)
        elif self._operation is not None:
            self._operation.remove(self.attempt)

    def abandon(self) -> None:
        """Never hands it on: it is another process's, from which this one was forked."""
        if self.is_alone:
            with contextlib.suppress(AttributeError):
                del self._take

    def end_attempt(self, error: BaseException | None) -> None:
        """The attempt is over, and the library makes another by itself. `error` is None where an answer came."""
        with self.capture.guard:
            if error is not None:
                self.attempt.no_answer = describe(error)
            if self.sent is not None:
                self.sent.store()
                self.sent = None
            self.attempt.mark_end()

    def resume(self) -> None:
        """The library sends again; a new attempt, if the last one is over. What a redirect answered is not the answer."""
        with self.capture.guard:
            if not self.attempt.is_running:
                operation, self.attempt = self.operation, self.attempt.again()
                operation.add(self.attempt)
            elif self.attempt.status_code is not None:
                self.attempt.forget_answer()


class StreamedBody:
    """The body of an answer that the application reads piece by piece: notes what passes, and reads nothing itself.

    is_encoded:
        Whether the pieces are as the Content-Encoding header says.
    """

    __slots__ = ("__weakref__", "_call", "_is_done", "_last_monotonic", "_pieces", "_room", "_size", "is_encoded")

    def __init__(self, call: Call, *, is_encoded: bool = False) -> None:
        self._call = call
        self.is_encoded = is_encoded
        self._pieces: list[bytes] = []
        self._room = call.capture.body_bytes_max
        self._size = 0
        self._is_done = False
        self._last_monotonic: float | None = None

    def keep(self, piece: object) -> None:
        """A piece has come: bytes, or a view of them."""
        self._last_monotonic = monotonic()
        if isinstance(piece, memoryview):
            self._size += len(piece)
            if self._room > 0:
                self._pieces.append(bytes(piece[: self._room]))
                self._room -= len(piece)
        elif isinstance(piece, bytes):
            self._size += len(piece)
            if self._room > 0 and piece:
                self._pieces.append(piece[: self._room])
                self._room -= len(piece)

    def end(self) -> None:
        """All of it has come."""
        self._finish()

    def end_with(self, rest: bytes) -> None:
        """All of it has come, with this in one piece."""
        if self._is_done or self._size:
            self.keep(rest)
            self.end()
            return
        self._is_done = True
        self._call.attempt.response_is_encoded = self.is_encoded
        self._call.end(rest)

    def close(self) -> None:
        """The application wants no more of it."""
        if not self._is_done:
            attempt = self._call.attempt
            told = content_length(attempt.response_headers)
            if told is not None and told > self._size:
                self._size = told
            # An application that holds a stream open without reading says nothing about the vendor: the last thing that came counts.
            self._finish(attempt.headers_monotonic if self._last_monotonic is None else self._last_monotonic)

    def fail(self, error: BaseException) -> None:
        """The rest will not come."""
        if not self._is_done:
            self._call.attempt.no_answer = describe(error, "read")
            self._finish()

    def _finish(self, ended_monotonic: float | None = None) -> None:
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
        self._call.finish(ended_monotonic)

    def __del__(self) -> None:
        # An answer that is dropped without being closed was a call all the same.
        if not self._is_done:
            self.close()


class SentBody:
    """The body of a request that the library sends piece by piece: notes what passes, and reads nothing itself."""

    __slots__ = ("_attempt", "_guard", "_pieces", "_room", "_room_max", "_size")

    def __init__(self, call: Call) -> None:
        self._attempt = call.attempt
        self._guard = call.capture.guard
        self._room_max = call.capture.body_bytes_max
        self.begin()

    def begin(self) -> None:
        """It is sent, perhaps again."""
        self._pieces: list[bytes] = []
        self._room = self._room_max
        self._size = 0

    def keep(self, piece: object) -> None:
        """A piece is on its way."""
        with self._guard:
            if isinstance(piece, bytes | bytearray | memoryview):
                self._size += len(piece)
                if self._room > 0:
                    self._pieces.append(bytes(piece[: self._room]))
                    self._room -= len(piece)

    def store(self) -> None:
        """Nothing more is sent."""
        with self._guard:
            if self._size:
                self._attempt.request_body = b"".join(self._pieces)
                if self._size > len(self._attempt.request_body):
                    self._attempt.request_body_bytes = self._size


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


def operation_of(taken: Operation | Call) -> Operation:
    """What was handed on, as an operation."""
    return taken.operation if isinstance(taken, Call) else taken
