"""Incidents, their messages, and what the watch remembers, in the database.

Decisions are made in one transaction, by one server at a time; messages are added in it and sent after it.
"""

import contextlib
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar, get_args

import msgspec
from psycopg import sql
from psycopg.rows import scalar_row
from psycopg.types.json import Jsonb

from integration_monitor.errors import PermissionRefused
from integration_monitor.store.answers import Role
from integration_monitor.store.incidents import (
    Acknowledgement,
    CallsOfBucket,
    DueNotification,
    Harm,
    Incident,
    IncidentPosition,
    NewNotification,
    NotificationTold,
    Notified,
    ObservationKind,
    OpenIncident,
    WatchedWriter,
)
from integration_monitor.store.postgres.pool import Connection, Connections
from integration_monitor.store.postgres.record_questions import fetch
from integration_monitor.store.postgres.sql import query

Row = TypeVar("Row")

# The server itself reads and writes these tables under this role: no other may.
_ROLE: Final[Role] = "service_role"
_STATISTICS_ROLE: Final[Role] = "integration_monitor_statistics"
#: So many of the latest failures tell whom an incident hurts: reading them takes some 50 ms.
FAILED_MAX: Final = 10_000
#: So many entities and actions are named in a message.
NAMED_MAX: Final = 5


class Decisions:
    """Incidents as they are decided about, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def open(self) -> Sequence[OpenIncident]:
        """Incidents and suspicions that have not ended, the oldest first. Source: incidents_open.sql."""
        return await fetch(self._connection, OpenIncident, sql.SQL(query("incidents_open")), {})

    async def keep(self, incident: OpenIncident) -> None:
        """Keeps one as it is now. Source: incidents_keep.sql."""
        parameters = {**msgspec.structs.asdict(incident), "facts": Jsonb(incident.facts)}
        await self._connection.execute(query("incidents_keep"), parameters)

    async def drop(self, suspicion: OpenIncident) -> None:
        """Drops a suspicion. Source: incidents_drop.sql."""
        await self._connection.execute(query("incidents_drop"), {"id": suspicion.id})

    async def forget(self, before: datetime) -> None:
        """Removes what ended before. Source: incidents_forget.sql."""
        await self._connection.execute(query("incidents_forget"), {"before": before})

    async def harm(self, service: str, *, since: datetime, until: datetime, excused_faults: Sequence[str]) -> Harm:
        """Whom failures in this time hurt. Source: incidents_harm.sql."""
        parameters = {
            "service": service,
            "since": since,
            "until": until,
            "excused_faults": list(excused_faults),
            "failed_max": FAILED_MAX,
            "entities_max": NAMED_MAX,
        }
        [harm] = await fetch(self._connection, Harm, sql.SQL(query("incidents_harm")), parameters)
        return harm

    async def began(self, incident_id: uuid.UUID) -> Sequence[Notified]:
        """Whom its beginning was told. Source: notifications_began.sql."""
        return await fetch(self._connection, Notified, sql.SQL(query("notifications_began")), {"incident_id": incident_id})

    async def notify(self, message: NewNotification) -> None:
        """Adds a message. Source: notifications_add.sql."""
        await self._connection.execute(query("notifications_add"), msgspec.structs.asdict(message))

    async def supersede(self, incident_id: uuid.UUID, target: str, now: datetime) -> None:
        """The beginning is told together with the end. Source: notifications_supersede.sql."""
        parameters = {"incident_id": incident_id, "target": target, "now": now}
        await self._connection.execute(query("notifications_supersede"), parameters)


class PostgresIncidents:
    """Incidents of a PostgreSQL database.

    Errors, of every method:
        StoreUnavailable: the database cannot be reached, or did not answer in time.
        StoreError: it answered with an error, for example because it is not migrated.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    @contextlib.asynccontextmanager
    async def decisions(self) -> AsyncIterator[Decisions | None]:
        """A transaction in which this server alone decides; None where another one does right now. Source: incidents_lock.sql."""
        async with (
            self._connections.transaction(_ROLE, is_writing=True) as connection,
            connection.cursor(row_factory=scalar_row) as cursor,
        ):
            await cursor.execute(query("incidents_lock"))
            yield Decisions(connection) if await cursor.fetchone() else None

    async def claim(self, kind: ObservationKind, subject: str, *, now: datetime, next_at: datetime) -> bool:
        """Whether a look at something is due, and this server's. Source: observations_claim.sql."""
        parameters = {"kind": kind, "subject": subject, "now": now, "next_at": next_at}
        return await self._scalar("observations_claim", parameters) is not None

    async def seen(self) -> Mapping[ObservationKind, Mapping[str, Any]]:
        """What was seen last, by kind and subject; every kind is there. Source: observations_seen.sql."""
        found: dict[ObservationKind, dict[str, Any]] = {kind: {} for kind in get_args(ObservationKind)}
        async with self._connections.transaction(_ROLE) as connection, connection.cursor() as cursor:
            await cursor.execute(query("observations_seen"))
            for kind, subject, seen in await cursor.fetchall():
                found[kind][subject] = seen
        return found

    async def note(self, kind: ObservationKind, subject: str, seen: Mapping[str, Any], *, due_at: datetime) -> None:
        """Keeps what was seen. Source: observations_note.sql."""
        parameters = {"kind": kind, "subject": subject, "seen": Jsonb(seen), "due_at": due_at}
        async with self._connections.transaction(_ROLE, is_writing=True) as connection:
            await connection.execute(query("observations_note"), parameters)

    async def writers(self, *, heard_since: datetime, dead_since: datetime, waiting_min: int) -> Sequence[WatchedWriter]:
        """Processes that lag or have lost something, the latest heard of first. Source: writers_watch.sql."""
        parameters = {"heard_since": heard_since, "dead_since": dead_since, "waiting_min": waiting_min}
        return await self._ask(WatchedWriter, "writers_watch", parameters)

    async def calls(self, services: Sequence[str], *, hours_since: datetime, minutes_since: datetime) -> Sequence[CallsOfBucket]:
        """Calls of these services by hours and by minutes, oldest first. Source: silence_history.sql."""
        parameters = {"services": list(services), "hours_since": hours_since, "minutes_since": minutes_since}
        return await self._ask(CallsOfBucket, "silence_history", parameters)

    async def claim_notifications(self, *, now: datetime, claimed_until: datetime, limit: int) -> Sequence[DueNotification]:
        """Messages for this server to send. Source: notifications_claim.sql."""
        parameters = {"now": now, "claimed_until": claimed_until, "limit": limit}
        async with self._connections.transaction(_ROLE, is_writing=True) as connection:
            return await fetch(connection, DueNotification, sql.SQL(query("notifications_claim")), parameters)

    async def settle(self, notification_id: uuid.UUID, state: str, *, now: datetime, due_at: datetime, error: str | None) -> None:
        """What became of an attempt: `sent`, `given_up`, or `waiting` for the next at due_at. Source: notifications_settle.sql."""
        parameters = {"id": notification_id, "state": state, "now": now, "due_at": due_at, "error": error}
        async with self._connections.transaction(_ROLE, is_writing=True) as connection:
            await connection.execute(query("notifications_settle"), parameters)

    async def list(
        self, role: Role, *, service: str | None, is_open: bool | None, before: IncidentPosition | None, limit: int
    ) -> Sequence[Incident]:
        """Incidents, newest first; those behind `before`. Source: incidents_list.sql.

        role:
            Who asks: an incident tells of all records, so that only who may read all of them is told.

        Errors:
            PermissionRefused: this role sees some records and not others.
        """
        parameters = {
            "service": service,
            "is_open": is_open,
            "before_began_at": before.began_at if before else None,
            "before_id": before.id if before else None,
            "limit": limit,
        }
        await self._require_whole(role)
        rows = await self._ask(Incident, "incidents_list", parameters)
        # They come as JSON.
        return [
            msgspec.structs.replace(row, notifications=msgspec.convert(row.notifications, list[NotificationTold])) for row in rows
        ]

    async def acknowledge(self, role: Role, incident_id: uuid.UUID, *, actor: str, now: datetime) -> Acknowledgement | None:
        """Notes who looks after an incident, with the audit row; whoever was first stays. None where there is no such incident.

        Source: incidents_acknowledge.sql.

        Errors:
            PermissionRefused: this role may not be told of incidents.
        """
        await self._require_whole(role)
        parameters = {"id": incident_id, "actor": actor, "now": now}
        async with self._connections.transaction(_ROLE, is_writing=True) as connection:
            rows = await fetch(connection, Acknowledgement, sql.SQL(query("incidents_acknowledge")), parameters)
        return rows[0] if rows else None

    async def _require_whole(self, role: Role) -> None:
        if role == _ROLE:
            return
        async with (
            self._connections.transaction(_STATISTICS_ROLE) as connection,
            connection.cursor(row_factory=scalar_row) as cursor,
        ):
            await cursor.execute(query("statistics_whole"), {"role": role})
            if not await cursor.fetchone():
                raise PermissionRefused(f"incidents tell of every record, and the role {role} does not see all of them")

    async def _ask(self, kind: type[Row], name: str, parameters: Mapping[str, Any]) -> Sequence[Row]:
        async with self._connections.transaction(_ROLE) as connection:
            return await fetch(connection, kind, sql.SQL(query(name)), parameters)

    async def _scalar(self, name: str, parameters: Mapping[str, Any]) -> Any:
        async with (
            self._connections.transaction(_ROLE, is_writing=True) as connection,
            connection.cursor(row_factory=scalar_row) as cursor,
        ):
            await cursor.execute(query(name), parameters)
            return await cursor.fetchone()
