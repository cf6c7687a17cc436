"""`errors` and `entities`: failures of one kind together, and all that was done for one customer."""

import uuid
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import pytest

from integration_monitor import record
from integration_monitor.monitoring import cursor
from integration_monitor.store.answers import ErrorGroupPosition, RecordPosition
from tests.integration.conftest import AddLog, Bearer, Client
from tests.integration.test_api_errors import assert_problem

MONITORING = "/api/admin/integrations/monitoring"
ERRORS = f"{MONITORING}/errors"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def groups(client: Client, headers: dict[str, str], **parameters: Any) -> list[dict[str, Any]]:
    answer = client.get(ERRORS, params=parameters, headers=headers)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


def test_failures_of_one_kind_are_one_group(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    lead = {"related_entity_type": "lead", "related_entity_id": uuid.UUID(int=1)}
    kind = {"service_name": "resend", "action": "send_email", "status": "failed", "error_code": "rate_limit_exceeded"}
    first = datetime.now(UTC) - 9 * MINUTE
    add_log(
        **kind, **lead, created_at=first, response_payload={"fault": "limit", "retry": "after"}, error_message="5 of 2 requests"
    )
    add_log(**kind, **lead, age=5 * MINUTE, response_payload={"fault": "limit", "retry": "safe"}, error_message="3 of 2 requests")
    last = add_log(**kind, age=MINUTE, response_payload={"fault": "vendor", "retry": "no"}, error_message="7 of  2 requests")
    for other in ({"service_name": "whapi"}, {"action": "get"}, {"error_code": None}, {"status": "success"}):
        add_log(**{**kind, **other}, error_message="5 of 2 requests", age=2 * MINUTE)

    [group, *others] = groups(client, bearer())

    assert {name: group[name] for name in group if name not in {"key", "first_seen_at", "last_seen_at"}} == {
        "service_name": "resend",
        "action": "send_email",
        "error_code": "rate_limit_exceeded",
        "shape": "<n> of <n> requests",
        "fault": "limit",
        "count": 3,
        "entity_count": 1,
        "hurt_count": 2,
        "retry_safe_count": 1,
        "retry_after_count": 1,
        "sample_id": str(last),
        "sample_message": "7 of  2 requests",
        "meaning": "Too many requests a second for the team.",
        "remedy": "Wait as long as `retry-after` says, and send in batches or more slowly.",
    }
    assert datetime.fromisoformat(group["first_seen_at"]) == first
    assert datetime.fromisoformat(group["last_seen_at"]) > first + 7 * MINUTE
    assert [other["count"] for other in others] == [1, 1, 1]
    assert None in {other["error_code"] for other in others}
    assert groups(client, bearer(), service="resend", action="send_email", error_code="rate_limit_exceeded") == [group]
    assert [(one["count"], one["key"]) for one in groups(client, bearer(), fault="vendor")] == [(1, group["key"])]


@pytest.mark.parametrize(
    ("messages", "shape"),
    [
        (["lead 5 is gone", "lead 77 is gone"], "lead <n> is gone"),
        (["to a.b+c@example.com: no", "to x@mail.example.org: no"], "to <email>: no"),
        ([f"id {uuid.UUID(int=1)}!", f"id {uuid.UUID(int=2**127 + 5)}!"], "id <uuid>!"),
        (["msg wamid_HBgLNzk5OTE and", "msg wamid-XyZ123456 and"], "msg <id> and"),
        (["key ${resend.api_key} bad"], "key <resend.api_key> bad"),
        (["to ${phone:3f1c0a9e5b77}", "to ${phone:91d2c4a07be3}"], "to <phone>"),
        (["took 1.5 s\n at 12:30", "took 3,25 s at\t9:05"], "took <n> s at <n>:<n>"),
        (["[429] ' \" % \\ $1 {}"], "[<n>] ' \" % \\ $<n> {}"),
        ([None, ""], ""),
        (["ошибка №5", "ошибка №12"], "ошибка №<n>"),
        (["é" * 600], "é" * 200),
    ],
)
def test_what_differs_from_call_to_call_is_folded(
    client: Client, add_log: AddLog, bearer: Bearer, messages: list[str | None], shape: str
) -> None:
    for message in messages:
        add_log(status="failed", error_message=message)

    [group] = groups(client, bearer())

    assert (group["shape"], group["count"]) == (shape, len(messages))


def test_different_words_are_different_groups(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    for message in ("not enough credits", "not enough rights", "HTTP_500", "HTTP 500"):
        add_log(status="failed", error_message=message)

    assert len(groups(client, bearer())) == 4


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_are_the_whole_of_one_window(client: Client, add_log: AddLog, bearer: Bearer, limit: int) -> None:
    for number in range(4):
        for _ in range(1 + number // 2):
            add_log(status="failed", action=f"action_{number}", age=MINUTE)
    whole = groups(client, bearer())

    pages: list[Any] = []
    following = None
    while following is not None or not pages:
        answer = client.get(
            ERRORS, params={"limit": limit} | ({"before": following} if following else {}), headers=bearer()
        ).json()
        # What comes meanwhile belongs to no page.
        add_log(status="failed", action="action_0")
        pages.append(answer["data"])
        following = answer["next"]

    assert list(chain.from_iterable(pages)) == whole
    assert [group["count"] for group in whole] == [2, 2, 1, 1]


def test_a_window_bounds_errors(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    for age in (timedelta(hours=1), timedelta(hours=25), 20 * DAY):
        add_log(status="failed", age=age)

    counts = [
        [
            group["count"]
            for group in groups(
                client, bearer(), **({} if days is None else {"from": (datetime.now(UTC) - days * DAY).isoformat()})
            )
        ]
        for days in (None, 2, 30)
    ]
    assert counts == [[1], [2], [3]]


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"from": "2026-01-01"}, "from"),
        ({"from": "2026-11-22", "to": "2026-11-21"}, "to"),
        ({"limit": "0"}, "limit"),
        ({"text": "x"}, "text"),
        ({"before": cursor.encode(RecordPosition(created_at=datetime.now(UTC), id=uuid.uuid4()))}, "before"),
        (
            {
                "before": cursor.encode(
                    ErrorGroupPosition(
                        since=datetime(1, 1, 2, tzinfo=UTC),
                        until=datetime(2026, 1, 1, tzinfo=UTC),
                        is_excused=False,
                        hurt_count=1,
                        count=1,
                        key="",
                    )
                )
            },
            "before",
        ),
        (
            {
                "before": cursor.encode(
                    ErrorGroupPosition(
                        since=datetime(2026, 1, 1, tzinfo=UTC),
                        until=datetime(2026, 1, 1, tzinfo=UTC),
                        is_excused=False,
                        hurt_count=1,
                        count=2**80,
                        key="",
                    )
                )
            },
            "before",
        ),
    ],
)
def test_an_impossible_question_is_refused(
    client_without_database: Client, bearer: Bearer, parameters: dict[str, str], named: str
) -> None:
    problem = assert_problem(client_without_database.get(ERRORS, params=parameters, headers=bearer()), 400, "bad_parameter")

    assert problem["parameter"] == named


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_an_entity_has_one_timeline_over_all_services(client: Client, add_log: AddLog, bearer: Bearer, limit: int) -> None:
    about = {"related_entity_type": "lead", "related_entity_id": record.entity_uuid("lead", "123")}
    wanted = [
        str(add_log(**about, service_name=service, status=status, age=age))
        for service, status, age in (
            ("amocrm", "success", 80 * DAY),
            ("resend", "failed", 2 * DAY),
            ("telegram", "success", MINUTE),
        )
    ]
    at = datetime.now(UTC)
    wanted += sorted(str(add_log(**about, service_name="whapi", created_at=at)) for _ in range(2))
    add_log(related_entity_type="contact", related_entity_id=record.entity_uuid("contact", "123"))

    found: list[str] = []
    following = None
    while following is not None or not found:
        parameters = {"limit": limit} | ({"before": following} if following else {})
        answer = client.get(f"{MONITORING}/entities/lead/123", params=parameters, headers=bearer()).json()
        found += [row["id"] for row in answer["data"]]
        following = answer["next"]

    assert found == wanted
    narrowed = client.get(f"{MONITORING}/entities/lead/123", params={"service": "resend"}, headers=bearer()).json()["data"]
    assert [row["id"] for row in narrowed] == wanted[1:2]


@pytest.mark.parametrize("entity_id", ["+7 999 123-45-67", "a%b", "' or true", "имя", "user@example.com", str(uuid.UUID(int=9))])
def test_an_entity_is_named_as_its_vendor_names_it(client: Client, add_log: AddLog, bearer: Bearer, entity_id: str) -> None:
    wanted = add_log(related_entity_type="чат", related_entity_id=record.entity_uuid("чат", entity_id))

    answer = client.get(f"{MONITORING}/entities/чат/{entity_id.replace('%', '%25')}", headers=bearer()).json()

    assert [row["id"] for row in answer["data"]] == [str(wanted)]


def test_an_impossible_entity_is_refused(client_without_database: Client, bearer: Bearer) -> None:
    for path in ("a" * 256 + "/1", "lead/" + "1" * 256, "lead/%00", "%00/1"):
        assert_problem(client_without_database.get(f"{MONITORING}/entities/{path}", headers=bearer()), 400, "bad_parameter")
