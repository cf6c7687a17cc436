"""The application knows where it stands: below which path of another one it is mounted, or nowhere."""

from contextvars import ContextVar
from typing import Any, Final

from litestar import Litestar
from litestar.handlers import BaseRouteHandler
from litestar.types import Receive, Scope, Send

# Of the request that is being answered. Its pages are rendered in the same context.
_ROOT: Final[ContextVar[str]] = ContextVar("integration_monitor_root_path", default="")


class MountableApp(Litestar):
    """An application whose own addresses lead to where it is mounted."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]
        """Answers a request, or runs the lifespan."""
        token = _ROOT.set(str(scope.get("root_path") or "").rstrip("/"))
        try:
            await super().__call__(scope, receive, send)
        finally:
            _ROOT.reset(token)

    def route_reverse(self, name: str | BaseRouteHandler, **path_parameters: Any) -> str:
        """The address of a route, as a browser has to ask for it. Errors: NoRouteMatchFoundException."""
        return _ROOT.get() + super().route_reverse(name, **path_parameters)
