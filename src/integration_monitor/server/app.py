"""Builds the server: one object of each kind, joined here and nowhere else."""

import contextlib
from collections.abc import AsyncIterator
from typing import Final

from litestar import Litestar
from litestar.config.compression import CompressionConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig

from integration_monitor.alerts.plan import plan
from integration_monitor.errors import SettingsError
from integration_monitor.server import api, assets, auth, incidents, liveness, openapi, pages, sign_in
from integration_monitor.server.entrance import Entrance
from integration_monitor.server.explaining import explanations
from integration_monitor.server.headers import add_security_headers
from integration_monitor.server.ingest import handlers as ingest
from integration_monitor.server.ingest.door import Door
from integration_monitor.server.keyring import KeyRing
from integration_monitor.server.live.answer import IS_STREAM
from integration_monitor.server.live.feed import Feed
from integration_monitor.server.metrics import handlers as metrics
from integration_monitor.server.metrics.own import Counting, OwnFigures
from integration_monitor.server.mounted import MountableApp
from integration_monitor.server.origin import check_public_url, refuse_cross_origin
from integration_monitor.server.otlp import handlers as otlp
from integration_monitor.server.problems import HANDLERS
from integration_monitor.server.published_keys import check_place
from integration_monitor.server.rest import handlers as rest
from integration_monitor.server.sharing import SharedQuestions
from integration_monitor.server.traces import check_trace_url
from integration_monitor.server.upkeep import maintained
from integration_monitor.server.watch import watched
from integration_monitor.settings import Settings
from integration_monitor.store.postgres.api_keys import PostgresApiKeys
from integration_monitor.store.postgres.arrivals import PostgresArrivals
from integration_monitor.store.postgres.entrance import PostgresEntrance
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.sink import PostgresSink

# The largest thing anybody sends so far is a pasted token.
_BODY_BYTES_MAX: Final = 64 * 1024
# Less than a packet gains nothing.
_COMPRESSED_BYTES_MIN: Final = 1400


def create_app(settings: Settings) -> Litestar:
    """The ASGI application. It starts whether or not the database is there, and answers 503 while it is not.

    settings:
        `database_url` must be that of a real database: the word `embedded` is resolved by whoever starts the server.

    Errors:
        SettingsError: `database_url` is missing or cannot be read; `public_url` is not the address of a site; `jwks` leads to no keys;
            `trace_url` has no place for an id; alerts cannot be made as told.
    """
    if not settings.database_url:
        raise SettingsError("the server needs `database_url`: postgresql://user:password@host:5432/database", name="database_url")
    if settings.public_url:
        check_public_url(settings.public_url)
    if settings.jwks:
        check_place(settings.jwks)
    if settings.trace_url:
        check_trace_url(settings.trace_url)
    alerts = plan(settings)
    connections = Connections(settings.database_url)
    door = Door(settings, PostgresSink(settings.database_url))
    feed = Feed(PostgresArrivals(connections))
    own_figures = OwnFigures(door.budget)

    @contextlib.asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        await connections.open()
        try:
            async with maintained(connections), watched(settings, alerts, connections), door.opened(), feed.opened():
                yield
        finally:
            await connections.close()

    return MountableApp(
        route_handlers=[
            api.router,
            incidents.router,
            ingest.router,
            rest.router,
            otlp.export_traces,
            *sign_in.route_handlers,
            *pages.route_handlers,
            *liveness.route_handlers,
            metrics.metrics,
            *assets.routers(),
        ],
        state=State(
            {
                "settings": settings,
                "connections": connections,
                "readiness": liveness.Readiness(connections),
                "door": door,
                "shared": SharedQuestions(),
                "feed": feed,
                "own_figures": own_figures,
                "totals": metrics.figures_of(connections),
                "explanations": explanations(settings),
                "entrance": Entrance(settings, PostgresEntrance(connections), KeyRing(PostgresApiKeys(connections))),
            }
        ),
        dependencies={
            "caller": Provide(auth.provide_caller, sync_to_thread=False),
            "questions": Provide(auth.provide_questions, sync_to_thread=False),
            "shared": Provide(auth.provide_shared, sync_to_thread=False),
        },
        guards=[refuse_cross_origin],
        middleware=[Counting(own_figures)],
        before_send=[add_security_headers],
        exception_handlers=HANDLERS,
        lifespan=[lifespan],
        template_config=TemplateConfig(instance=JinjaTemplateEngine.from_environment(pages.environment())),
        openapi_config=openapi.config(),
        request_max_body_size=_BODY_BYTES_MAX,
        compression_config=CompressionConfig(backend="gzip", minimum_size=_COMPRESSED_BYTES_MIN, exclude_opt_key=IS_STREAM),
        # Logging belongs to whoever starts the process.
        logging_config=None,
    )
