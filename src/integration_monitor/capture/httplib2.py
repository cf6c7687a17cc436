"""httplib2, which Google's API client sends through.

The seam is `Http.request`: documented, and where every call begins. It calls itself for redirects, so only the outermost counts, and sends
through http.client, which tells what comes over the wire. Without this, a connection that cannot be made would leave no record: httplib2
connects before it makes a request.
"""

import functools
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from integration_monitor.capture.call import Call, Capture
from integration_monitor.capture.nesting import Carrier, carrier_above
from integration_monitor.capture.patching import Method, Replacement

if TYPE_CHECKING:
    import httplib2  # type: ignore[import-untyped]


class Httplib2Patch:
    """Records the calls of httplib2 from `patch` to `unpatch`."""

    library = "httplib2"

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._replacements: list[Replacement] = []

    def patch(self, module: ModuleType) -> None:
        """Does nothing where it is done already."""
        if not self._replacements:
            self._replacements = [Replacement(module.Http, "request", self._request)]

    def unpatch(self) -> None:
        for replacement in self._replacements:
            replacement.undo()
        self._replacements = []

    def _request(self, replacement: Replacement) -> Method:
        capture, original = self._capture, replacement.original

        @functools.wraps(original)
        def request(
            http: Any, uri: Any, method: Any = "GET", body: Any = None, headers: Any = None, *args: Any, **kwargs: Any
        ) -> Any:
            above = carrier_above()
            if above is not None and (above.sender is http or above.sends_through("httplib2", uri)):
                above.call.resume()
                return original(http, uri, method, body, headers, *args, **kwargs)
            call = _begin(capture, uri, method, body, headers) if replacement.is_active else None
            if call is None:
                return original(http, uri, method, body, headers, *args, **kwargs)
            ours = Carrier("httplib2", http, call)
            try:
                ours.begin()
                given = original(http, uri, method, body, headers, *args, **kwargs)
            except BaseException as error:
                # http.client tells of a request and its answer; before there is one, httplib2 connects, and it reads the body itself.
                call.fail(error, ours.phase or ("connect" if call.attempt.ttfb_ms is None else "read"))
                raise
            finally:
                ours.is_over = True
                ours.end()
            _settle(call, *given)
            return given

        return request


def _begin(capture: Capture, uri: str, method: str, body: object, headers: Mapping[str, str] | None) -> Call | None:
    try:
        call = capture.begin("httplib2", method, uri)
        if call is not None:
            # A body that is a generator or a file is noted below, while it is sent.
            call.keep_request(dict(headers or {}), body)
    except Exception as error:  # noqa: BLE001 -- the guard's
        capture.guard.catch(error)
        return None
    return call


def _settle(call: Call, response: "httplib2.Response", content: bytes) -> None:
    """Ends the call: httplib2 has read the answer as a whole."""
    try:
        if call.attempt.status_code is not None:
            # What its cache adds has not come over the wire.
            call.end(b"" if response.fromcache else content)
        elif response.fromcache:
            call.forget()
        else:
            # An answer that httplib2 makes of an exception, where it is told to.
            call.keep_answer(response.status, dict(response))
            call.end(content)
    except Exception as error:  # noqa: BLE001 -- the guard's
        call.capture.guard.catch(error)
        call.finish()
