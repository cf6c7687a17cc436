"""http.client, where the application uses it itself or through a library that is not known here, such as httplib2 or xmlrpc.client.

The seam is `HTTPConnection.putrequest`, `endheaders`, `send` and `getresponse`: documented, and the steps of every call, whether the
application takes them itself or lets `request` do it. Where requests, urllib3 or urllib.request are above, the call is theirs; of
urllib.request, which adds headers and body on the way, what is sent is noted here for its call.

The answer is given a subclass of its own class, as urllib3's is: it stays the same object and notes what is read.
"""

import functools
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from integration_monitor.capture.call import Call, Capture, StreamedBody
from integration_monitor.capture.nesting import carrier
from integration_monitor.capture.patching import Method, Replacement
from integration_monitor.record import NoAnswer

if TYPE_CHECKING:
    from http.client import HTTPConnection
    from http.client import HTTPResponse as _AnswerBase
else:
    _AnswerBase = object

# The names under which our objects are found on a connection and an answer; long, because those are not ours.
_REQUEST = "_integration_monitor_request"
_BODY = "_integration_monitor_body"

_SWITCHING_PROTOCOLS = 101

# What became of a request that the application drops: it was put together, as far as a header that http.client refuses, or sent.
_NOT_SENT = NoAnswer(code="NOT_DONE", message="the request was not sent", is_unsent=True)
_GIVEN_UP = NoAnswer(code="CANCELLED", message="the connection was closed before the answer was asked for")


class _Request:
    """A request on its way."""

    __slots__ = ("call", "is_answered", "is_ours", "is_sending", "is_sent", "pieces", "room", "size")

    def __init__(self, call: Call, *, is_ours: bool) -> None:
        self.call = call
        #: False where the call is that of a library above
        self.is_ours = is_ours
        #: while http.client itself sends
        self.is_sending = False
        #: whether any of it was
        self.is_sent = False
        #: whether it has an answer, or failed
        self.is_answered = False
        #: the beginning of a body that the application sends by itself; its size
        self.pieces: list[bytes] = []
        self.room = call.capture.body_bytes_max
        self.size = 0

    def __del__(self) -> None:
        # A request whose answer is never asked for was a call all the same, and an operation may wait for its end.
        if self.is_ours and not self.is_answered:
            with self.call.capture.guard:
                self.call.attempt.no_answer = _GIVEN_UP if self.is_sent else _NOT_SENT
            self.call.finish()


class HttpClientPatch:
    """Records the calls of http.client from `patch` to `unpatch`."""

    library = "http.client"

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._replacements: list[Replacement] = []

    def patch(self, module: ModuleType) -> None:
        """Does nothing where it is done already."""
        if not self._replacements:
            self._replacements = [
                Replacement(module.HTTPConnection, "putrequest", self._putrequest),
                Replacement(module.HTTPConnection, "endheaders", self._endheaders),
                Replacement(module.HTTPConnection, "send", self._send),
                Replacement(module.HTTPConnection, "getresponse", self._getresponse),
            ]

    def unpatch(self) -> None:
        for replacement in self._replacements:
            replacement.undo()
        self._replacements = []

    def _putrequest(self, replacement: Replacement) -> Method:
        capture, original = self._capture, replacement.original

        @functools.wraps(original)
        def putrequest(connection: Any, method: Any, url: Any, *args: Any, **kwargs: Any) -> Any:
            given = original(connection, method, url, *args, **kwargs)
            request = _begin(capture, connection, method, url) if replacement.is_active else None
            if request is not None:
                setattr(connection, _REQUEST, request)
            else:
                vars(connection).pop(_REQUEST, None)
            return given

        return putrequest

    def _endheaders(self, replacement: Replacement) -> Method:
        original = replacement.original

        @functools.wraps(original)
        def endheaders(connection: Any, message_body: Any = None, **kwargs: Any) -> Any:
            request: _Request | None = getattr(connection, _REQUEST, None)
            if request is None:
                return original(connection, message_body, **kwargs)
            _keep_request(request, connection, message_body)
            request.is_sending = request.is_sent = True
            try:
                return original(connection, message_body, **kwargs)
            except BaseException as error:
                _fail(connection, request, error, "connect" if connection.sock is None else "write")
                raise
            finally:
                request.is_sending = False

        return endheaders

    def _send(self, replacement: Replacement) -> Method:
        original = replacement.original

        @functools.wraps(original)
        def send(connection: Any, data: Any) -> Any:
            request: _Request | None = getattr(connection, _REQUEST, None)
            if request is None or request.is_sending:
                return original(connection, data)
            try:
                given = original(connection, data)
            except BaseException as error:
                _fail(connection, request, error, "write")
                raise
            _keep_piece(request, data)
            return given

        return send

    def _getresponse(self, replacement: Replacement) -> Method:
        original = replacement.original

        @functools.wraps(original)
        def getresponse(connection: Any, *args: Any, **kwargs: Any) -> Any:
            request: _Request | None = vars(connection).pop(_REQUEST, None)
            try:
                response = original(connection, *args, **kwargs)
            except BaseException as error:
                if request is not None:
                    _fail(connection, request, error, "read")
                raise
            call = _call_of(request)
            if call is not None:
                call.attempt.mark_headers()
            if request is not None:
                request.is_answered = True
                _keep_pieces(request)
                if request.is_ours:
                    settle(request.call, response)
            return response

        return getresponse


def _begin(capture: Capture, connection: "HTTPConnection", method: str, url: str) -> _Request | None:
    with capture.guard:
        above = carrier.get()
        if above is None:
            call = capture.begin("http.client", method, _whole_url(connection, url))
            return None if call is None else _Request(call, is_ours=True)
        if above.call is not None and above.call.attempt.request_headers is None:
            return _Request(above.call, is_ours=False)
    return None


def _call_of(request: _Request | None) -> Call | None:
    """The call that a request belongs to, also where a library above has told everything else about it."""
    if request is not None:
        return request.call
    above = carrier.get()
    return above.call if above is not None else None


def _whole_url(connection: Any, url: str) -> str:
    """A connection is asked for paths, and only a proxy for whole URLs. Behind a tunnel is the host that is meant."""
    url = url or "/"  # as http.client sends it
    if not url.startswith("/"):
        return url
    host, port = connection.host, connection.port
    if getattr(connection, "_tunnel_host", None):
        host, port = connection._tunnel_host, connection._tunnel_port  # noqa: SLF001 -- told by set_tunnel, readable nowhere else
    scheme = "https" if connection.default_port == 443 else "http"  # noqa: PLR2004 -- the one that HTTPSConnection has
    shown_host = f"[{host}]" if ":" in host else host
    shown_port = "" if port in {None, connection.default_port} else f":{port}"
    return f"{scheme}://{shown_host}{shown_port}{url}"


def _keep_request(request: _Request, connection: Any, body: object) -> None:
    with request.call.capture.guard:
        # `putheader` collects lines here, after that of the request; replacing it would cost every call of urllib3 ten times as much.
        lines = getattr(connection, "_buffer", [])[1:]
        headers = [(name.decode("latin-1"), value) for name, _, value in (line.partition(b": ") for line in lines)]
        length = next((value.decode("latin-1") for name, value in headers if name.lower() == "content-length"), None)
        # A body that is a generator or a file is the application's to read.
        request.call.keep_request(headers, body, length)
        if any(name.lower() == "transfer-encoding" for name, _ in headers):
            # What the application sends by itself is framed then.
            request.room = 0


def _keep_piece(request: _Request, data: object) -> None:
    """Notes a piece that the application sends by itself. Files and generators are its own to read: then nothing is kept."""
    with request.call.capture.guard:
        if not isinstance(data, bytes | bytearray):
            request.room, request.pieces = 0, []
            return
        if request.room > 0:
            request.pieces.append(bytes(data[: request.room]))
            request.room -= len(data)
        request.size += len(data)


def _keep_pieces(request: _Request) -> None:
    with request.call.capture.guard:
        attempt = request.call.attempt
        if request.pieces and attempt.request_body is None:
            attempt.request_body = b"".join(request.pieces)
            attempt.request_body_bytes = request.size if request.size > len(attempt.request_body) else None


def _fail(connection: Any, request: _Request, error: BaseException, phase: str) -> None:
    vars(connection).pop(_REQUEST, None)
    request.is_answered = True
    _keep_pieces(request)
    if request.is_ours:
        request.call.fail(error, phase)


def settle(call: Call, response: Any) -> None:
    """Ends the call where nothing more comes, else when the application has read or closed the answer."""
    with call.capture.guard:
        call.keep_answer(response.status, list(response.headers.items()))
        if response.status == _SWITCHING_PROTOCOLS or response.isclosed() or response.length == 0:
            call.end(b"")
        elif not _watch(response, call):
            call.end()
        return
    call.finish()


def _watch(response: Any, call: Call) -> bool:
    """Gives an answer the class that notes what is read. False where it cannot have one."""
    try:
        kind: type = type(response)
        response.__class__ = _watched_class(kind)
    except TypeError:
        return False
    headers = response.headers
    body = StreamedBody(call, body_bytes=headers.get("content-length"), is_encoded="content-encoding" in headers)
    setattr(response, _BODY, body)
    return True


@functools.cache
def _watched_class(kind: type) -> type:
    return type(kind.__name__, (_WatchedAnswer, kind), {"__module__": kind.__module__})


class _WatchedAnswer(_AnswerBase):
    """The methods of an answer through which its bytes come."""

    __slots__ = ()

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        return _read(self, super().read, *args, **kwargs)

    def read1(self, *args: Any, **kwargs: Any) -> bytes:
        return _read(self, super().read1, *args, **kwargs)

    def readline(self, *args: Any, **kwargs: Any) -> bytes:
        return _read(self, super().readline, *args, **kwargs)

    def readinto(self, buffer: Any) -> int:
        read_into = super().readinto
        counts: list[int] = []

        def read() -> bytes:
            counts.append(read_into(buffer))
            # The buffer's items may be larger than a byte.
            return bytes(memoryview(buffer).cast("B")[: counts[0]]) if counts[0] else b""

        _read(self, read)
        return counts[0]

    def close(self) -> None:
        try:
            super().close()
        finally:
            body: StreamedBody | None = getattr(self, _BODY, None)
            if body is not None:
                body.close()


def _read(answer: Any, read: Callable[..., bytes], *args: Any, **kwargs: Any) -> bytes:
    """What `read` gives, noted. Where it reads through another of these methods, that is not noted again."""
    body: StreamedBody | None = getattr(answer, _BODY, None)
    if body is None:
        return read(*args, **kwargs)
    setattr(answer, _BODY, None)
    try:
        data = read(*args, **kwargs)
    except BaseException as error:
        body.keep(getattr(error, "partial", b""))
        body.fail(error)
        raise
    finally:
        setattr(answer, _BODY, body)
    body.keep(data)
    if answer.isclosed() or answer.length == 0:
        body.end()
    return data
