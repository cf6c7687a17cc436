"""Too much, too slow, and the database gone in the middle: the server stays small, says so, and acknowledges nothing that is not stored."""

import concurrent.futures
import gzip
import json
import socket
import uuid
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from integration_monitor.server.ingest import bodies
from integration_monitor.server.ingest.limits import Budget
from tests.acceptance.live_server import LiveServer, live_server
from tests.integration.batches import fetch
from tests.integration.conftest import Bearer, Client

PATH = "/api/ingest"
RECORD: dict[str, Any] = {"service_name": "amocrm", "action": "sync_lead", "status": "success"}


def test_more_than_memory_is_told_to_come_later(client: Client, bearer: Bearer, database_url: str) -> None:
    client.app.state.door.budget = Budget(bytes_max=10_000, records_max=50)
    headers = bearer("service_role")
    large = json.dumps({**RECORD, "error_message": "x" * 20_000}).encode()

    answers = [
        client.post(PATH, content=large, headers=headers),
        client.post(PATH, content=gzip.compress(large), headers={**headers, "content-encoding": "gzip"}),
        client.post(PATH, json=[RECORD] * 51, headers=headers),
    ]

    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (429, "busy")
        assert int(answer.headers["retry-after"]) > 0
    assert client.post(PATH, json=[RECORD] * 50, headers=headers).json()["stored"] == 50
    assert fetch(database_url, "select count(*) from public.integration_logs") == [(50,)]


def test_crowd_is_told_to_come_later_and_holds_nothing_afterwards(client: Client, bearer: Bearer, database_url: str) -> None:
    budget = client.app.state.door.budget = Budget(requests_max=3)
    headers = bearer("service_role")

    def send(_: int) -> httpx.Response:
        return client.post(PATH, content=body, headers={**headers, "content-type": "application/x-ndjson"})

    body = "\n".join([json.dumps(RECORD)] * 200)
    with concurrent.futures.ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(send, range(60)))

    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 429}
    ids = {one for answer in answers if answer.status_code == 200 for one in answer.json()["ids"]}
    assert len(ids) == 200 * statuses.count(200)
    assert {str(one) for (one,) in fetch(database_url, "select id from public.integration_logs")} == ids
    assert (budget.bytes_count, budget.records_count, budget.requests_count) == (0, 0, 0)


def ask(server: LiveServer, head: str, *pieces: bytes) -> bytes:
    """What the server answers to a request that goes no further than these pieces."""
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        authorization = f"Authorization: Bearer {server.token('service_role')}"
        connection.sendall(f"POST {PATH} HTTP/1.1\r\nHost: {parts.netloc}\r\n{authorization}\r\n{head}\r\n\r\n".encode())
        for piece in pieces:
            connection.sendall(piece)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def test_slow_body_is_given_up_and_its_connection_closed(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_TIMEOUT_S", 0.3)
    with live_server(database_url) as server:
        answer = ask(server, "Content-Length: 1000", b"{")

    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"too_slow"' in answer


def test_large_body_is_refused_before_it_comes(database_url: str) -> None:
    with live_server(database_url) as server:
        announced = ask(server, f"Content-Length: {10**9}", b"{")
        absurd = ask(server, f"Content-Length: {10**18}", b"{")

    assert announced.startswith(b"HTTP/1.1 413")
    assert absurd.startswith(b"HTTP/1.1 413")


def test_body_of_unknown_length_is_bounded_too(database_url: str) -> None:
    piece = b"%x\r\n%s\r\n" % (2**20, b" " * 2**20)
    with live_server(database_url) as server:
        try:
            answer: bytes | None = ask(server, "Transfer-Encoding: chunked", *[piece] * 17)
        except ConnectionError:
            answer = None  # it was closed while we were sending

    assert answer is None or answer.startswith(b"HTTP/1.1 413")


def test_everything_acknowledged_is_in_the_table_though_the_database_drops_connections(database_url: str) -> None:
    def send(number: int) -> list[str]:
        record = {**RECORD, "id": str(uuid.uuid4()), "action": f"call_{number}"}
        answer = connection.post(PATH, json=record, headers=headers)
        return answer.json()["ids"] if answer.status_code == 200 else []

    with live_server(database_url) as server, httpx.Client(base_url=server.url, timeout=30) as connection:
        headers = {"authorization": f"Bearer {server.token('service_role')}"}
        acknowledged: list[str] = []
        for _ in range(3):
            with concurrent.futures.ThreadPoolExecutor(16) as threads:
                pending = [threads.submit(send, number) for number in range(60)]
                fetch(
                    database_url,
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = current_database() and pid <> pg_backend_pid()",
                )
                acknowledged += [one for done in pending for one in done.result()]
        after = send(0)

    stored = {str(one) for (one,) in fetch(database_url, "select id from public.integration_logs")}
    assert after != []
    assert {*acknowledged, *after} <= stored
