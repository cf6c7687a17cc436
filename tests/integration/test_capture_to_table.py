"""The SDK's whole way: calls of real clients and explicit records, through the pipeline, into the table."""

import json
import os
import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import requests
from psycopg.rows import dict_row

import integration_monitor as im
from integration_monitor.guard import RAISE_VARIABLE

TOKEN = "123456789:AAE-planted-secret-of-the-bot_0123456789"
PATIENCE_S = 30

# What the stand-in for Telegram answers, by the chat that is written to.
ANSWERS: dict[str, tuple[int, dict[str, Any]]] = {
    "1": (200, {"ok": True, "result": {"message_id": 7}}),
    "2": (403, {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}),
}


class _Telegram(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, answer = ANSWERS[str(json.loads(body)["chat_id"])]
        encoded = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def telegram() -> Iterator[str]:
    """The address of a server that stands for Telegram."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Telegram)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def _instrumented(database_url: str, telegram: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(RAISE_VARIABLE, "1")
    im.instrument(database_url, service_hosts={telegram: "telegram"}, shutdown_timeout_s=PATIENCE_S)
    yield
    im.uninstrument()


instrumented = pytest.mark.usefixtures("_instrumented")


def read_rows(database_url: str) -> list[dict[str, Any]]:
    """Everything that was recorded, oldest first."""
    assert im.flush(PATIENCE_S)
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        return connection.execute("select * from public.integration_logs order by created_at, id").fetchall()


def send(telegram: str, chat_id: int, *, client: str) -> None:
    url, message = f"http://{telegram}/bot{TOKEN}/sendMessage", {"chat_id": chat_id, "text": "hello"}
    if client == "requests":
        with requests.Session() as session:
            session.trust_env = False
            session.post(url, json=message, timeout=PATIENCE_S)
    else:
        with httpx.Client(trust_env=False, timeout=PATIENCE_S) as session_of_httpx:
            session_of_httpx.post(url, json=message)


@instrumented
@pytest.mark.parametrize("client", ["httpx", "requests"])
def test_a_call_becomes_a_row_that_says_what_happened(database_url: str, telegram: str, client: str) -> None:
    send(telegram, 1, client=client)
    send(telegram, 2, client=client)

    sent, blocked = read_rows(database_url)

    assert (sent["service_name"], sent["action"], sent["status"]) == ("telegram", "send_message", "success")
    assert sent["request_payload"]["body"]["chat_id"] == 1
    assert sent["response_payload"]["status_code"] == 200
    assert sent["response_payload"]["body"]["ok"] is True
    assert sent["duration_ms"] >= sent["response_payload"]["ttfb_ms"]
    assert (blocked["status"], blocked["error_code"]) == ("failed", "403")
    assert "blocked" in blocked["error_message"]
    assert blocked["response_payload"]["fault"] == "recipient"


@instrumented
@pytest.mark.parametrize("client", ["httpx", "requests"])
def test_no_secret_is_in_any_column(database_url: str, telegram: str, client: str) -> None:
    send(telegram, 1, client=client)

    (row,) = read_rows(database_url)

    assert TOKEN.partition(":")[2] not in json.dumps(row, default=str)
    assert "${telegram." in row["request_payload"]["url"]


@instrumented
def test_an_operation_is_one_row_with_its_attempts_and_entity(database_url: str, telegram: str) -> None:
    with im.operation("telegram", "notify_lead", entity=("lead", 123)):
        send(telegram, 2, client="httpx")
        send(telegram, 1, client="requests")

    (row,) = read_rows(database_url)

    assert (row["service_name"], row["action"], row["status"]) == ("telegram", "notify_lead", "success")
    assert row["related_entity_type"] == "lead"
    assert row["related_entity_id"] == im.entity_uuid("lead", 123)
    assert row["request_payload"]["entity"] == {"type": "lead", "id": "123"}
    assert len(row["response_payload"]["attempts"]) == 2


@instrumented
def test_log_writes_the_fourteen_fields(database_url: str) -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    given = uuid.uuid4()

    record_id = im.log(
        id=given,
        service_name="amocrm",
        action="test_connection",
        status="failed",
        related_entity_type="lead",
        related_entity_id="L-5",
        request_payload={"a": 1},
        response_payload={"b": [2.5, None]},
        error_message="нет доступа",
        error_code="401",
        duration_ms=150,
        retry_count=2,
        created_at=at,
        updated_at=at,
    )

    assert read_rows(database_url) == [
        {
            "id": record_id,
            "service_name": "amocrm",
            "action": "test_connection",
            "status": "failed",
            "related_entity_type": "lead",
            "related_entity_id": im.entity_uuid("lead", "L-5"),
            "request_payload": {"a": 1, "entity": {"type": "lead", "id": "L-5"}},
            "response_payload": {"b": [2.5, None]},
            "error_message": "нет доступа",
            "error_code": "401",
            "duration_ms": 150,
            "retry_count": 2,
            "created_at": at,
            "updated_at": at,
        }
    ]
    assert record_id == given


@instrumented
def test_the_same_id_logged_twice_is_one_row(database_url: str) -> None:
    first = im.log(service_name="amocrm", action="test_connection", status="success")

    im.log(id=first, service_name="amocrm", action="test_connection", status="success")

    assert [row["id"] for row in read_rows(database_url)] == [first]


@instrumented
def test_every_call_of_many_threads_is_in_the_table(database_url: str) -> None:
    def log_many() -> None:
        ids.extend([im.log(service_name="resend", action="send_email", status="success", duration_ms=1) for _ in range(250)])

    ids: list[uuid.UUID] = []
    threads = [threading.Thread(target=log_many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {row["id"] for row in read_rows(database_url)} == set(ids)
    stats = im.stats()
    assert (stats.taken, stats.written, stats.dropped) == (2_000, 2_000, {})


def test_an_embedded_database_is_made_and_used_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RAISE_VARIABLE, "1")
    folder = Path(tempfile.mkdtemp(prefix="integration-monitor-test-"))
    # As root, PostgreSQL runs as a user of its own, who must be able to reach its folder.
    folder.chmod(0o755)
    try:
        im.instrument("embedded", data_dir=str(folder), shutdown_timeout_s=PATIENCE_S)
        im.log(service_name="amocrm", action="test_connection", status="success")

        assert im.shutdown()

        assert im.stats().written == 1
    finally:
        im.uninstrument()
        shutil.rmtree(folder, ignore_errors=os.geteuid() != 0)
