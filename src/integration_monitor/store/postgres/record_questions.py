"""Questions about records themselves: searches, one record, groups of failures, what was done for an entity."""

import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString, TypeAlias, TypeVar

import msgspec
from psycopg import sql
from psycopg.errors import QueryCanceled
from psycopg.rows import class_row, dict_row

from integration_monitor.record import IntegrationLog, Status
from integration_monitor.store.answers import (
    EntityOfGroup,
    ErrorGroup,
    ErrorGroupFound,
    ErrorGroupPart,
    ErrorGroupPosition,
    ErrorGroupsFound,
    LogFilter,
    LogsFound,
    RecordPosition,
    Role,
)
from integration_monitor.store.postgres.pool import Connection, Connections
from integration_monitor.store.postgres.sql import query

Row = TypeVar("Row")
Question: TypeAlias = sql.SQL | sql.Composed

#: Behind every record that can exist: where a list without `before` begins.
NEWEST: Final = RecordPosition(created_at=datetime.max.replace(tzinfo=UTC), id=uuid.UUID(int=2**128 - 1))
LOWEST_ID: Final = uuid.UUID(int=0)
OLDEST: Final = datetime.min.replace(tzinfo=UTC)

# A search reads a narrow stretch of time first, then ever wider ones: what is common is found at once, and what is rare costs no more
# than reading the window once. A text must be looked for in each payload, some 100,000 of them a second.
_STRETCH: Final = timedelta(days=1)
_STRETCH_OF_TEXT: Final = timedelta(hours=1)
# A search that has read for so long answers with what it has, and where to go on. Below the statement time-out by more than the factor
# by which stretches grow, so that the next one is still answered.
SEARCH_BUDGET_S: Final = 2.0

# Groups of failures are read anew from further back: days differ, so that not all of the time is planned for, and a little more is not
# worth its time.
_ESTIMATE_SHARE: Final = 0.8
_WORTH_TIMES: Final = 1.5
# What took less says nothing about what more would take.
_TOOK_LEAST_S: Final = 0.001

# Where a record lies whose id does not tell: most that are asked for are young.
_AGES: Final = (timedelta(days=1), timedelta(days=8))
# A writer's clock may be ahead of ours, and a caller's id made a little before its record.
_CLOCKS_APART: Final = timedelta(days=1)
_MILLISECOND: Final = timedelta(milliseconds=1)
_UUID_VERSION_OF_TIMES: Final = 7


class PostgresRecordQuestions:
    """The part of `monitoring.questions.Questions` that is about records, bound to a role.

    search_budget_s:
        After so long a search answers with what it has.
    """

    def __init__(self, connections: Connections, role: Role, *, search_budget_s: float = SEARCH_BUDGET_S) -> None:
        self._connections = connections
        self._role: Role = role
        self._search_budget_s = search_budget_s

    async def logs_search(self, asked: LogFilter, *, before: RecordPosition | None, limit: int) -> LogsFound:
        """Source: logs_search.sql, asked for wider and wider stretches of time until the list is full."""
        rows: list[IntegrationLog] = []
        upper = RecordPosition(created_at=asked.until, id=NEWEST.id)
        if before is not None and (before.created_at, before.id) < (upper.created_at, upper.id):
            upper = before
        conditions = {
            **msgspec.structs.asdict(asked),
            "status": _status(asked),
            # As PostgreSQL writes a text of jsonb.
            "text_json": None if asked.text is None else json.dumps(asked.text, ensure_ascii=False)[1:-1],
        }
        started_at = time.monotonic()
        async with self._connections.transaction(self._role) as connection:
            for lower in _lower_bounds(upper.created_at, asked):
                parameters = {
                    **conditions,
                    "since": lower,
                    "before_created_at": upper.created_at,
                    "before_id": upper.id,
                    "limit": limit - len(rows),
                }
                rows += await fetch(connection, IntegrationLog, sql.SQL(query("logs_search")), parameters)
                upper = RecordPosition(created_at=lower, id=LOWEST_ID)
                if len(rows) >= limit or lower <= asked.since:
                    break
                if time.monotonic() - started_at >= self._search_budget_s:
                    return LogsFound(logs=rows, stopped_at=upper)
        return LogsFound(logs=rows, stopped_at=None)

    async def logs_one(self, record_id: uuid.UUID, *, service: str | None) -> IntegrationLog | None:
        """Source: logs_one.sql, asked first for the time that the id tells, then for younger records, and last for all."""
        async with self._connections.transaction(self._role) as connection:
            for since, until in _places(record_id, datetime.now(UTC)):
                parameters = {"id": record_id, "since": since, "until": until, "service": service}
                rows = await fetch(connection, IntegrationLog, sql.SQL(query("logs_one")), parameters)
                if rows:
                    return rows[0]
        return None

    async def entity_timeline(self, asked: LogFilter, *, after: RecordPosition | None, limit: int) -> Sequence[IntegrationLog]:
        """Source: entities_timeline.sql."""
        parameters = {
            "entity_type": asked.entity_type,
            "entity_id": asked.entity_id,
            "since": asked.since,
            "until": asked.until,
            "service": asked.service,
            "after_created_at": after.created_at if after else OLDEST,
            "after_id": after.id if after else LOWEST_ID,
            "limit": limit,
        }
        return await self._ask(IntegrationLog, sql.SQL(query("entities_timeline")), parameters)

    async def error_groups(
        self, asked: LogFilter, *, after: ErrorGroupPosition | None, limit: int, is_whole: bool
    ) -> ErrorGroupsFound:
        """Source: error_groups.sql, asked for the newest day first. What that took tells how far back the time suffices, and that is
        asked for anew: a group is not the sum of its parts, since entities come again.
        """
        parameters = {
            **_of_failures(asked),
            "fault": asked.fault,
            "after_is_excused": after.is_excused if after else None,
            "after_hurt_count": after.hurt_count if after else None,
            "after_count": after.count if after else None,
            "after_key": after.key if after else None,
            "limit": limit,
        }
        question = shaped("error_groups")
        if is_whole:
            return ErrorGroupsFound(groups=await self._ask(ErrorGroup, question, parameters), since=asked.since)
        lower = next(_lower_bounds(asked.until, asked), asked.since)
        started_at = time.monotonic()
        async with self._connections.transaction(self._role) as connection:
            groups = await fetch(connection, ErrorGroup, question, {**parameters, "since": lower})
            asked_at = started_at
            while lower > asked.since:
                now = time.monotonic()
                left_s = self._search_budget_s - (now - started_at)
                wider = _wider(lower, asked, took_s=now - asked_at, left_s=left_s)
                if wider is None:
                    break
                asked_at = now
                try:
                    async with connection.transaction():
                        await connection.execute(query("statement_bound"), {"timeout": f"{max(1, int(left_s * 1000))}ms"})
                        groups = await fetch(connection, ErrorGroup, question, {**parameters, "since": wider})
                except QueryCanceled:
                    # The days before held more: what was read before is told.
                    break
                lower = wider
        return ErrorGroupsFound(groups=groups, since=lower)

    async def error_group(self, asked: LogFilter, *, key: str, step: timedelta, entities_max: int) -> ErrorGroupFound:
        """Source: error_group.sql, asked for wider and wider stretches of time until the window is read or time has run out."""
        parameters = {**_of_failures(asked), "key": key, "step": step, "entities_max": entities_max}
        parts: list[ErrorGroupPart] = []
        lower, upper = asked.until, NEWEST.created_at
        started_at = time.monotonic()
        async with self._connections.transaction(self._role) as connection, connection.cursor(row_factory=dict_row) as cursor:
            for lower in _lower_bounds(asked.until, asked):
                await cursor.execute(
                    shaped("error_group"), {**parameters, "since": lower, "until": min(upper, asked.until), "before": upper}
                )
                parts.append(msgspec.convert(await cursor.fetchone(), ErrorGroupPart))
                upper = lower
                if time.monotonic() - started_at >= self._search_budget_s:
                    break
        return ErrorGroupFound(parts=parts, since=lower)

    async def entities_given(self, entities: Sequence[EntityOfGroup]) -> Mapping[uuid.UUID, str]:
        """Source: error_group_entities.sql."""
        parameters = {"ids": [each.last_id for each in entities], "times": [each.last_at for each in entities]}
        async with self._connections.transaction(self._role) as connection:
            rows = await (await connection.execute(query("error_group_entities"), parameters)).fetchall()
        given = {
            record_id: value["id"]
            for record_id, value in rows
            if isinstance(value, dict) and isinstance(value.get("id"), str | int)
        }
        return {each.id: str(given[each.last_id]) for each in entities if each.last_id in given}

    async def _ask(self, kind: type[Row], question: Question, parameters: Mapping[str, Any]) -> list[Row]:
        async with self._connections.transaction(self._role) as connection:
            return await fetch(connection, kind, question, parameters)


async def fetch(connection: Connection, kind: type[Row], question: Question, parameters: Mapping[str, Any]) -> list[Row]:
    """The rows of a question, each made a `kind`."""
    async with connection.cursor(row_factory=class_row(kind)) as cursor:
        await cursor.execute(question, parameters)
        return await cursor.fetchall()


def shaped(name: LiteralString) -> Question:
    """A question about failures and the shapes of their messages, which share their beginning."""
    return sql.SQL("{} {}").format(sql.SQL(query("failures_shaped")), sql.SQL(query(name)))


def _of_failures(asked: LogFilter) -> Mapping[str, Any]:
    return {
        "since": asked.since,
        "until": asked.until,
        "service": asked.service,
        "action": asked.action,
        "error_code": asked.error_code,
    }


def _status(asked: LogFilter) -> Status | None:
    """Only failures have a fault: said as a status, it lets the index of failures be used."""
    return "failed" if asked.status is None and asked.fault is not None else asked.status


def _lower_bounds(newest: datetime, asked: LogFilter) -> Iterator[datetime]:
    """Where each stretch ends, backwards from `newest` to the window's beginning; none where that lies behind it already."""
    if newest < asked.since:
        return
    # From a window's end the stretches are counted from now: nothing much lies in the future.
    newest = max(min(newest, datetime.now(UTC)), asked.since)
    stretch = _STRETCH if asked.text is None else _STRETCH_OF_TEXT
    while newest - asked.since > stretch:
        yield newest - stretch
        stretch *= 2
    yield asked.since


def _wider(lower: datetime, asked: LogFilter, *, took_s: float, left_s: float) -> datetime | None:
    """How far back can be read in the time that is left, as far as what was read tells; None where that is not much more.

    lower:
        Where what was read begins, and it took `took_s`.
    """
    if left_s <= 0:
        return None
    newest = max(min(asked.until, datetime.now(UTC)), asked.since)
    read, whole = newest - lower, newest - asked.since
    times = _ESTIMATE_SHARE * left_s / max(took_s, _TOOK_LEAST_S)
    if read * times >= whole:
        return asked.since
    return newest - read * times if times >= _WORTH_TIMES else None


def _places(record_id: uuid.UUID, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The stretches of time in which a record may have been created, the likeliest first."""
    if record_id.version == _UUID_VERSION_OF_TIMES:
        at = datetime.fromtimestamp(0, UTC) + (record_id.int >> 80) * _MILLISECOND if _is_of_now(record_id) else now
        yield at, at + _MILLISECOND
        yield at - _CLOCKS_APART, at + _CLOCKS_APART
    else:
        yield from ((now - age, now + _CLOCKS_APART) for age in _AGES)
    yield OLDEST, NEWEST.created_at


def _is_of_now(record_id: uuid.UUID) -> bool:
    """Whether the time of a UUIDv7 is one that the calendar has: 48 bits reach to the year 10889."""
    return record_id.int >> 80 < _MILLISECONDS_MAX


# The year 9000: a day before and after it is still a date.
_MILLISECONDS_MAX: Final = 221_845_392_000_000
