"""`stats` and `health`: what the views and the rule say, as JSON."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.integration.conftest import AddLog, Bearer, Client

STATS = "/api/admin/integrations/monitoring/stats"
HEALTH = "/api/admin/integrations/monitoring/health"
MINUTE = timedelta(minutes=1)


def state_of(client: Client, headers: dict[str, str], service: str = "amocrm") -> str:
    rows = client.get(HEALTH, headers=headers).json()["data"]
    return str(next(row["state"] for row in rows if row["service_name"] == service))


def test_one_record_is_one_row_of_statistics(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    add_log(service_name="amocrm", action="test_connection", status="success", duration_ms=150)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    answer = client.get(STATS, headers=bearer())

    assert answer.json() == {
        "data": [
            {
                "service_name": "amocrm",
                "action": "test_connection",
                "status": "success",
                "day": today.isoformat().replace("+00:00", "Z"),
                "count": 1,
                "avg_duration_ms": 150,
                "min_duration_ms": 150,
                "max_duration_ms": 150,
                "failed_count": 0,
                "success_count": 1,
                "failure_rate_percent": 0.0,
            }
        ],
        "next": None,
    }


def test_statistics_are_the_view(client: Client, add_log: AddLog, bearer: Bearer, database_url: str) -> None:
    for age in range(32):
        for status in ("success", "success", "failed", "pending"):
            add_log(age=timedelta(days=age), status=status, duration_ms=None if status == "pending" else 100 + age)

    rows = client.get(STATS, headers=bearer()).json()["data"]

    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        connection.execute("set timezone = 'UTC'")
        view = connection.execute(
            "select * from public.integration_stats_daily order by day desc, service_name, action, status"
        ).fetchall()
    assert [{**row, "day": datetime.fromisoformat(row["day"])} for row in rows] == [
        {name: float(value) if isinstance(value, Decimal) else value for name, value in row.items()} for row in view
    ]


def test_numbers_are_json_numbers(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    add_log(status="failed", duration_ms=7)
    add_log(status="success", duration_ms=8)

    for path in (STATS, HEALTH):
        for row in client.get(path, headers=bearer()).json()["data"]:
            numbers = {name: value for name, value in row.items() if name.endswith(("count", "_ms", "_percent", "requests"))}
            assert all(type(value) in {int, float} for value in numbers.values()), numbers


def test_days_narrow_the_window_to_whole_days(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    for age in range(31):
        add_log(age=timedelta(days=age))

    counted = {days: len(client.get(STATS, params={"days": days}, headers=bearer()).json()["data"]) for days in (1, 7, 30)}

    assert counted == {1: 2, 7: 8, 30: 31}


def test_service_narrows_statistics(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    add_log(service_name="amocrm")
    add_log(service_name="null")

    rows = client.get(STATS, params={"service": "null"}, headers=bearer()).json()["data"]

    assert [row["service_name"] for row in rows] == ["null"]


def test_pages_of_statistics_are_the_whole(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    for age in range(3):
        for service in ("amocrm", "whapi", "Почта"):
            for status in ("success", "failed"):
                add_log(age=timedelta(days=age), service_name=service, status=status)
    whole = client.get(STATS, headers=bearer()).json()["data"]

    pages: list[Any] = []
    cursor = None
    while cursor is not None or not pages:
        parameters = {"limit": 4} | ({} if cursor is None else {"before": cursor})
        answer = client.get(STATS, params=parameters, headers=bearer()).json()
        pages.append(answer["data"])
        cursor = answer["next"]

    assert [len(page) for page in pages] == [4, 4, 4, 4, 2]
    assert list(chain.from_iterable(pages)) == whole


def test_health_counts_the_last_day_of_each_service(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    for status, duration_ms in (("success", 100), ("failed", 201), ("pending", None), ("retrying", None)):
        add_log(service_name="whapi", status=status, duration_ms=duration_ms, age=timedelta(hours=23))
    add_log(service_name="whapi", age=timedelta(hours=25))
    add_log(service_name="resend", age=timedelta(days=29))
    add_log(service_name="mobizon", age=timedelta(days=31))

    answer = client.get(HEALTH, headers=bearer()).json()

    assert answer == {
        "data": [
            {
                "service_name": "resend",
                "total_requests": 0,
                "success_count": 0,
                "failed_count": 0,
                "failure_rate_percent": 0.0,
                "avg_duration_ms": None,
                "state": "idle",
            },
            {
                "service_name": "whapi",
                "total_requests": 4,
                "success_count": 1,
                "failed_count": 1,
                "failure_rate_percent": 25.0,
                "avg_duration_ms": 151,
                "state": "degraded",
            },
        ],
        "next": None,
    }


def test_a_clock_far_ahead_does_not_tell_how_a_service_is(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    """Else these would be the latest calls for years, and the service down."""
    for _ in range(25):
        add_log(status="failed", fault="vendor", age=-timedelta(days=400))
    for _ in range(5):
        add_log(status="success", age=timedelta(hours=1))
    # A clock that is some minutes ahead still tells the latest.
    add_log(service_name="whapi", status="failed", fault="vendor", age=-timedelta(minutes=10))

    answer = client.get(HEALTH, headers=bearer()).json()

    assert [(row["service_name"], row["total_requests"], row["state"]) for row in answer["data"]] == [
        ("amocrm", 5, "healthy"),
        ("whapi", 1, "down"),
    ]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("auth", "down"),
        ("vendor", "down"),
        ("network", "down"),
        ("limit", "down"),
        ("unclassified", "down"),
        (None, "down"),
        ("made up by another writer", "down"),
        ("ours", "healthy"),
        ("recipient", "healthy"),
    ],
)
def test_fault_decides_whether_a_failure_speaks_against_the_service(
    client: Client, add_log: AddLog, bearer: Bearer, fault: str | None, expected: str
) -> None:
    for _ in range(5):
        add_log(status="failed", fault=fault)

    for role in ("authenticated", "service_role", "integration_monitor_statistics"):
        assert state_of(client, bearer(role)) == expected


def test_recent_calls_outweigh_an_outage_that_is_over(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    for _ in range(50):
        add_log(status="failed", fault="vendor", age=16 * MINUTE)
    for _ in range(5):
        add_log(age=14 * MINUTE)

    assert state_of(client, bearer()) == "healthy"


def test_twenty_latest_calls_decide_where_recent_ones_are_few(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    for age in range(20, 40):
        add_log(status="failed", fault="vendor", age=age * MINUTE)
    for age in range(1, 12):
        add_log(age=(age + 1 if age <= 4 else age + 15) * MINUTE - MINUTE)

    # Of the latest twenty, eleven succeeded and nine failed.
    assert state_of(client, bearer()) == "degraded"


def test_unfinished_calls_are_calls_and_no_failures(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    add_log(status="failed", fault="vendor")
    for _ in range(3):
        add_log(status="pending", duration_ms=None)
        add_log(status="retrying", duration_ms=None)

    assert state_of(client, bearer()) == "degraded"


def test_success_with_a_fault_is_no_failure(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    for _ in range(5):
        add_log(status="success", fault="vendor")

    assert state_of(client, bearer("integration_monitor_statistics")) == "healthy"


def test_statistics_say_nothing_of_payloads(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    add_log(
        status="failed", request_payload={"body": "planted-secret"}, response_payload={"fault": "ours", "body": "planted-secret"}
    )

    for path in (STATS, HEALTH):
        assert "planted-secret" not in json.dumps(client.get(path, headers=bearer("integration_monitor_statistics")).json())
