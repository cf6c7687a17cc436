"""`export` and `report`: files that leave the house, whole, and without what must not leave it."""

import asyncio
import csv
import io
import json
import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from integration_monitor.monitoring import logs
from integration_monitor.record import IntegrationLog
from integration_monitor.server.api.export import csv_lines
from integration_monitor.store.answers import LogFilter
from integration_monitor.store.postgres.questions import PostgresQuestions
from tests.integration.conftest import AddLog, Bearer, Client
from tests.integration.test_api_errors import assert_problem
from tests.integration.test_questions import connected

MONITORING = "/api/admin/integrations/monitoring"
EXPORT = f"{MONITORING}/export"
REPORT = f"{MONITORING}/report"
MINUTE = timedelta(minutes=1)


def test_lines_are_the_records_of_a_search(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    for number in range(3):
        add_log(service_name="resend", age=number * MINUTE, request_payload={"body": f"строка\n{number}"})
    add_log(service_name="whapi")
    searched = client.get(f"{MONITORING}/logs", params={"service": "resend"}, headers=bearer()).json()["data"]

    answer = client.get(EXPORT, params={"service": "resend"}, headers=bearer())

    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["content-disposition"].startswith('attachment; filename="integration-logs-')
    assert [json.loads(line) for line in answer.text.splitlines()] == searched
    assert len(searched) == 3


def test_a_table_has_a_line_for_each_record(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    add_log(error_message='a, "b"\r\nc', request_payload={"a": [1, "я"]}, response_payload=True, duration_ms=-5)
    add_log(age=MINUTE, duration_ms=None)

    answer = client.get(EXPORT, params={"format": "csv"}, headers=bearer())

    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert list(rows[0]) == list(IntegrationLog.__struct_fields__)
    assert [row["error_message"] for row in rows] == ['a, "b"\r\nc', ""]
    assert [row["duration_ms"] for row in rows] == ["-5", ""]
    assert (json.loads(rows[0]["request_payload"]), rows[0]["response_payload"]) == ({"a": [1, "я"]}, "true")
    assert datetime.fromisoformat(rows[0]["created_at"]).utcoffset() == timedelta(0)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\u00a0=1", "\uff1d1", "\n=1"])
def test_a_formula_is_text(text: str) -> None:
    now = datetime.now(UTC)
    log = IntegrationLog(
        id=uuid.uuid4(),
        service_name=text,
        action=text,
        status="failed",
        related_entity_type=text,
        error_message=text,
        error_code=text,
        request_payload=text,
        response_payload=-1,
        created_at=now,
        updated_at=now,
    )

    [row] = csv.reader(io.StringIO(csv_lines([log]).decode(), newline=""))

    cells = dict(zip(IntegrationLog.__struct_fields__, row, strict=True))
    for name in ("service_name", "action", "related_entity_type", "error_message", "error_code"):
        assert cells[name] == f"'{text}"
    assert cells["response_payload"] == "'-1"
    # JSON writes a text between quotes: so it is none.
    assert json.loads(cells["request_payload"]) == text


def test_everything_is_exported_and_little_is_held(client: Client, bearer: Bearer, database_url: str) -> None:
    count = 1_200
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into public.integration_logs (service_name, action, status, created_at)"
            # Three of one moment: pages end in the middle of some.
            f" select 'a', 'b', 'success', now() - n / 3 * interval '1 hour' from generate_series(1, {count}) as n".encode()
        )
    parts: list[int] = []

    async def read() -> None:
        asked = LogFilter(since=datetime.now(UTC) - timedelta(days=90), until=datetime.now(UTC))
        async with connected(database_url) as connections:
            parts.extend([len(part) async for part in logs.everything(PostgresQuestions(connections, "authenticated"), asked)])

    asyncio.run(read())
    lines = client.get(EXPORT, headers=bearer()).text.splitlines()

    assert len({json.loads(line)["id"] for line in lines}) == len(lines) == sum(parts) == count
    assert max(parts) == 500


def test_what_is_refused_is_refused_before_the_file_begins(client_without_database: Client, bearer: Bearer) -> None:
    assert_problem(client_without_database.get(EXPORT, headers=bearer()), 503, "database_unavailable")
    problem = assert_problem(
        client_without_database.get(EXPORT, params={"format": "xls"}, headers=bearer()), 400, "bad_parameter"
    )
    assert problem["parameter"] == "format"


def add_failure(add_log: AddLog, **fields: object) -> uuid.UUID:
    return add_log(
        **{
            "service_name": "resend",
            "action": "send_email",
            "status": "failed",
            "duration_ms": 7,
            "error_code": "invalid_to",
            "error_message": "jane@example.com is no address, call +7 999 123-45-67",
            "request_payload": {
                "method": "POST",
                "url": "https://api.resend.com/emails?to=jane@example.com",
                "headers": {
                    "authorization": "Bearer ${resend.api_key}",
                    "idempotency-key": "abc",
                    "x-customer": "jane@example.com",
                },
                "body": {"to": "jane@example.com", "phone": "79991234567", "text": "<script>alert(1)</script>"},
            },
            "response_payload": {
                "status_code": 422,
                "headers": {"X-Request-Id": "req_<b>1</b>", "cf-ray": "8f00-FRA", "set-cookie": "PLANTED"},
                "body": {"message": "x" * 9_000},
                "fault": "recipient",
            },
            **fields,
        }
    )


def test_a_report_tells_what_a_vendor_needs(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    add_failure(add_log, age=MINUTE)
    add_failure(add_log, age=2 * MINUTE)
    add_log(service_name="resend", action="send_email", duration_ms=7)
    add_failure(add_log, service_name="whapi")

    answer = client.get(REPORT, params={"service": "resend"}, headers=bearer())

    report = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert report["service_name"] == "resend"
    assert [(row["action"], row["count"], row["failed_count"], row["p50_ms"]) for row in report["actions"]] == [
        ("send_email", 3, 2, 7)
    ]
    assert [(row["error_code"], row["count"]) for row in report["errors"]] == [("invalid_to", 2)]
    assert len(report["calls"]) == 2
    ids = {"x-request-id": "req_<b>1</b>", "cf-ray": "8f00-FRA", "idempotency-key": "abc"}
    assert report["calls"][0]["request_ids"] == ids
    [sample] = report["samples"]
    assert (sample["status_code"], sample["method"], sample["request_ids"]) == (422, "POST", ids)
    assert len(sample["response_body"]) < 4_100
    for private in ("jane", "9991234567", "999 123", "PLANTED", "Bearer", "whapi"):
        assert private not in answer.text
    masks = {sample["request_body"]["to"], sample["url"].partition("to=")[2], sample["error_message"].split(" ")[0]}
    assert len(masks) == 1


def test_a_report_as_a_page_runs_nothing(client: Client, add_log: AddLog, bearer: Bearer) -> None:
    add_failure(add_log)

    answer = client.get(REPORT, params={"service": "resend", "format": "html"}, headers=bearer())

    assert answer.headers["content-type"].startswith("text/html")
    assert "&lt;script&gt;" in answer.text
    assert "req_&lt;b&gt;1&lt;/b&gt;" in answer.text
    assert "<script" not in answer.text
    assert "jane" not in answer.text


def test_a_report_of_a_silent_service_says_so(client: Client, bearer: Bearer) -> None:
    parameters = {"service": "<b>nobody</b>", "format": "html"}

    page = client.get(REPORT, params=parameters, headers=bearer()).text

    assert "There were no calls." in page
    assert "&lt;b&gt;nobody" in page


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({}, "service"),
        ({"service": ""}, "service"),
        ({"service": "a", "from": "2026-01-01"}, "from"),
        ({"service": "a", "format": "pdf"}, "format"),
    ],
)
def test_an_impossible_report_is_refused(
    client_without_database: Client, bearer: Bearer, parameters: dict[str, str], named: str
) -> None:
    problem = assert_problem(client_without_database.get(REPORT, params=parameters, headers=bearer()), 400, "bad_parameter")

    assert problem["parameter"] == named
