"""What `store_scale` asks about records themselves, and how long writers wait while a week is removed. Through the store's own questions, over a
connection: what is measured has the round trips in it, and the making of the answer.
"""

import asyncio
import contextlib
import random
import statistics
import threading
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from integration_monitor.record import new_id_at
from integration_monitor.store.answers import LogFilter, RecordPosition
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.questions import PostgresQuestions

RUNS = 40
PAGE = 50
DAYS = 90
#: records that the bench writes itself, with ids that tell their time, as the SDK's do
KNOWN_RECORDS = 200
WRITER_PAUSE_S = 0.002

Ask = Callable[[PostgresQuestions, int], Awaitable[object]]
Connection = psycopg.Connection[Any]


def asked_ms(connection: Connection, url: str) -> dict[str, list[float]]:
    """Milliseconds of each asking, by question."""
    chance = random.Random(1)  # noqa: S311 -- which record is asked for
    now = datetime.now(UTC)
    everything = LogFilter(since=now - timedelta(days=DAYS), until=now)
    failed = LogFilter(since=everything.since, until=now, status="failed")
    ids = _write_known(connection, now)
    entities = [entity for (entity,) in connection.execute(_SOME_ENTITIES, {"count": RUNS + 1}).fetchall()]
    depths = [timedelta(days=chance.uniform(0, DAYS - 5)) for _ in range(RUNS + 1)]
    asks: dict[str, Ask] = {
        "failures, first page": lambda questions, _: questions.logs_search(failed, before=None, limit=PAGE),
        "failures, any page": lambda questions, run: questions.logs_search(
            failed, before=RecordPosition(created_at=now - depths[run], id=uuid.UUID(int=0)), limit=PAGE
        ),
        "entity's timeline": lambda questions, run: questions.entity_timeline(
            LogFilter(since=everything.since, until=now, entity_type="lead", entity_id=entities[run % len(entities)]),
            after=None,
            limit=PAGE,
        ),
        "one record by its id": lambda questions, run: questions.logs_one(ids[run], service=None),
    }
    return asyncio.run(_ask_all(url, asks))


async def _ask_all(url: str, asks: dict[str, Ask]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in asks}
    async with _connected(url) as connections:
        questions = PostgresQuestions(connections, "service_role")
        for run in range(RUNS + 1):
            for name, ask in asks.items():
                begin_s = time.perf_counter()
                answer = await ask(questions, run)
                found[name].append((time.perf_counter() - begin_s) * 1000)
                assert answer, f"{name}: nothing was found"
    # The first run warms up.
    return {name: times[1:] for name, times in found.items()}


@contextlib.asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Connections]:
    connections = Connections(url, connections_max=1, statement_timeout_s=60)
    await connections.open()
    try:
        yield connections
    finally:
        await connections.close()


_SOME_ENTITIES = """
    select distinct related_entity_id
      from (select related_entity_id from public.integration_logs where related_entity_id is not null limit 5000) as one
     limit %(count)s
"""


def _write_known(connection: Connection, now: datetime) -> list[uuid.UUID]:
    times = [now - timedelta(days=DAYS - 1) * number / KNOWN_RECORDS for number in range(KNOWN_RECORDS)]
    rows = [
        (new_id_at(int(at.timestamp() * 1000)), datetime.fromtimestamp(int(at.timestamp() * 1000) / 1000, UTC)) for at in times
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into public.integration_logs (id, service_name, action, status, created_at)"
            " values (%s, 'amocrm', 'amocrm_1', 'success', %s)",
            rows,
        )
    ids = [record_id for record_id, _ in rows]
    random.Random(2).shuffle(ids)  # noqa: S311
    return ids


def waits_ms(connection: Connection, url: str) -> tuple[list[float], list[float], str]:
    """How long each INSERT of a writer took before, and while the oldest weeks are removed; and what maintenance says it did."""
    with _writing(url) as waits:
        time.sleep(2)
        before = list(waits)
        waits.clear()
        connection.execute("update integration_monitor.settings set retention = interval '83 days'")
        said = connection.execute("select to_jsonb(done)::text from integration_monitor.maintain() as done").fetchall()
        during = list(waits)
    return before, during, "; ".join(text for (text,) in said)


@contextlib.contextmanager
def _writing(url: str) -> Iterator[list[float]]:
    waits: list[float] = []
    is_over = threading.Event()

    def write() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not is_over.wait(WRITER_PAUSE_S):
                begin_s = time.perf_counter()
                connection.execute(
                    "insert into public.integration_logs (service_name, action, status, duration_ms) values ('amocrm', 'amocrm_1', 'success', 5)"
                )
                waits.append((time.perf_counter() - begin_s) * 1000)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield waits
    finally:
        is_over.set()
        thread.join()


def summary(times: list[float]) -> str:
    """Median and longest."""
    return f"{statistics.median(times):.1f} (longest {max(times):.1f})"
