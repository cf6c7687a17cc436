"""Server and network may do what they like: a batch ends, and the next one finds them when they are back.

Whether something hangs cannot be told by waiting for it, so each call runs on a thread that is given a minute, sixty times its deadline.
"""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest

from integration_monitor.batch import Batch
from integration_monitor.errors import StoreUnavailable
from integration_monitor.record import IntegrationLog
from integration_monitor.store.postgres.connection import connect_bounded
from integration_monitor.store.postgres.sink import PostgresSink
from tests.conftest import Server
from tests.integration.batches import fetch, record, stored
from tests.integration.proxies import Proxy, proxied

DEADLINE_S = 1.0
PATIENCE_S = 60


@pytest.fixture(autouse=True)
def short_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integration_monitor.store.postgres.sink.BATCH_DEADLINE_S", DEADLINE_S)
    monkeypatch.setattr("integration_monitor.store.postgres.sink.MAINTAIN_DEADLINE_S", DEADLINE_S)


@pytest.fixture
def sink(database_url: str) -> Iterator[PostgresSink]:
    sink = PostgresSink(database_url)
    yield sink
    sink.close()


@pytest.fixture
def proxy_and_sink(database_url: str) -> Iterator[tuple[Proxy, PostgresSink]]:
    with proxied(database_url) as (proxy, url):
        sink = PostgresSink(url)
        yield proxy, sink
        sink.close()


def error_of(call: Callable[[], None]) -> Exception | None:
    """What a call raised; it must end."""
    raised: list[Exception] = []

    def run() -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 -- the test asks which it is
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    assert not thread.is_alive(), "it hangs"
    return raised[0] if raised else None


def large(count: int) -> list[IntegrationLog]:
    """More than the buffers of all sockets on the way take."""
    return [record(request_payload={"body": "x" * 1_000_000}) for _ in range(count)]


def session_pid(sink: PostgresSink) -> int:
    assert sink._connection is not None
    return sink._connection.info.backend_pid


@pytest.mark.parametrize("task", ["small batch", "large batch", "maintenance"])
def test_a_stopped_server_process_ends_the_call_in_time(sink: PostgresSink, database_url: str, task: str) -> None:
    sink.write(Batch(records=[record()]))
    stopped = session_pid(sink)
    os.kill(stopped, signal.SIGSTOP)
    try:
        records = large(20) if task == "large batch" else [record()]
        call = sink.maintain if task == "maintenance" else lambda: sink.write(Batch(records=records))
        error = error_of(call)
        sink.write(Batch(records=[record()]))
    finally:
        os.kill(stopped, signal.SIGCONT)

    assert isinstance(error, StoreUnavailable)
    assert "did not answer within 1 s" in str(error)
    assert len(stored(database_url)) == 2


def test_a_session_that_still_holds_the_batch_delays_it_and_loses_nothing(sink: PostgresSink, database_url: str) -> None:
    # As one that was given up, and whose server process has not noticed.
    one = record()
    holder = psycopg.connect(database_url)
    holder.execute(
        "insert into public.integration_logs (id, service_name, action, status, created_at) values (%s, 'a', 'b', 'success', %s)",
        [one.id, one.created_at],
    )

    error = error_of(lambda: sink.write(Batch(records=[one])))
    holder.close()
    sink.write(Batch(records=[one]))

    assert isinstance(error, StoreUnavailable)
    assert stored(database_url) == [one]


@pytest.mark.parametrize("count", [1, 20])
def test_a_network_that_loses_everything_ends_the_batch_in_time(
    proxy_and_sink: tuple[Proxy, PostgresSink], database_url: str, count: int
) -> None:
    proxy, sink = proxy_and_sink
    sink.write(Batch(records=[record()]))
    records = large(count)
    proxy.go_deaf()

    error = error_of(lambda: sink.write(Batch(records=records)))
    proxy.hear_again()

    assert isinstance(error, StoreUnavailable)
    sink.write(Batch(records=[record()]))
    assert len(stored(database_url)) == 2


def test_a_network_that_dies_in_the_middle_of_a_batch_ends_it_in_time(
    proxy_and_sink: tuple[Proxy, PostgresSink], database_url: str
) -> None:
    proxy, sink = proxy_and_sink
    records = large(8)
    sink.write(Batch(records=[record()]))
    proxy.deaf_after_bytes = 2_000_000

    error = error_of(lambda: sink.write(Batch(records=records)))
    proxy.hear_again()
    error_of(lambda: sink.write(Batch(records=records[:3])))

    assert isinstance(error, StoreUnavailable)
    assert {one.id for one in stored(database_url)} >= {one.id for one in records[:3]}
    assert not {one.id for one in stored(database_url)} & {one.id for one in records[3:]}


def test_a_network_that_is_dead_from_the_start_ends_the_connecting_in_time(
    proxy_and_sink: tuple[Proxy, PostgresSink], database_url: str
) -> None:
    proxy, sink = proxy_and_sink
    proxy.go_deaf()

    error = error_of(lambda: sink.write(Batch(records=[record()])))
    proxy.hear_again()
    sink.write(Batch(records=[record()]))

    assert isinstance(error, StoreUnavailable)
    assert len(stored(database_url)) == 1


def test_a_connection_cut_while_idle_is_made_again(proxy_and_sink: tuple[Proxy, PostgresSink], database_url: str) -> None:
    proxy, sink = proxy_and_sink
    sink.write(Batch(records=[record()]))
    proxy.hang_up()

    error = error_of(lambda: sink.write(Batch(records=[record()])))
    sink.write(Batch(records=[record()]))

    assert isinstance(error, StoreUnavailable)
    assert len(stored(database_url)) == 2


def test_closing_a_dead_connection_does_not_hang(proxy_and_sink: tuple[Proxy, PostgresSink]) -> None:
    proxy, sink = proxy_and_sink
    sink.write(Batch(records=[record()]))
    proxy.go_deaf()

    assert error_of(sink.close) is None


def test_a_server_that_restarts_is_found_again(new_server: Server) -> None:
    database_url = new_server.url(new_server.create_database(is_migrated=True))
    sink = PostgresSink(database_url)
    sink.write(Batch(records=[record()]))
    new_server.cluster.stop()

    gone = error_of(lambda: sink.write(Batch(records=[record()])))
    still_gone = error_of(lambda: sink.write(Batch(records=[record()])))
    new_server.cluster.start()
    sink.write(Batch(records=[record()]))
    sink.close()

    assert isinstance(gone, StoreUnavailable)
    assert isinstance(still_gone, StoreUnavailable)
    assert len(stored(database_url)) == 2


def test_after_a_fail_over_the_host_that_takes_writes_is_found(database_url: str) -> None:
    name = str(psycopg.conninfo.conninfo_to_dict(database_url)["dbname"])
    with proxied(database_url) as (first, first_url), proxied(database_url) as (second, _url):
        user = psycopg.conninfo.conninfo_to_dict(first_url)["user"]
        sink = PostgresSink(
            f"postgresql://{user}@127.0.0.1:{first.port},127.0.0.1:{second.port}/{name}?target_session_attrs=read-write"
        )
        sink.write(Batch(records=[record()]))
        first.close()

        error = error_of(lambda: sink.write(Batch(records=[record()])))
        sink.write(Batch(records=[record()]))
        sink.close()

    assert isinstance(error, StoreUnavailable)
    assert fetch(database_url, "select count(*) from public.integration_logs") == [(2,)]


def test_the_addresses_of_a_host_share_the_time_for_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []

    def resolve(*_arguments: object, **_options: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{number}", 5432)) for number in range(1, 5)]

    def connect(connect_timeout: int, **_options: object) -> None:
        given.append(connect_timeout)
        raise psycopg.OperationalError("silent")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(psycopg.Connection, "connect", connect)

    with pytest.raises(StoreUnavailable):
        connect_bounded("postgresql://app@pooler.example.com/app", timeout_s=10.0)

    assert given == [2]
