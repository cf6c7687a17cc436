"""Keys for one service, and batches as the SDK sends them."""

import uuid
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from integration_monitor.record import IntegrationLog
from integration_monitor.store.keys import hashed
from tests.integration.batches import fetch, record, report, stored
from tests.integration.conftest import Client

PATH = "/api/ingest"
RECORD: dict[str, Any] = {"service_name": "amocrm", "action": "sync_lead", "status": "success"}
CALL = {"method": "GET", "url": "https://api.resend.com/domains", "status_code": 200}


@pytest.fixture
def add_key(database_url: str) -> Callable[..., dict[str, str]]:
    """Keeps a key, and gives the headers with it."""

    def add(service: str | None = None) -> dict[str, str]:
        secret = f"im_FAKE{service}"
        fetch(
            database_url,
            "insert into integration_monitor.api_keys (name, scope, service, secret_hash, created_by)"
            " values (%(name)s, 'ingest', %(service)s, %(hash)s, 'test')",
            name=str(uuid.uuid4()),
            service=service,
            hash=hashed(secret),
        )
        return {"authorization": f"Bearer {secret}"}

    return add


def test_key_of_one_service_sends_no_other(client: Client, add_key: Any, database_url: str) -> None:
    headers = add_key("amocrm")

    mixed = client.post(PATH, json=[RECORD, {**RECORD, "service_name": "resend"}], headers=headers)
    call = client.post(f"{PATH}/calls", json=CALL, headers=headers)

    assert (mixed.status_code, mixed.json()["refused"][0]["field"], mixed.json()["refused"][0]["line"]) == (
        207,
        "service_name",
        2,
    )
    assert call.status_code == 422
    assert [one.service_name for one in stored(database_url)] == ["amocrm"]


def test_key_of_one_service_sends_no_batch_of_a_process(client: Client, add_key: Any, database_url: str) -> None:
    answer = client.post(PATH, json={"records": [RECORD]}, headers=add_key("amocrm"))

    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert stored(database_url) == []


def test_batch_is_stored_with_its_report_and_finishes_what_was_pending(client: Client, add_key: Any, database_url: str) -> None:
    headers, writer_id = add_key(), uuid.uuid4()
    pending = record(status="pending")
    done = msgspec.structs.replace(pending, status="success", duration_ms=7)

    first = _send(client, headers, records=[pending, record()], report=report(writer_id, taken=2, written=1))
    second = _send(client, headers, finished=[done], report=report(writer_id, taken=2, written=2))

    assert (first.status_code, second.status_code) == (200, 200)
    assert sorted(one.status for one in stored(database_url)) == ["success", "success"]
    assert fetch(database_url, "select taken, written from integration_monitor.writers") == [(2, 2)]


def test_batch_with_one_bad_record_is_refused_as_a_whole(client: Client, add_key: Any, database_url: str) -> None:
    bad = {**RECORD, "status": "ok"}

    answer = client.post(PATH, json={"records": [RECORD, bad]}, headers=add_key())

    assert (answer.status_code, answer.json()["refused"][0]["field"]) == (422, "status")
    assert stored(database_url) == []


def test_heartbeat_is_a_batch_without_records(client: Client, add_key: Any, database_url: str) -> None:
    answer = _send(client, add_key(), report=report(uuid.uuid4()))

    assert answer.status_code == 200
    assert fetch(database_url, "select count(*) from integration_monitor.writers") == [(1,)]


def _send(client: Client, headers: dict[str, str], **parts: Any) -> Any:
    body = msgspec.json.encode({"records": [], **parts})
    assert all(isinstance(one, IntegrationLog) for one in [*parts.get("records", []), *parts.get("finished", [])])
    return client.post(PATH, content=body, headers=headers)
