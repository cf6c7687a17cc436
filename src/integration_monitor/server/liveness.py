"""`/healthz` and `/readyz`, for whoever starts and stops servers. They tell nothing that a stranger may not know, and ask for no token."""

import asyncio
import time
from typing import Any, Final

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec

from integration_monitor.errors import StoreError
from integration_monitor.store.postgres.migrator import list_migrations
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.upkeep import applied_migrations

# Anybody may ask: so the database is asked once in so long, however many do.
ANSWER_KEPT_S: Final = 1.0


class Readiness:
    """Whether the database can be used, as of a moment ago."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._asking = asyncio.Lock()
        self._answer: str | None = None
        self._asked_at: float | None = None

    async def obstacle(self) -> str | None:
        """What stands in the way of answering questions; None where nothing does."""
        async with self._asking:
            if self._asked_at is None or time.monotonic() - self._asked_at > ANSWER_KEPT_S:
                self._answer = await self._ask()
                self._asked_at = time.monotonic()
            return self._answer

    async def _ask(self) -> str | None:
        try:
            missing = {migration.name for migration in list_migrations()} - await applied_migrations(self._connections)
        except StoreError:
            # The words of the database may name users and hosts.
            return "the database cannot be used"
        return "the database lacks migrations of this version" if missing else None


@get(
    "/healthz",
    operation_id="healthz",
    summary="Whether the process answers",
    tags=["operation"],
    media_type=MediaType.TEXT,
    sync_to_thread=False,
)
def healthz() -> str:
    """The process answers; it says nothing of the database, since starting the process again would not mend that."""
    return "ok\n"


@get(
    "/readyz",
    operation_id="readyz",
    summary="Whether requests should come here",
    tags=["operation"],
    media_type=MediaType.TEXT,
    responses={503: ResponseSpec(str, generate_examples=False, media_type=MediaType.TEXT, description="Not now, and why.")},
)
async def readyz(request: Request[Any, Any, State]) -> Response[str]:
    """Whether requests should come here: 200, or 503 and why not."""
    readiness: Readiness = request.app.state.readiness
    obstacle = await readiness.obstacle()
    if obstacle is None:
        return Response("ready\n", media_type=MediaType.TEXT)
    return Response(f"not ready: {obstacle}\n", status_code=503, media_type=MediaType.TEXT)


route_handlers: Final = [healthz, readyz]
