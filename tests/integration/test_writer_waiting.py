"""A store that does not answer while records keep coming, and processes that end meanwhile: what comes goes to disk."""

import multiprocessing
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import integration_monitor as im
from integration_monitor.guard import Guard
from integration_monitor.record import IntegrationLog
from integration_monitor.settings import Settings
from integration_monitor.store.postgres.sink import PostgresSink
from integration_monitor.writer.estate import list_holdings
from integration_monitor.writer.lifecycle import Writer
from tests.integration.batches import record, stored
from tests.integration.proxies import proxied
from tests.integration.spools import PATIENCE_S, Writers, assert_nothing_is_missing, records_of, take_all

QUEUE_RECORDS_MAX = 100


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[Writers]:
    writers = Writers(tmp_path)
    yield writers
    writers.end()


def take_when_there_is_room(writer: Writer[IntegrationLog], one: IntegrationLog) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while writer.stats().queue_records >= QUEUE_RECORDS_MAX - 1:
        assert time.monotonic() < deadline, "the queue stays full"
        time.sleep(0.01)
    writer.take(one, 100)


def test_while_a_server_does_not_answer_a_queue_that_fills_goes_to_disk(tmp_path: Path, database_url: str) -> None:
    settings = Settings(
        batch_age_s=0.01, spool_dir=str(tmp_path), queue_records_max=QUEUE_RECORDS_MAX, shutdown_timeout_s=PATIENCE_S
    )
    records = [record() for _ in range(5 * QUEUE_RECORDS_MAX)]
    with proxied(database_url) as (proxy, url):
        writer: Writer[IntegrationLog] = Writer(
            record=lambda one: one, open_sink=lambda: PostgresSink(url), settings=settings, guard=Guard()
        )
        writer.take(records[0], 100)
        assert writer.flush(PATIENCE_S)
        proxy.go_deaf()

        for one in records[1:]:
            take_when_there_is_room(writer, one)
        meanwhile = writer.stats()
        proxy.hear_again()
        assert writer.flush(PATIENCE_S)
        stats = writer.stats()
        writer.shutdown()

    assert meanwhile.spooled > 0
    assert (stats.dropped, stats.written) == ({}, len(records))
    assert_nothing_is_missing(stats)
    assert {one.id for one in stored(database_url)} == {one.id for one in records}


def test_what_the_store_does_not_take_in_time_is_secured_on_disk_and_written_later(writers: Writers) -> None:
    writer = writers.make()
    writers.sink.may_write.clear()
    take_all(writer, *records_of(["a", "b", "c"]))
    assert writers.sink.is_tried.wait(PATIENCE_S)

    is_secured = writer.secure(0.4)
    secured = writer.stats()
    writers.sink.may_write.set()
    take_all(writer, *records_of(["d"]))
    assert writer.flush(PATIENCE_S)

    assert is_secured
    assert (secured.spooled, secured.queue_records) == (3, 0)
    assert sorted(writers.sink.actions) == ["a", "b", "c", "d"]
    assert writer.stats().written == 4
    assert_nothing_is_missing(writer.stats())


def log_in_a_child(url: str, spool_dir: str) -> None:
    im.instrument(url, spool_dir=spool_dir, shutdown_timeout_s=0.5)
    im.log(service_name="test", action="in_a_child", status="success")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_of_multiprocessing_that_ends_leaves_on_disk_what_the_store_does_not_take(tmp_path: Path, method: str) -> None:
    # Whoever connects is let in by the operating system, and never answered.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://127.0.0.1:{silent.getsockname()[1]}/silent"
        child = multiprocessing.get_context(method).Process(target=log_in_a_child, args=(url, str(tmp_path)))  # type: ignore[attr-defined]

        child.start()
        child.join(PATIENCE_S)

    (holding,) = list_holdings(Settings(spool_dir=str(tmp_path)))
    assert child.exitcode == 0
    assert (holding.records_count, holding.is_owned) == (1, False)
