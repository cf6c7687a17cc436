"""The questions of /metrics. Asked under the role that reads sums and writers' reports, and nothing else."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row

from integration_monitor.store.answers import Role
from integration_monitor.store.metric_answers import CallTotals, DurationTotals, Totals
from integration_monitor.store.page_answers import WriterRow
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.sql import query

_STATISTICS_ROLE: Final[Role] = "integration_monitor_statistics"


class PostgresMetricQuestions:
    """Totals of a PostgreSQL database.

    Errors:
        StoreUnavailable, PermissionRefused, StoreError
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def sees_all(self, role: Role) -> bool:
        """Whether a role sees every record, and so may see sums of all. Source: statistics_whole.sql."""
        async with self._connections.transaction(_STATISTICS_ROLE) as connection:
            cursor = await connection.execute(query("statistics_whole"), {"role": role})
            return await cursor.fetchone() == (True,)

    async def totals(self, *, bounds_ms: Sequence[int], writers_since: datetime, writers_max: int) -> Totals:
        """All totals. Source: metrics_calls.sql, metrics_durations.sql, writers_list.sql."""
        asked: list[tuple[type[Any], str, dict[str, Any]]] = [
            (CallTotals, query("metrics_calls"), {}),
            (DurationTotals, query("metrics_durations"), {"bounds_ms": list(bounds_ms)}),
            (WriterRow, query("writers_list"), {"since": writers_since, "limit": writers_max}),
        ]
        rows: list[list[Any]] = []
        async with self._connections.transaction(_STATISTICS_ROLE) as connection:
            for kind, statement, parameters in asked:
                async with connection.cursor(row_factory=class_row(kind)) as cursor:
                    await cursor.execute(statement.encode(), parameters)
                    rows.append(await cursor.fetchall())
        calls, durations, writers = rows
        return Totals(calls=calls, durations=durations, writers=writers)
