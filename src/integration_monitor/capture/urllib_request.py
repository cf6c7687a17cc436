"""urllib.request.

The seam is `OpenerDirector.open`: documented, and where every call begins, `urlopen` too. It calls itself for redirects and for
authentication: only the outermost counts, so a redirected call is one record with its final answer. The connections below are
http.client's, which notes what is sent.
"""

import functools
from types import ModuleType
from typing import TYPE_CHECKING, Any

from integration_monitor.capture.call import Call, Capture
from integration_monitor.capture.http_client_answer import settle
from integration_monitor.capture.nesting import Carrier, carrier_above
from integration_monitor.capture.patching import Method, Replacement

if TYPE_CHECKING:
    from urllib.error import HTTPError


class UrllibRequestPatch:
    """Records the calls of urllib.request from `patch` to `unpatch`."""

    library = "urllib.request"

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._replacements: list[Replacement] = []

    def patch(self, module: ModuleType) -> None:
        """Does nothing where it is done already."""
        if not self._replacements:
            self._replacements = [Replacement(module.OpenerDirector, "open", lambda one: self._open(one, module.HTTPError))]

    def unpatch(self) -> None:
        for replacement in self._replacements:
            replacement.undo()
        self._replacements = []

    def _open(self, replacement: Replacement, http_error: type["HTTPError"]) -> Method:
        capture, original = self._capture, replacement.original

        @functools.wraps(original)
        def open(opener: Any, fullurl: Any, data: Any = None, *args: Any, **kwargs: Any) -> Any:  # noqa: A001 -- it replaces one
            url = getattr(fullurl, "full_url", fullurl)
            if not replacement.is_active or not _is_http(url):
                return original(opener, fullurl, data, *args, **kwargs)
            above = carrier_above()
            if above is not None and _is_part(above, opener, fullurl, url):
                above.call.resume()
                above.go_on(url)
                return original(opener, fullurl, data, *args, **kwargs)
            call = _begin(capture, fullurl, data)
            if call is None:
                return original(opener, fullurl, data, *args, **kwargs)
            ours = Carrier("urllib.request", opener, call, url)
            try:
                ours.begin()
                response = original(opener, fullurl, data, *args, **kwargs)
            except http_error as error:
                # An answer all the same, which the application reads from the exception.
                _settle(call, error.fp, error.code, error.headers)
                raise
            except BaseException as error:
                call.fail(error, ours.phase)
                raise
            finally:
                ours.is_over = True
                ours.end()
            _settle(call, response, getattr(response, "status", None), getattr(response, "headers", None))
            return response

        return open


def _is_part(above: Carrier, opener: object, fullurl: Any, url: str) -> bool:
    """Whether an opener asks itself: for a redirect, whose request is marked with the URLs that were seen, or again with authentication."""
    if above.sender is opener:
        return hasattr(fullurl, "redirect_dict") or url == above.url
    return above.sends_through("urllib.request", url)


def _settle(call: Call, response: Any, status: int | None, headers: Any) -> None:
    if hasattr(response, "isclosed"):
        settle(call, response)
        return
    # An answer that a handler of the application's own has made, or that was read already.
    with call.capture.guard:
        call.attempt.status_code = status
        call.attempt.response_headers = None if headers is None else list(headers.items())
    call.finish()


def _is_http(url: object) -> bool:
    return isinstance(url, str) and url[:5].lower() in {"http:", "https"}


def _begin(capture: Capture, fullurl: Any, data: object) -> Call | None:
    try:
        if isinstance(fullurl, str):
            return capture.begin("urllib.request", "GET" if data is None else "POST", fullurl)
        has_own_method = data is None or "method" in vars(fullurl)
        return capture.begin("urllib.request", fullurl.get_method() if has_own_method else "POST", fullurl.full_url)
    except Exception as error:  # noqa: BLE001 -- the guard's
        capture.guard.catch(error)
        return None
