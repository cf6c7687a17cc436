"""What may be asked of the promised table and views by their own columns: words that a store and whoever asks it share."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

Table = Literal["integration_logs", "integration_stats_hourly", "integration_stats_daily"]
#: Of columns, as PostgreSQL calls them.
ColumnType = Literal["uuid", "text", "jsonb", "integer", "bigint", "numeric", "timestamptz"]
#: null and not_null take no value, in takes a list.
Operator = Literal["eq", "neq", "gt", "gte", "lt", "lte", "in", "null", "not_null"]

_BUCKET: Final[Mapping[str, ColumnType]] = {
    "count": "bigint",
    "avg_duration_ms": "numeric",
    "min_duration_ms": "integer",
    "max_duration_ms": "integer",
}
_KEY: Final[Mapping[str, ColumnType]] = {"service_name": "text", "action": "text", "status": "text"}

#: Each table's columns, in the order of the contract.
COLUMNS: Final[Mapping[Table, Mapping[str, ColumnType]]] = {
    "integration_logs": {
        "id": "uuid",
        **_KEY,
        "related_entity_type": "text",
        "related_entity_id": "uuid",
        "request_payload": "jsonb",
        "response_payload": "jsonb",
        "error_message": "text",
        "error_code": "text",
        "duration_ms": "integer",
        "retry_count": "integer",
        "created_at": "timestamptz",
        "updated_at": "timestamptz",
    },
    "integration_stats_hourly": {**_KEY, "hour": "timestamptz", **_BUCKET},
    "integration_stats_daily": {
        **_KEY,
        "day": "timestamptz",
        **_BUCKET,
        "failed_count": "bigint",
        "success_count": "bigint",
        "failure_rate_percent": "numeric",
    },
}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """What must hold of a column."""

    column: str
    operator: Operator
    #: as text; the database reads it as a value of the column
    value: str | Sequence[str] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Ordering:
    """One column of an order."""

    column: str
    is_descending: bool = False
    #: None for the database's own: last where ascending, first where descending
    nulls: Literal["first", "last"] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TableQuestion:
    """Rows of one table. Columns are of `COLUMNS`, or the question is none."""

    table: Table
    #: in this order, each once
    columns: Sequence[str]
    #: all must hold
    conditions: Sequence[Condition] = ()
    order: Sequence[Ordering] = ()
    limit: int
    offset: int = 0


class TableRows(msgspec.Struct, kw_only=True, frozen=True):
    """The rows of a question."""

    #: a JSON array of objects, as the database writes it
    array: str
    count: int
