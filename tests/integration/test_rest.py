"""`/rest/v1/`: what is selected and inserted, and that whatever is not known is refused in PostgREST's words."""

import json
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from integration_monitor.record import new_id, now
from integration_monitor.store.keys import hashed
from tests.integration.batches import COLUMNS, fetch, stored
from tests.integration.conftest import AddLog, Bearer, Client

LOGS = "/rest/v1/integration_logs"
HOURLY = "/rest/v1/integration_stats_hourly"
DAILY = "/rest/v1/integration_stats_daily"
ROW: dict[str, Any] = {"service_name": "amocrm", "action": "sync_lead", "status": "success"}
KEY_OF_TELEGRAM = "123456789:FAKE-PLANTED-TELEGRAM-TOKEN-00000000"


@pytest.fixture
def ask(client: Client, bearer: Bearer) -> Any:
    """The rows of a query, read by a signed-in user."""

    def get(path: str, *parameters: tuple[str, str], role: str = "authenticated", **headers: str) -> Any:
        given = {**bearer(role), **{name.replace("_", "-"): value for name, value in headers.items()}}
        return client.get(path, params=list(parameters), headers=given)

    return get


@pytest.fixture
def send(client: Client, bearer: Bearer) -> Any:
    """Inserts rows as a service."""

    def post(rows: Any, prefer: str = "", path: str = LOGS, role: str = "service_role", **parameters: str) -> Any:
        headers = {**bearer(role), **({"prefer": prefer} if prefer else {})}
        return client.post(path, json=rows, params=parameters, headers=headers)

    return post


@pytest.fixture
def add_key(database_url: str) -> Callable[..., dict[str, str]]:
    """Keeps a key, and gives the headers with it, as Supabase's clients send them."""

    def add(scope: str, service: str | None = None) -> dict[str, str]:
        secret = f"im_FAKE{scope}{service}"
        fetch(
            database_url,
            "insert into integration_monitor.api_keys (name, scope, service, secret_hash, created_by)"
            " values (%(name)s, %(scope)s, %(service)s, %(hash)s, 'test')",
            name=str(uuid.uuid4()),
            scope=scope,
            service=service,
            hash=hashed(secret),
        )
        return {"apikey": secret, "authorization": f"Bearer {secret}"}

    return add


def assert_refused(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert list(answer.json()) == ["code", "message", "details", "hint"]
    assert answer.json()["message"]


def test_rows_come_with_every_column_of_the_contract(ask: Any, add_log: AddLog) -> None:
    record_id = add_log(request_payload={"body": {"a": 1.5}}, status="failed", fault="vendor", error_code="HTTP_500")

    answer = ask(LOGS)

    [row] = answer.json()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["content-range"] == "0-0/*"
    assert tuple(row) == COLUMNS
    assert (row["id"], row["request_payload"], row["duration_ms"]) == (str(record_id), {"body": {"a": 1.5}}, 150)
    assert datetime.fromisoformat(row["created_at"]).utcoffset() == timedelta(0)


def test_filters_select_the_rows_that_fit_all_of_them(ask: Any, add_log: AddLog) -> None:
    for number in range(1, 5):
        add_log(
            action=f"act_{number}",
            duration_ms=number,
            age=timedelta(hours=number),
            error_code=None if number % 2 else "a,b",
            related_entity_id=uuid.UUID(int=number),
        )
    asked: list[tuple[list[tuple[str, str]], set[int]]] = [
        ([("duration_ms", "eq.2")], {2}),
        ([("duration_ms", "neq.2")], {1, 3, 4}),
        ([("duration_ms", "gt.2"), ("duration_ms", "lte.3")], {3}),
        ([("duration_ms", "gte.2"), ("duration_ms", "lt.4")], {2, 3}),
        ([("created_at", f"gte.{(now() - timedelta(minutes=150)).isoformat()}")], {1, 2}),
        ([("created_at", f"lt.{now() - timedelta(minutes=150):%Y-%m-%dT%H:%M:%SZ}")], {3, 4}),
        ([("duration_ms", "in.(1,4,9)")], {1, 4}),
        ([("action", 'in.("act_1",act_3)')], {1, 3}),
        ([("error_code", 'in.("a,b")')], {2, 4}),
        ([("action", "in.()")], set()),
        ([("error_code", "is.null")], {1, 3}),
        ([("error_code", "is.not_null")], {2, 4}),
        ([("error_code", "eq.a,b")], {2, 4}),
        ([("related_entity_id", f"eq.{uuid.UUID(int=3)}")], {3}),
        ([("action", "eq.act_1' or true --")], set()),
        ([("action", "eq.act.1")], set()),
        ([("response_payload", "is.null"), ("status", "eq.success")], {1, 2, 3, 4}),
    ]

    for parameters, expected in asked:
        answer = ask(LOGS, ("select", "duration_ms"), *parameters)

        assert answer.status_code == 200, answer.text
        assert {row["duration_ms"] for row in answer.json()} == expected, parameters


def test_order_limit_and_offset_page_through_rows(ask: Any, add_log: AddLog) -> None:
    for number in range(5):
        add_log(duration_ms=number, error_code=None if number == 2 else str(number % 2))

    def numbers(*parameters: tuple[str, str]) -> list[int]:
        return [row["duration_ms"] for row in ask(LOGS, *parameters).json()]

    assert numbers(("order", "duration_ms.desc"), ("limit", "2")) == [4, 3]
    assert numbers(("order", "duration_ms.desc"), ("limit", "2"), ("offset", "2")) == [2, 1]
    assert numbers(("order", "error_code.desc.nullslast,duration_ms")) == [1, 3, 0, 4, 2]
    assert numbers(("order", "error_code.nullsfirst,duration_ms.asc")) == [2, 0, 4, 1, 3]
    assert numbers(("limit", "0")) == []
    page = ask(LOGS, ("limit", "2"), ("offset", "3"), ("select", "duration_ms , id"))
    assert (page.headers["content-range"], [list(row) for row in page.json()]) == ("3-4/*", [["duration_ms", "id"]] * 2)


def test_no_answer_has_more_than_a_thousand_rows(ask: Any, send: Any) -> None:
    assert send([ROW] * 1001).status_code == 201

    assert len(ask(LOGS).json()) == 1000
    assert len(ask(LOGS, ("limit", "5000")).json()) == 1000
    assert len(ask(LOGS, ("offset", "1000")).json()) == 1


def test_views_are_read_by_their_own_columns(ask: Any, add_log: AddLog) -> None:
    add_log(duration_ms=100)
    add_log(duration_ms=200)
    add_log(status="failed", age=timedelta(hours=2))

    hourly = ask(HOURLY, ("select", "*"), ("order", "hour.desc"))
    daily = ask(DAILY, ("status", "eq.success"), role="integration_monitor_statistics")

    assert [(row["status"], row["count"]) for row in hourly.json()] == [("success", 2), ("failed", 1)]
    assert hourly.json()[0]["avg_duration_ms"] == 150
    assert sum(row["success_count"] for row in daily.json()) == 2
    assert "failure_rate_percent" in daily.json()[0]


UNKNOWN = [
    (("select", "id,secret"), "42703"),
    (("select", "request_payload->>url"), "PGRST100"),
    (("select", "count()"), "PGRST100"),
    (("select", "kind:status"), "PGRST100"),
    (("select", "id::text"), "PGRST100"),
    (("select", "id; drop table integration_logs"), "PGRST100"),
    (("select", ""), "PGRST100"),
    (("secret", "eq.1"), "42703"),
    (("action", "like.*lead*"), "PGRST100"),
    (("action", "not.eq.a"), "PGRST100"),
    (("action", "eq(any).{a}"), "PGRST100"),
    (("action", "a"), "PGRST100"),
    (("action", ""), "PGRST100"),
    (("status", "is.true"), "PGRST100"),
    (("status", "in.success"), "PGRST100"),
    (("status", 'in.("a'), "PGRST100"),
    (("or", "(status.eq.failed,status.eq.success)"), "42703"),
    (("order", "secret"), "42703"),
    (("order", "created_at.sideways"), "PGRST100"),
    (("order", "created_at.desc,(select 1)"), "PGRST100"),
    (("limit", "-1"), "PGRST100"),
    (("limit", "many"), "PGRST100"),
    (("offset", "9" * 30), "PGRST100"),
    (("duration_ms", "eq.many"), "22P02"),
    (("duration_ms", "eq.99999999999999999999"), "22003"),
    (("id", "eq.1"), "22P02"),
    (("id", "in.(1)"), "22P02"),
    (("created_at", "gte.yesterday-ish"), "22007"),
    (("action", "eq.a\x00b"), "22000"),
]


def test_what_is_not_known_is_refused_and_never_ignored(ask: Any) -> None:
    for parameter, code in UNKNOWN:
        assert_refused(ask(LOGS, parameter), 400, code)


HOSTILE = [
    "'",
    '"',
    "');drop table public.integration_logs;--",
    "%(limit)s",
    "{}",
    "\\",
    "%00",
    "%ED%A0%80",
    "%FF",
    "NaN",
    "infinity",
    "now",
    "1e999",
    "[" * 20_000,
    "(" * 1_000,
    "9" * 5_000,
]


def test_hostile_values_of_every_type_are_answered_or_refused(client: Client, bearer: Bearer, add_log: AddLog) -> None:
    add_log()
    headers = bearer()

    # One of each type.
    of_logs = ("id", "action", "request_payload", "duration_ms", "created_at")
    for path, columns in ((LOGS, of_logs), (DAILY, ("failure_rate_percent", "count"))):
        for column in columns:
            for value in HOSTILE:
                given = value if value.startswith("%") and "(" not in value else quote(value, safe="")
                for operator in (f"gte.{given}", f"in.({given})", f"in.(%22{given}%22)"):
                    answer = client.get(f"{path}?{column}={operator}&limit=1", headers=headers)

                    assert answer.status_code in {200, 400}, (column, operator[:50], answer.text)
    for value in HOSTILE:
        for name in ("select", "order", "limit", "offset", value[:50]):
            assert client.get(LOGS, params={name: value}, headers=headers).status_code in {200, 400}, (name, value[:50])
    assert len(client.get(LOGS, headers=headers).json()) == 1


def test_parameters_given_twice_and_headers_of_other_features_are_refused(ask: Any) -> None:
    assert_refused(ask(LOGS, ("limit", "1"), ("limit", "2")), 400, "PGRST100")
    assert_refused(ask(LOGS, range="0-9"), 400, "PGRST103")
    assert_refused(ask(LOGS, prefer="count=exact"), 400, "PGRST122")
    assert_refused(ask(LOGS, accept="text/csv"), 400, "PGRST107")
    assert_refused(ask(LOGS, accept_profile="integration_monitor"), 400, "PGRST106")


def test_addresses_and_methods_that_there_are_not_are_refused(client: Client, bearer: Bearer, add_log: AddLog) -> None:
    record_id = add_log()
    headers = bearer("service_role")

    assert_refused(client.get("/rest/v1/api_keys", headers=headers), 404, "PGRST205")
    assert_refused(client.get("/rest/v1/integration_monitor.api_keys", headers=headers), 404, "PGRST205")
    assert_refused(client.post("/rest/v1/rpc/cleanup_old_integration_logs", json={}, headers=headers), 404, "PGRST125")
    assert_refused(client.get("/rest/v1/", headers=headers), 404, "PGRST125")
    for method in ("PATCH", "PUT", "DELETE"):
        assert_refused(client.request(method, f"{LOGS}?id=eq.{record_id}", headers=headers), 400, "PGRST117")
    assert client.head(LOGS, headers=headers).status_code == 400
    assert_refused(client.post(HOURLY, json=ROW, headers=headers), 400, "55000")


def test_table_tells_the_methods_that_it_takes(client: Client, bearer: Bearer) -> None:
    headers = bearer("service_role")

    assert client.options(LOGS, headers=headers).headers["allow"] == "GET, OPTIONS, POST"
    assert client.options(HOURLY, headers=headers).headers["allow"] == "GET, OPTIONS"
    assert client.delete(LOGS, headers=headers).headers["allow"] == "GET, OPTIONS, POST"
    assert client.post(HOURLY, json=ROW, headers=headers).headers["allow"] == "GET, OPTIONS"


def test_roles_may_what_the_contract_says(client: Client, ask: Any, send: Any, bearer: Bearer, add_log: AddLog) -> None:
    add_log()

    assert client.get(LOGS).status_code == client.post(LOGS, json=ROW).status_code == 401
    for role in ("anon", "postgres"):
        refused = client.get(LOGS, headers=bearer(role))
        assert_refused(refused, 401 if role == "anon" else 403, "PGRST301" if role == "anon" else "42501")
    assert_refused(client.get(LOGS, headers={"authorization": "Bearer forged"}), 401, "PGRST301")
    assert_refused(send(ROW, role="authenticated"), 403, "42501")
    assert_refused(ask(LOGS, role="integration_monitor_statistics"), 403, "42501")
    # What was refused is not there either.
    assert len(ask(LOGS).json()) == len(ask(LOGS, role="service_role").json()) == 1


def test_token_in_authorization_decides_and_not_the_header_apikey(client: Client, bearer: Bearer, make_token: Any) -> None:
    answer = client.post(LOGS, json=ROW, headers={**bearer("authenticated"), "apikey": make_token("service_role")})

    assert_refused(answer, 403, "42501")
    assert client.post(LOGS, json=ROW, headers={"apikey": make_token("service_role")}).status_code == 201


def test_keys_select_or_insert_by_their_scope_and_service(client: Client, add_key: Any, add_log: AddLog) -> None:
    add_log(service_name="resend", age=timedelta(minutes=1))
    reading, sending = add_key("read"), add_key("ingest")
    reading_one, sending_one = add_key("read", "amocrm"), add_key("ingest", "amocrm")

    assert client.post(LOGS, json=ROW, headers=sending).status_code == 201
    assert client.post(LOGS, json=ROW, headers=sending_one).status_code == 201
    assert_refused(client.post(LOGS, json={**ROW, "service_name": "resend"}, headers=sending_one), 403, "42501")
    assert_refused(client.post(LOGS, json=ROW, headers=reading), 403, "42501")
    assert_refused(client.get(LOGS, headers=sending), 403, "42501")
    assert len(client.get(LOGS, headers=reading).json()) == 3
    assert {row["service_name"] for row in client.get(LOGS, headers=reading_one).json()} == {"amocrm"}
    assert client.get(LOGS, params={"service_name": "eq.resend"}, headers=reading_one).json() == []
    assert {row["service_name"] for row in client.get(HOURLY, headers=reading_one).json()} == {"amocrm"}


def test_inserted_rows_are_stored_when_they_are_answered(send: Any, database_url: str) -> None:
    one = send({**ROW, "duration_ms": 12, "request_payload": {"a": [1]}, "error_code": None})
    many = send(
        [ROW, {**ROW, "status": "failed", "error_message": "no"}], "return=minimal", columns='"service_name","action","status"'
    )

    assert (one.status_code, one.content) == (many.status_code, many.content) == (201, b"")
    records = stored(database_url)
    assert [record.duration_ms for record in records] == [12, None, None]
    assert records[0].request_payload == {"a": [1]}
    # Left out of `columns`.
    assert [record.error_message for record in records] == [None] * 3


def test_representation_holds_what_was_stored_and_no_secret(send: Any, database_url: str) -> None:
    url = f"https://api.telegram.org/bot{KEY_OF_TELEGRAM}/sendMessage"
    row = {**ROW, "service_name": "telegram", "request_payload": {"url": url}}

    answer = send(row, "return=representation")
    named = send([row], "return=representation", select="id,status")

    [told], [first, second] = answer.json(), stored(database_url)
    assert tuple(told) == COLUMNS
    assert (told["id"], datetime.fromisoformat(told["created_at"])) == (str(first.id), first.created_at)
    assert told["request_payload"] == first.request_payload
    assert "FAKE-PLANTED" not in answer.text + json.dumps(first.request_payload)
    assert named.json() == [{"id": str(second.id), "status": "success"}]


def test_row_that_is_there_is_a_conflict_unless_it_is_to_be_ignored(send: Any, database_url: str) -> None:
    for record_id in (new_id(now()), uuid.uuid4()):
        row = {**ROW, "id": str(record_id)}
        assert send(row).status_code == 201

        assert_refused(send(row), 409, "23505")
        assert_refused(send([ROW, row]), 409, "23505")
        ignored = send([row, ROW], "resolution=ignore-duplicates,return=representation", on_conflict="id")

        assert ignored.status_code == 201
        assert len(ignored.json()) == 1
        assert len([one for one in stored(database_url) if one.id == record_id]) == 1
    twice = {**ROW, "id": str(uuid.uuid4())}
    assert_refused(send([twice, twice]), 409, "23505")
    assert send([twice, twice], "resolution=ignore-duplicates").status_code == 201
    assert len([one for one in stored(database_url) if str(one.id) == twice["id"]]) == 1


BAD_ROWS: list[tuple[Any, str]] = [
    ({**ROW, "secret": 1}, "PGRST204"),
    ({"service_name": "amocrm", "action": "sync_lead"}, "23502"),
    ({**ROW, "status": "ok"}, "23514"),
    ({**ROW, "id": "1"}, "22P02"),
    ({**ROW, "duration_ms": "long"}, "22P02"),
    ({**ROW, "created_at": "yesterday"}, "22P02"),
    ("text", "PGRST102"),
    ([1], "PGRST102"),
]


def test_one_bad_row_is_told_and_none_is_stored(send: Any, database_url: str) -> None:
    for row, code in BAD_ROWS:
        assert_refused(send(row), 400, code)
        if isinstance(row, dict):
            assert_refused(send([ROW, row]), 400, code)

    assert stored(database_url) == []


def test_inserts_in_other_words_are_refused(client: Client, send: Any, bearer: Bearer, database_url: str) -> None:
    headers = bearer("service_role")

    assert_refused(client.post(LOGS, content=b"{", headers=headers), 400, "PGRST102")
    assert_refused(client.post(LOGS, content=b"a,b", headers={**headers, "content-type": "text/csv"}), 400, "PGRST102")
    assert_refused(send(ROW, "resolution=merge-duplicates", on_conflict="id"), 400, "PGRST122")
    assert_refused(send(ROW, "return=headers-only"), 400, "PGRST122")
    assert_refused(send(ROW, "resolution=ignore-duplicates", on_conflict="action"), 400, "42P10")
    assert_refused(send(ROW, columns="action,secret"), 400, "PGRST204")
    assert_refused(send(ROW, id="eq.1"), 400, "PGRST100")
    assert stored(database_url) == []


def test_database_that_is_away_is_told_in_the_same_shape(client_without_database: Client, bearer: Bearer) -> None:
    answer = client_without_database.get(LOGS, headers=bearer("service_role"))

    assert_refused(answer, 503, "database_unavailable")
    assert answer.headers["retry-after"]
