"""Whoever may see one service only is told nothing of another by any question."""

import uuid
from datetime import timedelta

import psycopg
import pytest

from integration_monitor import record
from tests.integration.conftest import AddLog, Bearer, Client, MakeClient

MONITORING = "/api/admin/integrations/monitoring"
FOREIGN = uuid.UUID(int=2**100)
#: each is answered with something of the other service to who sees everything
QUESTIONS = [
    "logs",
    "logs?text=planted",
    "logs?status=failed&fault=vendor",
    "logs?entity_type=lead&entity_id=5",
    "errors",
    "entities/lead/5",
    "export",
    "export?format=csv",
    "stats",
    "stats?group_by=service,action,status,error_code,fault",
    "stats?group_by=service&compare=true",
    "stats?step=1h&group_by=service",
    "failures",
    "health",
]
#: each asks for the other service alone; what is left where nothing may be told
QUESTIONS_OF_IT = [
    "logs?service=hidden",
    "errors?service=hidden",
    "entities/lead/5?service=hidden",
    "stats?service=hidden",
    "stats?service=hidden&group_by=action",
    "stats?service=hidden&compare=true",
    "stats?service=hidden&step=1h",
    "failures?service=hidden",
]


@pytest.fixture
def narrowed(database_url: str, add_log: AddLog, make_client: MakeClient) -> Client:
    """A server on records of two services, of which `authenticated` may see those of resend."""
    about = {"related_entity_type": "lead", "related_entity_id": record.entity_uuid("lead", 5)}
    call: dict[str, object] = {"method": "GET", "url": "https://example.com/planted", "headers": {}, "body": None}
    for service, record_id in (("resend", uuid.uuid4()), ("hidden", FOREIGN), ("hidden", uuid.uuid4())):
        add_log(
            id=record_id,
            service_name=service,
            action="act" if service == "resend" else "planted_action",
            status="failed",
            error_code="E1" if service == "resend" else "planted_code",
            error_message="planted_words" if service == "hidden" else "planted",
            fault="vendor",
            request_payload=call,
            age=timedelta(minutes=5) if service == "resend" else timedelta(hours=1),
            **about,
        )
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "alter policy integration_logs_read_authenticated on public.integration_logs using (service_name = 'resend')"
        )
        connection.execute("select integration_monitor.compact_statistics()")
    return make_client()


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_narrowed_reader_is_told_nothing_of_others(narrowed: Client, bearer: Bearer, question: str) -> None:
    seen = narrowed.get(f"{MONITORING}/{question}", headers=bearer())
    everything = narrowed.get(f"{MONITORING}/{question}", headers=bearer("service_role"))

    assert (seen.status_code, everything.status_code) == (200, 200)
    assert "hidden" in everything.text
    assert "resend" in seen.text
    for foreign in ("hidden", "planted_action", "planted_code", "planted_words"):
        assert foreign not in seen.text


@pytest.mark.parametrize("question", QUESTIONS_OF_IT)
def test_a_service_that_may_not_be_seen_is_empty(narrowed: Client, bearer: Bearer, question: str) -> None:
    assert narrowed.get(f"{MONITORING}/{question}", headers=bearer()).json()["data"] == []
    assert narrowed.get(f"{MONITORING}/{question}", headers=bearer("service_role")).json()["data"] != []


def test_a_record_that_may_not_be_seen_is_not_there(narrowed: Client, bearer: Bearer) -> None:
    for path in (f"logs/{FOREIGN}", f"logs/{FOREIGN}/curl"):
        assert narrowed.get(f"{MONITORING}/{path}", headers=bearer()).status_code == 404
        assert narrowed.get(f"{MONITORING}/{path}", headers=bearer("service_role")).status_code == 200


def test_a_report_of_what_may_not_be_seen_is_empty(narrowed: Client, bearer: Bearer) -> None:
    reports = [
        narrowed.get(f"{MONITORING}/report?service=hidden", headers=bearer(role)).json()
        for role in ("authenticated", "service_role")
    ]

    parts = ("actions", "errors", "calls", "samples")
    assert [[len(report[part]) for part in parts] for report in reports] == [[0, 0, 0, 0], [1, 1, 2, 1]]
