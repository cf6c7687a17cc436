"""The watch while the server runs: the rules every half a minute, messages every few seconds, probes when they are due.

Several servers may do it: the database decides whose turn it is, and nothing is done twice.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Final

from integration_monitor.alerts.plan import Plan
from integration_monitor.alerts.watch import Watch
from integration_monitor.capture.context import suppressed
from integration_monitor.errors import IntegrationMonitorError
from integration_monitor.probing import Probed, configured, probe_all
from integration_monitor.settings import Settings
from integration_monitor.store.postgres.incidents import PostgresIncidents
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.questions import PostgresQuestions

# How often it is asked whose turn it is: one small statement.
ROUND_CHECK_S: Final = 10
DELIVER_CHECK_S: Final = 5
PROBE_CHECK_S: Final = 15
# The database was away, or is not migrated.
RETRY_S: Final = 60
# A probe that is late by so many intervals is no news any more.
_STALE_INTERVALS: Final = 3

logger = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def watched(settings: Settings, plan: Plan, connections: Connections) -> AsyncIterator[None]:
    """Watches over the database until the block ends."""
    watch = Watch(plan, PostgresIncidents(connections), PostgresQuestions(connections, "service_role"))
    interval = timedelta(seconds=settings.probe_interval_s)
    # Where probes are switched off, what they said is stale at once.
    stale_after = max(interval * _STALE_INTERVALS, timedelta(minutes=1)) if interval else timedelta(0)
    turns: list[tuple[str, float, Callable[[], Awaitable[object]]]] = [
        ("rules", ROUND_CHECK_S, lambda: watch.round(probe_stale_after=stale_after)),
        ("messages", DELIVER_CHECK_S, watch.deliver),
    ]
    services = configured(settings) if interval else []
    if services:
        turns.append(("probes", PROBE_CHECK_S, lambda: _probe(watch, settings, services, interval)))
    tasks = [
        asyncio.create_task(_keep_doing(name, pause_s, turn), name=f"integration-monitor alerts: {name}")
        for name, pause_s, turn in turns
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _keep_doing(name: str, pause_s: float, turn: Callable[[], Awaitable[object]]) -> None:
    """One turn after the other. A database that is away, or lacks our tables, is told of once, until it works again."""
    is_failing = False
    while True:
        await asyncio.sleep(RETRY_S if is_failing else pause_s)
        try:
            await turn()
        except IntegrationMonitorError as error:
            if not is_failing:
                logger.warning("alerts are not made, next attempt in %d s (%s): %s", RETRY_S, name, error)
            is_failing = True
        except Exception:
            # A defect of ours must not end all alerts without a word.
            logger.exception("alerts are not made, next attempt in %d s (%s)", RETRY_S, name)
            is_failing = True
        else:
            is_failing = False


async def _probe(watch: Watch, settings: Settings, services: list[str], interval: timedelta) -> None:
    for service in services:
        if await watch.claim_probe(service, interval=interval):
            [probed] = await asyncio.to_thread(_probe_one, settings, service)
            await watch.note_probe(probed, interval=interval)


def _probe_one(settings: Settings, service: str) -> list[Probed]:
    """It is no record: probes would hide that nobody calls the service any more."""
    with suppressed():
        return list(probe_all(settings, [service]))
