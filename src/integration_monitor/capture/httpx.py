"""httpx, sync and async.

The seam is `Client.send` and `AsyncClient.send`: documented, and where all of httpx's calls pass once, however they were made. Below it a
redirect or an authentication step would be a call of its own; above it `stream()` and `build_request` would be missed. Transports are
below, so applications with their own, and tests with MockTransport or respx, are recorded as well. httpx2 has the same seam.

`send` reads the body before it returns unless `stream=True`, and nothing public tells when the headers came. So the original is always
called with `stream=True`, which httpx passes on to nobody, and the body is read here exactly as httpx would: that moment is the headers'.
"""

import functools
from types import ModuleType
from typing import TYPE_CHECKING, Any

from integration_monitor.capture.call import Call, Capture, SentBody, StreamedBody, pass_pieces, pass_pieces_async
from integration_monitor.capture.nesting import Carrier, carrier_above
from integration_monitor.capture.patching import Method, Replacement

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import httpx
    from httpx import AsyncByteStream as _AsyncBase
    from httpx import SyncByteStream as _SyncBase
else:
    _SyncBase = _AsyncBase = object


_SWITCHING_PROTOCOLS = 101


class HttpxPatch:
    """Records the calls of httpx from `patch` to `unpatch`."""

    #: the module, and the client's name in a record
    library = "httpx"

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._replacements: list[Replacement] = []

    def patch(self, module: ModuleType) -> None:
        """Does nothing where it is done already."""
        if self._replacements:
            return
        streams = _Streams(module)
        self._replacements = [
            Replacement(module.Client, "send", lambda one: self._send(one, module.Response, streams)),
            Replacement(module.AsyncClient, "send", lambda one: self._send_async(one, module.Response, streams)),
        ]

    def unpatch(self) -> None:
        for replacement in self._replacements:
            replacement.undo()
        self._replacements = []

    def _send(self, replacement: Replacement, response_type: type["httpx.Response"], streams: "_Streams") -> Method:
        original = replacement.original

        @functools.wraps(original)
        def send(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            call = self._begin(request) if replacement.is_active else None
            if call is None:
                return original(client, request, *args, **kwargs)
            sent = streams.watch_request(request, call)
            is_stream, kwargs["stream"] = kwargs.get("stream", False), True
            ours = Carrier(self.library, client, call, request.url)
            try:
                ours.begin()
                response = original(client, request, *args, **kwargs)
                _keep_answer(call, response)
                if not is_stream and isinstance(response, response_type):
                    try:
                        response.read()
                    except BaseException:
                        response.close()
                        raise
            except BaseException as error:
                call.fail(error)
                raise
            finally:
                ours.is_over = True
                ours.end()
                if sent is not None:
                    sent.end(request)
            _settle(call, response, streams)
            return response

        return send

    def _send_async(self, replacement: Replacement, response_type: type["httpx.Response"], streams: "_Streams") -> Method:
        original = replacement.original

        @functools.wraps(original)
        async def send(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            call = self._begin(request) if replacement.is_active else None
            if call is None:
                return await original(client, request, *args, **kwargs)
            sent = streams.watch_request(request, call)
            is_stream, kwargs["stream"] = kwargs.get("stream", False), True
            ours = Carrier(self.library, client, call, request.url)
            try:
                ours.begin()
                response = await original(client, request, *args, **kwargs)
                _keep_answer(call, response)
                if not is_stream and isinstance(response, response_type):
                    try:
                        await response.aread()
                    except BaseException:
                        await response.aclose()
                        raise
            except BaseException as error:
                call.fail(error)
                raise
            finally:
                ours.is_over = True
                ours.end()
                if sent is not None:
                    sent.end(request)
            _settle(call, response, streams)
            return response

        return send

    def _begin(self, request: "httpx.Request") -> Call | None:
        try:
            above = carrier_above()
            if above is not None and above.sends_through(self.library, request.url):
                return None
            call = self._capture.begin(self.library, request.method, request.url)
            if call is not None:
                # A body that is not there as a whole is watched while it is sent.
                call.keep_request(request.headers, getattr(request, "_content", None))
        except Exception as error:  # noqa: BLE001 -- the guard's
            self._capture.guard.catch(error)
            return None
        return call


def _keep_answer(call: Call, response: "httpx.Response") -> None:
    try:
        call.attempt.mark_headers()
        call.keep_answer(response.status_code, response.headers)
    except Exception as error:  # noqa: BLE001 -- the guard's
        call.capture.guard.catch(error)


def _settle(call: Call, response: "httpx.Response", streams: "_Streams") -> None:
    """Ends the call where the answer is there as a whole, else when the application has read or closed it."""
    try:
        if response.is_closed:
            call.end(getattr(response, "_content", None))
        elif response.status_code == _SWITCHING_PROTOCOLS:
            call.forget()
        else:
            streams.watch_answer(response, call)
    except Exception as error:  # noqa: BLE001 -- the guard's
        call.capture.guard.catch(error)
        call.finish()


class _Streams:
    """Streams that note what passes. httpx looks at the class of a stream, so ours inherit from its own, which are there only now."""

    def __init__(self, module: ModuleType) -> None:
        self._sync, self._async = module.SyncByteStream, module.AsyncByteStream
        self._answers = {
            False: type("WatchedStream", (_WatchedStream, self._sync), {}),
            True: type("WatchedAsyncStream", (_WatchedAsyncStream, self._async), {}),
        }
        self._requests = {
            (True, False): type("WatchedRequest", (_WatchedRequest, self._sync), {}),
            (False, True): type("WatchedAsyncRequest", (_WatchedAsyncRequest, self._async), {}),
            # multipart forms are both
            (True, True): type("WatchedForm", (_WatchedRequest, _WatchedAsyncRequest, self._sync, self._async), {}),
        }

    def watch_request(self, request: "httpx.Request", call: Call) -> "_Sent | None":
        """Notes what is sent of a body that is not there as a whole: a generator, a file, a form with files."""
        if call.attempt.request_body is not None:
            return None
        with call.capture.guard:
            stream = request.stream
            kind = self._requests.get((isinstance(stream, self._sync), isinstance(stream, self._async)))
            if kind is not None:
                body = SentBody(call)
                watched = kind(stream, body)
                request.stream = watched
                return _Sent(stream, watched, body)
        return None

    def watch_answer(self, response: "httpx.Response", call: Call) -> None:
        stream, headers = response.stream, response.headers
        body = StreamedBody(call, is_encoded="content-encoding" in headers)
        response.stream = self._answers[not isinstance(stream, self._sync)](stream, body)


class _Sent:
    """A watched body of a request."""

    __slots__ = ("_body", "_original", "_watched")

    def __init__(self, original: Any, watched: object, body: SentBody) -> None:
        self._original, self._watched, self._body = original, watched, body

    def end(self, request: "httpx.Request") -> None:
        """The request has its own stream again, unless it was read meanwhile."""
        if request.stream is self._watched:
            request.stream = self._original
        self._body.store()


class _WatchedRequest(_SyncBase):
    """A request's stream that notes what passes. Becomes a `httpx.SyncByteStream` when httpx is there."""

    def __init__(self, stream: Any, body: SentBody) -> None:
        self._stream = stream
        self._body = body

    def __iter__(self) -> "Iterator[bytes]":
        self._body.begin()
        for piece in self._stream:
            self._body.keep(piece)
            yield piece

    def close(self) -> None:
        self._stream.close()


class _WatchedAsyncRequest(_AsyncBase):
    """As `_WatchedRequest`."""

    def __init__(self, stream: Any, body: SentBody) -> None:
        self._stream = stream
        self._body = body

    async def __aiter__(self) -> "AsyncIterator[bytes]":
        self._body.begin()
        async for piece in self._stream:
            self._body.keep(piece)
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


class _WatchedStream(_SyncBase):
    """A stream that notes what passes. Becomes a `httpx.SyncByteStream` when httpx is there."""

    def __init__(self, stream: "httpx.SyncByteStream", body: StreamedBody) -> None:
        self._stream = stream
        self._body = body

    def __iter__(self) -> "Iterator[bytes]":
        return pass_pieces(self._stream, self._body)

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._body.close()


class _WatchedAsyncStream(_AsyncBase):
    """As `_WatchedStream`."""

    def __init__(self, stream: "httpx.AsyncByteStream", body: StreamedBody) -> None:
        self._stream = stream
        self._body = body

    def __aiter__(self) -> "AsyncIterator[bytes]":
        return pass_pieces_async(self._stream, self._body)

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._body.close()
