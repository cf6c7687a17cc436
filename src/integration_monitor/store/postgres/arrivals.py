"""Arrivals in the database: found by one server at a time, read by all, and their records under the role of whoever reads."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from psycopg import sql

from integration_monitor.record import IntegrationLog
from integration_monitor.store.answers import LogFilter, Role
from integration_monitor.store.arrivals import Arrival, ArrivalPosition, Looked, RecordKey
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.record_questions import fetch
from integration_monitor.store.postgres.sql import query

# The server itself looks for arrivals under this role: no other may.
_ROLE: Final[Role] = "service_role"


class PostgresArrivals:
    """`server.live.feed.Arrivals` of a PostgreSQL database.

    Errors, of every method:
        StoreUnavailable: the database cannot be reached, or did not answer in time.
        StoreError: it answered with an error.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def look(self) -> Looked:
        """Keeps the lease, without which nothing is noted, and finds what has arrived. Source: arrivals_look.sql."""
        async with self._connections.transaction(_ROLE, is_writing=True) as connection:
            [looked] = await fetch(connection, Looked, sql.SQL(query("arrivals_look")), {})
        return looked

    async def after(self, position: ArrivalPosition, *, limit: int) -> Sequence[Arrival] | None:
        """What arrived behind a position, in order; None where some of it is not kept any more.

        Source: arrivals_after.sql; arrivals_watch.sql, asked after it, tells whether anything was missing.
        """
        parameters = {"look": position.look, "number": position.number, "limit": limit}
        async with self._connections.transaction(_ROLE) as connection:
            arrivals = await fetch(connection, Arrival, sql.SQL(query("arrivals_after")), parameters)
            [looked] = await fetch(connection, Looked, sql.SQL(query("arrivals_watch")), {})
        return arrivals if looked.holds(position) else None

    async def records(self, role: Role, asked: LogFilter, keys: Sequence[RecordKey]) -> Mapping[RecordKey, IntegrationLog]:
        """Those of these records that fit, as far as the role may see them. Source: logs_arrived.sql."""
        if not keys:
            return {}
        times = [created_at for _, created_at in keys]
        parameters = {
            **msgspec.structs.asdict(asked),
            # As PostgreSQL writes a text of jsonb.
            "text_json": None if asked.text is None else json.dumps(asked.text, ensure_ascii=False)[1:-1],
            "ids": [record_id for record_id, _ in keys],
            "times": times,
            "since": max(asked.since, min(times)),
            "until": min(asked.until, max(times)),
        }
        async with self._connections.transaction(role) as connection:
            logs = await fetch(connection, IntegrationLog, sql.SQL(query("logs_arrived")), parameters)
        return {(log.id, log.created_at): log for log in logs}
