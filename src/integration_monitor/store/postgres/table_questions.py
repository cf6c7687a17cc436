"""Questions asked of the promised table and views by their own columns. Statements are composed of fixed fragments; values are parameters."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, LiteralString

from psycopg import sql
from psycopg.rows import class_row

from integration_monitor.store.answers import Role
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.sql import query
from integration_monitor.store.tables import COLUMNS, Condition, Operator, Ordering, TableQuestion, TableRows

_CONDITIONS: Final[Mapping[Operator, LiteralString]] = {
    "eq": "{column} = {value}::{kind}",
    "neq": "{column} <> {value}::{kind}",
    "gt": "{column} > {value}::{kind}",
    "gte": "{column} >= {value}::{kind}",
    "lt": "{column} < {value}::{kind}",
    "lte": "{column} <= {value}::{kind}",
    "in": "{column} = any({value}::{kind}[])",
    "null": "{column} is null",
    "not_null": "{column} is not null",
}
_NULLS: Final[Mapping[str | None, LiteralString]] = {None: "", "first": " nulls first", "last": " nulls last"}


class PostgresTableQuestions:
    """Asks under a database role: its rights and the policies on the table decide what is seen."""

    def __init__(self, connections: Connections, role: Role) -> None:
        self._connections = connections
        self._role: Role = role

    async def rows(self, asked: TableQuestion) -> TableRows:
        """Source: tables_select.sql.

        Errors:
            RecordsRefused: a value is none of its column's type.
            PermissionRefused, StoreUnavailable, StoreError
        """
        statement, parameters = _compose(asked)
        async with (
            self._connections.transaction(self._role) as connection,
            connection.cursor(row_factory=class_row(TableRows)) as cursor,
        ):
            await cursor.execute(statement, parameters)
            found = await cursor.fetchone()
        assert found is not None  # an aggregate has one row
        return found

    async def known_ids(self, ids: Sequence[uuid.UUID]) -> frozenset[uuid.UUID]:
        """Which of these records are there. Source: logs_known.sql. Errors as of `rows`."""
        async with self._connections.transaction(self._role) as connection:
            cursor = await connection.execute(query("logs_known"), {"ids": list(ids)})
            return frozenset(identifier for (identifier,) in await cursor.fetchall())


def _compose(asked: TableQuestion) -> tuple[sql.Composed, dict[str, Any]]:
    parameters: dict[str, Any] = {"limit": asked.limit, "offset": asked.offset}
    conditions = [sql.SQL("true")]
    for number, condition in enumerate(asked.conditions):
        name = f"value_{number}"
        conditions.append(_condition(asked, condition, name))
        if condition.value is not None:
            value = condition.value
            parameters[name] = value if isinstance(value, str) else list(value)
    ordering = sql.SQL("order by {}").format(sql.SQL(", ").join(map(_ordering, asked.order))) if asked.order else sql.SQL("")
    statement = sql.SQL(query("tables_select")).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, asked.columns)),
        table=sql.Identifier(asked.table),
        conditions=sql.SQL(" and ").join(conditions),
        ordering=ordering,
    )
    return statement, parameters


def _condition(asked: TableQuestion, condition: Condition, name: str) -> Any:
    return sql.SQL(_CONDITIONS[condition.operator]).format(
        column=sql.Identifier(condition.column),
        value=sql.Placeholder(name),
        kind=sql.SQL(COLUMNS[asked.table][condition.column]),
    )


def _ordering(ordering: Ordering) -> sql.Composed:
    direction = sql.SQL("desc" if ordering.is_descending else "asc")
    return sql.SQL("{} {}{}").format(sql.Identifier(ordering.column), direction, sql.SQL(_NULLS[ordering.nulls]))
