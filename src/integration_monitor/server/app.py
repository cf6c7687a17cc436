"""Builds the server: one object of each kind, joined here and nowhere else."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

from litestar import Litestar, Response, Router
from litestar.config.compression import CompressionConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig

from integration_monitor.alerts.plan import plan
from integration_monitor.errors import SettingsError
from integration_monitor.server import api, assets, auth, incidents, liveness, pages, sign_in
from integration_monitor.server.entrance import Entrance
from integration_monitor.server.headers import add_security_headers
from integration_monitor.server.ingest import handlers as ingest
from integration_monitor.server.ingest.door import Door
from integration_monitor.server.keyring import KeyRing
from integration_monitor.server.origin import check_public_url, refuse_cross_origin
from integration_monitor.server.otlp import handlers as otlp
from integration_monitor.server.problems import HANDLERS
from integration_monitor.server.rest import handlers as rest
from integration_monitor.server.upkeep import maintained
from integration_monitor.server.watch import watched
from integration_monitor.settings import Settings
from integration_monitor.store.postgres.api_keys import PostgresApiKeys
from integration_monitor.store.postgres.entrance import PostgresEntrance
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.sink import PostgresSink

# The largest thing anybody sends so far is a pasted token.
_BODY_BYTES_MAX: Final = 64 * 1024
# Less than a packet gains nothing.
_COMPRESSED_BYTES_MIN: Final = 1400
# The promise that the endpoints keep; not the version of the package.
_API_VERSION: Final = "1.0.0"


def create_app(settings: Settings) -> Litestar:
    """The ASGI application. It starts whether or not the database is there, and answers 503 while it is not.

    settings:
        `database_url` must be that of a real database: the word `embedded` is resolved by whoever starts the server.

    Errors:
        SettingsError: `database_url` is missing or cannot be read; `public_url` is not the address of a site; alerts cannot be made as told.
    """
    if not settings.database_url:
        raise SettingsError("the server needs `database_url`: postgresql://user:password@host:5432/database", name="database_url")
    if settings.public_url:
        check_public_url(settings.public_url)
    alerts = plan(settings)
    connections = Connections(settings.database_url)
    door = Door(settings, PostgresSink(settings.database_url))

    @contextlib.asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        await connections.open()
        try:
            async with maintained(connections), watched(settings, alerts, connections), door.opened():
                yield
        finally:
            await connections.close()

    return Litestar(
        route_handlers=[
            api.router,
            incidents.router,
            ingest.router,
            rest.router,
            otlp.export_traces,
            *sign_in.route_handlers,
            *pages.route_handlers,
            *liveness.route_handlers,
            *assets.routers(),
        ],
        state=State(
            {
                "settings": settings,
                "connections": connections,
                "readiness": liveness.Readiness(connections),
                "door": door,
                "entrance": Entrance(settings, PostgresEntrance(connections), KeyRing(PostgresApiKeys(connections))),
            }
        ),
        dependencies={
            "caller": Provide(auth.provide_caller, sync_to_thread=False),
            "questions": Provide(auth.provide_questions, sync_to_thread=False),
        },
        guards=[refuse_cross_origin],
        before_send=[add_security_headers],
        exception_handlers=HANDLERS,
        lifespan=[lifespan],
        template_config=TemplateConfig(instance=JinjaTemplateEngine.from_environment(pages.environment())),
        openapi_config=_openapi(),
        request_max_body_size=_BODY_BYTES_MAX,
        compression_config=CompressionConfig(backend="gzip", minimum_size=_COMPRESSED_BYTES_MIN),
        # Logging belongs to whoever starts the process.
        logging_config=None,
    )


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Integration Monitor",
        version=_API_VERSION,
        description="What your integrations sent, what came back, which of them are healthy, and what has been failing. "
        'Every list answers `{"data": [...], "next": cursor or null}`; every error is `application/problem+json`.',
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http",
                    scheme="bearer",
                    bearer_format="JWT",
                    description="HS256. Its claim `role` (service_role, authenticated or integration_monitor_statistics) becomes the "
                    "database role of the question, so that row level security decides.",
                )
            }
        ),
        security=[{"bearer": []}],
        use_handler_docstrings=True,
        # JSON only: the interactive pages load scripts from elsewhere, which the Content-Security-Policy forbids.
        render_plugins=[JsonRenderPlugin(path=["/", "/openapi.json"])],
        openapi_router=Router("/schema", route_handlers=[], include_in_schema=False, after_request=_refuse_missing),
    )


def _refuse_missing(response: Response[Any]) -> Response[Any]:
    """Litestar answers a wrong address below /schema with a page of its own; ours has the shape of all errors."""
    if response.status_code == NotFoundException.status_code:
        raise NotFoundException
    return response
