"""Tokens that an issuer signs with keys of its own: taken by the keys that it publishes, rotated, away, hostile, and never mixed up with the secret."""

import concurrent.futures
import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from integration_monitor.errors import SettingsError
from integration_monitor.server import published_keys
from tests.acceptance.live_server import live_server
from tests.integration.conftest import SECRET, Bearer, Client, MakeClient, MakeToken
from tests.integration.issuer import Issuer, SigningKey, issuing

STATS = "/api/admin/integrations/monitoring/stats"
# RSA keys take a moment to make.
RSA = SigningKey("rsa-1", "RS256")
EC = SigningKey("ec-1")
ED = SigningKey("ed-1", "EdDSA")


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as issuer:
        issuer.publish(EC, RSA, ED)
        yield issuer


@pytest.fixture
def client(make_client: MakeClient, issuer: Issuer) -> Client:
    """Of a server that knows the issuer and the shared secret."""
    return make_client(jwks=issuer.url)


@pytest.fixture
def without_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was read is old, and may be read again at once."""
    monkeypatch.setattr(published_keys, "READING_PAUSE_S", -1.0)
    monkeypatch.setattr(published_keys, "KEYS_AGE_MAX_S", -1.0)


@pytest.mark.parametrize("key", [EC, RSA, ED], ids=lambda key: str(key.algorithm))
def test_token_of_the_issuer_opens(client: Client, issuer: Issuer, key: SigningKey) -> None:
    answers = [client.get(STATS, headers=key.bearer()) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert issuer.asked == 1


def test_token_of_the_issuer_opens_a_session(client: Client) -> None:
    answer = client.post("/sign-in", data={"token": EC.token(email="anna@example.test")}, follow_redirects=False)

    assert answer.status_code == 303
    assert client.get(STATS).status_code == 200


def test_issuer_decides_no_more_than_a_role_may(make_client: MakeClient, issuer: Issuer) -> None:
    client = make_client(jwks=issuer.url, required_claims={"app_metadata.integration_monitor": "reader"})

    given: list[dict[str, Any]] = [
        {},
        {"app_metadata": {"integration_monitor": "reader"}},
        {"user_metadata": {"integration_monitor": "reader"}},
    ]

    statuses = [client.get(STATS, headers=EC.bearer(**claims)).status_code for claims in given]

    assert statuses == [403, 200, 403]
    assert client.get(STATS, headers=EC.bearer("postgres")).status_code == 403
    assert client.get(STATS, headers=EC.bearer("anon")).status_code == 401
    assert client.get(STATS, headers=EC.bearer(exp=datetime.now(UTC) - timedelta(seconds=1))).status_code == 401


def test_tokens_of_the_secret_are_taken_beside_and_ask_nobody(client: Client, issuer: Issuer, make_token: MakeToken) -> None:
    named = jwt.encode({"role": "authenticated", "exp": 4_000_000_000}, SECRET, headers={"kid": "a-secret-has-a-name-too"})

    for token in (make_token(), named):
        assert client.get(STATS, headers={"authorization": f"Bearer {token}"}).status_code == 200
    assert issuer.asked == 0


def forged(secret: bytes, **headers: str) -> str:
    """An HS256 token whose secret is anything, made by hand: libraries refuse to sign with a public key."""
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    head = jwt.utils.base64url_encode(json.dumps({"alg": "HS256", "typ": "JWT", **headers}).encode())
    body = jwt.utils.base64url_encode(json.dumps({"role": "service_role", "exp": 4_000_000_000}).encode())
    return b".".join([head, body, jwt.utils.base64url_encode(algorithm.sign(head + b"." + body, secret))]).decode()


def test_public_key_is_never_taken_for_the_secret(client: Client) -> None:
    for key in (EC, RSA, ED):
        public = key.private.public_key()
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        for secret in (
            pem,
            pem.strip(),
            json.dumps(key.entry).encode(),
            json.dumps(key.entry["x" if "x" in key.entry else "n"]).encode(),
        ):
            answer = client.get(STATS, headers={"authorization": f"Bearer {forged(secret, kid=key.kid)}"})

            assert (answer.status_code, answer.json()["code"]) in {(401, "token_refused"), (429, "too_many_attempts")}


@pytest.mark.parametrize(
    "headers",
    [
        {"kid": "rsa-1"},
        {"kid": "ec-2"},
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "RS256"},
        {"alg": "ES384"},
        {"kid": None},
        {"kid": 5},
    ],
)
def test_header_that_says_something_else_opens_nothing(client: Client, headers: dict[str, Any]) -> None:
    head, body, signature = EC.token("service_role").split(".")
    told = {**json.loads(jwt.utils.base64url_decode(head)), **headers}
    head = jwt.utils.base64url_encode(json.dumps(told).encode()).decode()

    answer = client.get(STATS, headers={"authorization": f"Bearer {head}.{body}.{signature}"})

    assert (answer.status_code, answer.json()["code"]) == (401, "token_refused")


def test_token_does_not_say_where_keys_are(client: Client, issuer: Issuer) -> None:
    evil = SigningKey("evil-1")
    with issuing() as foreign:
        foreign.publish(evil)
        for headers in ({"jku": foreign.url}, {"x5u": foreign.url}, {"jwk": evil.entry}, {"jku": foreign.url, "kid": "ec-1"}):
            assert client.get(STATS, headers=evil.bearer("service_role", headers=headers)).status_code == 401
        assert foreign.asked == 0


@pytest.mark.usefixtures("without_pause")
def test_rotated_key_is_taken_up_and_the_withdrawn_one_refused(client: Client, issuer: Issuer) -> None:
    new = SigningKey("ec-2")
    assert client.get(STATS, headers=EC.bearer()).status_code == 200

    issuer.publish(EC, new)
    both = [client.get(STATS, headers=key.bearer()).status_code for key in (new, EC)]
    issuer.publish(new)
    after = [client.get(STATS, headers=key.bearer()).status_code for key in (new, EC)]

    assert (both, after) == ([200, 200], [200, 401])


def test_invented_names_of_keys_do_not_flood_the_issuer(client: Client, issuer: Issuer) -> None:
    statuses = {client.get(STATS, headers=SigningKey(f"invented-{number}").bearer()).status_code for number in range(15)}

    assert statuses == {401}
    assert issuer.asked == 1


def test_many_at_once_read_the_keys_once_and_hold_up_nobody_else(database_url: str, issuer: Issuer) -> None:
    issuer.may_answer.clear()
    with live_server(database_url, jwks=issuer.url) as server, concurrent.futures.ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(httpx.get, f"{server.url}{STATS}", headers=EC.bearer(), timeout=30) for _ in range(8)]
        while issuer.asked == 0:
            threading.Event().wait(0.01)
        other = httpx.get(f"{server.url}{STATS}", headers={"authorization": f"Bearer {server.token()}"}, timeout=30)
        undone = [request.done() for request in waiting]
        issuer.may_answer.set()

        assert other.status_code == 200
        assert undone == [False] * 8
        assert [request.result().status_code for request in waiting] == [200] * 8
    assert issuer.asked == 1


@pytest.mark.usefixtures("without_pause")
def test_known_keys_stay_in_use_while_the_issuer_is_away(client: Client, issuer: Issuer) -> None:
    assert client.get(STATS, headers=EC.bearer()).status_code == 200
    issuer.status = 500

    known = [client.get(STATS, headers=EC.bearer()).status_code for _ in range(3)]
    unknown = client.get(STATS, headers=SigningKey("ec-2").bearer())
    issuer.status = 200
    again = client.get(STATS, headers=SigningKey("ec-2").bearer())

    assert known == [200] * 3
    assert (unknown.status_code, unknown.json()["code"]) == (503, "keys_unavailable")
    assert int(unknown.headers["retry-after"]) > 0
    assert again.status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"status": 404},
        {"status": 302, "headers": {"location": "/elsewhere"}},
        {"body": b"<html>"},
        {"body": b"[" * 5000},
        {"body": b'{"keys": []}'},
        {"body": b'{"keys": {"a": 1}}'},
        {
            "body": b'{"keys": [null, 5, {"kty": ["EC"]}, {"kty": "EC", "crv": ["P-256"], "kid": "a"}, {"kty": "EC", "crv": "P-256", "kid": "ec-1"}]}'
        },
        {"body": b" " * (published_keys.DOCUMENT_BYTES_MAX + 1)},
        {"body": b"{", "headers": {"content-length": "1000"}},
    ],
    ids=["missing", "redirect", "html", "deep", "empty", "object", "strange", "large", "short"],
)
def test_answer_without_keys_is_the_issuers_failure(client: Client, issuer: Issuer, change: dict[str, Any]) -> None:
    for name, value in change.items():
        setattr(issuer, name, value)
    if "content-length" in issuer.headers:
        # The connection ends before the announced length has come.
        issuer.headers["connection"] = "close"

    answer = client.get(STATS, headers=EC.bearer())

    assert (answer.status_code, answer.json()["code"]) == (503, "keys_unavailable")
    assert issuer.asked == 1
    assert issuer.url not in answer.text


def test_issuer_that_does_not_answer_is_given_up(client: Client, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published_keys, "READING_TIMEOUT_S", 0.2)
    issuer.may_answer.clear()

    answer = client.get(STATS, headers=EC.bearer())

    assert answer.status_code == 503


def test_issuer_that_never_ends_its_head_is_not_waited_for(make_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published_keys, "READING_TIMEOUT_S", 0.2)
    is_over, has_ended = threading.Event(), threading.Event()

    def trickle(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(ConnectionError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            # Some ten seconds, if nobody gives it up.
            for _ in range(500):
                if is_over.wait(0.02):
                    return
                connection.sendall(b"a")
        has_ended.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=trickle, args=(listener,), name="trickle")
        thread.start()
        try:
            client = make_client(jwks=f"http://127.0.0.1:{listener.getsockname()[1]}/jwks.json")
            answers = [client.get(STATS, headers=EC.bearer()) for _ in range(2)]
            assert not has_ended.is_set()
        finally:
            is_over.set()
            thread.join()

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(503, "keys_unavailable")] * 2


def entry_of(key: SigningKey, **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**key.entry, **changes}.items() if value is not None}


SHARED = b"a shared key that somebody published by mistake"


@pytest.mark.parametrize(
    ("entry", "token"),
    [
        ({"kty": "oct", "kid": "oct", "k": jwt.utils.base64url_encode(SHARED).decode()}, forged(SHARED, kid="oct")),
        (entry_of(RSA, use="enc"), RSA.token()),
        (entry_of(RSA, alg="RSA-OAEP"), RSA.token()),
        (entry_of(RSA, alg="HS256"), forged(json.dumps(RSA.entry).encode(), kid="rsa-1")),
        (entry_of(EC, crv="P-384"), EC.token()),
        (entry_of(EC, kid=None), EC.token()),
    ],
    ids=["oct", "enc", "oaep", "hs256", "curve", "nameless"],
)
def test_key_that_is_not_for_this_is_not_used(client: Client, issuer: Issuer, entry: dict[str, Any], token: str) -> None:
    issuer.publish(ED, entry)

    assert client.get(STATS, headers={"authorization": f"Bearer {token}"}).status_code == 401
    assert client.get(STATS, headers=ED.bearer()).status_code == 200


def test_short_rsa_key_is_not_used(client: Client, issuer: Issuer) -> None:
    key = SigningKey("short", "RS256", rsa_bits=1024)
    issuer.publish(EC, key)
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        headers = key.bearer()

    assert client.get(STATS, headers=headers).status_code == 401


def test_key_of_a_file_opens_and_is_rotated(make_client: MakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published_keys, "READING_PAUSE_S", -1.0)
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [EC.entry]}), "utf-8")
    client = make_client(jwks=str(file))

    before = [client.get(STATS, headers=key.bearer()).status_code for key in (EC, RSA)]
    file.write_text(json.dumps({"keys": [RSA.entry]}), "utf-8")
    after = client.get(STATS, headers=RSA.bearer()).status_code

    assert (before, after) == ([200, 401], 200)


@pytest.mark.parametrize(
    "place",
    ["/nowhere/jwks.json", "https://", "https://user:FAKE@example.test/jwks", "file:///etc/passwd", "ftp://example.test/a"],
)
def test_place_that_leads_to_no_keys_is_told_at_the_start(make_client: MakeClient, place: str) -> None:
    with pytest.raises(SettingsError, match="jwks"):
        make_client(jwks=place)


def test_file_without_keys_is_told_at_the_start(make_client: MakeClient, tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_text('{"keys": []}', "utf-8")

    with pytest.raises(SettingsError, match="no key that can be used"):
        make_client(jwks=str(tmp_path / "jwks.json"))


def test_server_without_an_issuer_says_what_is_missing(make_client: MakeClient, bearer: Bearer) -> None:
    client = make_client()

    answer = client.get(STATS, headers=EC.bearer())

    assert (answer.status_code, answer.json()["code"]) == (401, "token_refused")
    assert "`jwks`" in answer.json()["hint"]
    assert client.get(STATS, headers=bearer()).status_code == 200
