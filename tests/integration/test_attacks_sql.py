"""SQL in every parameter, path, credential and field: it is a value like any other."""

import itertools
from typing import Any
from urllib.parse import quote

import pytest
from httpx import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration_monitor.record import entity_uuid
from tests.integration.addresses import API, questions
from tests.integration.batches import fetch
from tests.integration.conftest import AddLog, Bearer, Client

RECORD: dict[str, Any] = {"service_name": "amocrm", "action": "sync_lead", "status": "success"}
SECRET_WORD = "planted_word"
#: answered, refused, or not there; never our mistake, and never a question that the database could not read
STATUSES = {200, 303, 400, 403, 404, 405, 422}

INJECTIONS = [
    "'",
    "''",
    "\\'",
    "' or '1'='1",
    "' or 1=1 --",
    '" or ""="',
    "1 or 1=1",
    "1; drop table public.integration_logs; --",
    "'; select pg_sleep(10); --",
    "' union select purpose from integration_monitor.keys --",
    "') or true) --",
    "$$; select 1; $$",
    "%' or 1=1 --",
    "%s %(limit)s {0} %n",
    "\x00",
    "x' \\; copy integration_monitor.keys to program 'true' --",
    "created_at desc; select 1",
    "eq.a'; reset role; --",
    'in.("a\'),(select 1)")',
    "'/**/or/**/1/**/=/**/1",
    "\r\nx-injected: 1",
    "%0d%0ax-injected: 1",
    "../../../etc/passwd",
    "{{7*7}}${7*7}<%=7*7%>",
]
FRAGMENTS = st.sampled_from(
    [
        "'",
        '"',
        "\\",
        ";",
        "--",
        "/*",
        "*/",
        "(",
        ")",
        "$$",
        "%",
        "\x00",
        " or ",
        " and ",
        "1=1",
        " union ",
        "select ",
        "null",
        "::text",
        "eq.",
        "in.",
        ",",
    ]
)
HOSTILE = st.sampled_from(INJECTIONS) | st.lists(FRAGMENTS | st.text(max_size=3), max_size=8).map("".join)
once_a_test = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def assert_harmless(answer: Response, *asked: object) -> None:
    assert answer.status_code in STATUSES, (asked, answer.status_code, answer.text[:300])
    assert "x-injected" not in answer.headers
    assert "49" not in answer.headers.get("location", "")


@pytest.fixture
def planted(add_log: AddLog) -> None:
    """A record that nothing hostile fits."""
    add_log(
        service_name=SECRET_WORD,
        action=SECRET_WORD,
        status="failed",
        error_code=SECRET_WORD,
        error_message=SECRET_WORD,
        related_entity_type=SECRET_WORD,
        related_entity_id=entity_uuid(SECRET_WORD, 1),
    )


@pytest.mark.usefixtures("planted")
def test_parameter_that_is_sql_asks_for_nothing_else(client: Client, bearer: Bearer, database_url: str) -> None:
    headers = bearer("service_role")
    asked = questions(client)
    assert len({path for path, _name in asked if path.startswith("/api")}) >= 9

    def ask(path: str, name: str, value: str) -> None:
        answer = client.get(path, params={name: value}, headers=headers, follow_redirects=False)
        assert_harmless(answer, path, name, value)
        narrows = path.startswith("/api") and name in {"service", "action", "error_code", "entity_type", "entity_id", "text"}
        if narrows and answer.status_code == 200 and value.strip(" %") and value not in SECRET_WORD:
            assert SECRET_WORD not in answer.text, (path, name, value)

    for number, (path, name) in enumerate(asked):
        ask(path, name, INJECTIONS[number % len(INJECTIONS)])

    @once_a_test
    @given(pair=st.sampled_from(asked), value=HOSTILE)
    def try_any(pair: tuple[str, str], value: str) -> None:
        ask(*pair, value)

    try_any()
    assert fetch(database_url, "select count(*) from public.integration_logs") == [(1,)]


@pytest.mark.usefixtures("planted")
def test_path_that_is_sql_leads_nowhere(client: Client, bearer: Bearer) -> None:
    headers = bearer("service_role")
    patterns = [
        f"{API}/entities/{{}}/5",
        f"{API}/entities/lead/{{}}",
        f"{API}/logs/{{}}",
        "/logs/{}",
        "/rest/v1/{}",
        "/sign-in/{}",
        "/{}",
    ]

    @once_a_test
    @given(pattern=st.sampled_from(patterns), value=HOSTILE.filter(bool))
    def try_any(pattern: str, value: str) -> None:
        client.app.state.entrance.sign_in_attempts._refused.clear()
        answer = client.get(pattern.format(quote(value, safe="")), headers=headers, follow_redirects=False)

        assert answer.status_code in STATUSES | {401, 409}, (pattern, value, answer.text[:300])
        assert SECRET_WORD not in answer.text or pattern == "/{}"
        assert "x-injected" not in answer.headers

    try_any()


def test_credential_that_is_sql_opens_nothing(client: Client) -> None:
    for value, name in itertools.product(INJECTIONS, ("authorization", "apikey", "cookie")):
        client.app.state.entrance._attempts._refused.clear()
        prefix = {"authorization": "Bearer im_", "apikey": "sb_secret_", "cookie": "integration_monitor_session="}[name]
        answer = client.get(
            f"{API}/stats", headers=[(name.encode(), f"{prefix}{value}".replace("\r\n", "").replace("\x00", "").encode())]
        )

        assert answer.status_code == 401


def test_record_that_is_sql_is_stored_as_it_is(client: Client, bearer: Bearer, database_url: str) -> None:
    records = [
        {
            **RECORD,
            "service_name": f"a{value}",
            "action": f"b{value}",
            "error_code": value or "0",
            "error_message": value,
            "request_payload": {value: value},
        }
        # What looks like a secret is another matter.
        for value in (value.replace("\x00", "") for value in INJECTIONS if "passwd" not in value)
    ]

    answer = client.post("/api/ingest", json=records, headers=bearer("service_role"))

    assert (answer.status_code, answer.json()["refused_count"]) == (200, 0)
    stored = fetch(database_url, "select service_name, action, error_message, request_payload from public.integration_logs")
    sent = [(one["service_name"], one["action"], one["error_message"], one["request_payload"]) for one in records]
    assert sorted(stored, key=str) == sorted(sent, key=str)
