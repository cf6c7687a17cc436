"""`failures`: whole records, newest first, page by page, without loss or repetition."""

import uuid
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import pytest

from integration_monitor.monitoring import cursor
from integration_monitor.store.answers import RecordPosition
from tests.integration.conftest import AddLog, Bearer, Client

FAILURES = "/api/admin/integrations/monitoring/failures"


def page_ids(client: Client, headers: dict[str, str], **parameters: str | int) -> tuple[list[str], str | None]:
    answer = client.get(FAILURES, params=parameters, headers=headers).json()
    return [row["id"] for row in answer["data"]], answer["next"]


def all_pages(client: Client, headers: dict[str, str], **parameters: str | int) -> list[list[str]]:
    ids, following = page_ids(client, headers, **parameters)
    pages = [ids]
    while following is not None:
        ids, following = page_ids(client, headers, **parameters, before=following)
        pages.append(ids)
    return pages


def test_failure_is_the_whole_record(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    at = datetime.now(UTC) - timedelta(minutes=3)
    log_id = add_log(
        service_name="telegram",
        action="send_message",
        status="failed",
        duration_ms=42,
        error_code="403",
        error_message="Forbidden: bot was blocked by the user",
        request_payload={"method": "POST", "body": {"text": "Привет", "ratio": 0.1}},
        response_payload={"fault": "recipient", "status_code": 403},
        created_at=at,
    )

    answer = client.get(FAILURES, headers=bearer()).json()

    assert answer["next"] is None
    [row] = answer["data"]
    assert datetime.fromisoformat(row.pop("updated_at")).utcoffset() == timedelta(0)
    assert row == {
        "id": str(log_id),
        "service_name": "telegram",
        "action": "send_message",
        "status": "failed",
        "related_entity_type": None,
        "related_entity_id": None,
        "request_payload": {"method": "POST", "body": {"text": "Привет", "ratio": 0.1}},
        "response_payload": {"fault": "recipient", "status_code": 403},
        "error_message": "Forbidden: bot was blocked by the user",
        "error_code": "403",
        "duration_ms": 42,
        "retry_count": 0,
        "created_at": at.isoformat().replace("+00:00", "Z"),
    }


def test_only_failed_records_are_failures(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    for status in ("success", "pending", "retrying"):
        add_log(status=status)
    failed = add_log(status="failed")

    assert page_ids(client, bearer()) == ([str(failed)], None)


def test_hundred_failures_are_the_default(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    for minutes in range(101):
        add_log(status="failed", age=timedelta(minutes=minutes))

    assert [len(ids) for ids in all_pages(client, bearer())] == [100, 1]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_neither_lose_nor_repeat_records_of_one_moment(client: Client, add_log: AddLog, bearer: Bearer, limit: int) -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    same = sorted((str(add_log(status="failed", created_at=at)) for _ in range(6)), reverse=True)
    older = str(add_log(status="failed", created_at=at - timedelta(microseconds=1)))

    pages = all_pages(client, bearer(), limit=limit)

    assert list(chain.from_iterable(pages)) == [*same, older]
    assert all(len(ids) == limit for ids in pages[:-1])


def test_lists_widen_until_they_are_full(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    expected = [
        str(add_log(status="failed", age=age))
        for age in (
            -timedelta(hours=1),  # a clock that is ahead
            timedelta(minutes=1),
            timedelta(hours=23),
            timedelta(days=1, hours=1),
            timedelta(days=6),
            timedelta(days=8),
            timedelta(days=40),
            timedelta(days=89),
        )
    ]

    for limit in (1, 3, 5, 100):
        assert list(chain.from_iterable(all_pages(client, bearer(), limit=limit))) == expected


def test_record_at_the_seam_of_two_stretches_is_shown_once(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    # Behind a cursor, stretches are counted from it: one of these records lies on the seam exactly.
    at = datetime.now(UTC) - timedelta(hours=1)
    expected = [str(add_log(status="failed", created_at=at - timedelta(days=days))) for days in (0, 1, 7, 8)]

    assert list(chain.from_iterable(all_pages(client, bearer(), limit=1))) == expected


def test_failures_older_than_the_retention_are_gone(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    add_log(status="failed", age=timedelta(days=91))

    assert page_ids(client, bearer()) == ([], None)


def test_service_and_action_narrow_failures(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    wanted = add_log(status="failed", service_name="resend", action="send_email")
    add_log(status="failed", service_name="resend", action="get_email")
    add_log(status="failed", service_name="mobizon", action="send_email")

    assert page_ids(client, bearer(), service="resend", action="send_email") == ([str(wanted)], None)


def test_filters_are_values_and_never_sql(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    add_log(status="failed")

    for text in ("' or true --", "%", "\\", "amocrm'", "{}", "%(limit)s"):
        assert page_ids(client, bearer(), service=text) == ([], None)


@pytest.mark.parametrize(
    "at", [datetime.min.replace(tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
)
def test_cursor_of_any_time_is_answered(client: Client, add_log: AddLog, bearer: Bearer, at: datetime) -> None:
    log_id = add_log(status="failed")
    before = cursor.encode(RecordPosition(created_at=at, id=uuid.UUID(int=0)))

    answer = client.get(FAILURES, params={"before": before}, headers=bearer())

    assert answer.status_code == 200
    assert [row["id"] for row in answer.json()["data"]] == ([str(log_id)] if at.year == 9999 else [])


@pytest.mark.parametrize(
    "payload",
    [
        {"text": "<script>alert(1)</script>"},
        {"nested": None},
        [1, "a", None, True, 1.5],
        "text",
        0,
        False,
    ],
)
def test_payload_comes_back_as_it_is(client: Client, add_log: AddLog, bearer: Bearer, payload: Any) -> None:
    add_log(status="failed", request_payload=payload)

    assert client.get(FAILURES, headers=bearer()).json()["data"][0]["request_payload"] == payload


def test_unreadable_payload_does_not_hide_the_others(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    nested: Any = "deep"
    for _ in range(900):
        nested = [nested]
    add_log(status="failed", request_payload=nested)
    add_log(status="failed", request_payload={"number": 10**400})

    rows = client.get(FAILURES, headers=bearer()).json()["data"]

    assert len(rows) == 2
    assert sum(isinstance(row["request_payload"], dict) and row["request_payload"].get("unreadable", False) for row in rows) == 1
