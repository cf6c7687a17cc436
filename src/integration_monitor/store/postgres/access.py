"""What each role may do, proved by trying: every statement of `queries/contract_access.sql`, as its role, and undone again."""

import dataclasses
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg

from integration_monitor.store.postgres import sql


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A statement that a role tried, and what came of it."""

    #: such as `anon may not read integration_monitor.keys`
    name: str
    #: allowed (no error), refused (for want of a right), none or one (no error, and so many rows)
    expected: str
    #: the same, or the error, or the number of rows
    outcome: str

    @property
    def is_as_expected(self) -> bool:
        return self.outcome == self.expected or (self.expected == "allowed" and self.outcome in {"none", "one"})


def try_access(connection: psycopg.Connection[tuple[Any, ...]], *, finished_id: UUID, unfinished_id: UUID) -> Iterator[Trial]:
    """Tries each right of each role, in savepoints of the connection's transaction.

    finished_id, unfinished_id:
        Records written in this transaction.
    """
    trials = connection.execute(
        sql.query("contract_access"), {"finished_id": finished_id, "unfinished_id": unfinished_id}
    ).fetchall()
    for role, name, statement, expected in trials:
        yield Trial(name=f"{role} {name}", expected=expected, outcome=_try(connection, role, statement))


def _try(connection: psycopg.Connection[tuple[Any, ...]], role: str, statement: str) -> str:
    try:
        with connection.transaction(force_rollback=True):
            try:
                connection.execute(sql.query("role_take"), {"role": role})
            except psycopg.errors.InsufficientPrivilege:
                # To be refused the role proves nothing about the statement.
                return f"the login may not take the role; as a superuser: grant {role} to it"
            # The statement comes from our own query, and not from a user.
            cursor = connection.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        return "refused"
    except psycopg.Error as error:
        return f"{error.sqlstate}: {error.diag.message_primary or error}"
    return {0: "none", 1: "one"}.get(cursor.rowcount, f"{cursor.rowcount} rows")
