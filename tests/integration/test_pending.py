"""Calls that take long are in the table while they run, and are finished there."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

import integration_monitor as im
from tests.acceptance.programs import until


@pytest.fixture(autouse=True)
def _instrumented(database_url: str) -> Iterator[None]:
    im.instrument(database_url, pending_after_s=0.2, shutdown_timeout_s=60)
    yield
    im.uninstrument()


def rows(database_url: str) -> list[dict[str, Any]]:
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        return connection.execute("select * from public.integration_logs order by created_at").fetchall()


def has_status(database_url: str, status: str) -> Callable[[], bool]:
    return lambda: [row["status"] for row in rows(database_url)] == [status]


def test_a_long_call_is_pending_and_then_finished_in_the_same_row(database_url: str) -> None:
    is_answered = threading.Event()

    def answer(_request: httpx.Request) -> httpx.Response:
        is_answered.wait(60)
        return httpx.Response(200, json={"id": 7})

    def call() -> None:
        with httpx.Client(transport=httpx.MockTransport(answer)) as client:
            client.post("https://api.example.com/v1/leads", json={"name": "Anna"})

    thread = threading.Thread(target=call)
    thread.start()
    until(has_status(database_url, "pending"), "a pending row")
    [pending] = rows(database_url)
    is_answered.set()
    thread.join()
    assert im.flush(60)

    [finished] = rows(database_url)
    assert pending["request_payload"]["body"] == {"name": "Anna"}
    assert pending["duration_ms"] is None
    assert pending["response_payload"] is None
    assert (finished["id"], finished["created_at"]) == (pending["id"], pending["created_at"])
    assert (finished["status"], finished["response_payload"]["body"]) == ("success", {"id": 7})
    assert finished["updated_at"] >= pending["updated_at"]


def test_an_operation_between_its_attempts_is_retrying(database_url: str) -> None:
    answers = iter([httpx.Response(503), httpx.Response(200)])

    with (
        httpx.Client(transport=httpx.MockTransport(lambda _request: next(answers))) as client,
        im.operation("amocrm", "sync_lead", entity=("lead", 5)),
    ):
        client.get("https://shop.amocrm.ru/api/v4/leads/5")
        until(has_status(database_url, "retrying"), "a retrying row")
        client.get("https://shop.amocrm.ru/api/v4/leads/5")
    assert im.flush(60)

    [finished] = rows(database_url)
    assert (finished["status"], finished["retry_count"]) == ("success", 1)


def test_an_operation_that_has_made_no_call_yet_is_pending(database_url: str) -> None:
    with im.operation("billing", "charge_card", entity=("order", 9)):
        until(has_status(database_url, "pending"), "a pending row")
    assert im.flush(60)

    [finished] = rows(database_url)
    assert (finished["status"], finished["related_entity_type"]) == ("success", "order")
