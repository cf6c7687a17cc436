"""`POST /api/ingest/calls`: raw calls are understood and cleaned in the server, as the SDK does in an application."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from integration_monitor.record import new_id
from tests.integration.batches import fetch, stored
from tests.integration.conftest import Bearer, Client

PATH = "/api/ingest/calls"
TOKEN = "123456789:FAKE-PLANTED-TELEGRAM-TOKEN-00000000"
STARTED = datetime(2026, 11, 20, 10, 0, 0, 123_000, tzinfo=UTC)
CALL: dict[str, Any] = {
    "method": "POST",
    "url": f"https://api.telegram.org/bot{TOKEN}/sendMessage",
    "started_at": STARTED.isoformat(),
    "duration_ms": 41.6,
    "ttfb_ms": 40,
    "request_headers": {"Content-Type": "application/json"},
    "request_body": '{"chat_id": 42, "text": "hello"}',
    "status_code": 200,
    "response_headers": [["content-type", "application/json"], ["set-cookie", "PLANTED_FAKE_COOKIE=1"]],
    "response_body": '{"ok": false, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}',
}


@pytest.fixture
def send(client: Client, bearer: Bearer) -> Any:
    return lambda body: client.post(PATH, content=json.dumps(body).encode(), headers=bearer("service_role"))


def test_call_is_understood_by_its_service_and_not_by_its_status(send: Any, database_url: str) -> None:
    answer = send(CALL)

    [record] = stored(database_url)
    assert (answer.status_code, answer.json()["ids"]) == (200, [str(record.id)])
    assert (record.service_name, record.action, record.status, record.error_code) == ("telegram", "send_message", "failed", "403")
    assert (record.duration_ms, record.created_at) == (42, STARTED)
    assert record.response_payload["fault"] == "recipient"
    assert (record.response_payload["status_code"], record.response_payload["ttfb_ms"]) == (200, 40)
    assert record.request_payload["body"] == {"chat_id": 42, "text": "hello"}


def test_no_secret_of_a_call_is_stored(send: Any, database_url: str) -> None:
    send({**CALL, "error": f"reset by peer: {CALL['url']}"})

    [(text,)] = fetch(database_url, "select string_agg(log::text, ' ') from public.integration_logs as log")
    assert "PLANTED" not in text
    assert "${telegram.token:123456789}" in text


def test_call_without_an_answer_failed_by_its_error(send: Any, database_url: str) -> None:
    call = {name: value for name, value in CALL.items() if not name.startswith(("status", "response"))}

    send({**call, "error": "connect ECONNREFUSED 127.0.0.1:443", "error_code": "CONNECTION_FAILED", "is_unsent": True})
    send({**call, "url": "https://shop.example/api", "error": "timed out", "error_code": "TIMEOUT"})

    by_service = {record.service_name: record for record in stored(database_url)}
    assert by_service["telegram"].error_code == "CONNECTION_FAILED"
    assert by_service["telegram"].response_payload["retry"] == "safe"
    assert (by_service["shop.example"].error_code, by_service["shop.example"].response_payload["retry"]) == (
        "TIMEOUT",
        "ambiguous",
    )


def test_bytes_come_as_base64(send: Any, database_url: str) -> None:
    binary = {"url": "https://files.example/up", "response_body": None, "request_body": None}
    binary["request_body_base64"] = base64.b64encode(bytes(range(256))).decode()
    binary["response_body_base64"] = base64.b64encode(b'{"done": true}').decode()

    answer = send({**CALL, **binary})

    [record] = stored(database_url)
    assert answer.status_code == 200
    assert (record.request_payload["body"]["binary"], record.request_payload["body"]["size"]) == (True, 256)
    assert record.response_payload["body"] == {"done": True}


def test_entity_and_names_are_those_that_are_given(send: Any, database_url: str) -> None:
    trace_id = "0123456789abcdef0123456789abcdef"

    send({**CALL, "entity": {"type": "order", "id": 1001}, "action": "notify", "service_name": "bot", "trace_id": trace_id})

    [record] = stored(database_url)
    assert (record.service_name, record.action, record.related_entity_type) == ("bot", "notify", "order")
    assert record.request_payload["entity"] == {"type": "order", "id": "1001"}
    assert record.request_payload["trace_id"] == trace_id


def test_same_id_is_one_record(send: Any, database_url: str) -> None:
    without_time = {name: value for name, value in CALL.items() if name != "started_at"}
    call = {**without_time, "id": str(new_id(STARTED))}

    answers = [send(call), send([call, call])]

    [record] = stored(database_url)
    assert record.created_at == STARTED
    assert {one for answer in answers for one in answer.json()["ids"]} == {str(record.id)}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"status_code": None}, "status_code"),
    ({"status_code": "200"}, "status_code"),
    ({"status_code": 9999}, "status_code"),
    ({"method": "GET /"}, "method"),
    ({"url": None}, "url"),
    ({"duration_ms": -1}, "duration_ms"),
    ({"started_at": "2026-11-20T10:00:00"}, "started_at"),
    ({"request_headers": {"a": 1}}, "request_headers"),
    ({"request_body": None, "request_body_base64": "*"}, "request_body_base64"),
    ({"request_body_base64": "AA=="}, "request_body"),
    ({"error": "x", "error_code": "OOPS"}, "error_code"),
    ({"trace_id": "x"}, "trace_id"),
    ({"retries": 1}, "retries"),
    ({"entity": {"type": "lead"}}, "entity"),
]


def test_wrong_call_is_told_by_its_field_and_the_rest_is_stored(send: Any, database_url: str) -> None:
    for wrong, field in WRONG:
        answer = send([{**CALL, **wrong}, CALL])

        told = answer.json()
        assert (answer.status_code, told["stored"]) == (207, 1), wrong
        assert (told["refused"][0]["line"], told["refused"][0]["field"]) == (1, field)
    assert len(stored(database_url)) == len(WRONG)


def test_odd_url_has_a_sensible_record(send: Any, database_url: str) -> None:
    urls = ["", "x", "http://[", "https://" + "a" * 300 + "/", "//x", "javascript:alert(1)", "https://\x00/"]
    for url in urls:
        assert send({**CALL, "url": url}).status_code == 200, url

    assert len(stored(database_url)) == len(urls)


def test_long_poll_that_brought_nothing_is_no_record(send: Any, database_url: str) -> None:
    poll = {**CALL, "url": f"https://api.telegram.org/bot{TOKEN}/getUpdates", "response_body": '{"ok": true, "result": []}'}

    told = send(poll).json()

    assert (told["stored"], told["ignored"], told["ids"]) == (0, 1, [])
    assert stored(database_url) == []
