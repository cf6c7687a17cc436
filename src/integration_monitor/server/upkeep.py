"""The daily maintenance of the database, while the server runs. Several servers may do it: one at a time does, the others skip."""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator
from typing import Final

from integration_monitor.errors import StoreError
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.upkeep import maintain

# Servers that started together should not all begin together; and a server that is restarted all day long still gets to it.
FIRST_DELAY_MIN_S: Final = 60
FIRST_DELAY_MAX_S: Final = 1800
INTERVAL_S: Final = 24 * 3600
# The database was away, or busy: that passes.
RETRY_S: Final = 3600

logger = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def maintained_daily(connections: Connections) -> AsyncIterator[None]:
    """Maintains the database once a day until the block ends."""
    task = asyncio.create_task(_maintain_daily(connections), name="integration-monitor maintenance")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _maintain_daily(connections: Connections) -> None:
    delay_s = random.uniform(FIRST_DELAY_MIN_S, FIRST_DELAY_MAX_S)  # noqa: S311  # spreads load, keeps no secret
    while True:
        await asyncio.sleep(delay_s)
        try:
            report = await maintain(connections)
        except StoreError as error:
            logger.warning("maintenance of the database failed, next attempt in an hour: %s", error)
            delay_s = RETRY_S
        else:
            logger.info("maintenance of the database: %s", report)
            delay_s = INTERVAL_S
