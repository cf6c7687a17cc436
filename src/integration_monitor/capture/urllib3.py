"""urllib3, where the application uses it itself or through a library that is not known here, such as botocore.

The seam is `urlopen` of the pool manager and of the pool: documented, and one of them is where every call begins. Both call themselves and
each other for redirects and retries: only the outermost counts, so a redirected call is one record with its final answer. Calls of requests
arrive at the pool as well, and are requests' to record. What is sent of a generator or a file, http.client tells.

One more place is heard, for urllib3's calls and for those of requests: `Retry.increment`, documented as the place for one's own rules. There
a retry is decided; each becomes an attempt with its own error and duration. When the headers come, http.client tells.
"""

import functools
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from integration_monitor.capture.call import Call, Capture
from integration_monitor.capture.nesting import Carrier, carrier_above
from integration_monitor.capture.patching import Method, Replacement
from integration_monitor.capture.urllib3_answer import watch

if TYPE_CHECKING:
    import urllib3

_DEFAULT_PORTS = {"http": 80, "https": 443}

# What may be given by position after method and URL.
_ARGUMENTS_OF_MANAGER = ("redirect",)
_ARGUMENTS_OF_POOL = (
    "body",
    "headers",
    "retries",
    "redirect",
    "assert_same_host",
    "timeout",
    "pool_timeout",
    "release_conn",
    "chunked",
    "body_pos",
    "preload_content",
)


class Urllib3Patch:
    """Records the calls of urllib3 from `patch` to `unpatch`."""

    library = "urllib3"

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._replacements: list[Replacement] = []

    def patch(self, module: ModuleType) -> None:
        """Does nothing where it is done already."""
        if not self._replacements:
            self._replacements = [
                Replacement(module.PoolManager, "urlopen", lambda one: self._urlopen(one, _ARGUMENTS_OF_MANAGER)),
                Replacement(module.HTTPConnectionPool, "urlopen", lambda one: self._urlopen(one, _ARGUMENTS_OF_POOL)),
                Replacement(module.Retry, "increment", self._increment),
            ]

    def unpatch(self) -> None:
        for replacement in self._replacements:
            replacement.undo()
        self._replacements = []

    def _urlopen(self, replacement: Replacement, names: tuple[str, ...]) -> Method:
        capture, original = self._capture, replacement.original

        @functools.wraps(original)
        def urlopen(sender: Any, method: Any, url: Any, *args: Any, **kwargs: Any) -> Any:
            if not replacement.is_active:
                return original(sender, method, url, *args, **kwargs)
            above = carrier_above()
            if above is not None and _is_part(above, sender, url, kwargs.get("headers")):
                above.call.resume()
                part = Carrier("urllib3", sender, above.call)
                try:
                    part.begin()
                    return original(sender, method, url, *args, **kwargs)
                finally:
                    part.is_over = True
                    part.end()
            given = {**dict(zip(names, args, strict=False)), **kwargs} if args else kwargs
            call = _begin(capture, sender, method, url, given)
            if call is None:
                return original(sender, method, url, *args, **kwargs)
            ours = Carrier("urllib3", sender, call)
            try:
                ours.begin()
                response = original(sender, method, url, *args, **kwargs)
            except BaseException as error:
                call.fail(error)
                raise
            finally:
                ours.is_over = True
                ours.end()
            _settle(call, response, is_whole=given.get("preload_content", True))
            return response

        return urlopen

    def _increment(self, replacement: Replacement) -> Method:
        original = replacement.original

        @functools.wraps(original)
        def increment(retry: Any, *args: Any, **kwargs: Any) -> Any:
            # It raises where there will be no other attempt.
            following = original(retry, *args, **kwargs)
            above = carrier_above()
            if replacement.is_active and above is not None:
                _note_retry(above.call, following, kwargs.get("response"))
            return following

        return increment


def _is_part(above: Carrier, sender: Any, url: str, headers: object) -> bool:
    """Whether it was asked by the library above, or by itself for a redirect or a retry: not by code of the application that runs meanwhile."""
    if above.library == "urllib3":
        return not above.is_sending
    # requests hands its headers on as they are. Adapters of the application's own may not, nor authentication that sends again.
    return (headers is not None and headers is above.headers) or above.asks_for(getattr(sender, "host", ""), url)


def _begin(capture: Capture, sender: Any, method: str, url: str, given: Mapping[str, Any]) -> Call | None:
    try:
        call = capture.begin("urllib3", method, _whole_url(sender, url))
        if call is not None:
            headers = given.get("headers")
            if headers is None:
                headers = sender.headers
            # The application's own, which it may change. A body that is a generator or a file is noted below, while it is sent.
            call.keep_request(dict(headers) if type(headers) is dict else list(headers.items()), given.get("body"))
    except Exception as error:  # noqa: BLE001 -- the guard's
        capture.guard.catch(error)
        return None
    return call


def _whole_url(sender: Any, url: str) -> str:
    """A pool is asked for paths only, and a manager for whole URLs; where it is not, it refuses."""
    if not url.startswith("/") or not hasattr(sender, "host"):
        return url
    host = f"[{sender.host}]" if ":" in sender.host else sender.host
    port = "" if sender.port in {None, _DEFAULT_PORTS.get(sender.scheme)} else f":{sender.port}"
    return f"{sender.scheme}://{host}{port}{url}"


def _note_retry(call: Call, following: "urllib3.Retry", response: "urllib3.HTTPResponse | None") -> None:
    """Ends the attempt that is to be made again. A redirect goes on with the same one."""
    with call.capture.guard:
        reason = following.history[-1]
        if reason.redirect_location:
            return
        if response is not None:
            call.keep_answer(response.status, response.headers)
        call.end_attempt(reason.error)


def _settle(call: Call, response: "urllib3.HTTPResponse", *, is_whole: bool) -> None:
    """Ends the call where the answer is there as a whole, else when the application has read or closed it."""
    try:
        call.keep_answer(response.status, response.headers)
        if is_whole:
            call.end(response.data)
        elif not watch(response, call):
            call.end()
    except Exception as error:  # noqa: BLE001 -- the guard's
        call.capture.guard.catch(error)
        call.finish()
