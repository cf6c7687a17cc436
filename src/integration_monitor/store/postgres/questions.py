"""The reading side: every question in one read-only transaction under the database role of whoever asks."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString, TypeVar

import msgspec
from psycopg import sql

from integration_monitor.record import IntegrationLog
from integration_monitor.store.answers import (
    BucketCounts,
    DailyPosition,
    DailyStatistics,
    DurationPercentiles,
    HealthSample,
    HourlyStatistics,
    RecordPosition,
    Role,
    ServiceCounts,
    Step,
    TierRange,
    WindowCounts,
    WindowFilter,
    WindowPosition,
)
from integration_monitor.store.postgres.record_questions import LOWEST_ID, NEWEST, PostgresRecordQuestions, fetch
from integration_monitor.store.postgres.sql import query

Row = TypeVar("Row")

# A list reads a narrow stretch of time first, then wider ones, and last whatever is left: planning a query costs about 0.1 ms for
# each partition it cannot leave out, and most lists are filled by the last day.
_STRETCHES: Final = (timedelta(days=1), timedelta(days=7))

# Reads the sums behind the promised views, which say more than these do, and nothing else.
_STATISTICS_ROLE: Final[Role] = "integration_monitor_statistics"


class PostgresQuestions(PostgresRecordQuestions):
    """`monitoring.questions.Questions` of a PostgreSQL database, bound to a role."""

    async def stats_daily(
        self, *, since: datetime, service: str | None, after: DailyPosition | None, limit: int
    ) -> Sequence[DailyStatistics]:
        """Source: stats_daily.sql."""
        parameters = {
            "since": since,
            "service": service,
            "limit": limit,
            "after_day": after.day if after else None,
            "after_service": after.service_name if after else None,
            "after_action": after.action if after else None,
            "after_status": after.status if after else None,
        }
        return await self._ask(DailyStatistics, sql.SQL(query("stats_daily")), parameters)

    async def stats_hourly(self, *, since: datetime, service: str | None) -> Sequence[HourlyStatistics]:
        """Source: stats_hourly.sql."""
        return await self._ask(HourlyStatistics, sql.SQL(query("stats_hourly")), {"since": since, "service": service})

    async def failures_latest(
        self, *, since: datetime, service: str | None, action: str | None, before: RecordPosition | None, limit: int
    ) -> Sequence[IntegrationLog]:
        """Source: failures_latest.sql, asked for wider and wider stretches of time until the list is full."""
        rows: list[IntegrationLog] = []
        upper = before or NEWEST
        if upper.created_at < since:
            return rows
        # From a list's beginning the stretches are counted from now: nothing much lies in the future.
        newest = min(upper.created_at, datetime.now(UTC))
        async with self._connections.transaction(self._role) as connection:
            for lower in (*(newest - stretch for stretch in _STRETCHES), since):
                bound = max(lower, since)
                if upper.created_at < bound or len(rows) >= limit:
                    break
                parameters = {
                    "since": bound,
                    "before_created_at": upper.created_at,
                    "before_id": upper.id,
                    "service": service,
                    "action": action,
                    "limit": limit - len(rows),
                }
                rows += await fetch(connection, IntegrationLog, sql.SQL(query("failures_latest")), parameters)
                upper = RecordPosition(created_at=bound, id=LOWEST_ID)
        return rows

    async def failures_one(self, *, record_id: uuid.UUID, created_at: datetime) -> IntegrationLog | None:
        """Source: failures_one.sql."""
        parameters = {"id": record_id, "created_at": created_at}
        rows = await self._ask(IntegrationLog, sql.SQL(query("failures_one")), parameters)
        return rows[0] if rows else None

    async def health_counts(self, sample: HealthSample) -> Sequence[ServiceCounts]:
        """Source: health_counts.sql or health_counts_seen.sql."""
        parameters = {**msgspec.structs.asdict(sample), "excused_faults": list(sample.excused_faults)}
        return await self._ask_sums(ServiceCounts, "health_counts", "health_counts_seen", parameters)

    async def percentiles(self, *, since: datetime, until: datetime, service: str | None) -> Sequence[DurationPercentiles]:
        """Source: statistics_percentiles.sql or statistics_percentiles_seen.sql."""
        parameters = {"since": since, "until": until, "service": service}
        return await self._ask_sums(DurationPercentiles, "statistics_percentiles", "statistics_percentiles_seen", parameters)

    async def timeline(self, *, step: Step, since: datetime) -> Sequence[BucketCounts]:
        """Source: timeline_hourly.sql or timeline_daily.sql."""
        question = query("timeline_hourly") if step == "hour" else query("timeline_daily")
        return await self._ask(BucketCounts, sql.SQL(question), {"since": since})

    async def windows(
        self, asked: WindowFilter, *, ranges: Sequence[TierRange], after: WindowPosition | None, limit: int
    ) -> Sequence[WindowCounts]:
        """Source: statistics_windows.sql or statistics_windows_seen.sql."""
        parameters = {
            **msgspec.structs.asdict(asked),
            "groups": list(asked.group_by),
            "tiers": [each.tier for each in ranges],
            "tier_sinces": [each.since for each in ranges],
            "tier_untils": [each.until for each in ranges],
            "after_bucket": after.bucket if after else None,
            "after_key": list(after.key) if after else None,
            "limit": limit,
        }
        return await self._ask_sums(WindowCounts, "statistics_windows", "statistics_windows_seen", parameters)

    async def _ask_sums(
        self, kind: type[Row], question: LiteralString, question_seen: LiteralString, parameters: Mapping[str, Any]
    ) -> list[Row]:
        """Asks the sums where the role sees every record, and else the records that it does see.

        `authenticated` may read the promised views, and may not enter the schema of what is behind them.

        Errors:
            PermissionRefused: the role may not read statistics.
        """
        async with self._connections.transaction(self._role) as connection:
            await connection.execute(query("statistics_allowed"))
            await connection.execute(query("role_take"), {"role": _STATISTICS_ROLE})
            cursor = await connection.execute(query("statistics_whole"), {"role": self._role})
            if await cursor.fetchone() == (True,):
                return await fetch(connection, kind, sql.SQL(query(question)), parameters)
            await connection.execute(query("role_take"), {"role": self._role})
            return await fetch(connection, kind, sql.SQL(query(question_seen)), parameters)
