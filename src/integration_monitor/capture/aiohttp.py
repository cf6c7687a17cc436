"""aiohttp.

The seam is `ClientSession._request`. It is private, and has kept its name and its first arguments since aiohttp 1: every call passes it
once, `session.get`, `aiohttp.request` and subclasses of the session alike, with its redirects inside. The public ways see less.
A TraceConfig hears neither of an answer that is read through `response.content`, nor of what goes wrong while one is read, nor of its
release, and it would have to be added to each session when that is made; a client middleware sees each redirect by itself.

What is really sent is known to `ClientRequest` alone: `_request` turns `json` and `data` into bytes, adds the session's headers and the
base URL, and hands all to its constructor. So that is noted too; of a redirected call only the first request counts.

aiohttp returns when the headers have come, and the application reads later: `response.content` becomes a subclass of its own class that
passes everything on to the real one and notes what is read. Websockets are left alone.
"""

import asyncio
import contextvars
import functools
from collections.abc import Awaitable, Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from integration_monitor.capture.call import Call, Capture, StreamedBody
from integration_monitor.capture.patching import Method, Replacement

if TYPE_CHECKING:
    import aiohttp
    from aiohttp import StreamReader as _StreamBase
else:
    _StreamBase = object

_Read = TypeVar("_Read", bytes, tuple[bytes, bool])

_SWITCHING_PROTOCOLS = 101
_LEAST_ERROR = 400

# The call whose `_request` is running in this context.
_sending: contextvars.ContextVar["_Sending | None"] = contextvars.ContextVar("integration_monitor_aiohttp_sending", default=None)


class _Sending:
    """A call on its way, and the request that is out for it: of a redirected call the last one."""

    __slots__ = ("call", "request")

    def __init__(self, call: Call) -> None:
        self.call = call
        self.request: aiohttp.ClientRequest | None = None


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
            Replacement(module.ClientRequest, "__init__", self._init_request),
        ]

    def unpatch(self) -> None:
        for replacement in self._replacements:
            replacement.undo()
        self._replacements = []

    def _request(self, replacement: Replacement, watch: "_Watch") -> Method:
        capture, original = self._capture, replacement.original

        @functools.wraps(original)
        async def _request(session: Any, method: Any, str_or_url: Any, **kwargs: Any) -> Any:
            is_ours = replacement.is_active and not _is_websocket(kwargs.get("headers"))
            sending = _begin(capture, method, str_or_url) if is_ours else None
            if sending is None:
                return await original(session, method, str_or_url, **kwargs)
            token = _sending.set(sending)
            try:
                response = await original(session, method, str_or_url, **kwargs)
            except BaseException as error:
                _fail(sending, error)
                raise
            else:
                _settle(sending.call, session, response, kwargs.get("auto_decompress"), watch)
                return response
            finally:
                _sending.reset(token)
                # Timers and connections that aiohttp made meanwhile keep the context, and would keep the call and its answer.
                del sending.call, sending.request

        return _request

    def _init_request(self, replacement: Replacement) -> Method:
        original = replacement.original

        @functools.wraps(original)
        def __init__(request: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 -- it replaces one
            sending = _sending.get() if replacement.is_active else None
            # A connection to a proxy makes a request without a session, for itself.
            if sending is None or not hasattr(sending, "call") or kwargs.get("session") is None:
                return original(request, *args, **kwargs)  # type: ignore[no-any-return]
            # aiohttp empties a form while it makes a body of it.
            fields = list(getattr(kwargs.get("data"), "_fields", None) or ())
            original(request, *args, **kwargs)
            _keep_request(sending, request, fields)
            return None

        return __init__


def _is_websocket(headers: object) -> bool:
    """Whether these are the headers of `ws_connect`, or of an upgrade that the application makes itself."""
    return isinstance(headers, Mapping) and str(headers.get("Upgrade", "")).lower() == "websocket"


def _begin(capture: Capture, method: object, url: object) -> _Sending | None:
    with capture.guard:
        call = capture.begin("aiohttp", str(method).upper(), str(url))
        return None if call is None else _Sending(call)
    return None


def _keep_request(sending: _Sending, request: "aiohttp.ClientRequest", fields: list[Any]) -> None:
    call, is_first = sending.call, sending.request is None
    with call.capture.guard:
        sending.request = request
        if not is_first:
            return
        call.attempt.url = str(request.url)
        # Bytes, text and JSON are there as bytes; whatever else it holds is the application's to read.
        body = getattr(request.body, "_value", None)
        call.keep_request(request.headers, body, request.headers.get("Content-Length"))
        if call.attempt.request_body is None and fields:
            call.keep_form(_form_part(*field) for field in fields)


def _form_part(options: Mapping[str, str], _headers: object, value: object) -> tuple[str, str | None, object]:
    """(name, filename, value) of a field as aiohttp keeps it."""
    return options["name"], options.get("filename"), value


def _fail(sending: _Sending, error: BaseException) -> None:
    """No answer came, or the session's or the application's `raise_for_status` refused it: then it is an answer all the same."""
    call = sending.call
    with call.capture.guard:
        response = getattr(sending.request, "response", None)
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
    with call.capture.guard:
        call.attempt.mark_headers()
        headers, content = response.headers, response.content
        call.keep_answer(response.status, response.raw_headers)
        if response.status == _SWITCHING_PROTOCOLS or content.at_eof():
            call.end(b"")
            return
        if is_decoded is None:
            is_decoded = session.auto_decompress
        is_encoded = not is_decoded and "Content-Encoding" in headers
        body = StreamedBody(call, body_bytes=headers.get("Content-Length"), is_encoded=is_encoded)
        # The last byte may come long before the application reads it.
        content.on_eof(call.attempt.mark_end)
        response.content = watch(content, body)
        return
    call.finish()


class _WatchedStream(_StreamBase):
    """A StreamReader that passes everything on to the real one, and notes what is read. `_make_stream_class` completes it.

    The methods of aiohttp's that are built on these stay as they are: `readline`, `iter_chunked` and the other iterators.
    """

    def __init__(self, content: "aiohttp.StreamReader", body: StreamedBody) -> None:
        # Not aiohttp's own: there is nothing to set up.
        self._content = content
        self._body = body
        self._interruption: BaseException | None = None

    def __getattr__(self, name: str) -> Any:
        # What aiohttp keeps in attributes is on the real stream.
        return getattr(self._content, name)

    async def read(self, n: int = -1) -> bytes:
        # All of it is many times `readany`, where nothing has gone wrong before.
        is_built = n < 0 and self._content.exception() is None
        return await super().read(n) if is_built else await self._pass(self._content.read(n))

    async def readexactly(self, n: int) -> bytes:
        is_built = self._content.exception() is None
        return await super().readexactly(n) if is_built else await self._pass(self._content.readexactly(n))

    async def readany(self) -> bytes:
        return await self._pass(self._content.readany())

    async def readchunk(self) -> tuple[bytes, bool]:
        return await self._pass(self._content.readchunk())

    async def readuntil(self, *args: Any, **kwargs: Any) -> bytes:
        return await self._pass(self._content.readuntil(*args, **kwargs))

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
        except asyncio.CancelledError as error:
            # It may only be a time limit around one read, after which the application reads on. Without the traceback, which holds us.
            self._interruption = asyncio.CancelledError(*error.args)
            raise
        except BaseException as error:
            self._body.fail(error)
            raise
        self._note(data[0] if isinstance(data, tuple) else data)
        return data

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
