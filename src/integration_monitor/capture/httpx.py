"""httpx, sync and async.

The seam is `Client.send` and `AsyncClient.send`: documented, and where all of httpx's calls pass once, however they were made. Below it a
redirect or an authentication step would be a call of its own; above it `stream()` and `build_request` would be missed. Transports are
below, so applications with their own, and tests with MockTransport or respx, are recorded as well.

`send` reads the body before it returns unless `stream=True`, and nothing public tells when the headers came. So the original is always
called with `stream=True`, which httpx passes on to nobody, and the body is read here exactly as httpx would: that moment is the headers'.
"""

import functools
from types import ModuleType
from typing import TYPE_CHECKING, Any

from integration_monitor.capture.call import Call, Capture, StreamedBody, pass_pieces, pass_pieces_async
from integration_monitor.capture.patching import Method, Replacement

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import httpx
    from httpx import AsyncByteStream as _AsyncBase
    from httpx import SyncByteStream as _SyncBase
else:
    _SyncBase = _AsyncBase = object


class HttpxPatch:
    """Records the calls of httpx from `patch` to `unpatch`."""

    library = "httpx"

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._replacements: list[Replacement] = []

    def patch(self, module: ModuleType) -> None:
        """Does nothing where it is done already."""
        if self._replacements:
            return
        # httpx looks at the class of a stream, so ours have to inherit from its own, which are there only now.
        sync_stream = type("WatchedStream", (_WatchedStream, module.SyncByteStream), {})
        async_stream = type("WatchedAsyncStream", (_WatchedAsyncStream, module.AsyncByteStream), {})
        self._replacements = [
            Replacement(module.Client, "send", lambda one: self._send(one, module.Response, sync_stream)),
            Replacement(module.AsyncClient, "send", lambda one: self._send_async(one, module.Response, async_stream)),
        ]

    def unpatch(self) -> None:
        for replacement in self._replacements:
            replacement.undo()
        self._replacements = []

    def _send(
        self, replacement: Replacement, response_type: type["httpx.Response"], stream_type: type["_WatchedStream"]
    ) -> Method:
        capture, original = self._capture, replacement.original

        @functools.wraps(original)
        def send(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            call = _begin(capture, request) if replacement.is_active else None
            if call is None:
                return original(client, request, *args, **kwargs)
            is_stream = kwargs.get("stream", False)
            try:
                response = original(client, request, *args, **{**kwargs, "stream": True})
                _keep_answer(call, request, response)
                if not is_stream and isinstance(response, response_type):
                    try:
                        response.read()
                    except BaseException:
                        response.close()
                        raise
            except BaseException as error:
                call.fail(error)
                raise
            _settle(call, response, stream_type)
            return response

        return send

    def _send_async(
        self, replacement: Replacement, response_type: type["httpx.Response"], stream_type: type["_WatchedAsyncStream"]
    ) -> Method:
        capture, original = self._capture, replacement.original

        @functools.wraps(original)
        async def send(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            call = _begin(capture, request) if replacement.is_active else None
            if call is None:
                return await original(client, request, *args, **kwargs)
            is_stream = kwargs.get("stream", False)
            try:
                response = await original(client, request, *args, **{**kwargs, "stream": True})
                _keep_answer(call, request, response)
                if not is_stream and isinstance(response, response_type):
                    try:
                        await response.aread()
                    except BaseException:
                        await response.aclose()
                        raise
            except BaseException as error:
                call.fail(error)
                raise
            _settle(call, response, stream_type)
            return response

        return send


def _begin(capture: Capture, request: "httpx.Request") -> Call | None:
    with capture.guard:
        call = capture.begin("httpx", request.method, str(request.url))
        if call is not None:
            call.keep_request(request.headers.raw, _content(request), request.headers.get("content-length"))
        return call
    return None


def _content(request: "httpx.Request") -> bytes | None:
    """The body where it is there as a whole. Generators, files and multipart bodies are the application's to read."""
    try:
        return request.content
    except RuntimeError:  # httpx.RequestNotRead
        return None


def _keep_answer(call: Call, request: "httpx.Request", response: "httpx.Response") -> None:
    with call.capture.guard:
        call.attempt.mark_headers()
        # Authentication sets its headers while the request is on its way.
        call.attempt.request_headers = request.headers.raw
        call.keep_answer(response.status_code, response.headers.raw)


def _settle(call: Call, response: "httpx.Response", stream_type: Any) -> None:
    """Ends the call where the answer is there as a whole, else when the application has read or closed it."""
    with call.capture.guard:
        if response.is_closed:
            call.end(getattr(response, "_content", None))
        else:
            headers = response.headers
            body = StreamedBody(call, body_bytes=headers.get("content-length"), is_encoded="content-encoding" in headers)
            response.stream = stream_type(response.stream, body)
        return
    call.finish()


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
