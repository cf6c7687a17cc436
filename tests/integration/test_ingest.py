"""`POST /api/ingest`: what is taken, what is refused and why, and that nothing is answered before it is committed."""

import gzip
import json
import os
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import zstandard

from integration_monitor.record import entity_uuid, new_id, now
from tests.integration.batches import fetch, stored
from tests.integration.conftest import Bearer, Client

PATH = "/api/ingest"
RECORD: dict[str, Any] = {"service_name": "amocrm", "action": "sync_lead", "status": "success"}


@pytest.fixture
def send(client: Client, bearer: Bearer) -> Any:
    """Posts a body as a service may: a JSON value, or bytes."""

    def post(body: Any, **headers: str) -> Any:
        given = {**bearer("service_role"), **{name.replace("_", "-"): value for name, value in headers.items()}}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return client.post(PATH, content=content, headers=given)

    return post


def lines(*records: Any) -> bytes:
    return b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in records)


def test_one_object_is_stored_when_it_is_answered(send: Any, database_url: str) -> None:
    answer = send({**RECORD, "related_entity_type": "lead", "related_entity_id": 123, "duration_ms": 41.7, "error_code": 404})

    [record] = stored(database_url)
    assert (answer.status_code, answer.json()) == (
        200,
        {"stored": 1, "ignored": 0, "refused_count": 0, "refused": [], "ids": [str(record.id)]},
    )
    assert (record.service_name, record.duration_ms, record.error_code, record.id.version) == ("amocrm", 42, "404", 7)
    assert record.related_entity_id == entity_uuid("lead", 123)
    assert record.request_payload == {"entity": {"type": "lead", "id": "123"}}


BODIES = [
    (json.dumps([RECORD, RECORD, RECORD]).encode(), "application/json"),
    (lines(RECORD, RECORD, b"", RECORD, b""), "application/x-ndjson"),
    (lines(RECORD, RECORD, RECORD), "application/json"),
    (lines(RECORD, RECORD, RECORD).replace(b"\n", b"\r\n"), "application/jsonl; charset=utf-8"),
]
PACKERS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("identity", bytes),
    ("gzip", gzip.compress),
    ("zstd", zstandard.compress),
    # Of several members or frames.
    ("gzip", lambda body: gzip.compress(body[:50]) + gzip.compress(body[50:])),
    ("zstd", lambda body: zstandard.compress(body[:50]) + zstandard.compress(body[50:])),
]


def test_array_and_lines_are_stored_however_they_are_packed(send: Any, database_url: str) -> None:
    identifiers = set()
    for body, content_type in BODIES:
        for encoding, pack in PACKERS:
            answer = send(pack(body), content_type=content_type, content_encoding=encoding)

            assert (answer.status_code, answer.json()["stored"]) == (200, 3), (body, encoding)
            identifiers |= set(answer.json()["ids"])

    assert len(identifiers) == 3 * len(BODIES) * len(PACKERS)
    assert {str(record.id) for record in stored(database_url)} == identifiers


def test_bad_lines_are_told_and_the_rest_is_stored(send: Any, database_url: str) -> None:
    bad: list[tuple[Any, str | None, str | None]] = [
        (b"{", None, None),
        (b"[1]", None, "[1]"),
        ({**RECORD, "status": "ok"}, "status", '"ok"'),
        ({"action": "a", "status": "success"}, "service_name", None),
        ({**RECORD, "service": "amocrm"}, "service", '"amocrm"'),
        ({**RECORD, "duration_ms": -1}, "duration_ms", "-1"),
        ({**RECORD, "duration_ms": "12"}, "duration_ms", '"12"'),
        ({**RECORD, "retry_count": 2**40}, "retry_count", str(2**40)),
        ({**RECORD, "created_at": "2026-11-22T10:00:00"}, "created_at", '"2026-11-22T10:00:00"'),
        ({**RECORD, "created_at": "yesterday"}, "created_at", '"yesterday"'),
        ({**RECORD, "id": "1"}, "id", '"1"'),
        ({**RECORD, "related_entity_id": 5}, "related_entity_type", None),
        ({**RECORD, "action": " "}, "action", '" "'),
        (b'{"a":' * 3000 + b"1" + b"}" * 3000, None, None),
    ]

    answer = send(lines(RECORD, *(one for one, _field, _value in bad), RECORD), content_type="application/x-ndjson")

    told = answer.json()
    assert (answer.status_code, told["stored"], told["refused_count"]) == (207, 2, len(bad))
    assert [(one["line"], one["field"], one["value"]) for one in told["refused"]] == [
        (number, field, value) for number, (_one, field, value) in enumerate(bad, 2)
    ]
    assert all(one["problem"] and one["remedy"] for one in told["refused"])
    assert len(stored(database_url)) == 2


def test_answer_tells_a_hundred_refusals_and_counts_all(send: Any) -> None:
    told = send([RECORD, *[{}] * 150]).json()

    assert (told["refused_count"], len(told["refused"])) == (150, 100)


def test_nothing_stored_is_a_problem_that_tells_why(send: Any, database_url: str) -> None:
    answer = send([{**RECORD, "status": "ok"}])

    told = answer.json()
    assert (answer.status_code, told["code"], told["refused"][0]["field"]) == (422, "records_refused", "status")
    assert answer.headers["content-type"] == "application/problem+json"
    assert stored(database_url) == []


def test_same_id_is_one_record_however_often_it_comes(send: Any, database_url: str) -> None:
    made = [str(new_id(now())), str(uuid.uuid4())]
    for identifier in made:
        for time in ({}, {"created_at": "2026-11-20T10:00:00Z"}):
            record = {**RECORD, "id": str(uuid.UUID(int=uuid.UUID(identifier).int ^ len(time))), **time}

            answers = [send(record), send(record), send([record, record])]

            assert [one.json()["ids"][0] for one in answers] == [record["id"]] * 3
            assert [one.status_code for one in answers] == [200] * 3

    assert fetch(database_url, "select count(*), count(distinct id) from public.integration_logs") == [(4, 4)]


def test_what_postgresql_cannot_hold_is_made_acceptable(send: Any, database_url: str) -> None:
    odd: list[tuple[bytes, Any]] = [
        (b'{"a": "x\\u0000y"}', {"a": "x\ufffdy"}),
        (b'{"b": "\\ud800"}', {"b": "\ufffd"}),
        (b'{"c": "\xff"}', {"c": "\ufffd"}),
        (b'{"d": NaN}', {"d": None}),
        (b'{"e": 1e999}', {"e": None}),
    ]
    for payload, _kept in odd:
        body = json.dumps({**RECORD, "request_payload": "HERE"}).encode().replace(b'"HERE"', payload)
        answer = send(lines(body, RECORD), content_type="application/x-ndjson")
        assert (answer.status_code, answer.json()["stored"]) == (200, 2)

    payloads = [record.request_payload for record in stored(database_url)]
    assert [payloads.count(kept) for _payload, kept in odd] == [1] * len(odd)


def test_deep_payload_is_cut_and_stored(send: Any, database_url: str) -> None:
    deep = b'{"a":' * 500 + b"1" + b"}" * 500
    body = json.dumps({**RECORD, "request_payload": "HERE"}).encode().replace(b'"HERE"', deep)

    answer = send(body)

    [record] = stored(database_url)
    assert answer.status_code == 200
    assert "nested deeper" in json.dumps(record.request_payload)


def test_long_texts_are_shortened_and_the_neighbours_stay_whole(send: Any, database_url: str) -> None:
    # PostgreSQL packs an entry of an index: only what cannot be packed is too long.
    service = os.urandom(3000).hex()

    answer = send([{**RECORD, "service_name": service}, {**RECORD, "request_payload": {"kept": 1}}])

    records = stored(database_url)
    assert answer.status_code == 200
    assert {len(record.service_name) for record in records} == {300, len("amocrm")}
    assert {"kept": 1} in [record.request_payload for record in records]


def test_secrets_are_gone_before_anything_is_stored(send: Any, database_url: str) -> None:
    planted = "re_FAKEPLANTEDSECRET12345678"

    send({**RECORD, "service_name": "resend", "request_payload": {"headers": {"Authorization": f"Bearer {planted}"}}})
    send({**RECORD, "error_message": "password=PLANTED_FAKE_PASSWORD was refused", "response_payload": {"api_key": planted}})

    [(text,)] = fetch(database_url, "select string_agg(log::text, ' ') from public.integration_logs as log")
    assert planted not in text
    assert "PLANTED_FAKE_PASSWORD" not in text


def test_only_services_may_send(client_without_database: Client, bearer: Bearer) -> None:
    expected = {
        "authenticated": 403,
        "integration_monitor_statistics": 403,
        "integration_monitor_writer": 403,
        "anon": 401,
        None: 401,
    }
    for role, status in expected.items():
        for path in (PATH, f"{PATH}/calls"):
            answer = client_without_database.post(path, json=RECORD, headers=bearer(role) if role else {})

            # Told without asking the database, which is not there.
            assert answer.status_code == status, role


IMPOSSIBLE: list[tuple[bytes, dict[str, str], int, str]] = [
    (b"", {}, 400, "bad_body"),
    (b"hello", {}, 400, "bad_body"),
    (b"{\n\n", {}, 400, "bad_body"),
    (b'{"records": 1}', {}, 400, "bad_body"),
    (b'{"records": [], "report": {}}', {}, 400, "bad_body"),
    (b"[" * 100_000, {}, 400, "bad_body"),
    (b"{}", {"content_encoding": "br"}, 415, "bad_encoding"),
    (b"{}", {"content_encoding": "gzip, gzip"}, 415, "bad_encoding"),
    (b"not gzip", {"content_encoding": "gzip"}, 400, "bad_body"),
    (gzip.compress(b"{}", mtime=0)[:-9], {"content_encoding": "gzip"}, 400, "bad_body"),
    (b"not zstd", {"content_encoding": "zstd"}, 400, "bad_body"),
    (zstandard.compress(b"{}" * 1000)[:-3], {"content_encoding": "zstd"}, 400, "bad_body"),
    (b" " * (16 * 1024 * 1024 + 1), {}, 413, "too_large"),
    (gzip.compress(b" " * 20_000_000), {"content_encoding": "gzip"}, 413, "too_large"),
    (zstandard.compress(b" " * 20_000_000), {"content_encoding": "zstd"}, 413, "too_large"),
    (b"[" + b"1," * 10_000 + b"1]", {}, 413, "too_large"),
    (b"{}\n" * 10_001, {"content_type": "application/x-ndjson"}, 413, "too_large"),
]


def test_impossible_bodies_are_refused(client_without_database: Client, bearer: Bearer) -> None:
    for body, given, status, code in IMPOSSIBLE:
        headers = {**bearer("service_role"), **{name.replace("_", "-"): value for name, value in given.items()}}

        answer = client_without_database.post(PATH, content=body, headers=headers)

        assert (answer.status_code, answer.json()["code"]) == (status, code), body[:50]
        assert answer.json()["hint"]


def test_empty_list_is_stored_in_no_time(send: Any) -> None:
    assert send([]).json()["stored"] == 0


def test_database_that_is_away_is_told_and_nothing_is_acknowledged(client_without_database: Client, bearer: Bearer) -> None:
    answer = client_without_database.post(PATH, json=RECORD, headers=bearer("service_role"))

    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert int(answer.headers["retry-after"]) > 0
