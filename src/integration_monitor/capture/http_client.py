"""http.client, where the application uses it itself or through a library that is not known here, such as httplib2 or xmlrpc.client.

The seam is `HTTPConnection.putrequest`, `endheaders`, `send` and `getresponse`: documented, and the steps of every call, whether the
application takes them itself or lets `request` do it. Where requests, urllib3 or urllib.request are above, the call is theirs, and is told
from here what it cannot see: when headers came and which, and what was sent of a body that is a generator or a file. Both http.client and
urllib3 give such a body to `send` piece by piece.
"""

import functools
from types import ModuleType
from typing import TYPE_CHECKING, Any

from integration_monitor.capture.call import Call, Capture, SentBody
from integration_monitor.capture.chunks import Chunks
from integration_monitor.capture.http_client_answer import AnswerHeaders, settle
from integration_monitor.capture.nesting import Carrier, carrier_above
from integration_monitor.capture.patching import Method, Replacement
from integration_monitor.record import NoAnswer

if TYPE_CHECKING:
    from http.client import HTTPConnection

# The name under which our object is found on a connection; long, because the connection is not ours.
_REQUEST = "_integration_monitor_request"

# These use one connection at a time for a call.
_ONE_AT_A_TIME = frozenset({"urllib3", "httplib2"})

# What became of a request that the application drops: it was put together, as far as a header that http.client refuses, or sent.
_NOT_SENT = NoAnswer(code="NOT_DONE", message="the request was not sent", is_unsent=True)
_GIVEN_UP = NoAnswer(code="CANCELLED", message="the connection was closed before the answer was asked for")


class _Request:
    """A request on its way. Fields that few requests have are defaults of the class."""

    #: as they are sent, without the request's own line
    header_lines: "_HeaderLines | None" = None
    #: whether the headers are to be sent next
    is_at_headers = False
    #: whether they were, or http.client has tried: what is sent now is the body
    is_at_body = False
    #: whether it has an answer, or failed
    is_answered = False
    #: the body, where it is given piece by piece, and how it is framed
    sent: SentBody | None = None
    chunks: Chunks | None = None
    #: whether it is given in a way that is not seen here
    is_unseen = False
    #: False where the call is that of a library above
    is_ours = False

    def __init__(self, call: Call, *, is_ours: bool) -> None:
        self.call = call
        self.is_ours = is_ours

    def keep_piece(self, data: Any) -> None:
        """Notes a piece of the body. A file or a generator that the application gives to `send` is its own to read: then nothing is kept."""
        if self.is_unseen:
            return
        if self.sent is None:
            if self.call.sent is not None:
                # Of a redirected call the first request counts.
                self.is_unseen = True
                return
            self.sent = self.call.sent = SentBody(self.call)
            if self.header_lines is not None and self.header_lines.is_chunked:
                self.chunks = Chunks()
        if not isinstance(data, bytes):
            if not isinstance(data, bytearray | memoryview) and not hasattr(data, "tobytes"):
                self.is_unseen, self.call.sent = True, None
                return
            # Its items may be larger than a byte.
            data = memoryview(data).cast("B")
        for piece in (data,) if self.chunks is None else self.chunks.take(bytes(data)):
            self.sent.keep(piece)

    def __del__(self) -> None:
        # A request whose answer is never asked for was a call all the same, and an operation may wait for its end.
        if self.is_ours and not self.is_answered:
            with self.call.capture.guard:
                self.call.attempt.no_answer = _GIVEN_UP if self.is_at_headers or self.is_at_body else _NOT_SENT
            self.call.finish()


class _HeaderLines:
    """Headers as they are sent: their pairs are made when they are asked for, on another thread."""

    __slots__ = ("_lines",)

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines

    @property
    def raw(self) -> list[tuple[str, bytes]]:
        """As `Attempt.request_headers` asks for it."""
        return [(name.decode("latin-1"), value) for name, _, value in (line.partition(b": ") for line in self._lines)]

    @property
    def is_chunked(self) -> bool:
        return any(name.lower() == "transfer-encoding" and b"chunked" in value.lower() for name, value in self.raw)


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
            try:
                return original(connection, message_body, **kwargs)
            except BaseException as error:
                _fail(connection, request, error, "connect" if connection.sock is None else "write")
                raise

        return endheaders

    def _send(self, replacement: Replacement) -> Method:
        original = replacement.original

        @functools.wraps(original)
        def send(connection: Any, data: Any) -> Any:
            request: _Request | None = getattr(connection, _REQUEST, None)
            if request is None:
                return original(connection, data)
            if not request.is_at_body:
                if request.is_at_headers:
                    # What a proxy is sent meanwhile, for a tunnel, is no part of the request.
                    request.is_at_headers = False
                    try:
                        return original(connection, data)
                    finally:
                        request.is_at_body = True
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
            if request is None:
                return original(connection, *args, **kwargs)
            try:
                response = original(connection, *args, **kwargs)
            except BaseException as error:
                _fail(connection, request, error, "read")
                raise
            _keep_answer(request, connection, response)
            return response

        return getresponse


def _begin(capture: Capture, connection: "HTTPConnection", method: str, url: str) -> _Request | None:
    try:
        above = carrier_above()
        if above is not None and _is_part(above, connection, url):
            above.connection = connection
            return _Request(above.call, is_ours=False)
        call = capture.begin("http.client", method, _whole_url(connection, url))
        return None if call is None else _Request(call, is_ours=True)
    except Exception as error:  # noqa: BLE001 -- the guard's
        capture.guard.catch(error)
        return None


def _is_part(above: Carrier, connection: Any, url: str) -> bool:
    """Whether it was asked by the library above, not by code of the application that runs meanwhile."""
    if above.library in _ONE_AT_A_TIME:
        return above.connection is connection or not above.is_sending
    return above.asks_for(_host(connection), url or "/")


def _host(connection: Any) -> str:
    """Behind a tunnel is the host that is meant."""
    # Told by set_tunnel, readable nowhere else.
    tunnel_host: str | None = getattr(connection, "_tunnel_host", None)
    return tunnel_host or str(connection.host)


def _whole_url(connection: Any, url: str) -> str:
    """A connection is asked for paths, and only a proxy for whole URLs."""
    if not url:
        url = "/"  # as http.client sends it
    elif url == "*":
        url = ""  # the server as such (RFC 9112, 3.3)
    elif not url.startswith("/"):
        return url
    host = _host(connection)
    port = connection._tunnel_port if getattr(connection, "_tunnel_host", None) else connection.port  # noqa: SLF001 -- as in `_host`
    scheme = "https" if connection.default_port == 443 else "http"  # noqa: PLR2004 -- the one that HTTPSConnection has
    shown_host = f"[{host}]" if ":" in host else host
    shown_port = "" if port in {None, connection.default_port} else f":{port}"
    return f"{scheme}://{shown_host}{shown_port}{url}"


def _keep_request(request: _Request, connection: Any, body: object) -> None:
    call = request.call
    try:
        request.is_at_headers = True
        is_new = request.is_ours or call.attempt.request_headers is None
        if is_new or call.attempt.request_body is None:
            # `putheader` collects lines here, after that of the request; replacing it would cost every call of urllib3 ten times as much.
            request.header_lines = _HeaderLines(getattr(connection, "_buffer", [])[1:])
        if is_new:
            # A body that is a generator or a file is noted while it is sent.
            call.keep_request(request.header_lines, body)
    except Exception as error:  # noqa: BLE001 -- the guard's
        call.capture.guard.catch(error)


def _keep_piece(request: _Request, data: object) -> None:
    call = request.call
    try:
        if call.attempt.request_body is None:
            request.keep_piece(data)
    except Exception as error:  # noqa: BLE001 -- the guard's
        call.capture.guard.catch(error)


def _keep_answer(request: _Request, connection: object, response: Any) -> None:
    call = request.call
    try:
        request.is_answered = True
        call.attempt.mark_headers()
        if request.is_ours:
            settle(call, response)
            return
        # The library above may fail to read the body, and never tell.
        call.keep_answer(response.status, AnswerHeaders(response.headers))
        above = carrier_above()
        if above is not None and above.connection is connection:
            above.connection = None
    except Exception as error:  # noqa: BLE001 -- the guard's
        call.capture.guard.catch(error)


def _fail(connection: Any, request: _Request, error: BaseException, phase: str) -> None:
    above = carrier_above()
    if above is not None and above.call is request.call:
        above.phase = phase
    # urllib3 asks for an answer even where the server took no more of the request; of ours, the innermost error is told first.
    if request.is_ours and not request.is_answered:
        vars(connection).pop(_REQUEST, None)
        request.is_answered = True
        request.call.fail(error, phase)
