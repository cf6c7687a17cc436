"""`/healthz` and `/readyz`: asked by whoever starts and stops servers, without a token."""

from tests.integration.conftest import Client, MakeClient


def answer(client: Client, path: str) -> tuple[int, str]:
    got = client.get(path)
    return got.status_code, got.text


def test_a_server_with_its_database_is_ready(client: Client) -> None:
    assert answer(client, "/healthz") == (200, "ok\n")
    assert answer(client, "/readyz") == (200, "ready\n")


def test_a_server_whose_database_is_away_lives_and_is_not_ready(client_without_database: Client) -> None:
    assert answer(client_without_database, "/healthz") == (200, "ok\n")
    assert answer(client_without_database, "/readyz") == (503, "not ready: the database cannot be used\n")


def test_a_database_that_was_not_migrated_is_not_ready(make_client_of: MakeClient, empty_database_url: str) -> None:
    found = answer(make_client_of(empty_database_url), "/readyz")

    assert found == (503, "not ready: the database lacks migrations of this version\n")
