"""Whoever tries tokens, keys or links is told to wait; whoever has a right one never waits for the others."""

import concurrent.futures

import httpx
import pytest

from integration_monitor.server import attempts
from integration_monitor.server.attempts import ATTEMPTS_MAX
from tests.acceptance.live_server import live_server
from tests.integration.conftest import Bearer, Client, MakeClient, MakeToken

STATS = "/api/admin/integrations/monitoring/stats"
BROWSER = {"accept": "text/html,application/xhtml+xml"}


def paste(client: Client, token: str) -> httpx.Response:
    return client.post("/sign-in", data={"token": token}, headers=BROWSER, follow_redirects=False)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer guess"},
        {"authorization": "Bearer im_FAKE"},
        {"apikey": "sb_secret_FAKE"},
        {"cookie": "integration_monitor_session=guess"},
    ],
)
def test_refused_credentials_are_answered_in_another_way_after_some(
    client: Client, bearer: Bearer, headers: dict[str, str]
) -> None:
    answers = [client.get(STATS, headers=headers) for _ in range(ATTEMPTS_MAX + 2)]
    right = client.get(STATS, headers=bearer())

    assert [answer.status_code for answer in answers] == [401] * ATTEMPTS_MAX + [429] * 2
    assert answers[-1].json()["code"] == "too_many_attempts"
    assert 0 < int(answers[-1].headers["retry-after"]) <= attempts.WINDOW_S
    assert right.status_code == 200


def test_door_of_supabases_clients_tells_the_same(client: Client) -> None:
    answers = [client.get("/rest/v1/integration_logs", headers={"apikey": "guess"}) for _ in range(ATTEMPTS_MAX + 1)]

    assert answers[-1].status_code == 429
    assert answers[-1].json()["code"] == "too_many_attempts"
    assert "retry-after" in answers[-1].headers


def test_who_guesses_nothing_is_not_counted(client: Client, bearer: Bearer, make_token: MakeToken) -> None:
    expired = bearer(exp=1)
    for _ in range(ATTEMPTS_MAX + 1):
        assert client.get(STATS, headers=expired).status_code == 401
        assert client.get(STATS).status_code == 401
        assert client.get(STATS, headers=bearer("postgres")).status_code == 403

    assert client.get(STATS, headers={"authorization": "Bearer guess"}).status_code == 401


def test_sign_in_is_closed_to_guesses_for_a_time_and_opens_again(
    client: Client, make_token: MakeToken, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = [paste(client, "guess").status_code for _ in range(ATTEMPTS_MAX - 5)]
    tried += [client.get(f"/sign-in/guess{number}", headers=BROWSER).status_code for number in range(5)]
    closed = [paste(client, "guess"), client.get("/sign-in/guess", headers=BROWSER)]
    page = client.get("/sign-in", headers=BROWSER)
    program = client.get(STATS, headers=bearer())
    monkeypatch.setattr(attempts, "WINDOW_S", -1.0)
    later = client.get("/sign-in/guess", headers=BROWSER)

    assert tried == [401] * ATTEMPTS_MAX
    for answer in closed:
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert "Too many attempts" in answer.text
        assert "set-cookie" not in answer.headers
    assert (page.status_code, program.status_code, later.status_code) == (200, 200, 401)


def test_nobody_closes_the_sign_in_for_who_has_a_token(client: Client, make_token: MakeToken) -> None:
    for _ in range(ATTEMPTS_MAX + 1):
        paste(client, "guess")

    assert paste(client, make_token()).status_code == 303


def test_program_with_a_wrong_key_keeps_no_person_out(client: Client, make_token: MakeToken) -> None:
    for _ in range(ATTEMPTS_MAX + 1):
        client.get(STATS, headers={"apikey": "im_FAKE"})

    assert paste(client, make_token()).status_code == 303


def test_headers_of_the_client_make_it_no_other_address(client: Client) -> None:
    answers = [
        client.get(
            STATS, headers={"apikey": "im_FAKE", "x-forwarded-for": f"192.0.2.{number}", "forwarded": f"for=192.0.2.{number}"}
        )
        for number in range(ATTEMPTS_MAX + 1)
    ]

    assert answers[-1].status_code == 429


def test_each_server_counts_for_itself(make_client: MakeClient) -> None:
    first, second = make_client(), make_client()
    for _ in range(ATTEMPTS_MAX + 1):
        first.get(STATS, headers={"apikey": "im_FAKE"})

    assert second.get(STATS, headers={"apikey": "im_FAKE"}).status_code == 401


def test_many_at_once_get_no_more_attempts(database_url: str) -> None:
    with live_server(database_url) as server, concurrent.futures.ThreadPoolExecutor(8) as threads, httpx.Client() as client:
        statuses = list(
            threads.map(
                lambda number: client.post(f"{server.url}/sign-in", data={"token": f"guess{number}"}).status_code, range(60)
            )
        )

    assert statuses.count(401) == ATTEMPTS_MAX
    assert statuses.count(429) == 60 - ATTEMPTS_MAX
