"""requests.

The seam is `Session.send`: documented, and where all calls pass. `Session.request` would miss prepared requests, and an adapter sees each
redirect by itself. `send` calls itself for redirects: only the outermost call counts, so a redirected call is one record with its final answer.
"""

import functools
from types import ModuleType
from typing import TYPE_CHECKING, Any

from integration_monitor.capture.call import Call, Capture
from integration_monitor.capture.nesting import Carrier, carrier_above
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
            if not replacement.is_active:
                return original(session, request, **kwargs)
            above = carrier_above()
            if above is not None and _is_part(above, session, request):
                above.go_on(request.url, request.headers)
                return original(session, request, **kwargs)
            call = _begin(capture, request)
            if call is None:
                return original(session, request, **kwargs)
            ours = _carry(session, call, request)
            try:
                ours.begin()
                response = original(session, request, **kwargs)
            except BaseException as error:
                call.fail(error)
                raise
            finally:
                ours.is_over = True
                ours.end()
            _settle(call, response, is_stream=kwargs.get("stream", getattr(session, "stream", False)))
            return response

        return send


def _carry(session: object, call: Call, request: "requests.PreparedRequest") -> Carrier:
    # An object that is no prepared request is requests' to refuse.
    headers, hooks = getattr(request, "headers", None), getattr(request, "hooks", None)
    return Carrier("requests", session, call, getattr(request, "url", None), headers, hooks)


def _is_part(above: Carrier, session: object, request: "requests.PreparedRequest") -> bool:
    """Whether it is a redirect, or the same request again: requests gives copies of a request the hooks of the first, the object itself."""
    if above.sender is session and getattr(request, "hooks", None) is above.mark:
        return True
    return above.sends_through("requests", getattr(request, "url", None))


def _begin(capture: Capture, request: "requests.PreparedRequest") -> Call | None:
    try:
        call = capture.begin("requests", request.method, request.url)
        if call is not None:
            # A body that is a generator or a file is noted below, while it is sent.
            call.keep_request(request.headers, request.body)
    except Exception as error:  # noqa: BLE001 -- the guard's
        capture.guard.catch(error)
        return None
    return call


def _settle(call: Call, response: "requests.Response", *, is_stream: bool | None) -> None:
    """Ends the call where the answer is there as a whole, else when the application has read or closed it."""
    try:
        call.keep_answer(response.status_code, response.headers)
        if call.attempt.ttfb_ms is None:
            # An adapter that is not urllib3's: requests itself measures to the headers of each hop.
            seconds = response.elapsed.total_seconds() + sum(hop.elapsed.total_seconds() for hop in response.history)
            call.attempt.ttfb_ms = round(seconds * 1000)
        if not is_stream or getattr(response, "_content_consumed", False):
            # Nothing is left of an answer that a hook has read piece by piece.
            call.end(None if getattr(response, "_content", None) is False else response.content)
        elif not watch(response.raw, call):
            call.end()
    except Exception as error:  # noqa: BLE001 -- the guard's
        call.capture.guard.catch(error)
        call.finish()
