"""Several servers that tell of the same arrivals, and readers who go from one to the other."""

import asyncio
import contextlib
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import LiteralString

import psycopg
import pytest

from integration_monitor.monitoring import cursor
from integration_monitor.server.live import feed
from integration_monitor.server.live.feed import Feed
from integration_monitor.server.live.watcher import Told, Watcher
from integration_monitor.store.arrivals import ArrivalPosition
from integration_monitor.store.postgres.arrivals import PostgresArrivals
from integration_monitor.store.postgres.pool import Connections
from tests.integration.conftest import write_log
from tests.integration.test_arrivals import EVERYTHING

BEAT_S = 5.0
WRITERS = 8
TRANSACTIONS = 25
INSERT: LiteralString = (
    "insert into public.integration_logs (id, service_name, action, status) values (%s, 'amocrm', 'sync_lead', 'pending')"
)
#: an arrival: which record, and whether it was new
Noted = tuple[str, bool]


@contextlib.asynccontextmanager
async def watched(database_url: str) -> AsyncIterator[Feed]:
    """What a server has for its streams, looking."""
    connections = Connections(database_url)
    await connections.open()
    try:
        shared = Feed(PostgresArrivals(connections))
        async with shared.opened():
            shared.join()
            yield shared
            shared.leave()
    finally:
        await connections.close()


async def told_until_live(watcher: Watcher) -> list[Told]:
    """Everything up to the word that the stream is live."""
    told: list[Told] = []
    async for some in watcher.told(beat_s=BEAT_S):
        told += some
        if some and some[-1].word == "live":
            break
    return told


def watcher_at(shared: Feed, position: ArrivalPosition | None) -> Watcher:
    """A reader who comes with `Last-Event-ID`."""
    last_event_id = None if position is None else cursor.encode(position)
    return Watcher(shared, "service_role", EVERYTHING, last_event_id=last_event_id)


def test_reader_who_comes_from_a_server_that_looked_later_misses_and_repeats_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each looks once, when it begins.
    monkeypatch.setattr(feed, "LOOK_INTERVAL_S", 3_600)

    async def scenario() -> tuple[list[Told], list[Told]]:
        async with watched(database_url) as early:
            reader = watcher_at(early, None)
            await told_until_live(reader)
            with psycopg.connect(database_url, autocommit=True) as connection:
                write_log(connection)
            async with watched(database_url) as late:
                reader = watcher_at(late, reader.position)
                at_late = await told_until_live(reader)
            return at_late, await told_until_live(watcher_at(early, reader.position))

    at_late, at_early = asyncio.run(scenario())

    assert [told.kind for told in at_late] == ["record", "state"]
    assert [told.kind for told in at_early] == ["state"]


def test_each_arrival_is_told_once_whoever_writes_and_wherever_its_reader_goes(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "LOOK_INTERVAL_S", 0.02)

    async def scenario(threads: ThreadPoolExecutor) -> tuple[list[Noted], list[Noted], set[str]]:
        chance = random.Random(11)
        async with watched(database_url) as one, watched(database_url) as other:
            reader = watcher_at(one, None)
            told = [*await told_until_live(reader)]
            position = reader.position
            writers = [asyncio.get_running_loop().run_in_executor(threads, write, database_url, seed) for seed in range(WRITERS)]
            while not all(writer.done() for writer in writers):
                taken = await take(watcher_at(chance.choice([one, other]), position), chance.randint(1, 60))
                told += taken
                position = taken[-1].position
                # As at the end of each minute.
                await asyncio.to_thread(renew, database_url)
            written = [noted for writer in writers for noted in await writer]
        async with watched(database_url) as last:
            told += await told_until_live(watcher_at(last, position))
        arrived = [(str(each.record.id), each.kind == "record") for each in told if each.record is not None]
        return written, arrived, {each.word or each.kind for each in told}

    with ThreadPoolExecutor(WRITERS) as threads:
        written, arrived, kinds = asyncio.run(scenario(threads))

    assert Counter(arrived) == Counter(written)
    assert len(written) > WRITERS * TRANSACTIONS
    assert "lapsed" not in kinds


async def take(watcher: Watcher, count: int) -> list[Told]:
    """What a reader is told who goes away after so much, or at the first sign that there is nothing."""
    taken: list[Told] = []
    async for some in watcher.told(beat_s=BEAT_S):
        taken += some
        if len(taken) >= count or (some and some[-1].word == "live"):
            break
    return taken[:count]


def renew(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update integration_monitor.arrival_watch set until_at = now() + interval '3 minutes'")
        connection.execute("select integration_monitor.maintain()")


def write(database_url: str, seed: int) -> list[Noted]:
    """Writes in transactions that overlap with those of others; what of it was committed and was not deleted."""
    chance = random.Random(seed)
    committed: list[Noted] = []
    with psycopg.connect(database_url) as connection:
        for _ in range(TRANSACTIONS):
            connection.execute("select 1")
            written: list[Noted] = []
            for _ in range(chance.randint(1, 4)):
                is_kept = chance.random() < 0.7
                with connection.transaction(force_rollback=not is_kept):
                    some = _write_some(connection, chance)
                written += some if is_kept else []
            if chance.random() < 0.8:
                connection.commit()
                committed += written
            else:
                connection.rollback()
    return committed


def _write_some(connection: psycopg.Connection[tuple[object, ...]], chance: random.Random) -> list[Noted]:
    way = chance.choice(["insert", "copy", "update", "move", "delete"])
    if way == "copy":
        copied = [str(uuid.uuid4()) for _ in range(chance.randint(1, 20))]
        with connection.cursor().copy("copy public.integration_logs (id, service_name, action, status) from stdin") as rows:
            for each in copied:
                rows.write_row((each, "amocrm", "sync_lead", "success"))
        return [(each, True) for each in copied]
    one = str(uuid.uuid4())
    connection.execute(INSERT, [one])
    if way == "update":
        connection.execute("update public.integration_logs set status = 'success' where id = %s", [one])
        return [(one, True), (one, False)]
    if way == "move":
        # To another partition. The arrival of before has its old key, by which there is no record any more.
        connection.execute("update public.integration_logs set created_at = now() - interval '9 days' where id = %s", [one])
        return [(one, False)]
    if way == "delete":
        connection.execute("delete from public.integration_logs where id = %s", [one])
        return []
    return [(one, True)]
