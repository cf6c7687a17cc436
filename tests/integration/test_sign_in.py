"""How people get in and out: links that work once, pasted tokens, sessions that every server of an installation takes."""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from typing import Any

import jwt
import psycopg
import pytest
from httpx import Response

from integration_monitor.server.auth import entrance_of
from integration_monitor.store.answers import Role
from integration_monitor.store.postgres.entrance import PostgresEntrance
from integration_monitor.store.postgres.pool import Connections
from tests.integration.conftest import SECRET, Bearer, Client, MakeClient, MakeToken

STATS = "/api/admin/integrations/monitoring/stats"
FAILURES = "/api/admin/integrations/monitoring/failures"
COOKIE = "integration_monitor_session"
BROWSER = {"accept": "text/html,application/xhtml+xml"}


def new_link(client: Client, role: Role = "authenticated") -> str:
    """The path of a new one-time link."""
    with client.portal() as portal:
        return f"/sign-in/{portal.call(entrance_of(client.app.state).new_link, role)}"


def cookie_of(answer: Response) -> Any:
    """The session's cookie, with its attributes."""
    return SimpleCookie(answer.headers["set-cookie"])[COOKIE]


def follow(client: Client, path: str) -> Response:
    return client.get(path, headers=BROWSER, follow_redirects=False)


def paste(client: Client, token: str, **headers: str) -> Response:
    return client.post("/sign-in", data={"token": token}, headers={**BROWSER, **headers}, follow_redirects=False)


def test_link_opens_a_session(client: Client) -> None:
    answer = follow(client, new_link(client))

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert client.get("/", headers=BROWSER, follow_redirects=False).status_code == 200
    assert client.get(FAILURES).status_code == 200


def test_link_works_once(client: Client) -> None:
    link = new_link(client)
    first = follow(client, link)
    client.cookies.clear()

    second = follow(client, link)

    assert (first.status_code, second.status_code) == (303, 401)
    assert "set-cookie" not in second.headers
    assert second.headers["content-type"].startswith("text/html")


def test_link_opens_one_session_however_many_try_at_once(client: Client, database_url: str) -> None:
    token_hash = hashlib.sha256(b"link").digest()

    async def use() -> list[Role | None]:
        connections = Connections(database_url, connections_max=8)
        await connections.open()
        try:
            entrance = PostgresEntrance(connections)
            await entrance.add_link(token_hash, role="authenticated", lifetime=timedelta(minutes=1))
            return await asyncio.gather(*(entrance.use_link(token_hash) for _ in range(8)))
        finally:
            await connections.close()

    assert sorted(map(str, asyncio.run(use()))) == ["None"] * 7 + ["authenticated"]


@pytest.mark.parametrize("change", ["expires_at = now()", "used_at = now()"])
def test_spent_link_opens_nothing(client: Client, database_url: str, change: str) -> None:
    link = new_link(client)
    with psycopg.connect(database_url) as connection:
        connection.execute(f"update integration_monitor.sign_in_links set {change}".encode())

    assert follow(client, link).status_code == 401


@pytest.mark.parametrize("link", ["/sign-in/guess", "/sign-in/%00", "/sign-in/%D1%8F", f"/sign-in/{'a' * 5000}"])
def test_guessed_link_opens_nothing(client: Client, link: str) -> None:
    assert follow(client, link).status_code == 401


@pytest.mark.parametrize("headers", [{"sec-purpose": "prefetch;prerender"}, {"purpose": "prefetch"}, {"x-moz": "prefetch"}])
def test_link_that_a_browser_fetches_ahead_is_not_used_up(client: Client, headers: dict[str, str]) -> None:
    link = new_link(client)

    ahead = client.get(link, headers=headers, follow_redirects=False)
    asked = client.head(link, follow_redirects=False)
    opened = client.get(link, follow_redirects=False)

    assert (ahead.status_code, "set-cookie" in ahead.headers) == (401, False)
    assert (asked.status_code, "set-cookie" in asked.headers) == (405, False)
    assert (opened.status_code, "set-cookie" in opened.headers) == (303, True)


def test_link_is_kept_as_a_hash(client: Client, database_url: str) -> None:
    link = new_link(client).removeprefix("/sign-in/")

    with psycopg.connect(database_url) as connection:
        [row] = connection.execute("select token_hash, role, expires_at from integration_monitor.sign_in_links").fetchall()

    assert row[0] == hashlib.sha256(link.encode()).digest()
    assert row[1] == "authenticated"
    assert row[2] > datetime.now(UTC)


def test_links_that_expired_long_ago_are_removed(client: Client, database_url: str) -> None:
    new_link(client)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update integration_monitor.sign_in_links set expires_at = now() - interval '2 days'")
        new_link(client)

        assert connection.execute("select count(*) from integration_monitor.sign_in_links").fetchone() == (1,)


def test_session_is_taken_by_every_server(make_client: MakeClient) -> None:
    first, second = make_client(), make_client()

    cookie = cookie_of(follow(first, new_link(second)))

    for client in (first, second):
        assert client.get(STATS, headers={"cookie": f"{COOKIE}={cookie.value}"}).status_code == 200


def test_servers_that_start_together_share_one_key(database_url: str) -> None:
    async def read() -> set[bytes]:
        several = [Connections(database_url, connections_max=1) for _ in range(6)]
        for connections in several:
            await connections.open()
        try:
            return set(await asyncio.gather(*(PostgresEntrance(connections).secret("session") for connections in several)))
        finally:
            for connections in several:
                await connections.close()

    [secret] = asyncio.run(read())

    assert len(secret) >= 32


def test_pasted_token_opens_a_session(client: Client, make_token: MakeToken) -> None:
    answer = paste(client, f"  {make_token(email='anna@example.test')}\n")

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert client.get(STATS).status_code == 200


@pytest.mark.parametrize(
    "make",
    [
        lambda token: "",
        lambda token: "garbage",
        lambda token: token("anon"),
        lambda token: token("postgres"),
        lambda token: token(exp=datetime.now(UTC) - timedelta(seconds=1)),
        lambda token: token(secret="another secret of more than 32 bytes"),
    ],
)
def test_bad_token_opens_nothing(client: Client, make_token: MakeToken, make: Callable[[MakeToken], str]) -> None:
    answer = paste(client, make(make_token))

    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert "set-cookie" not in answer.headers


def test_token_without_required_claim_opens_nothing(make_client: MakeClient, make_token: MakeToken) -> None:
    client = make_client(required_claims={"team": "crm"})

    assert paste(client, make_token()).status_code == 401
    assert paste(client, make_token(team="crm")).status_code == 303


@pytest.mark.parametrize(
    ("charset", "value"), [("utf-77", b"x"), ("utf-8", b"\xff"), ("idna", b"xn--\xff"), ("zlib", b"x"), ("", b"\xff\x00")]
)
def test_form_in_a_strange_encoding_opens_nothing(client: Client, charset: str, value: bytes) -> None:
    head = f'--a\r\ncontent-disposition: form-data; name="token"\r\ncontent-type: text/plain; charset={charset}\r\n\r\n'

    answer = client.post(
        "/sign-in",
        content=head.encode() + value + b"\r\n--a--\r\n",
        headers={"content-type": "multipart/form-data; boundary=a"},
    )

    assert answer.status_code == 401


def test_form_without_token_opens_nothing(client: Client) -> None:
    for form in ({}, {"other": "x"}):
        assert client.post("/sign-in", data=form, headers=BROWSER).status_code == 401


def test_session_ends_no_later_than_its_token(client: Client, make_token: MakeToken) -> None:
    answer = paste(client, make_token(exp=datetime.now(UTC) + timedelta(minutes=2)))

    cookie = cookie_of(answer)
    claims = jwt.decode(cookie.value, options={"verify_signature": False})
    assert 0 < int(cookie["max-age"]) <= 120
    assert claims["exp"] <= (datetime.now(UTC) + timedelta(minutes=2)).timestamp()


def test_session_ends_after_half_a_day(client: Client, make_token: MakeToken) -> None:
    answer = paste(client, make_token(exp=10**15))

    assert int(cookie_of(answer)["max-age"]) <= 12 * 3600


def test_session_holds_role_and_name_only(client: Client, make_token: MakeToken) -> None:
    answer = paste(client, make_token("service_role", email="anna@example.test", app_metadata={"private": True}))

    claims = jwt.decode(cookie_of(answer).value, options={"verify_signature": False})
    assert claims.keys() == {"role", "sub", "iat", "exp"}
    assert (claims["role"], claims["sub"]) == ("service_role", "anna@example.test")


@pytest.mark.parametrize(
    ("settings", "base_url", "is_secure"),
    [
        ({}, "http://monitor.test", False),
        ({}, "https://monitor.test", True),
        ({"public_url": "https://monitor.example.com"}, "http://monitor.test", True),
        ({"public_url": "http://monitor.example.com"}, "http://monitor.test", False),
    ],
)
def test_cookie_is_closed_to_scripts_and_other_sites(
    make_client: MakeClient, make_token: MakeToken, settings: dict[str, str], base_url: str, is_secure: bool
) -> None:
    answer = paste(make_client(base_url=base_url, **settings), make_token())

    cookie = cookie_of(answer)
    assert cookie["httponly"] is True
    assert cookie["samesite"].lower() == "lax"
    assert cookie["path"] == "/"
    assert bool(cookie["secure"]) is is_secure


def test_sign_out_ends_the_session(client: Client, make_token: MakeToken) -> None:
    paste(client, make_token())

    answer = client.post("/sign-out", headers=BROWSER, follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert client.get(STATS).status_code == 401


@pytest.mark.parametrize(
    "value",
    [
        "garbage",
        jwt.encode({"role": "service_role", "exp": datetime(2100, 1, 1, tzinfo=UTC)}, SECRET),
        jwt.encode({"role": "service_role", "exp": datetime(2100, 1, 1, tzinfo=UTC)}, "", algorithm="none"),
    ],
)
def test_forged_session_is_refused(client: Client, value: str) -> None:
    answer = client.get(STATS, headers={"cookie": f"{COOKIE}={value}"})

    assert (answer.status_code, answer.json()["code"]) == (401, "token_refused")


def test_session_is_no_token(client: Client, make_token: MakeToken) -> None:
    value = cookie_of(paste(client, make_token())).value
    client.cookies.clear()

    assert client.get(STATS, headers={"authorization": f"Bearer {value}"}).status_code == 401


def test_bad_token_is_not_saved_by_a_good_session(client: Client, make_token: MakeToken) -> None:
    paste(client, make_token())

    assert client.get(STATS, headers={"authorization": "Bearer garbage"}).status_code == 401


def test_role_of_a_session_decides(client: Client, bearer: Bearer) -> None:
    follow(client, new_link(client, "integration_monitor_statistics"))

    assert client.get(STATS).status_code == 200
    assert client.get(FAILURES).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"origin": "http://monitor.test"}, 303),
        ({"origin": "https://monitor.example.com"}, 303),
        ({"origin": "http://evil.test"}, 403),
        ({"origin": "http://monitor.test.evil.test"}, 403),
        ({"origin": "http://monitor.test:81"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "same-origin", "origin": "http://behind.proxy"}, 303),
        ({"sec-fetch-site": "none"}, 303),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site", "origin": "http://monitor.test"}, 403),
    ],
)
@pytest.mark.parametrize("path", ["/sign-in", "/sign-out"])
def test_pages_of_other_sites_cannot_sign_in_or_out(
    make_client: MakeClient, make_token: MakeToken, path: str, headers: dict[str, str], status: int
) -> None:
    client = make_client(public_url="https://monitor.example.com")

    answer = client.post(path, data={"token": make_token()}, headers=headers, follow_redirects=False)

    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "origin_refused"


def test_browser_without_a_session_is_led_to_sign_in(client: Client) -> None:
    answer = follow(client, "/")

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert follow(client, "/sign-in").status_code == 200


def test_htmx_without_a_session_leaves_the_page(client: Client) -> None:
    answer = client.get("/", headers={"hx-request": "true", "accept": "*/*"}, follow_redirects=False)

    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in")


def test_pages_leave_no_copy_behind(client: Client) -> None:
    assert follow(client, "/sign-in").headers["cache-control"] == "no-store"
