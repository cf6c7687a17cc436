"""What attackers send to every address: none of it becomes HTML of a page, a line of a header, a request to another host, or memory without bound."""

import contextlib
import gzip
import json
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import pytest
import zstandard
from psycopg import sql

from integration_monitor.record import entity_uuid
from integration_monitor.server.ingest import bodies
from integration_monitor.server.ingest.limits import BODY_BYTES_MAX
from integration_monitor.server.rest.parameters import read_question
from integration_monitor.server.rest.refusals import RequestRefused
from tests.acceptance.live_server import live_server
from tests.integration.addresses import API, DOORS, changing, questions
from tests.integration.batches import fetch
from tests.integration.conftest import AddLog, Bearer, Client, MakeToken
from tests.integration.issuer import Issuer, issuing
from tests.integration.test_alerts_api import add_incident

RECORD: dict[str, Any] = {"service_name": "amocrm", "action": "sync_lead", "status": "success"}
IMAGE = '<img src=x onerror="hit()">'
MARKUP = f"\"'></script></title></textarea>{IMAGE}"


def text_columns(database_url: str) -> Sequence[tuple[str, str, str, str]]:
    """(schema, table, column, type) of whatever text and JSON is kept."""
    return fetch(
        database_url,
        "select c.table_schema, c.table_name, c.column_name, c.data_type from information_schema.columns as c"
        " join information_schema.tables as t using (table_schema, table_name)"
        " where t.table_type = 'BASE TABLE' and c.data_type in ('text', 'jsonb')"
        " and (c.table_schema = 'integration_monitor' or (c.table_schema = 'public' and c.table_name = 'integration_logs'))",
    )


def test_markup_in_every_column_is_text_on_every_page(
    client: Client, make_token: MakeToken, add_log: AddLog, database_url: str
) -> None:
    record_id = add_log(
        status="failed", error_code="X", error_message="x", related_entity_type="lead", related_entity_id=entity_uuid("lead", 5)
    )
    add_incident(database_url)
    fetch(
        database_url,
        "insert into integration_monitor.writers (writer_id, host, pid, started_at, taken, dropped) values (gen_random_uuid(), 'h', 1, now(), 9, 2)",
    )
    taken = set()
    for schema, table, column, kind in text_columns(database_url):
        value = (
            json.dumps({MARKUP: MARKUP, "body": {MARKUP: MARKUP}, "url": MARKUP, "method": MARKUP}) if kind == "jsonb" else MARKUP
        )
        statement = sql.SQL("update {} set {} = %s").format(sql.Identifier(schema, table), sql.Identifier(column))
        # What has a list of possible values takes no markup.
        with psycopg.connect(database_url) as connection:
            try:
                connection.execute(statement, [value])
            except psycopg.Error:
                connection.rollback()
            else:
                taken.add(f"{table}.{column}")
    assert {"integration_logs.error_message", "integration_logs.action", "incidents.summary", "writers.host"} <= taken
    client.post("/sign-in", data={"token": make_token("service_role", email=MARKUP)})
    service = quote(MARKUP, safe="")
    addresses = [
        "/",
        "/?by=fault",
        "/errors",
        "/logs",
        f"/logs/{record_id}",
        f"/service?service={service}",
        f"/entity?type={service}&id=5",
        "/system",
        f"/logs?text={service}",
        f"/errors?service={service}",
        f"/nowhere/{service}",
        f"/sign-in/{service}",
        f"{API}/report?service={service}&format=html",
    ]

    for address in addresses:
        answer = client.get(address, headers={"accept": "text/html"}, follow_redirects=False)

        assert answer.headers["content-type"].startswith("text/html"), address
        assert IMAGE not in answer.text, address
        assert 'onerror="hit' not in answer.text, address
        assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert any("&lt;img" in client.get(address, headers={"accept": "text/html"}).text for address in addresses[:4])
    # The groups come when the page asks for itself.
    groups = client.get("/errors", headers={"accept": "text/html", "hx-request": "true"}).text
    assert 'class="panel group' in groups
    assert IMAGE not in groups


def test_json_is_never_taken_for_a_page(client: Client, bearer: Bearer, add_log: AddLog) -> None:
    add_log(service_name=MARKUP, status="failed", error_message=MARKUP)
    for path in (
        f"{API}/failures",
        f"{API}/logs",
        f"{API}/export?format=csv",
        f"{API}/export",
        "/rest/v1/integration_logs",
        f"{API}/nowhere",
    ):
        answer = client.get(path, headers={**bearer(), "accept": "text/html"})

        assert not answer.headers["content-type"].startswith("text/html"), path
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_every_change_by_a_page_of_another_site_is_refused(client: Client, make_token: MakeToken) -> None:
    client.post("/sign-in", data={"token": make_token("service_role")})
    asked = changing(client)
    assert {"/sign-in", "/sign-out", *DOORS} <= {path for _method, path in asked}

    for method, path in asked:
        for headers in (
            {"sec-fetch-site": "cross-site"},
            {"origin": "https://evil.test"},
            {"origin": "null"},
            {"origin": "http://["},
        ):
            answer = client.request(method, path, headers=headers, content=b"{}", follow_redirects=False)

            assert (answer.status_code, "evil" in answer.headers.get("location", "")) == (403, False), (
                method,
                path,
                answer.text[:200],
            )


REDIRECTS = [
    ("/sign-in?next=//evil.test", {}),
    ("/sign-in?next=https://evil.test&redirect_to=https://evil.test&return=//evil.test", {}),
    ("/sign-in", {"host": "evil.test"}),
    (
        "/sign-in",
        {
            "x-forwarded-host": "evil.test",
            "forwarded": "host=evil.test",
            "x-original-url": "//evil.test",
            "referer": "https://evil.test/",
        },
    ),
]


@pytest.mark.parametrize(("path", "headers"), REDIRECTS)
def test_sign_in_leads_nowhere_but_home(client: Client, make_token: MakeToken, path: str, headers: dict[str, str]) -> None:
    answer = client.post(path, data={"token": make_token()}, headers=headers, follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_no_address_redirects_to_another_host(client: Client) -> None:
    for path in (
        "//evil.test",
        "//evil.test/%2e%2e",
        "/%2f%2fevil.test",
        "/\\evil.test",
        "/https://evil.test",
        "/logs//evil.test",
        "//evil.test/sign-in/",
    ):
        answer = client.get(path, headers={"accept": "text/html", "host": "evil.test"}, follow_redirects=False)

        assert answer.headers.get("location", "/sign-in") in {"/", "/sign-in"}, path


@pytest.fixture
def elsewhere() -> Iterator[Issuer]:
    """A host that nobody may be made to ask."""
    with issuing() as elsewhere:
        yield elsewhere


def test_no_request_makes_the_server_ask_another_host(
    client: Client, bearer: Bearer, make_token: MakeToken, elsewhere: Issuer
) -> None:
    url, headers = elsewhere.url, bearer("service_role")
    told = dict.fromkeys(
        ("referer", "origin", "x-forwarded-host", "x-original-url", "x-callback-url", "forwarded", "link", "profile"), url
    )

    for path, name in questions(client):
        client.get(path, params={name: url}, headers={**headers, **told}, follow_redirects=False)
    call = {
        "request": {"method": "GET", "url": url, "headers": {"host": url}},
        "response": {"status_code": 200, "body": url},
        "url": url,
        "method": "GET",
    }
    for door in DOORS:
        for body in (
            call,
            [call],
            {**RECORD, "error_message": url, "request_payload": {"url": url, "method": "GET", "$ref": url}},
            {"resourceSpans": [{"schemaUrl": url}]},
        ):
            client.post(door, json=body, headers=headers)
    for link in ("jku", "x5u"):
        client.get(f"{API}/stats", headers={"authorization": f"Bearer {make_token(iss=url)}", link: url})
    for record in client.get(f"{API}/logs", headers=headers).json()["data"]:
        client.get(f"{API}/logs/{record['id']}/curl", headers=headers)
        client.get(f"/logs/{record['id']}", headers=headers)

    assert elsewhere.asked == 0


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_bomb_is_not_unpacked(client: Client, bearer: Bearer, path: str, encoding: str) -> None:
    zeros = b" " * (256 * 1024 * 1024)
    packed = gzip.compress(zeros, 6) if encoding == "gzip" else zstandard.ZstdCompressor(level=1).compress(zeros)
    assert len(packed) < 1024 * 1024

    answer = client.post(
        path, content=packed, headers={**bearer("service_role"), "content-encoding": encoding, "content-type": "application/json"}
    )

    assert answer.status_code in {413, 415}, answer.text


@pytest.mark.parametrize("member", [gzip.compress(b"", mtime=0), zstandard.ZstdCompressor().compress(b"")])
def test_body_of_empty_members_is_unpacked_in_one_go(member: bytes) -> None:
    encoding = "gzip" if member.startswith(b"\x1f\x8b") else "zstd"
    began = time.thread_time()

    unpacked = bodies.unpack(member * (BODY_BYTES_MAX // len(member)), encoding)

    assert unpacked == b""
    # One second of the processor's; it was minutes when each member copied all that follows it.
    assert time.thread_time() - began < 30


def test_list_of_blanks_is_read_in_one_go() -> None:
    began = time.thread_time()

    with pytest.raises(RequestRefused):
        read_question("integration_logs", [("service_name", f"in.({' ' * 60_000}()")])

    # A millisecond; it was a minute when every division of the blanks was tried.
    assert time.thread_time() - began < 10


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'[{"request_payload":' + b"[" * 100_000,
        b'{"service_name":"' + b"\\u0000" * 10,
        b"1" * 100_000,
        b"\xff\xfe",
        b"null",
        b"[]" * 1000,
    ],
)
def test_strange_body_is_refused(client: Client, bearer: Bearer, path: str, body: bytes) -> None:
    answer = client.post(path, content=body, headers={**bearer("service_role"), "content-type": "application/json"})

    assert answer.status_code in {400, 413, 415, 422}, answer.text[:300]


def test_running_server_survives_broken_requests(database_url: str) -> None:
    heads = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET http://evil.test/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /sign-in/%0d%0ax-injected:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /sign-in HTTP/1.1\r\nHost: a\r\nX: a\nx-injected: 1\r\n\r\n",
        b"POST /api/ingest HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x",
        b"POST /api/ingest HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/ingest HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
    ]
    with live_server(database_url) as server:
        parts = urlsplit(server.url)
        for head in heads:
            with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
                connection.sendall(head)
                connection.shutdown(socket.SHUT_WR)
                said = b""
                with contextlib.suppress(ConnectionResetError):
                    while piece := connection.recv(65536):
                        said += piece

                assert b"\r\nx-injected" not in said.lower(), head
                assert b" 500 " not in said.partition(b"\r\n")[0], head
                assert b"root:" not in said
