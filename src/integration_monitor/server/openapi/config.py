"""Litestar's configuration of the document."""

from typing import Any, Final

from litestar import Request, Response, Router
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from integration_monitor.server.openapi.document import completed

# The promise that the endpoints keep; not the version of the package.
_API_VERSION: Final = "1.0.0"


class _CompletedPlugin(JsonRenderPlugin):
    """Shows the document as JSON. The interactive pages load scripts from elsewhere, which the Content-Security-Policy forbids."""

    def __init__(self) -> None:
        super().__init__(path=["/", "/openapi.json"])
        self._document: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The document; made once, and the same for everybody."""
        if self._document is None:
            self._document = self.render_json(request, completed(openapi_schema))
        return self._document


def config() -> OpenAPIConfig:
    """The configuration of one application."""
    return OpenAPIConfig(
        title="Integration Monitor",
        version=_API_VERSION,
        description="What your integrations sent, what came back, which of them are healthy, and what has been failing. "
        'Every list answers `{"data": [...], "next": cursor or null}`; every error is `application/problem+json`, but below `/rest/v1` and at '
        "`/v1/traces`, where it is what the clients of these protocols read. Any error may come from any endpoint as 500 with the same shape.",
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http",
                    scheme="bearer",
                    bearer_format="JWT",
                    description="A token, whose claim `role` (service_role, authenticated or integration_monitor_statistics) becomes the "
                    "database role of the question, so that row level security decides; or an API key, `im_…`.",
                )
            }
        ),
        security=[{"bearer": []}],
        use_handler_docstrings=True,
        render_plugins=[_CompletedPlugin()],
        openapi_router=Router("/schema", route_handlers=[], include_in_schema=False, after_request=_refuse_missing),
    )


def _refuse_missing(response: Response[Any]) -> Response[Any]:
    """Litestar answers a wrong address below /schema with a page of its own; ours has the shape of all errors."""
    if response.status_code == NotFoundException.status_code:
        raise NotFoundException
    return response
