"""What goes wrong is told in one shape, at every address."""

import functools
import uuid
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import psycopg
import pytest
from httpx import Response
from psycopg.conninfo import conninfo_to_dict

from integration_monitor.monitoring import cursor
from integration_monitor.server import app
from integration_monitor.server.headers import CONTENT_SECURITY_POLICY
from integration_monitor.store.answers import RecordPosition
from integration_monitor.store.postgres.pool import Connections
from tests.conftest import Server
from tests.integration.conftest import NOWHERE, AddLog, Bearer, Client, MakeClient

MONITORING = "/api/admin/integrations/monitoring"
ENDPOINTS = (f"{MONITORING}/stats", f"{MONITORING}/failures", f"{MONITORING}/health")
#: those that the document lists besides
FURTHER_ENDPOINTS = {
    f"{MONITORING}/{path}"
    for path in (
        "logs",
        "logs/{record_id}",
        "logs/{record_id}/curl",
        "errors",
        "entities/{entity_type}/{entity_id}",
        "export",
        "report",
    )
}
#: where errors have the shape of another maker's protocol; test_rest.py and test_otlp.py hold them to it
OTHER_PROTOCOLS = ("/rest/v1", "/v1/traces")


def assert_problem(answer: Response, status: int, code: str) -> dict[str, Any]:
    problem: dict[str, Any] = answer.json()
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["type"] == f"urn:integration-monitor:problem:{code}"
    assert all(problem[name] for name in ("title", "detail", "hint"))
    assert problem.keys() <= {"type", "code", "title", "status", "detail", "hint", "parameter"}
    return problem


@pytest.mark.parametrize(
    ("endpoint", "parameters", "named"),
    [
        ("stats", {"days": "0"}, "days"),
        ("stats", {"days": "31"}, "days"),
        ("stats", {"days": "-1"}, "days"),
        ("stats", {"days": "ten"}, "days"),
        ("stats", {"days": ""}, "days"),
        ("stats", {"days": "1.5"}, "days"),
        ("stats", {"days": "99999999999999999999999"}, "days"),
        ("stats", {"limit": "0"}, "limit"),
        ("stats", {"limit": "10001"}, "limit"),
        ("stats", {"before": "forged"}, "before"),
        ("stats", {"before": cursor.encode(RecordPosition(created_at=datetime.now(UTC), id=uuid.uuid4()))}, "before"),
        ("stats", {"service": ""}, "service"),
        ("stats", {"service": "a\x00b"}, "service"),
        ("stats", {"service": "a" * 256}, "service"),
        ("stats", {"action": ""}, "action"),
        ("stats", {"entity": "lead:1"}, "entity"),
        ("stats", {"Days": "3"}, "Days"),
        ("failures", {"limit": "0"}, "limit"),
        ("failures", {"limit": "1001"}, "limit"),
        ("failures", {"limit": "many"}, "limit"),
        ("failures", {"action": ""}, "action"),
        ("failures", {"action": "\x00"}, "action"),
        ("failures", {"before": ""}, "before"),
        ("failures", {"before": "%00"}, "before"),
        ("failures", {"before": "a" * 5000}, "before"),
        ("failures", {"days": "3"}, "days"),
        ("failures", {"status": "success"}, "status"),
        ("health", {"days": "3"}, "days"),
        ("health", {"questions": "x"}, "questions"),
        ("health", {"": "x"}, ""),
        ("stats", [("days", "3"), ("days", "4")], "days"),
        ("stats", {"status": "null"}, "status"),
        ("stats", {"percentiles": "Null"}, "percentiles"),
        ("stats", {"days": "null"}, "days"),
        ("logs", {"status": "null"}, "status"),
        ("logs", {"fault": "NULL"}, "fault"),
        ("logs", {"duration_min_ms": "null"}, "duration_min_ms"),
        ("incidents", {"state": "null"}, "state"),
    ],
)
def test_bad_parameter_is_named(
    client_without_database: Client, bearer: Bearer, endpoint: str, parameters: Any, named: str
) -> None:
    answer = client_without_database.get(f"{MONITORING}/{endpoint}", params=parameters, headers=bearer())

    problem = assert_problem(answer, 400, "bad_parameter")
    assert problem["parameter"] == named
    assert f"`{named}`" in problem["detail"]


@pytest.mark.parametrize(
    "question",
    [
        "logs?limit=0",
        "logs?limit=abc",
        "logs?status=odd",
        "logs?before=zzz",
        "stats?days=99",
        "logs?duration_min_ms=-1",
        "logs?from=noon",
    ],
)
def test_refused_value_is_repeated(client_without_database: Client, bearer: Bearer, question: str) -> None:
    answer = client_without_database.get(f"{MONITORING}/{question}", headers=bearer())

    detail = assert_problem(answer, 400, "bad_parameter")["detail"]
    assert repr(question.partition("=")[2]) in detail


def test_refused_value_is_cut(client_without_database: Client, bearer: Bearer) -> None:
    answer = client_without_database.get(f"{MONITORING}/logs?text={'x' * 300}", headers=bearer())

    assert len(assert_problem(answer, 400, "bad_parameter")["detail"]) < 150


def test_identity_is_asked_before_parameters(client_without_database: Client) -> None:
    assert_problem(client_without_database.get(f"{MONITORING}/stats", params={"days": "x"}), 401, "not_signed_in")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_other_methods_are_not_allowed(client_without_database: Client, bearer: Bearer, path: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "PROPFIND"):
        answer = client_without_database.request(method, path, headers=bearer())

        assert_problem(answer, 405, "method_not_allowed")
        assert "GET" in answer.headers["allow"]


def test_missing_address_is_not_found(client_without_database: Client) -> None:
    for path in ("/nothing", "/api/nothing", f"{MONITORING}/nothing", "/schema/nothing", "/schema/a/b", "/static/nothing"):
        assert_problem(client_without_database.get(path), 404, "not_found")


def test_every_route_refuses_in_one_shape(client: Client) -> None:
    visited = 0
    for route in client.app.routes:
        for method in ("GET", "POST", "DELETE"):
            answer = client.request(method, route.path_format or "/", follow_redirects=False)
            is_ours = not route.path_format.startswith(OTHER_PROTOCOLS)
            if (
                is_ours
                and answer.status_code >= HTTPStatus.BAD_REQUEST
                and answer.headers["content-type"].startswith("application/")
            ):
                assert_problem(answer, answer.status_code, answer.json()["code"])
                visited += 1
            assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
            assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert visited > len(ENDPOINTS)


def test_browser_gets_a_page(client_without_database: Client) -> None:
    answer = client_without_database.get("/nothing", headers={"accept": "text/html,*/*"})

    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


def test_api_answers_json_to_a_browser_too(client_without_database: Client) -> None:
    assert_problem(client_without_database.get(ENDPOINTS[0], headers={"accept": "text/html"}), 401, "not_signed_in")


def test_impossible_host_is_refused(client_without_database: Client) -> None:
    assert_problem(client_without_database.get(ENDPOINTS[0], headers={"host": "a b/c"}), 400, "http_400")


def test_large_body_is_refused(client_without_database: Client) -> None:
    answer = client_without_database.post("/sign-in", data={"token": "a" * 100_000})

    assert_problem(answer, 413, "too_large")


def test_internal_error_tells_nothing(make_client: MakeClient, bearer: Bearer, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        # A view that divides by zero, as a bug of ours would.
        connection.execute("drop view public.integration_stats_daily")
        connection.execute(
            "create view public.integration_stats_daily as select 1 / (n - n) as count, 'secret-detail' as service_name, "
            "''::text as action, 'failed' as status, now() as day, 0 as avg_duration_ms, 0 as min_duration_ms, 0 as max_duration_ms, "
            "0 as failed_count, 0 as success_count, 0 as failure_rate_percent from generate_series(1, 2) as n"
        )
        connection.execute("grant select on public.integration_stats_daily to authenticated")

    answer = make_client().get(ENDPOINTS[0], headers=bearer())

    assert_problem(answer, 500, "internal_error")
    assert "zero" not in answer.text


def test_database_that_is_not_there_is_unavailable(client_without_database: Client, bearer: Bearer) -> None:
    answer = client_without_database.get(ENDPOINTS[0], headers=bearer())

    assert_problem(answer, 503, "database_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert "127.0.0.1" not in answer.text


def test_database_that_keeps_the_signing_key_is_missed(make_client_of: MakeClient, bearer: Bearer) -> None:
    answer = make_client_of(NOWHERE, jwt_secret=None).get(ENDPOINTS[0], headers=bearer())

    assert_problem(answer, 503, "database_unavailable")


def test_server_finds_its_database_again(
    client: Client, add_log: AddLog, bearer: Bearer, database_url: str, postgres_server: Server
) -> None:
    add_log(status="failed")
    database = conninfo_to_dict(database_url)["dbname"]
    assert client.get(ENDPOINTS[1], headers=bearer()).status_code == 200

    postgres_server.execute(f"alter database {database} with allow_connections false")
    postgres_server.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'")
    while_away = client.get(ENDPOINTS[1], headers=bearer())
    postgres_server.execute(f"alter database {database} with allow_connections true")
    # The pool may be in the middle of a last, vain attempt.
    afterwards = next(answer for _ in range(5) if (answer := client.get(ENDPOINTS[1], headers=bearer())).status_code == 200)

    assert_problem(while_away, 503, "database_unavailable")
    assert len(afterwards.json()["data"]) == 1


@pytest.mark.parametrize("question", ["logs", "failures", "errors", "entities/lead/5", "export", "stats?group_by=service"])
def test_question_that_takes_too_long_says_what_to_do(
    make_client: MakeClient, bearer: Bearer, database_url: str, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    """It would take as long again: so nobody is told to try again in some seconds."""
    monkeypatch.setattr(app, "Connections", functools.partial(Connections, statement_timeout_s=0.2))
    client = make_client()
    with psycopg.connect(database_url) as connection:
        # Nothing keeps a question waiting so reliably.
        connection.execute(
            "lock table public.integration_logs, integration_monitor.statistics_day, integration_monitor.statistics_hour,"
            " integration_monitor.statistics_minute in access exclusive mode"
        )

        answer = client.get(f"{MONITORING}/{question}", headers=bearer())

    problem = assert_problem(answer, 504, "took_too_long")
    assert "narrower window" in problem["hint"]
    assert "retry-after" not in answer.headers


def test_database_that_was_not_migrated_is_not_ready(make_client_of: MakeClient, bearer: Bearer, empty_database_url: str) -> None:
    answer = make_client_of(empty_database_url).get(ENDPOINTS[0], headers=bearer())

    problem = assert_problem(answer, 503, "database_not_ready")
    assert "migrate" in problem["hint"]


def test_schema_describes_every_endpoint_and_its_errors(client_without_database: Client) -> None:
    answer = client_without_database.get("/schema")

    paths = answer.json()["paths"]
    for path in (*ENDPOINTS, *FURTHER_ENDPOINTS):
        operation = paths[path]["get"]
        assert operation["description"]
        assert {"200", "400", "401", "403", "503", "504"} <= set(operation["responses"])
        assert all(parameter["description"] for parameter in operation.get("parameters", []))
    assert client_without_database.get("/schema/openapi.json").json() == answer.json()
