"""Questions that the dashboard alone asks: the latest of each service, the heat of durations, and the state of the monitor itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString, TypeVar

import msgspec
from psycopg import sql
from psycopg.rows import dict_row

from integration_monitor.store.answers import Role, TierRange
from integration_monitor.store.page_answers import (
    HeatCell,
    LossRow,
    PartitionRow,
    RollupCheck,
    ServiceLatest,
    System,
    SystemFacts,
    SystemSettings,
    WriterRow,
)
from integration_monitor.store.postgres.pool import Connection, Connections
from integration_monitor.store.postgres.sql import query

Row = TypeVar("Row")

# Reads the sums behind the promised views, which say more than these do, and nothing else.
_STATISTICS_ROLE: Final[Role] = "integration_monitor_statistics"
# Sums by minute are kept for so long.
_MINUTES_KEPT: Final = timedelta(hours=48)


class PostgresPageQuestions:
    """The dashboard's own questions of a PostgreSQL database, bound to a role.

    Errors:
        StoreUnavailable: the store cannot be reached, or did not answer in time.
        PermissionRefused: the role may not see this.
    """

    def __init__(self, connections: Connections, role: Role) -> None:
        self._connections = connections
        self._role: Role = role

    async def services_latest(self, *, since: datetime, now: datetime, probe: str) -> Sequence[ServiceLatest]:
        """One row a service with records since a time, by name. Source: services_latest.sql or services_latest_seen.sql."""
        parameters = {"since": since, "minute_since": now - _MINUTES_KEPT, "probe": probe}
        return await self._ask_sums(ServiceLatest, "services_latest", "services_latest_seen", parameters)

    async def heat(
        self, *, service: str, since: datetime, until: datetime, step: timedelta, ranges: Sequence[TierRange]
    ) -> Sequence[HeatCell]:
        """One row a bucket of time and of duration with calls, oldest first. Source: statistics_heat.sql or statistics_heat_seen.sql."""
        parameters = {
            "service": service,
            "since": since,
            "until": until,
            "step": step,
            "tiers": [each.tier for each in ranges],
            "tier_sinces": [each.since for each in ranges],
            "tier_untils": [each.until for each in ranges],
        }
        return await self._ask_sums(HeatCell, "statistics_heat", "statistics_heat_seen", parameters)

    async def losses(self, *, since: datetime) -> Sequence[LossRow]:
        """One row a reason, most first. Source: writers_losses.sql."""
        async with self._connections.transaction(self._role) as connection:
            return await _fetch(connection, LossRow, "writers_losses", {"since": since})

    async def system(self, *, writers_since: datetime, writers_max: int, check_since: datetime, check_until: datetime) -> System:
        """Everything about the monitor itself, of one transaction. Source: writers_list.sql, writers_losses.sql, system_*.sql."""
        async with self._connections.transaction(self._role) as connection:
            writers = await _fetch(connection, WriterRow, "writers_list", {"since": writers_since, "limit": writers_max})
            losses = await _fetch(connection, LossRow, "writers_losses", {"since": writers_since})
            partitions = await _fetch(connection, PartitionRow, "system_partitions", {})
            facts = await _fetch(connection, SystemFacts, "system_facts", {})
            check = await _fetch(connection, RollupCheck, "system_rollup_check", {"since": check_since, "until": check_until})
            may_ask = self._role == "service_role"
            settings = await _fetch(connection, SystemSettings, "system_settings", {}) if may_ask else []
        return System(
            writers=writers,
            losses=losses,
            partitions=partitions,
            facts=facts[0],
            settings=settings[0] if settings else None,
            check=check[0],
        )

    async def _ask_sums(
        self, kind: type[Row], question: LiteralString, question_seen: LiteralString, parameters: dict[str, Any]
    ) -> Sequence[Row]:
        """Asks the sums where the role sees every record, and else the records that it does see."""
        async with self._connections.transaction(self._role) as connection:
            await connection.execute(query("statistics_allowed"))
            await connection.execute(query("role_take"), {"role": _STATISTICS_ROLE})
            cursor = await connection.execute(query("statistics_whole"), {"role": self._role})
            if await cursor.fetchone() == (True,):
                return await _fetch(connection, kind, question, parameters)
            await connection.execute(query("role_take"), {"role": self._role})
            return await _fetch(connection, kind, question_seen, parameters)


async def _fetch(connection: Connection, kind: type[Row], question: LiteralString, parameters: dict[str, Any]) -> list[Row]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(sql.SQL(query(question)), parameters)
        return msgspec.convert(await cursor.fetchall(), list[kind])  # type: ignore[valid-type]
