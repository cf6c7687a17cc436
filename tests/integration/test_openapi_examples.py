"""The examples of the OpenAPI document are what the server really answers to what it was really sent, and fit their own schemas.

INTEGRATION_MONITOR_WRITE_EXAMPLES=1 writes them anew: review the difference, and commit it.
"""

import json
import os
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema_rs
import psycopg
import pytest

from integration_monitor.server.openapi.document import EXAMPLES
from tests.integration.conftest import Bearer, Client

API = "/api/admin/integrations/monitoring"
REST = "/rest/v1"
#: one that never ends cannot be asked as the others are; tests of its own read its events
ENDLESS = ("live",)
#: refusals have examples by their status, but those of other makers' protocols that need a fault of the database or of the network
SUCCESSES = re.compile(r"2\d\d|304")
RECORD = {
    "service_name": "amocrm",
    "action": "sync_lead",
    "status": "success",
    "related_entity_type": "lead",
    "related_entity_id": "123",
    "duration_ms": 210,
}
CALL = {
    "method": "POST",
    "url": "https://api.resend.com/emails",
    "duration_ms": 184,
    "request_headers": {"content-type": "application/json", "authorization": "Bearer re_FAKE_key_of_an_example"},
    "request_body": '{"from": "shop@example.com", "to": ["nobody"], "subject": "Your order"}',
    "status_code": 422,
    "response_headers": {"content-type": "application/json"},
    "response_body": '{"statusCode": 422, "name": "validation_error", "message": "Invalid `to` field."}',
    "entity": {"type": "order", "id": "871"},
}
UNANSWERED = {
    "method": "POST",
    "url": "https://api.resend.com/emails",
    "duration_ms": 10_004,
    "error": "ReadTimeout: no answer within 10 s",
    "error_code": "TIMEOUT",
    "entity": {"type": "order", "id": "871"},
}
# What differs from one time to the next: times, ids, cursors, and what contains them.
CHANGING = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), "<time>"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r'"next": "[^"]+"'), '"next": "<cursor>"'),
    (re.compile(r'"before": "[^"]+"'), '"before": "<cursor>"'),
    (re.compile(r'UnixNano": "\d+"'), 'UnixNano": "<time>"'),
    (re.compile(r'"(from|to)": "[^"]+"'), r'"\1": "<time>"'),
)


class Recording:
    """Asks the server, and keeps what was sent and what came back as examples."""

    def __init__(self, client: Client, headers: dict[str, str]) -> None:
        self._client = client
        self._headers = headers
        self.examples: dict[str, Any] = {}

    def ask(
        self,
        operation: str,
        path: str,
        *,
        name: str = "example",
        method: str = "GET",
        body: Any = None,
        parameters: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """The answer, as JSON where it is."""
        given = parameters or {}
        in_path = {one for one in given if f"{{{one}}}" in path}
        answer = self._client.request(
            method,
            path.format_map(given),
            params={one: value for one, value in given.items() if one not in in_path},
            headers={**self._headers, **(headers or {})},
            **({} if body is None else {"json": body}),
        )
        content_type = answer.headers["content-type"].partition(";")[0]
        value = answer.json() if content_type.endswith("json") and content_type != "application/x-ndjson" else answer.text
        kept = self.examples.setdefault(operation, {})
        kept.setdefault("answers", {}).setdefault(str(answer.status_code), {}).setdefault(content_type, {})[name] = value
        kept.setdefault("parameters", {}).update(given)
        # What is stored in part is not what the document allows.
        if body is not None and answer.status_code != 207:
            kept.setdefault("request", {}).setdefault("application/json", {})[name] = body
        return value

    def ask_pages(self, operation: str, path: str, parameters: dict[str, Any]) -> Any:
        """The first page of a list, whose second page is asked for, too."""
        first = self.ask(operation, path, parameters={**parameters, "limit": 1}, name="first_page")
        self.ask(operation, path, parameters={**parameters, "limit": 1, "before": first["next"]}, name="next_page")
        return first


@pytest.fixture
def recorded(client: Client, bearer: Bearer, database_url: str) -> dict[str, Any]:
    recording = Recording(client, bearer("service_role"))
    send_all(recording)
    add_incident(database_url, "telegram", timedelta(hours=2))
    add_incident(database_url, "resend", timedelta(minutes=12))
    ask_all(recording)
    return recording.examples


def send_all(recording: Recording) -> None:
    recording.ask("ingest", "/api/ingest", method="POST", body=RECORD, name="stored")
    recording.ask("ingest", "/api/ingest", method="POST", body=[RECORD, {**RECORD, "status": "ok"}], name="stored_in_part")
    recording.ask("ingestCalls", "/api/ingest/calls", method="POST", body=CALL, name="stored")
    recording.ask("ingestCalls", "/api/ingest/calls", method="POST", body=UNANSWERED, name="unanswered")
    recording.ask(
        "ingestCalls", "/api/ingest/calls", method="POST", body=[CALL, {**CALL, "status_code": 7}], name="stored_in_part"
    )
    began = time.time_ns() - 10**9
    attributes = {"http.request.method": "GET", "url.full": "https://api.example.com/v1/rates", "http.response.status_code": 200}
    span = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "name": "GET",
        "kind": 3,
        "startTimeUnixNano": str(began),
        "endTimeUnixNano": str(began + 120 * 10**6),
        "attributes": [
            {"key": key, "value": {"intValue": value} if isinstance(value, int) else {"stringValue": value}}
            for key, value in attributes.items()
        ],
    }
    spans = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    recording.ask("exportTraces", "/v1/traces", method="POST", body=spans)
    insert = {"columns": "service_name,action,status,duration_ms", "select": "id,status", "on_conflict": "id"}
    row = {"service_name": "amocrm", "action": "sync_lead", "status": "success", "duration_ms": 190}
    recording.ask(
        "insert_integration_logs",
        f"{REST}/integration_logs",
        method="POST",
        body=row,
        parameters=insert,
        headers={"Prefer": "return=representation"},
    )
    recording.ask(
        "insert_integration_logs",
        f"{REST}/integration_logs",
        method="POST",
        body=row,
        name="minimal",
        headers={"Prefer": "return=minimal"},
    )


def add_incident(database_url: str, service: str, age: timedelta) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into integration_monitor.incidents (kind, subject, severity, summary, suspected_at, observed_at, since_at, began_at)"
            " values ('service_state', %(service)s, 'down', %(service)s || ' is down: 9 of 12 calls failed', %(at)s, %(at)s, %(at)s, %(at)s)",
            {"service": service, "at": datetime.now(UTC) - age},
        )


def ask_all(recording: Recording) -> None:
    ask = recording.ask
    narrow = {"service": "amocrm", "action": "sync_lead"}
    recording.ask_pages("stats", f"{API}/stats", {"days": 7})
    ask("stats", f"{API}/stats", parameters={"group_by": "service,action", "compare": True, "percentiles": True}, name="window")
    ask("health", f"{API}/health")
    page = recording.ask_pages("failures", f"{API}/failures", {})
    record_id = page["data"][0]["id"]
    recording.ask_pages("logs", f"{API}/logs", narrow)
    ask("log", f"{API}/logs/{{record_id}}", parameters={"record_id": record_id, "service": "resend"})
    ask("log_curl", f"{API}/logs/{{record_id}}/curl", parameters={"record_id": record_id, "service": "resend"})
    groups = recording.ask_pages("errors", f"{API}/errors", {})
    ask("error", f"{API}/errors/{{key}}", parameters={"key": groups["data"][0]["key"]})
    recording.ask_pages("entity", f"{API}/entities/{{entity_type}}/{{entity_id}}", {"entity_type": "order", "entity_id": "871"})
    ask("export", f"{API}/export", parameters={"service": "resend", "format": "csv"}, name="csv")
    ask("export", f"{API}/export", parameters={"service": "resend", "format": "ndjson"}, name="ndjson")
    ask("report", f"{API}/report", parameters={"service": "resend", "format": "json"})
    incidents = recording.ask_pages("incidents", f"{API}/incidents", {"state": "open"})
    at = {"incident_id": incidents["data"][0]["id"]}
    ask("acknowledge_incident", f"{API}/incidents/{{incident_id}}/acknowledge", method="POST", parameters=at)
    ask(
        "select_integration_logs",
        f"{REST}/integration_logs",
        parameters={"service_name": "eq.resend", "limit": 1, "order": "created_at.desc"},
    )
    for view, bucket in (("hourly", "hour"), ("daily", "day")):
        order = {"order": f"{bucket}.desc,service_name", "limit": 1}
        ask(f"select_integration_stats_{view}", f"{REST}/integration_stats_{view}", parameters=order)
    ask("healthz", "/healthz")
    ask("readyz", "/readyz")
    # What the process tells of itself is never the same; of the totals the calls say enough.
    for accept in ("text/plain", "application/openmetrics-text"):
        told = recording.ask("metrics", "/metrics", headers={"accept": accept}, name="calls")
        examples = recording.examples["metrics"]["answers"]["200"][accept]
        examples["calls"] = "\n".join(line for line in told.splitlines() if "integration_monitor_calls" in line) + "\n"


def test_examples_are_what_the_server_answers(recorded: dict[str, Any]) -> None:
    if os.environ.get("INTEGRATION_MONITOR_WRITE_EXAMPLES"):
        EXAMPLES.write_text(json.dumps(recorded, indent=1, ensure_ascii=False) + "\n")

    assert unchanging(json.loads(EXAMPLES.read_bytes())) == unchanging(recorded), (
        "write them anew: INTEGRATION_MONITOR_WRITE_EXAMPLES=1"
    )


def unchanging(value: Any) -> Any:
    """A value without what differs from one time to the next."""
    text = json.dumps(value, sort_keys=True)
    for pattern, word in CHANGING:
        text = pattern.sub(word, text)
    return json.loads(text)


def test_every_parameter_body_and_answer_has_an_example_that_fits_its_schema(client: Client) -> None:
    document = client.get("/schema").json()
    lacking: list[str] = []
    misfits: list[str] = []

    for place, holder, is_needed in exampled(document):
        values = [one["value"] for one in holder.get("examples", {}).values()] or (
            [holder["example"]] if "example" in holder else []
        )
        if is_needed and not values:
            lacking.append(place)
        validator = jsonschema_rs.Draft202012Validator({**holder["schema"], "components": document["components"]})
        misfits += [f"{place}: {error.message}" for value in values for error in validator.iter_errors(value)]

    assert lacking == []
    assert misfits == []


def exampled(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """(where, what has a schema and may have examples, whether it must have one)."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            place = f"{method.upper()} {path}"
            for parameter in operation.get("parameters", []):
                # Of the columns one filter tells enough: they are all alike.
                yield (
                    f"{place} {parameter['name']}",
                    parameter,
                    not path.startswith(REST) or parameter["name"] in {"select", "limit", "offset"},
                )
            for content_type, body in operation.get("requestBody", {}).get("content", {}).items():
                yield f"{place} {content_type}", body, content_type == "application/json"
            for status, response in operation["responses"].items():
                for content_type, answer in response.get("content", {}).items():
                    is_ours = content_type == "application/problem+json"
                    is_told = bool(SUCCESSES.fullmatch(status)) and content_type not in {"text/html", "application/x-protobuf"}
                    yield (
                        f"{place} {status} {content_type}",
                        answer,
                        (is_ours or is_told) and operation["operationId"] not in ENDLESS,
                    )
