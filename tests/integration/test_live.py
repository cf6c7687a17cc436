"""`live` over HTTP: everything that arrives comes once, for whoever may see it, and nothing is asked while nobody watches."""

import asyncio
import contextlib
import random
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from integration_monitor.record import entity_uuid
from integration_monitor.server.live import answer, feed
from integration_monitor.server.live.feed import Feed
from integration_monitor.server.refusals import TooManyWatchers
from integration_monitor.store.arrivals import Looked
from integration_monitor.store.postgres.arrivals import PostgresArrivals
from integration_monitor.store.postgres.pool import Connections
from tests.acceptance.live_server import LiveServer, live_server
from tests.conftest import Server
from tests.integration.conftest import NOWHERE, AddLog, Bearer, Client, MakeToken, write_log
from tests.integration.live_reader import PATH, TIMEOUT_S, reading
from tests.integration.test_api_keys import make_key  # noqa: F401  # a fixture

LIST = "/api/admin/integrations/monitoring/logs"


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "LOOK_INTERVAL_S", 0.05)


@pytest.fixture
def server(database_url: str) -> Iterator[LiveServer]:
    with live_server(database_url) as running:
        yield running


def test_new_record_comes_as_a_list_shows_it(server: LiveServer, add_log: AddLog) -> None:
    with reading(server) as reader:
        reader.until_live()
        written = add_log(status="failed", error_code="TIMEOUT", response_payload={"status_code": 504})
        [event] = reader.take(1, "record", "change")

    [shown] = ask(server, LIST).json()["data"]
    assert (event.kind, event.data["id"]) == ("record", str(written))
    assert event.data == shown


def test_end_of_a_call_is_a_change(server: LiveServer, add_log: AddLog, database_url: str) -> None:
    pending = add_log(status="pending", duration_ms=None)

    with reading(server) as reader, psycopg.connect(database_url, autocommit=True) as connection:
        reader.until_live()
        connection.execute("update public.integration_logs set status = 'success', duration_ms = 70 where id = %s", [pending])
        [event] = reader.take(1, "record", "change")

    assert (event.kind, event.data["id"], event.data["status"]) == ("change", str(pending), "success")


def test_record_of_yesterday_comes_when_it_arrives(server: LiveServer, add_log: AddLog) -> None:
    with reading(server) as reader:
        reader.until_live()
        late = add_log(age=timedelta(days=1))
        [event] = reader.take(1, "record")

    assert event.data["id"] == str(late)


def test_transaction_that_commits_last_comes_last_and_none_is_lost(server: LiveServer, database_url: str) -> None:
    with (
        psycopg.connect(database_url) as early,
        psycopg.connect(database_url) as late,
        reading(server) as reader,
    ):
        reader.until_live()
        of_early = write_log(early)
        of_late = write_log(late)
        late.commit()
        [first] = reader.take(1, "record")
        early.commit()
        [second] = reader.take(1, "record")

    assert [first.data["id"], second.data["id"]] == [str(of_late), str(of_early)]


def test_reconnects_lose_and_repeat_nothing_while_others_write(server: LiveServer, database_url: str) -> None:
    chance = random.Random(25)
    told: list[str] = []
    last_event_id = None
    with reading(server) as reader:
        reader.until_live()
        last_event_id = reader.last_event_id
    writers = [threading.Thread(target=write_in_disorder, args=(database_url, seed)) for seed in range(3)]
    for writer in writers:
        writer.start()

    while len(told) < 3 * RECORDS_OF_ONE:
        with reading(server, last_event_id=last_event_id) as reader:
            wanted = min(chance.randint(1, 40), 3 * RECORDS_OF_ONE - len(told))
            told += [event.data["id"] for event in reader.take(wanted, "record", "gap")]
            last_event_id = reader.last_event_id
    for writer in writers:
        writer.join()

    with psycopg.connect(database_url) as connection:
        stored = {str(each) for (each,) in connection.execute("select id from public.integration_logs")}
    assert len(told) == len(set(told))
    assert set(told) == stored
    # Nothing is left to be told either.
    with reading(server, last_event_id=last_event_id) as reader:
        event = reader.next()
        assert event is not None
        assert event.kind == "state"


RECORDS_OF_ONE = 100


def write_in_disorder(database_url: str, seed: int) -> None:
    """A hundred records in transactions of which each begins before the one before has ended."""
    chance = random.Random(seed)
    with contextlib.ExitStack() as stack:
        sessions = [stack.enter_context(psycopg.connect(database_url)) for _ in range(3)]
        for _ in range(RECORDS_OF_ONE):
            write_log(chance.choice(sessions), age=timedelta(hours=chance.randint(0, 48)))
            if chance.random() < 0.3:
                chance.choice(sessions).commit()


def test_filter_narrows_as_in_lists(server: LiveServer, database_url: str) -> None:
    conditions = {
        "service": "telegram",
        "action": "send_message",
        "status": "failed",
        "entity_type": "lead",
        "entity_id": "7",
        "error_code": "403",
        "fault": "recipient",
        "duration_min_ms": "100",
        "duration_max_ms": "200",
        "text": "BLOCKED",
        "from": "2020-01-01",
    }
    wanted: dict[str, Any] = {
        "service_name": "telegram",
        "action": "send_message",
        "status": "failed",
        "related_entity_type": "lead",
        "related_entity_id": entity_uuid("lead", 7),
        "error_code": "403",
        "fault": "recipient",
        "duration_ms": 150,
        "error_message": "Forbidden: bot was blocked",
    }
    others: list[dict[str, Any]] = [
        {"service_name": "amocrm"},
        {"action": "sync"},
        {"status": "success"},
        {"related_entity_type": "user"},
        {"related_entity_id": uuid.uuid4()},
        {"error_code": "404"},
        {"fault": "vendor"},
        {"duration_ms": 99},
        {"duration_ms": 201},
        {"error_message": "Not Found"},
        {"created_at": datetime(2019, 12, 31, tzinfo=UTC)},
    ]

    with psycopg.connect(database_url, autocommit=True) as connection, reading(server, **conditions) as reader:
        reader.until_live()
        for other in others:
            write_log(connection, **{**wanted, **other})
        fitting = write_log(connection, **wanted)
        event = reader.next()

    assert event is not None
    assert event.data["id"] == str(fitting)


def test_watchers_of_several_roles_and_filters_are_served_side_by_side(server: LiveServer, add_log: AddLog) -> None:
    with (
        reading(server) as everything,
        reading(server, token=server.token("service_role")) as also_everything,
        reading(server, service="resend") as narrowed,
    ):
        readers = [everything.until_live(), also_everything.until_live(), narrowed.until_live()]
        add_log()
        written = add_log(service_name="resend")
        told = [reader.take(count, "record")[-1].data["id"] for reader, count in zip(readers, (2, 2, 1), strict=True)]

    assert told == [str(written)] * 3


def test_row_level_security_decides_what_is_told(server: LiveServer, add_log: AddLog, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "create policy only_resend on public.integration_logs as restrictive for select to authenticated"
            " using (service_name = 'resend')"
        )

    with reading(server) as reader:
        reader.until_live()
        add_log(service_name="amocrm")
        written = add_log(service_name="resend")
        event = reader.next()

    assert event is not None
    assert event.data["id"] == str(written)


@pytest.mark.parametrize("role", ["anon", "integration_monitor_statistics", None])
def test_who_may_not_read_records_has_no_stream(client_without_database: Client, bearer: Bearer, role: str | None) -> None:
    headers = {} if role is None else bearer(role)

    refused = client_without_database.get(PATH, headers=headers)

    assert refused.status_code == (403 if role == "integration_monitor_statistics" else 401)


def test_key_for_one_service_must_ask_for_it(server: LiveServer, add_log: AddLog, make_key: Any) -> None:  # noqa: F811
    key = make_key("shop", "--scope", "read", "--service", "telegram")

    refused = ask(server, PATH, token=key).status_code
    with reading(server, token=key, service="telegram") as reader:
        reader.until_live()
        add_log(service_name="amocrm")
        written = add_log(service_name="telegram")
        event = reader.next()

    assert refused == 403
    assert event is not None
    assert event.data["id"] == str(written)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [("servce=x", "servce"), ("limit=5", "limit"), ("from=2026-11-22&to=2026-11-21", "to"), ("status=broken", "status")],
)
def test_impossible_parameter_is_refused_before_the_stream_begins(
    client_without_database: Client, bearer: Bearer, query: str, parameter: str
) -> None:
    refused = client_without_database.get(f"{PATH}?{query}", headers=bearer())

    assert refused.status_code == 400
    assert refused.json()["parameter"] == parameter


@pytest.mark.parametrize(
    "last_event_id", ["never one of ours", "WzEsMSwxXQ", "Wy0xLDAsMF0", "WzEsMCw5OTk5OTk5OTk5OTk5OTk5OTk5OTld"]
)
def test_position_that_is_none_or_gone_is_told_as_a_gap(server: LiveServer, last_event_id: str) -> None:
    with reading(server, last_event_id=last_event_id) as reader:
        event = reader.next()

    assert event is not None
    assert (event.kind, event.data) == ("gap", {"reason": "lapsed"})


def test_stream_that_comes_back_too_late_is_told_of_a_gap_and_goes_on(
    server: LiveServer, add_log: AddLog, database_url: str
) -> None:
    with reading(server) as reader:
        reader.until_live()
        last_event_id = reader.last_event_id
    add_log()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update integration_monitor.arrival_watch set until_at = now() - interval '1 minute'")

    with reading(server, last_event_id=last_event_id) as reader:
        gap = reader.next()
        reader.until_live()
        written = add_log()
        [event] = reader.take(1, "record")

    assert gap is not None
    assert (gap.kind, gap.data) == ("gap", {"reason": "lapsed"})
    assert event.data["id"] == str(written)


def test_load_that_nobody_could_read_is_told_as_a_gap(server: LiveServer, database_url: str) -> None:
    with reading(server) as reader, psycopg.connect(database_url, autocommit=True) as connection:
        reader.until_live()
        connection.execute(
            "insert into public.integration_logs (service_name, action, status) select 'amocrm', 'sync_lead', 'success'"
            " from generate_series(1, 10001)"
        )
        event = reader.next()

    assert event is not None
    assert (event.kind, event.data) == ("gap", {"reason": "bulk"})


def test_silent_stream_gives_signs_of_life(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "BEAT_S", 0.05)

    with reading(server) as reader:
        reader.until_live()
        wait_until(lambda: reader.comments >= 3)


def test_stream_ends_with_its_token(server: LiveServer, make_token: MakeToken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "BEAT_S", 0.05)
    # On a slow machine the shortest may have ended before its stream begins.
    for lifetime_s in (2, 10, 60):
        token = make_token(exp=datetime.now(UTC) + timedelta(seconds=lifetime_s))
        with contextlib.suppress(httpx.HTTPStatusError), reading(server, token=token) as reader:
            reader.until_live()
            assert reader.next() is None
            return
    raise AssertionError("no token was taken")


def test_stream_ends_with_its_key(
    server: LiveServer,
    database_url: str,
    make_key: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answer, "BEAT_S", 0.05)
    key = make_key("shop", "--scope", "read")

    with reading(server, token=key) as reader:
        reader.until_live()
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("update integration_monitor.api_keys set revoked_at = now()")

        assert reader.next() is None


def test_reader_who_takes_nothing_is_let_go(server: LiveServer, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "SEND_TIMEOUT_S", 0.2)
    parts = urlsplit(server.url)
    with psycopg.connect(database_url, autocommit=True) as connection, socket.socket() as reader:
        reader.settimeout(TIMEOUT_S)
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect((parts.hostname, parts.port))
        request = f"GET {PATH} HTTP/1.1\r\nHost: monitor.test\r\nAuthorization: Bearer {server.token()}\r\n\r\n"
        reader.sendall(request.encode())
        wait_until(lambda: b"event: state" in reader.recv(65_536))
        assert server.feed.watchers == 1

        for _ in range(200):
            write_log(connection, request_payload={"body": "x" * 60_000})

        wait_until(lambda: server.feed.watchers == 0)


def test_reader_who_sends_the_next_request_at_once_and_goes_away_gives_the_place_back(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The end of a connection from which nothing is read any more is noticed when something is sent.
    monkeypatch.setattr(answer, "BEAT_S", 0.05)
    parts = urlsplit(server.url)
    request = f"GET {PATH} HTTP/1.1\r\nHost: monitor.test\r\nAuthorization: Bearer {server.token()}\r\n\r\n"

    with socket.create_connection((parts.hostname, parts.port), TIMEOUT_S) as reader:
        reader.sendall(request.encode())
        wait_until(lambda: b"event: state" in reader.recv(65_536))
        reader.sendall(request.encode())
        wait_until(lambda: b"id: " in reader.recv(65_536))
        assert server.feed.watchers == 1

    wait_until(lambda: server.feed.watchers == 0)


def test_database_that_goes_away_and_comes_back_is_told(
    new_server: Server, make_token: MakeToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "RETRY_S", 0.2)
    url = new_server.url(new_server.create_database(is_migrated=True))

    with live_server(url) as server, reading(server, token=make_token("service_role")) as reader:
        reader.until_live()
        new_server.cluster.stop()
        [away] = reader.take(1, "state")
        new_server.cluster.start()
        reader.until_live()
        with psycopg.connect(url, autocommit=True) as connection:
            written = write_log(connection)
        [event] = reader.take(1, "record")

    assert away.data == {"state": "away"}
    assert event.data["id"] == str(written)


def test_database_that_was_never_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "RETRY_S", 0.2)

    with live_server(NOWHERE) as server, reading(server) as reader:
        event = reader.next()

    assert event is not None
    assert (event.kind, event.data, event.id) == ("state", {"state": "away"}, None)


def test_server_that_stops_ends_its_streams(database_url: str) -> None:
    with live_server(database_url) as server, reading(server) as reader:
        reader.until_live()
        server.feed.end()

        assert reader.next() is None


def test_server_without_places_says_when_to_come_back(client: Client, bearer: Bearer) -> None:
    client.app.state.feed.end()

    refused = client.get(PATH, headers=bearer())

    assert refused.status_code == 429
    assert refused.json()["code"] == "too_many_watchers"
    assert refused.headers["retry-after"] == "10"


def test_nothing_is_asked_while_nobody_watches(database_url: str) -> None:
    async def scenario() -> tuple[Any, int, int, int]:
        connections = Connections(database_url)
        await connections.open()
        shared = Feed(PostgresArrivals(connections), watchers_max=1)
        async with shared.opened():
            before = count_looks(database_url)
            shared.join()
            with pytest.raises(TooManyWatchers):
                shared.join()
            outcome = await shared.outcome(but=None, timeout_s=TIMEOUT_S)
            while_watched = count_looking_tasks()
            shared.leave()
            await asyncio.sleep(0)
            after = count_looking_tasks()
        await connections.close()
        return outcome, before, while_watched, after

    outcome, before, while_watched, after = asyncio.run(scenario())

    assert isinstance(outcome, Looked)
    assert (before, while_watched, after) == (0, 1, 0)


def ask(server: LiveServer, path: str, *, token: str | None = None) -> httpx.Response:
    return httpx.get(server.url + path, headers={"authorization": f"Bearer {token or server.token()}"}, timeout=TIMEOUT_S)


def count_looks(database_url: str) -> int:
    """How often watching has begun."""
    with psycopg.connect(database_url) as connection:
        [number] = connection.execute("select number from integration_monitor.arrival_watch").fetchone() or [None]
    assert isinstance(number, int)
    return number


def count_looking_tasks() -> int:
    return sum(task.get_name() == "integration-monitor live" for task in asyncio.all_tasks())


def wait_until(is_so: Callable[[], bool]) -> None:
    """Asks again and again; what never becomes so fails the test."""
    patience = threading.Event()
    for _ in range(int(TIMEOUT_S / 0.02)):
        if is_so():
            return
        patience.wait(0.02)
    raise AssertionError("it never became so")
