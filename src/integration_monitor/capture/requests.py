"""requests.

The seam is `Session.send`: documented, and where all calls pass. `Session.request` would miss prepared requests, and an adapter sees each
redirect by itself. `send` calls itself for redirects: only the outermost call counts, so a redirected call is one record with its final answer.
"""

import functools
from types import ModuleType
from typing import TYPE_CHECKING, Any

from integration_monitor.capture.call import Call, Capture
from integration_monitor.capture.nesting import Carrier, carrier, is_carried_by
from integration_monitor.capture.patching import Method, Replacement
from integration_monitor.capture.urllib3_answer import watch

if TYPE_CHECKING:
    import requests


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
            if not replacement.is_active or is_carried_by(session):
                return original(session, request, **kwargs)
            call = _begin(capture, request)
            token = carrier.set(Carrier(session, call))
            try:
                response = original(session, request, **kwargs)
            except BaseException as error:
                if call is not None:
                    call.fail(error)
                raise
            finally:
                carrier.reset(token)
            if call is not None:
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
        if call.attempt.ttfb_ms is None:
            # An adapter that is not urllib3's: requests itself measures to the headers of each hop.
            hops = [*response.history, response]
            call.attempt.ttfb_ms = round(sum(hop.elapsed.total_seconds() for hop in hops) * 1000)
        if not is_stream or getattr(response, "_content_consumed", False):
            call.end(response.content)
        elif not watch(response.raw, call, body_bytes=_header(response.headers, "content-length")):
            call.end()
        return
    call.finish()


def _header(headers: Any, name: str) -> str | None:
    value = headers.get(name)
    return value.decode("latin-1") if isinstance(value, bytes) else value
