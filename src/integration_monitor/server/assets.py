"""The built scripts and styles at /static, and their answer "not modified" (RFC 9110, section 13.1.2), which Litestar has not."""

from pathlib import Path
from typing import Final

from litestar import Router
from litestar.datastructures import CacheControlHeader, Headers
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp, Message, Receive, Scope, Send

_FOLDER: Final = Path(__file__).parent / "static"
# What a browser may keep of the headers of the file it has.
_KEPT_HEADERS: Final = frozenset({b"etag", b"cache-control", b"last-modified"})


class NotModified(ASGIMiddleware):
    """Sends no file to a browser that has it: the charts' library weighs a megabyte."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Answers 304 where the request names the tag of the file that would be sent."""
        known = Headers.from_scope(scope).get("if-none-match")
        is_known = False

        async def send_unless_known(message: Message) -> None:
            nonlocal is_known
            if message["type"] == "http.response.start" and message["status"] == 200:  # noqa: PLR2004  # a word would say less
                tag = dict(message["headers"]).get(b"etag", b"").decode("latin-1")
                is_known = bool(tag) and known == tag
                if is_known:
                    message["status"] = 304
                    message["headers"] = [header for header in message["headers"] if header[0] in _KEPT_HEADERS]
            if message["type"] == "http.response.body" and is_known:
                message["body"] = b""
            await send(message)

        await next_app(scope, receive, send_unless_known)


def routers() -> list[Router]:
    """The files' router; none where the package was built without them."""
    if not _FOLDER.is_dir():
        return []
    return [
        create_static_files_router(
            "/static",
            [_FOLDER],
            name="static",
            # Files keep their names from version to version: a browser asks whether its copy is still the same.
            cache_control=CacheControlHeader(no_cache=True),
            middleware=[NotModified()],
        )
    ]
