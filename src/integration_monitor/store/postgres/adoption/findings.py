"""What an old table is like: what stands in the way of taking it over, and what becomes otherwise. Looks, and changes nothing."""

import dataclasses
from typing import Any

import psycopg

from integration_monitor.errors import MigrationError
from integration_monitor.store.postgres import sql

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """How far a database is."""

    #: public.integration_logs is there, and is an ordinary table
    is_old: bool
    #: it is being taken over, or was and is not yet counted
    is_under_way: bool


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Obstacle:
    """What stands in the way."""

    #: such as `the foreign key lead_id_fkey of public.integration_logs`
    name: str
    #: what to do about it: a statement, where one is enough
    remedy: str


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """What is to be known of an old table before it is taken over."""

    #: records, as the planner estimates them
    rows: int
    obstacles: list[Obstacle]
    #: what becomes otherwise, and hinders nothing
    notes: list[str]


def read_state(connection: Connection) -> State:
    """Source: adoption_state.sql."""
    kind, is_under_way = connection.execute(sql.query("adoption_state")).fetchone() or (None, False)
    return State(is_old=kind == "r", is_under_way=is_under_way)


def look(connection: Connection) -> Findings:
    """Looks at the old table, as a reader does. Source: adoption_obstacles.sql, adoption_strange_statuses.sql, adoption_notes.sql."""
    with connection.transaction():
        connection.execute(sql.query("search_path_bound"))
        found = connection.execute(sql.query("adoption_obstacles")).fetchall()
        notes: list[tuple[str]] = []
        if not found:
            # These read columns that are there by now.
            found = connection.execute(sql.query("adoption_strange_statuses")).fetchall()
            notes = connection.execute(sql.query("adoption_notes")).fetchall()
        (rows,) = connection.execute(sql.query("adoption_size")).fetchone() or (0,)
    return Findings(
        rows=rows,
        obstacles=[Obstacle(name=name, remedy=remedy) for name, remedy in found],
        notes=[note for (note,) in notes],
    )


def require_none(obstacles: list[Obstacle]) -> None:
    """Errors: MigrationError: there are obstacles; it names each, with its remedy."""
    if obstacles:
        listed = "; ".join(f"{number}. {one.name} → {one.remedy}" for number, one in enumerate(obstacles, 1))
        raise MigrationError(
            "public.integration_logs exists already and is not partitioned, and cannot be taken over as it is. "
            f"Nothing was changed. Mend this first: {listed}"
        )
