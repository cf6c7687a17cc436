"""What tests of the writing side share: records, reports, and what is in the database afterwards."""

import uuid
from datetime import UTC, datetime
from typing import Any

import psycopg

from integration_monitor.batch import Report
from integration_monitor.record import IntegrationLog, new_id

COLUMNS = IntegrationLog.__struct_fields__


def record(**fields: Any) -> IntegrationLog:
    """A record as the SDK makes them: its id tells its time."""
    moment = fields.get("created_at") or datetime.now(UTC)
    return IntegrationLog(
        **{
            "id": new_id(moment),
            "service_name": "amocrm",
            "action": "sync_lead",
            "status": "success",
            "created_at": moment,
            "updated_at": moment,
            **fields,
        }
    )


def report(writer_id: uuid.UUID, **fields: Any) -> Report:
    """A report of a process that has done nothing yet, but for the fields given."""
    counts: dict[str, Any] = {"taken": 0, "written": 0, "ignored": 0, "spooled": 0, "dropped": {}, "dead_lettered": 0}
    return Report(**{"writer_id": writer_id, "host": "web-1", "pid": 42, "started_at": datetime.now(UTC), **counts, **fields})


def stored(database_url: str) -> list[IntegrationLog]:
    """What is in the table, oldest first."""
    rows = fetch(database_url, f"select {', '.join(COLUMNS)} from public.integration_logs order by created_at, id")
    return [IntegrationLog(**dict(zip(COLUMNS, row, strict=True))) for row in rows]


def fetch(database_url: str, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """The rows of a query; none for another statement."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values or None)
        return cursor.fetchall() if cursor.description else []
