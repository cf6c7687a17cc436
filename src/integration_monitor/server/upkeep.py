"""What the database needs while the server runs: daily maintenance, and statistics added up every few seconds.

Several servers may do it: one at a time does, the others skip.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator
from typing import Final

from integration_monitor.errors import StoreError
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.upkeep import CHANGES_MAX, add_up, maintain

# Servers that started together should not all begin together; and a server that is restarted all day long still gets to it.
FIRST_DELAY_MIN_S: Final = 60
FIRST_DELAY_MAX_S: Final = 1800
INTERVAL_S: Final = 24 * 3600
# The database was away, or busy: that passes.
RETRY_S: Final = 3600

# Views are exact without it, and dearer: by some 3 ms for 5,000 changes that are not added up, by 18 for 20,000.
ADD_UP_INTERVAL_S: Final = 5
ADD_UP_RETRY_S: Final = 60

logger = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def maintained(connections: Connections) -> AsyncIterator[None]:
    """Maintains the database until the block ends."""
    tasks = [
        asyncio.create_task(_maintain_daily(connections), name="integration-monitor maintenance"),
        asyncio.create_task(_keep_adding_up(connections), name="integration-monitor statistics"),
    ]
    try:
        yield
    finally:
        for task in tasks:
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
            # What one run truncates, the next one drops: it has let go of its locks by then.
            delay_s = RETRY_S if report.postponed else INTERVAL_S


async def _keep_adding_up(connections: Connections) -> None:
    is_failing, delay_s = False, ADD_UP_INTERVAL_S
    while True:
        await asyncio.sleep(delay_s)
        try:
            count = await add_up(connections)
        except StoreError as error:
            if not is_failing:
                logger.warning("statistics of the database are not added up, which makes them slow: %s", error)
            is_failing, delay_s = True, ADD_UP_RETRY_S
        else:
            is_failing, delay_s = False, 0 if count >= CHANGES_MAX else ADD_UP_INTERVAL_S
