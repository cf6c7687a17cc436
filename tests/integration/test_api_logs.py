"""`logs`: records by any condition, page by page; one of them; the command that repeats it."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import pytest

from integration_monitor import record
from integration_monitor.monitoring import logs
from integration_monitor.store.answers import LogFilter
from integration_monitor.store.postgres.questions import PostgresQuestions
from tests.integration.conftest import AddLog, Bearer, Client
from tests.integration.test_api_errors import assert_problem
from tests.integration.test_questions import connected

LOGS = "/api/admin/integrations/monitoring/logs"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def ids(client: Client, headers: dict[str, str], **parameters: Any) -> list[str]:
    """The ids of all pages."""
    found: list[str] = []
    while True:
        answer = client.get(LOGS, params=parameters, headers=headers)
        assert answer.status_code == 200, answer.text
        found += [row["id"] for row in answer.json()["data"]]
        if answer.json()["next"] is None:
            return found
        parameters["before"] = answer.json()["next"]


@pytest.mark.parametrize(
    ("condition", "fits"),
    [
        ({"service": "whapi"}, {"service_name": "whapi"}),
        ({"action": "send_email"}, {"action": "send_email"}),
        ({"status": "failed"}, {"status": "failed"}),
        ({"error_code": "E1"}, {"error_code": "E1"}),
        ({"fault": "vendor"}, {"status": "failed", "fault": "vendor"}),
        ({"fault": "unclassified"}, {"status": "failed", "fault": "made up by another writer"}),
        ({"fault": "unclassified"}, {"status": "failed"}),
        ({"duration_min_ms": 900}, {"duration_ms": 900}),
        ({"duration_max_ms": 100}, {"duration_ms": 100}),
        (
            {"entity_type": "lead", "entity_id": "123"},
            {"related_entity_type": "lead", "related_entity_id": record.entity_uuid("lead", 123)},
        ),
        ({"entity_type": "lead"}, {"related_entity_type": "lead", "related_entity_id": uuid.uuid4()}),
        ({"entity_id": str(uuid.UUID(int=5))}, {"related_entity_type": "lead", "related_entity_id": uuid.UUID(int=5)}),
        ({"text": "квота"}, {"error_message": "Исчерпана КВОТА"}),
        ({"text": "PLANTED"}, {"request_payload": {"body": ["a planted word"]}}),
        ({"text": 'say "hi"\\'}, {"response_payload": {"body": 'we say "HI"\\ twice'}}),
        ({"text": "50%_"}, {"error_message": "at 50%_ of it"}),
    ],
)
def test_a_condition_finds_what_fits_and_nothing_else(
    client: Client, add_log: AddLog, bearer: Bearer, condition: dict[str, Any], fits: dict[str, Any]
) -> None:
    add_log(fault="vendor", error_message="at 50 of it")  # a success, with an entity of nobody
    add_log(
        status="retrying", related_entity_type="contact", related_entity_id=record.entity_uuid("contact", 123), error_code="E12"
    )
    wanted = add_log(age=timedelta(minutes=5), **fits)

    assert ids(client, bearer(), **condition) == [str(wanted)]


def test_conditions_combine(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    fields = {"service_name": "resend", "action": "send_email", "status": "failed", "error_code": "E1", "duration_ms": 500}
    wanted = add_log(**fields, fault="limit", error_message="too many requests")
    for other in ({"service_name": "whapi"}, {"action": "get"}, {"status": "success"}, {"error_code": "E2"}, {"duration_ms": 5}):
        add_log(**{**fields, **other}, fault="limit", error_message="too many requests")

    found = ids(
        client,
        bearer(),
        service="resend",
        action="send_email",
        status="failed",
        error_code="E1",
        fault="limit",
        duration_min_ms=400,
        duration_max_ms=600,
        text="many",
        **{"from": (datetime.now(UTC) - HOUR).isoformat()},
    )

    assert found == [str(wanted)]


def test_a_window_has_both_its_ends(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    at = datetime(2026, 11, 1, 12, tzinfo=UTC)
    inside = [str(add_log(created_at=at + timedelta(seconds=seconds))) for seconds in (60, 30, 0)]
    for seconds in (-1, 61):
        add_log(created_at=at + timedelta(seconds=seconds))

    found = ids(client, bearer(), **{"from": "2026-11-01T15:00:00+03:00", "to": "2026-11-01T12:01:00Z"})

    assert found == inside


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_neither_lose_nor_repeat_records(client: Client, add_log: AddLog, bearer: Bearer, limit: int) -> None:
    at = datetime.now(UTC) - HOUR
    same = sorted((str(add_log(created_at=at)) for _ in range(4)), reverse=True)
    # On the seams of stretches that double from a day, and before the clock.
    older = [str(add_log(created_at=at - days * DAY)) for days in (1, 2, 3, 6, 7, 8, 15, 40, 89)]
    ahead = str(add_log(age=-HOUR))

    assert ids(client, bearer(), limit=limit) == [ahead, *same, *older]


def test_a_search_that_takes_long_is_answered_in_parts(database_url: str, add_log: AddLog) -> None:
    now = datetime.now(UTC)
    wanted = [add_log(age=days * DAY, action="rare") for days in (0, 5, 20, 60)]
    asked = LogFilter(since=now - 90 * DAY, until=now + DAY, action="rare")
    parts: list[list[uuid.UUID]] = []

    async def ask() -> None:
        async with connected(database_url) as connections:
            questions = PostgresQuestions(connections, "authenticated", search_budget_s=0)
            before = None
            while before is not None or not parts:
                page = await logs.search(questions, asked, before=before)
                parts.append([log.id for log in page.data])
                before = page.next
            everything = [log.id async for part in logs.everything(questions, asked) for log in part]
            assert everything == wanted

    asyncio.run(ask())

    assert list(chain.from_iterable(parts)) == wanted
    assert len(parts) > len(wanted)
    assert [] in parts


def test_one_record_is_found_wherever_it_lies(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    now = datetime.now(UTC)
    records = [
        (record.new_id(now - 40 * DAY), now - 40 * DAY),
        (record.new_id(now), now - HOUR),  # an id that was made later than its record
        (record.new_id(now), now - 40 * DAY),
        (record.new_id_at(2**48 - 1), now),  # a time that no calendar has
        (uuid.uuid4(), now - HOUR),
        (uuid.uuid4(), now - 7 * DAY),
        (uuid.uuid4(), now - 400 * DAY),
        (uuid.uuid4(), now + 400 * DAY),
    ]

    for record_id, created_at in records:
        add_log(id=record_id, created_at=created_at, service_name="whapi")
        answer = client.get(f"{LOGS}/{record_id}", headers=bearer())
        assert (answer.status_code, answer.json()["id"]) == (200, str(record_id))
        narrowed = [client.get(f"{LOGS}/{record_id}", params={"service": name}, headers=bearer()) for name in ("whapi", "resend")]
        assert [answer.status_code for answer in narrowed] == [200, 404]


def test_a_record_that_is_not_there_is_missed(client: Client, bearer: Bearer) -> None:
    for record_id in (uuid.uuid4(), record.new_id(datetime.now(UTC)), record.new_id_at(0)):
        for path in (f"{LOGS}/{record_id}", f"{LOGS}/{record_id}/curl"):
            assert_problem(client.get(path, headers=bearer()), 404, "record_missing")


def test_a_call_is_repeated_by_a_command(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    url = "https://api.telegram.org/bot${telegram.token:123}/sendMessage"
    called = add_log(request_payload={"method": "POST", "url": url, "headers": {}, "body": {"chat_id": 5}})
    logged = add_log(request_payload={"body": "no call"})

    answer = client.get(f"{LOGS}/{called}/curl", headers=bearer())

    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.startswith("# TELEGRAM_TOKEN stands for ${telegram.token:123}\ncurl ")
    assert 'https://api.telegram.org/bot"${TELEGRAM_TOKEN:?}"/sendMessage' in answer.text
    assert_problem(client.get(f"{LOGS}/{logged}/curl", headers=bearer()), 404, "call_missing")


@pytest.mark.parametrize(
    ("parameters", "named", "repeated"),
    [
        ({"from": "yesterday"}, "from", "yesterday"),
        ({"from": "2026-11-22T08:00:00"}, "from", "2026-11-22T08:00:00"),
        ({"from": "0001-01-01T00:00:00+14:00"}, "from", "0001-01-01"),
        ({"to": "9999-12-31T23:59:59-14:00"}, "to", "9999-12-31"),
        ({"to": "\x00"}, "to", "x00"),
        ({"from": "2026-11-22", "to": "2026-11-21"}, "to", "2026-11-21"),
        ({"text": "a", "from": "2026-11-01", "to": "2026-11-22"}, "from", "2026-11-01"),
        ({"text": "a\x00"}, "text", None),
        ({"text": ""}, "text", None),
        ({"text": "a" * 201}, "text", None),
        ({"entity_id": "123"}, "entity_id", "123"),
        ({"status": "broken"}, "status", None),
        ({"fault": "nobody's"}, "fault", None),
        ({"duration_min_ms": "9" * 30}, "duration_min_ms", None),
        ({"duration_min_ms": "2147483648"}, "duration_min_ms", None),
        ({"duration_min_ms": "-1"}, "duration_min_ms", None),
        ({"duration_min_ms": "5", "duration_max_ms": "4"}, "duration_min_ms", "5"),
        ({"limit": "1001"}, "limit", None),
        ({"before": "forged"}, "before", None),
        ({"entity": "lead:1"}, "entity", None),
        ({"from_": "2026-11-22"}, "from_", None),
    ],
)
def test_an_impossible_parameter_is_named(
    client_without_database: Client, bearer: Bearer, parameters: dict[str, str], named: str, repeated: str | None
) -> None:
    for path in (LOGS, LOGS.replace("logs", "export")):
        if path == LOGS or not {"limit", "before"} & parameters.keys():
            problem = assert_problem(client_without_database.get(path, params=parameters, headers=bearer()), 400, "bad_parameter")
            assert problem["parameter"] == named
            assert repeated is None or repeated in problem["detail"]


def test_a_lone_surrogate_is_no_character(client: Client, bearer: Bearer) -> None:
    answer = client.get(f"{LOGS}?service=%ED%A0%80&text=%ED%A0%80", headers=bearer())

    assert (answer.status_code, answer.json()["data"]) == (200, [])


@pytest.mark.parametrize("record_id", ["1", "x' or true --", "%00", "..%2f..", "b2467c6f-4c52-40d2-81eb-555b583403fax"])
def test_what_is_no_id_leads_nowhere(client_without_database: Client, bearer: Bearer, record_id: str) -> None:
    assert_problem(client_without_database.get(f"{LOGS}/{record_id}", headers=bearer()), 404, "not_found")


def test_who_may_not_read_records_finds_none(client_without_database: Client, bearer: Bearer) -> None:
    for path in (
        "logs",
        f"logs/{uuid.uuid4()}",
        f"logs/{uuid.uuid4()}/curl",
        "errors",
        "entities/lead/1",
        "export",
        "report?service=a",
    ):
        answer = client_without_database.get(LOGS.replace("logs", path), headers=bearer("integration_monitor_statistics"))
        assert_problem(answer, 403, "not_allowed")
        assert_problem(client_without_database.get(LOGS.replace("logs", path)), 401, "not_signed_in")
