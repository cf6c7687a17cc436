"""Refuses what a page of another site makes a browser send (cross-site request forgery).

The rule is that of Go's `net/http.CrossOriginProtection`: a browser says where a request comes from, in Sec-Fetch-Site or
Origin; who says neither is no browser and carries no cookie that it was not given. No token in forms is needed.
"""

from typing import Any, Final
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from integration_monitor.errors import SettingsError
from integration_monitor.server.refusals import OriginRefused
from integration_monitor.settings import Settings

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})


def check_public_url(public_url: str) -> None:
    """Whether a setting names an origin: everything that asks whether we are reached over TLS, and as whom, relies on it.

    Errors:
        SettingsError: it has no scheme or host, or a path below which the pages could not find their own files.
    """
    try:
        parts = urlsplit(public_url)
        is_origin = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.path in {"", "/"}
        is_origin = is_origin and not (parts.query or parts.fragment or parts.username)
    except ValueError:  # brackets that hold no IPv6 address
        is_origin = False
    if not is_origin:
        raise SettingsError(
            f"public_url: {public_url!r} is not the address of a site, such as https://monitor.example.com", name="public_url"
        )


async def refuse_cross_origin(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard for the whole application. It waits for nothing; but Litestar gives a guard that is no coroutine to a thread, for each request.

    Errors:
        OriginRefused: the request changes something and comes from a page of another origin.
    """
    # No page can add an Authorization header to a request to another origin without being allowed to first.
    if connection.scope.get("method") in _SAFE_METHODS or "authorization" in connection.headers:
        return
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        if site not in _OWN_SITES:
            raise OriginRefused(f"The request was sent by a page of another origin ({site}).")
        return
    origin = connection.headers.get("origin")
    if origin is None:
        return
    settings: Settings = connection.app.state.settings
    own = {connection.headers.get("host"), _host(settings.public_url or "")} - {None, ""}
    if _host(origin) not in own:
        raise OriginRefused("The request was sent by a page of another origin.")


def _host(origin: str) -> str:
    """The host of an origin, with its port; empty where there is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:  # brackets that hold no IPv6 address
        return ""
