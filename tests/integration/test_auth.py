"""Who gets in, who does not, and that the database has the last word."""

import base64
import json
from datetime import UTC, datetime

import jwt
import psycopg
import pytest

from tests.integration.conftest import SECRET, AddLog, Bearer, Client, MakeClient, MakeToken

STATS = "/api/admin/integrations/monitoring/stats"
FAILURES = "/api/admin/integrations/monitoring/failures"
HEALTH = "/api/admin/integrations/monitoring/health"
ENDPOINTS = (STATS, FAILURES, HEALTH)
# Fixed, since tokens made of them name tests.
PAST = datetime(2020, 1, 1, tzinfo=UTC)
FUTURE = datetime(2100, 1, 1, tzinfo=UTC)


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def unsigned(role: str = "service_role") -> str:
    """A token with `alg: none`."""
    return jwt.encode({"role": role, "exp": FUTURE}, "", algorithm="none")


@pytest.mark.parametrize(
    ("role", "statuses"),
    [
        ("service_role", {STATS: 200, FAILURES: 200, HEALTH: 200}),
        ("authenticated", {STATS: 200, FAILURES: 200, HEALTH: 200}),
        ("integration_monitor_statistics", {STATS: 200, FAILURES: 403, HEALTH: 200}),
    ],
)
def test_role_decides(client: Client, bearer: Bearer, role: str, statuses: dict[str, int]) -> None:
    for path in ENDPOINTS:
        answer = client.get(path, headers=bearer(role))

        assert answer.status_code == statuses[path]
        if answer.status_code == 200:
            assert answer.json() == {"data": [], "next": None}


@pytest.mark.parametrize(
    "role",
    ["integration_monitor_writer", "postgres", "SERVICE_ROLE", "authenticated; drop table a", ["service_role"], {}, 1, "", None],
)
def test_other_role_is_refused_without_asking_the_database(client_without_database: Client, bearer: Bearer, role: object) -> None:
    for path in ENDPOINTS:
        answer = client_without_database.get(path, headers=bearer(role))

        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


def test_role_without_the_right_is_refused_without_asking_the_database(client_without_database: Client, bearer: Bearer) -> None:
    answer = client_without_database.get(FAILURES, headers=bearer("integration_monitor_statistics"))

    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer garbage",
        "Bearer a.b.c",
        "Bearer ..",
        "Bearer \xff.\xfe.\xfd",
        f"Bearer {unsigned()}",
        f"Bearer {segment({'alg': 'HS256'})}.{segment({'role': 'service_role', 'exp': 9999999999})}.",
        f"Bearer {segment({'alg': 'HS256', 'deep': None})[:-1]}.{'A' * 4000}.{'A' * 100}",
        f"Bearer {base64.urlsafe_b64encode(b'[' * 5000).decode()}.e30.e30",
        f"Bearer {'A' * 9000}",
        f"Basic {base64.b64encode(b'service_role:secret').decode()}",
        f"Token {jwt.encode({'role': 'service_role', 'exp': FUTURE}, SECRET)}",
        jwt.encode({"role": "service_role", "exp": FUTURE}, SECRET),
        f"Bearer {jwt.encode({'role': 'service_role', 'exp': PAST}, SECRET)}",
        f"Bearer {jwt.encode({'role': 'service_role'}, SECRET)}",
        f"Bearer {jwt.encode({'role': 'service_role', 'exp': None}, SECRET)}",
        f"Bearer {jwt.encode({'role': 'service_role', 'exp': 'never'}, SECRET)}",
        f"Bearer {jwt.encode({'role': 'service_role', 'exp': float('inf')}, SECRET)}",
        f"Bearer {jwt.encode({'role': 'service_role', 'exp': FUTURE}, 'another secret of more than 32 bytes')}",
        f"Bearer {jwt.encode({'role': 'service_role', 'exp': FUTURE}, SECRET + SECRET, algorithm='HS512')}",
        f"Bearer {jwt.encode({'role': 'anon', 'exp': FUTURE}, SECRET)}",
    ],
)
def test_nobody_gets_in(client_without_database: Client, authorization: str | None) -> None:
    # Bytes, for characters that a header may not hold.
    headers = [] if authorization is None else [(b"authorization", authorization.encode("latin-1"))]

    for path in ENDPOINTS:
        answer = client_without_database.get(path, headers=headers)

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["code"] in {"not_signed_in", "token_refused"}
        assert SECRET not in answer.text


def test_token_of_the_wrong_algorithm_is_refused_even_with_the_right_secret(
    client_without_database: Client, make_token: MakeToken
) -> None:
    for algorithm in ("HS384", "HS512"):
        token = make_token("service_role", secret=SECRET * 2, algorithm=algorithm)
        assert client_without_database.get(STATS, headers={"authorization": f"Bearer {token}"}).status_code == 401


def test_scheme_has_any_case(client: Client, make_token: MakeToken) -> None:
    assert client.get(STATS, headers={"authorization": f"bearer {make_token()}"}).status_code == 200


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"app_metadata": {"integration_monitor": "reader"}}, 200),
        ({"app_metadata": {"integration_monitor": ["reader", "writer"]}}, 200),
        ({"app_metadata": {"integration_monitor": "writer"}}, 403),
        ({"user_metadata": {"integration_monitor": "reader"}}, 403),
        ({}, 403),
    ],
)
def test_required_claims_narrow_who_is_authenticated(
    make_client: MakeClient, bearer: Bearer, claims: dict[str, object], status: int
) -> None:
    client = make_client(required_claims={"app_metadata.integration_monitor": "reader"})

    assert client.get(STATS, headers=bearer("authenticated", **claims)).status_code == status
    assert client.get(STATS, headers=bearer("service_role")).status_code == 200


def test_policies_of_the_table_decide_what_is_seen(client: Client, add_log: AddLog, bearer: Bearer, database_url: str) -> None:
    add_log(status="failed")
    with psycopg.connect(database_url) as connection:
        connection.execute("drop policy integration_logs_read_authenticated on public.integration_logs")

    seen = {role: client.get(FAILURES, headers=bearer(role)).json()["data"] for role in ("authenticated", "service_role")}

    assert seen["authenticated"] == []
    assert len(seen["service_role"]) == 1
    assert client.get(STATS, headers=bearer("authenticated")).json()["data"] == []


def test_policy_that_shows_one_service_narrows_every_answer(
    client: Client, add_log: AddLog, bearer: Bearer, database_url: str
) -> None:
    add_log(service_name="resend", status="failed")
    add_log(service_name="whapi", status="failed")
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "alter policy integration_logs_read_authenticated on public.integration_logs using (service_name = 'resend')"
        )

    for path in ENDPOINTS:
        assert {row["service_name"] for row in client.get(path, headers=bearer()).json()["data"]} == {"resend"}


def test_right_that_the_database_took_away_is_not_allowed(client: Client, bearer: Bearer, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("revoke select on public.integration_logs from authenticated")

    for path in ENDPOINTS:
        assert client.get(path, headers=bearer("authenticated")).status_code == 403
        assert client.get(path, headers=bearer("service_role")).status_code == 200


def test_server_keeps_a_secret_of_its_own(make_client: MakeClient, make_token: MakeToken, database_url: str) -> None:
    client = make_client(jwt_secret=None)
    assert client.get(STATS, headers={"authorization": f"Bearer {make_token()}"}).status_code == 401

    with psycopg.connect(database_url) as connection:
        [(secret,)] = connection.execute("select secret from integration_monitor.keys where purpose = 'jwt'").fetchall()
    token = jwt.encode({"role": "authenticated", "exp": FUTURE}, secret, algorithm="HS256")

    assert client.get(STATS, headers={"authorization": f"Bearer {token}"}).status_code == 200
    # Another server of the same installation takes it too.
    assert make_client(jwt_secret=None).get(STATS, headers={"authorization": f"Bearer {token}"}).status_code == 200
