"""requests.

The seam is `Session.send`: documented, and where all calls pass. `Session.request` would miss prepared requests, and an adapter sees each
redirect by itself. `send` calls itself for redirects: only the outermost call counts, so a redirected call is one record with its final answer.

A streamed answer is read through `response.raw` in many ways: iter_content, content, raw.read, raw.stream, a BufferedReader around raw.
They meet in four methods of urllib3's response, so the object is given a subclass of its own class with these four: it stays the same
object, passes every isinstance, and keeps no reference to itself, so that it is freed and its connection closed when it would be.
"""

import contextvars
import functools
from collections.abc import Generator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from integration_monitor.capture.call import Call, Capture, StreamedBody, pass_pieces
from integration_monitor.capture.patching import Method, Replacement

if TYPE_CHECKING:
    import requests
    from urllib3 import HTTPResponse as _RawBase
else:
    _RawBase = object

# The session whose `send` is running in this context, so that its own calls for redirects are known.
_sending: contextvars.ContextVar[object] = contextvars.ContextVar("integration_monitor_requests_sending", default=None)

# The name under which a response's body is found on the object; long, because the object is not ours.
_BODY = "_integration_monitor_body"


class RequestsPatch:
    """Records the calls of requests from `patch` to `unpatch`."""

    library = "requests"

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._replacements: list[Replacement] = []

    def patch(self, module: ModuleType) -> None:
        """Does nothing where it is done already."""
        if not self._replacements:
            self._replacements = [Replacement(module.Session, "send", self._send)]

    def unpatch(self) -> None:
        for replacement in self._replacements:
            replacement.undo()
        self._replacements = []

    def _send(self, replacement: Replacement) -> Method:
        capture, original = self._capture, replacement.original

        @functools.wraps(original)
        def send(session: Any, request: Any, **kwargs: Any) -> Any:
            is_outermost = replacement.is_active and _sending.get() is not session
            call = _begin(capture, request) if is_outermost else None
            if call is None:
                return original(session, request, **kwargs)
            token = _sending.set(session)
            try:
                response = original(session, request, **kwargs)
            except BaseException as error:
                call.fail(error)
                raise
            finally:
                _sending.reset(token)
            _settle(call, response, is_stream=kwargs.get("stream", getattr(session, "stream", False)))
            return response

        return send


def _begin(capture: Capture, request: "requests.PreparedRequest") -> Call | None:
    with capture.guard:
        call = capture.begin("requests", request.method, request.url)
        if call is not None:
            # A body that is a generator or a file is the application's to read.
            call.keep_request(list(request.headers.items()), request.body, _header(request.headers, "content-length"))
        return call
    return None


def _settle(call: Call, response: "requests.Response", *, is_stream: bool | None) -> None:
    """Ends the call where the answer is there as a whole, else when the application has read or closed it."""
    with call.capture.guard:
        call.keep_answer(response.status_code, list(response.headers.items()))
        # requests measures to the headers of each hop.
        hops = [*response.history, response]
        call.attempt.ttfb_ms = round(sum(hop.elapsed.total_seconds() for hop in hops) * 1000)
        if not is_stream or getattr(response, "_content_consumed", False):
            call.end(response.content)
        elif _make_watched(response.raw):
            setattr(response.raw, _BODY, StreamedBody(call, body_bytes=_header(response.headers, "content-length")))
        else:
            call.end()
        return
    call.finish()


def _header(headers: Any, name: str) -> str | None:
    value = headers.get(name)
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _make_watched(raw: Any) -> bool:
    """Gives a raw answer the class that notes what is read. False where it is an object of an adapter's own, unlike urllib3's."""
    try:
        kind: type = type(raw)
        raw.__class__ = _watched_class(kind)
    except TypeError:
        return False
    return True


@functools.cache
def _watched_class(kind: type) -> type:
    """The class of a raw answer, and it notes what is read. There are as many as classes of raw answers: one or two."""
    if not all(hasattr(kind, name) for name in ("read", "stream", "read_chunked", "close")):
        raise TypeError(f"{kind} has not the methods of urllib3's answers")
    mixins = (_WatchedRead1, _WatchedRaw) if hasattr(kind, "read1") else (_WatchedRaw,)
    return type(kind.__name__, (*mixins, kind), {"__module__": kind.__module__})


class _WatchedRaw(_RawBase):
    """The methods of a raw answer through which all its bytes come."""

    __slots__ = ()

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        body: StreamedBody = getattr(self, _BODY)
        try:
            data: bytes = super().read(*args, **kwargs)
        except BaseException as error:
            body.fail(error)
            raise
        _note_encoding(self, body, args, kwargs)
        body.keep(data)
        # Without an amount everything was read; else nothing more comes once the connection is given back.
        is_whole = kwargs.get("amt", args[0] if args else None) is None
        if is_whole or (not data and self.closed):
            body.end()
        return data

    def stream(self, *args: Any, **kwargs: Any) -> Generator[bytes, None, None]:
        # Its pieces come through `read` or `read_chunked`.
        yield from super().stream(*args, **kwargs)
        getattr(self, _BODY).end()

    def read_chunked(self, *args: Any, **kwargs: Any) -> Generator[bytes, None, None]:
        body: StreamedBody = getattr(self, _BODY)
        _note_encoding(self, body, args, kwargs)
        yield from pass_pieces(super().read_chunked(*args, **kwargs), body)

    def close(self) -> None:
        try:
            super().close()
        finally:
            getattr(self, _BODY).close()


class _WatchedRead1(_RawBase):
    """A method that urllib3 has since 2.3."""

    __slots__ = ()

    def read1(self, *args: Any, **kwargs: Any) -> bytes:
        body: StreamedBody = getattr(self, _BODY)
        try:
            data: bytes = super().read1(*args, **kwargs)
        except BaseException as error:
            body.fail(error)
            raise
        _note_encoding(self, body, args, kwargs)
        body.keep(data)
        if not data and self.closed:
            body.end()
        return data


def _note_encoding(raw: Any, body: StreamedBody, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """urllib3 decodes what it reads where it is asked to; requests does not ask for it on the raw object."""
    is_decoded = kwargs.get("decode_content", args[1] if len(args) > 1 else None)
    if is_decoded is None:
        is_decoded = raw.decode_content
    body.is_encoded = not is_decoded and "content-encoding" in raw.headers
