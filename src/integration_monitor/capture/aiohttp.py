"""aiohttp.

The seam is `ClientSession._request`. It is private, and has kept its name and its first arguments since aiohttp 1: every call passes it
once, `session.get`, `aiohttp.request` and subclasses of the session alike, with its redirects inside. The public ways see less.
A TraceConfig hears neither of an answer that is read through `response.content`, nor of what goes wrong while one is read, nor of its
release, and it would have to be added to each session when that is made; a client middleware sees each redirect by itself.

What is really sent is known to `ClientRequest` alone: `_request` adds the session's headers and the base URL, and its method
`update_body_from_data` makes a body of `json` and `data`. There the request is noted (its constructor has twenty arguments, which it would
cost 2 µs to pass on); of a redirected call only the first one counts. A body that is not bytes (a form with files, a file, a generator) is
noted while `ClientRequest.write_bytes` writes it.

aiohttp returns when the headers have come, and the application reads later: `response.content` becomes a subclass of its own class that
passes everything on to the real one and notes what is read. Websockets are left alone.
"""

import contextvars
import functools
from collections.abc import Awaitable, Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from integration_monitor.capture.call import Call, Capture, SentBody, StreamedBody
from integration_monitor.capture.nesting import carrier_above
from integration_monitor.capture.operation import Attempt
from integration_monitor.capture.patching import Method, Replacement

if TYPE_CHECKING:
    import aiohttp
    from aiohttp import StreamReader as _StreamBase
else:
    _StreamBase = object

_Read = TypeVar("_Read", bytes, tuple[bytes, bool])

_SWITCHING_PROTOCOLS = 101
_LEAST_ERROR = 400

# Of the last boundary, and of no other.
_FORM_END = b"--\r\n"

# The call whose `_request` is running in this context.
_sending: contextvars.ContextVar["_Sending | None"] = contextvars.ContextVar("integration_monitor_aiohttp_sending", default=None)


class _Sending:
    """A call on its way, and the request that is out for it. What is None or False at first is a default of the class."""

    #: None when it is no longer on its way
    call: Call | None
    #: of a redirected call the last one
    request: "aiohttp.ClientRequest | None" = None
    is_redirected = False


class AiohttpPatch:
    """Records the calls of aiohttp from `patch` to `unpatch`."""

    library = "aiohttp"

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._replacements: list[Replacement] = []

    def patch(self, module: ModuleType) -> None:
        """Does nothing where it is done already."""
        if self._replacements:
            return
        watch = _make_stream_class(module.StreamReader)
        self._replacements = [
            Replacement(module.ClientSession, "_request", lambda one: self._request(one, watch)),
            Replacement(module.ClientRequest, "update_body_from_data", self._update_body_from_data),
        ]

    def unpatch(self) -> None:
        for replacement in self._replacements:
            replacement.undo()
        self._replacements = []

    def _request(self, replacement: Replacement, watch: "_Watch") -> Method:
        capture, original = self._capture, replacement.original

        @functools.wraps(original)
        async def _request(session: Any, method: Any, str_or_url: Any, **kwargs: Any) -> Any:
            call = None
            try:
                is_none = method == "GET" and _is_websocket(kwargs.get("headers"))
                if replacement.is_active and not is_none and not _is_part(str_or_url):
                    call = capture.begin("aiohttp", method, str_or_url)
            except Exception as error:  # noqa: BLE001 -- the guard's
                capture.guard.catch(error)
            if call is None:
                return await original(session, method, str_or_url, **kwargs)
            sending = _Sending()
            sending.call = call
            token = _sending.set(sending)
            try:
                response = await original(session, method, str_or_url, **kwargs)
            except BaseException as error:
                _fail(call, sending.request, error)
                raise
            finally:
                _sending.reset(token)
                # Timers and connections that aiohttp made meanwhile keep the context, and would keep the call and its answer.
                sending.call = sending.request = None
            _settle(call, session, response, kwargs.get("auto_decompress"), watch)
            return response

        return _request

    def _update_body_from_data(self, replacement: Replacement) -> Method:
        original = replacement.original

        @functools.wraps(original)
        def update_body_from_data(request: Any, body: Any, *args: Any, **kwargs: Any) -> Any:
            sending = _sending.get()
            if sending is None or sending.call is None or not replacement.is_active:
                return original(request, body, *args, **kwargs)
            # aiohttp empties a form while it makes a body of it.
            fields = getattr(body, "_fields", None)
            if fields:
                fields = list(fields)
            given = original(request, body, *args, **kwargs)
            _keep_request(sending, sending.call, request, fields)
            return given

        return update_body_from_data


def _is_part(url: object) -> bool:
    """Whether a transport of the application's own sends the call of another library through aiohttp, as httpx-aiohttp does."""
    above = carrier_above()
    return above is not None and above.sends_through("aiohttp", url)


def _is_websocket(headers: object) -> bool:
    """Whether these headers of a GET are those of `ws_connect`, or of an upgrade that the application makes itself."""
    return isinstance(headers, Mapping) and str(headers.get("Upgrade", "")).lower() == "websocket"


def _keep_request(sending: _Sending, call: Call, request: "aiohttp.ClientRequest", fields: list[Any] | None) -> None:
    try:
        before = sending.request
        if before is not None and request.session is None:
            return  # a connection to a proxy makes a request for itself
        sending.request = request
        if before is not None and (before.url, before.method) != (request.url, request.method):
            sending.is_redirected = True
        if sending.is_redirected:
            return
        attempt = call.attempt
        attempt.method, attempt.url = request.method, request.url
        # Bytes, text and JSON are there as bytes; whatever else it holds is noted while it is written.
        body = getattr(request.body, "_value", None)
        if before is None:
            call.keep_request(request.headers, body)
        else:
            # A middleware has given another body, or aiohttp has made a new connection.
            attempt.request_headers = request.headers
            attempt.request_body, attempt.request_body_bytes = call.capture.keep(body)
        if request.compress:
            attempt.request_is_encoded = False
        if attempt.request_body is None and request.body:
            # On this object alone: most requests have bytes, and shall not pay for it.
            request.write_bytes = functools.partial(_write_noted, sending, request)  # type: ignore[method-assign]
        if fields and attempt.request_body is None:
            call.keep_form(_form_part(*field) for field in fields)
    except Exception as error:  # noqa: BLE001 -- the guard's
        call.capture.guard.catch(error)


def _form_part(options: Mapping[str, str], _headers: object, value: object) -> tuple[str, str | None, object]:
    """(name, filename, value) of a field as aiohttp keeps it."""
    return options["name"], options.get("filename"), value


async def _write_noted(sending: _Sending, request: Any, writer: Any, *args: Any, **kwargs: Any) -> None:
    """Writes a body, and notes what passes the writer."""
    # The request would refer to itself.
    vars(request).pop("write_bytes", None)
    call = sending.call
    if call is None:
        await request.write_bytes(writer, *args, **kwargs)
        return
    write, body = writer.write, SentBody(call)

    def note_and_write(chunk: Any, *args: Any, **kwargs: Any) -> Any:
        body.keep(chunk)
        return write(chunk, *args, **kwargs)

    with call.capture.guard:
        writer.write = note_and_write
        call.sent = body
    try:
        await request.write_bytes(writer, *args, **kwargs)
    finally:
        with call.capture.guard:
            # As above.
            vars(writer).pop("write", None)
            body.store()
            _prefer_body(call.attempt)


def _prefer_body(attempt: Attempt) -> None:
    """A form that was sent and kept as a whole says more than its fields, such as the files' size and digest."""
    body = attempt.request_body
    if isinstance(body, bytes) and attempt.request_body_bytes is None and body.endswith(_FORM_END):
        attempt.request_form = None


def _fail(call: Call, request: "aiohttp.ClientRequest | None", error: BaseException) -> None:
    """No answer came, or the session's or the application's `raise_for_status` refused it: then it is an answer all the same."""
    with call.capture.guard:
        response = getattr(request, "response", None)
        if response is not None and response.status is not None and response.status >= _LEAST_ERROR:
            call.attempt.mark_headers()
            call.keep_answer(response.status, response.raw_headers)
            if isinstance(error, Exception):
                call.end(getattr(response, "_body", None))
                return
    call.fail(error)


def _settle(
    call: Call,
    session: "aiohttp.ClientSession",
    response: "aiohttp.ClientResponse",
    is_decoded: bool | None,
    watch: "_Watch",
) -> None:
    """Ends the call where nothing more comes, else when the application has read or released the answer."""
    try:
        attempt, content, status = call.attempt, response.content, response.status
        attempt.mark_headers()
        if status == _SWITCHING_PROTOCOLS:
            call.forget()
            return
        call.keep_answer(status, response.raw_headers)
        if content.at_eof():
            call.end(b"")
            return
        if is_decoded is None:
            is_decoded = session.auto_decompress
        body = StreamedBody(call, is_encoded=not is_decoded)
        # The last byte may come long before the application reads it.
        if content.is_eof():
            attempt.mark_end()
        else:
            content.on_eof(attempt.mark_end)
        response.content = watch(content, body)
    except Exception as error:  # noqa: BLE001 -- the guard's
        call.capture.guard.catch(error)
        call.finish()


class _WatchedStream(_StreamBase):
    """A StreamReader that passes everything on to the real one, and notes what is read. `_make_stream_class` completes it.

    The methods of aiohttp's that are built on these stay as they are: `readline`, `iter_chunked` and the other iterators.
    """

    _interruption: BaseException | None = None

    def __init__(self, content: "aiohttp.StreamReader", body: StreamedBody) -> None:
        # Not aiohttp's own: there is nothing to set up.
        self._content = content
        self._body = body

    def __getattr__(self, name: str) -> Any:
        # What aiohttp keeps in attributes is on the real stream.
        return getattr(self._content, name)

    async def read(self, n: int = -1) -> bytes:
        content = self._content
        if n < 0 and not content.is_eof() and content.exception() is None:
            # All of it is many times `readany`.
            return await super().read(n)
        if n >= 0:
            return await self._pass(content.read(n))
        # It has all come, and comes in one piece.
        try:
            data = await content.read(n)
        except BaseException as error:
            self._note_error(error)
            raise
        self._interruption = None
        self._body.end_with(data)
        return data

    async def readexactly(self, n: int) -> bytes:
        is_built = self._content.exception() is None
        return await super().readexactly(n) if is_built else await self._pass(self._content.readexactly(n))

    async def readany(self) -> bytes:
        return await self._pass(self._content.readany())

    async def readchunk(self) -> tuple[bytes, bool]:
        return await self._pass(self._content.readchunk())

    async def readuntil(self, *args: Any, **kwargs: Any) -> bytes:
        return await self._pass(self._content.readuntil(*args, **kwargs))

    def exception(self) -> BaseException | None:
        return self._content.exception()

    def read_nowait(self, n: int = -1) -> bytes:
        data = self._content.read_nowait(n)
        self._note(data)
        return data

    def set_exception(self, *args: Any, **kwargs: Any) -> None:
        """The application has released or closed the answer. What goes wrong on the connection is told to the real stream."""
        self._content.set_exception(*args, **kwargs)
        if self._interruption is None:
            self._body.close()
        else:
            self._body.fail(self._interruption)

    async def _pass(self, reading: Awaitable[_Read]) -> _Read:
        try:
            data = await reading
        except BaseException as error:
            self._note_error(error)
            raise
        self._note(data[0] if isinstance(data, tuple) else data)
        return data

    def _note_error(self, error: BaseException) -> None:
        # Imported here, where aiohttp has it already: others shall not pay for it.
        import asyncio  # noqa: PLC0415

        if not isinstance(error, asyncio.CancelledError):
            self._body.fail(error)
            return
        # It may only be a time limit around one read, after which the application reads on. Without the traceback, which holds us.
        self._interruption = asyncio.CancelledError(*error.args)

    def _note(self, data: bytes) -> None:
        self._interruption = None
        self._body.keep(data)
        if self._content.at_eof():
            self._body.end()


_Watch = Callable[["aiohttp.StreamReader", StreamedBody], _WatchedStream]

# Built by aiohttp on the methods above.
_BUILT_ON_OURS = frozenset({"readline", "iter_chunked", "iter_any", "iter_chunks"})


def _make_stream_class(base: type["aiohttp.StreamReader"]) -> _Watch:
    """The class of watched streams: each method of aiohttp's that is neither ours nor built on ours is the real stream's."""
    passed_on = {
        name: _pass_on(name)
        for name, value in vars(base).items()
        if callable(value) and not name.startswith("__") and name not in _BUILT_ON_OURS and name not in vars(_WatchedStream)
    }
    return type(base.__name__, (_WatchedStream, base), {**passed_on, "__module__": base.__module__})


def _pass_on(name: str) -> Method:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._content, name)(*args, **kwargs)

    method.__name__ = name
    return method
