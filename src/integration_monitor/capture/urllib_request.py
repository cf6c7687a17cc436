"""urllib.request.

The seam is `OpenerDirector.open`: documented, and where every call begins, `urlopen` too. It calls itself for redirects and for
authentication: only the outermost counts, so a redirected call is one record with its final answer. The connections below are
http.client's, which notes what is sent.
"""

import functools
from types import ModuleType
from typing import TYPE_CHECKING, Any

from integration_monitor.capture.call import Call, Capture
from integration_monitor.capture.http_client import settle
from integration_monitor.capture.nesting import Carrier, carrier, is_carried_by
from integration_monitor.capture.patching import Method, Replacement

if TYPE_CHECKING:
    from urllib.error import HTTPError, URLError


class UrllibRequestPatch:
    """Records the calls of urllib.request from `patch` to `unpatch`."""

    library = "urllib.request"

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._replacements: list[Replacement] = []

    def patch(self, module: ModuleType) -> None:
        """Does nothing where it is done already."""
        if not self._replacements:
            self._replacements = [
                Replacement(module.OpenerDirector, "open", lambda one: self._open(one, module.HTTPError, module.URLError))
            ]

    def unpatch(self) -> None:
        for replacement in self._replacements:
            replacement.undo()
        self._replacements = []

    def _open(self, replacement: Replacement, http_error: type["HTTPError"], url_error: type["URLError"]) -> Method:
        capture, original = self._capture, replacement.original

        @functools.wraps(original)
        def open(opener: Any, fullurl: Any, data: Any = None, *args: Any, **kwargs: Any) -> Any:  # noqa: A001 -- it replaces one
            if not replacement.is_active or is_carried_by(opener) or not _is_http(fullurl):
                return original(opener, fullurl, data, *args, **kwargs)
            call = _begin(capture, fullurl, data)
            token = carrier.set(Carrier(opener, call))
            try:
                response = original(opener, fullurl, data, *args, **kwargs)
            except http_error as error:
                if call is not None:
                    # An answer all the same, which the application reads from the exception.
                    _settle(call, error.fp, error.code, error.headers)
                raise
            except BaseException as error:
                if call is not None:
                    # What went wrong before the request was sent comes as a URLError.
                    call.fail(error, None if isinstance(error, url_error) else "read")
                raise
            finally:
                carrier.reset(token)
            if call is not None:
                _settle(call, response, getattr(response, "status", None), getattr(response, "headers", None))
            return response

        return open


def _settle(call: Call, response: Any, status: int | None, headers: Any) -> None:
    if hasattr(response, "isclosed"):
        settle(call, response)
        return
    # An answer that a handler of the application's own has made, or that was read already.
    with call.capture.guard:
        call.attempt.status_code = status
        call.attempt.response_headers = None if headers is None else list(headers.items())
    call.finish()


def _is_http(fullurl: Any) -> bool:
    url = getattr(fullurl, "full_url", fullurl)
    return isinstance(url, str) and url[:5].lower() in {"http:", "https"}


def _begin(capture: Capture, fullurl: Any, data: object) -> Call | None:
    with capture.guard:
        if isinstance(fullurl, str):
            return capture.begin("urllib.request", "GET" if data is None else "POST", fullurl)
        has_own_method = data is None or "method" in vars(fullurl)
        return capture.begin("urllib.request", fullurl.get_method() if has_own_method else "POST", fullurl.full_url)
    return None
