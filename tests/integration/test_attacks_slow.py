"""Slow and endless requests: each is given up after a bounded time, and meanwhile the others are answered."""

import contextlib
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.protocols.http.h11_impl import H11Protocol

from integration_monitor.server import connections
from tests.acceptance import live_server as live
from tests.acceptance.live_server import LiveServer, live_server

# Long enough for an honest request on a machine that has much to do.
SLOW_S = 0.4
# Longer than any machine needs; a test that waits for it has failed.
TIMEOUT_S = 20


@pytest.fixture(params=sorted({AutoHTTPProtocol, H11Protocol}, key=str), ids=lambda protocol: protocol.__name__)
def server(database_url: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[LiveServer]:
    """A server that waits for nothing long, with the parser that uvicorn chooses and with the one that is always there."""
    monkeypatch.setattr(live, "HTTP_PROTOCOL", connections.impatient(request.param))
    monkeypatch.setattr(connections, "REQUEST_TIMEOUT_S", SLOW_S)
    with live_server(database_url) as server:
        yield server


@contextlib.contextmanager
def connected(server: LiveServer) -> Iterator[socket.socket]:
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=TIMEOUT_S) as connection:
        yield connection


def read_to_the_end(connection: socket.socket) -> bytes:
    """What the server says until it closes the connection."""
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            said += piece
    return said


@pytest.mark.parametrize("sent", [b"", b"GET /sign-in HTTP/1.1\r\nHost: a\r\nX: "])
def test_head_that_does_not_end_is_given_up(server: LiveServer, sent: bytes) -> None:
    with connected(server) as connection:
        connection.sendall(sent)

        assert httpx.get(f"{server.url}/sign-in").status_code == 200
        assert read_to_the_end(connection) == b""


def test_head_that_comes_byte_by_byte_is_given_up(server: LiveServer) -> None:
    with connected(server) as connection:
        connection.sendall(b"GET /sign-in HTTP/1.1\r\nHost: a\r\nX: ")
        connection.settimeout(0.02)
        with contextlib.suppress(ConnectionError):
            for _ in range(50 * TIMEOUT_S):
                connection.sendall(b"a")
                with contextlib.suppress(TimeoutError):
                    if connection.recv(1) == b"":
                        break
            else:
                raise AssertionError("the server waits for ever")


def test_head_that_comes_at_once_is_no_longer_than_others(server: LiveServer) -> None:
    with connected(server) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(b"GET /sign-in HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n" % (b"a" * 100_000))

        assert not read_to_the_end(connection).startswith(b"HTTP/1.1 200")


def test_head_without_end_is_not_held(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REQUEST_TIMEOUT_S", 10 * TIMEOUT_S)
    with connected(server) as connection:
        said = b""
        with contextlib.suppress(ConnectionError):
            connection.sendall(b"GET /sign-in HTTP/1.1\r\n")
            for number in range(20_000):
                connection.sendall(b"X-%d: %s\r\n" % (number, b"a" * 1_000))
            raise AssertionError("the server took 20 MB of headers")
        assert said == b""


@pytest.mark.parametrize("path", ["/sign-in", "/language"])
def test_form_that_does_not_come_is_given_up(server: LiveServer, path: str) -> None:
    with connected(server) as connection:
        form = b"content-type: application/x-www-form-urlencoded\r\ncontent-length: 1000"
        connection.sendall(b"POST %s HTTP/1.1\r\nHost: a\r\n%s\r\n\r\ntoken=" % (path.encode(), form))

        assert httpx.get(f"{server.url}/sign-in").status_code == 200
        assert read_to_the_end(connection) == b""


@pytest.mark.parametrize("first", [b"GET /sign-in HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /sign-in HTTP/1.1\r\nHost: a\r\n\r\n" * 3])
def test_form_that_follows_at_once_and_does_not_come_is_given_up(server: LiveServer, first: bytes) -> None:
    with connected(server) as connection:
        form = b"content-type: application/x-www-form-urlencoded\r\ncontent-length: 1000"
        connection.sendall(first + b"POST /sign-in HTTP/1.1\r\nHost: a\r\n%s\r\n\r\ntoken=" % form)

        assert read_to_the_end(connection).count(b"HTTP/1.1 200") == first.count(b"GET")


def test_client_that_goes_away_is_no_mistake_of_ours(server: LiveServer, caplog: pytest.LogCaptureFixture) -> None:
    for path in (b"/sign-in", b"/language"):
        with connected(server) as connection:
            form = b"content-type: application/x-www-form-urlencoded\r\ncontent-length: 1000"
            connection.sendall(b"POST %s HTTP/1.1\r\nHost: a\r\n%s\r\n\r\ntoken=" % (path, form))
            read_to_the_end(connection)

    assert httpx.get(f"{server.url}/sign-in").status_code == 200
    assert "Traceback" not in caplog.text


def test_large_body_that_comes_in_time_is_read(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REQUEST_TIMEOUT_S", 10 * TIMEOUT_S)
    body = b" " * 4_000_000 + b'{"service_name": "amocrm", "action": "sync_lead", "status": "success"}'

    answer = httpx.post(
        f"{server.url}/api/ingest", content=body, headers={"authorization": f"Bearer {server.token('service_role')}"}
    )

    assert (answer.status_code, answer.json()["stored"]) == (200, 1)


@pytest.mark.parametrize("path", ["/sign-out", "/api/ingest", "/v1/traces", "/rest/v1/integration_logs"])
def test_body_of_nobody_is_not_waited_for(server: LiveServer, path: str) -> None:
    with connected(server) as connection:
        connection.sendall(b"POST %s HTTP/1.1\r\nHost: a\r\ncontent-length: 1000\r\n\r\n{" % path.encode())

        assert connection.recv(65536).startswith(b"HTTP/1.1 303" if path == "/sign-out" else b"HTTP/1.1 401")


def test_body_that_trickles_after_the_answer_is_given_up(server: LiveServer) -> None:
    with connected(server) as connection:
        connection.sendall(b"POST /api/ingest HTTP/1.1\r\nHost: a\r\ncontent-length: 100000\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 401")
        connection.settimeout(0.02)
        with contextlib.suppress(ConnectionError):
            for _ in range(50 * TIMEOUT_S):
                connection.sendall(b"a")
                with contextlib.suppress(TimeoutError):
                    if connection.recv(65536) == b"":
                        break
            else:
                raise AssertionError("the server waits for ever")


def test_connection_that_is_used_stays_open(server: LiveServer) -> None:
    with httpx.Client() as client:
        statuses = [client.get(f"{server.url}/sign-in").status_code for _ in range(20)]
        # Longer than a head may take, and within what a connection may rest.
        with connected(server) as connection:
            read_to_the_end(connection)
        statuses.append(client.get(f"{server.url}/sign-in").status_code)

    assert statuses == [200] * 21


def test_answer_may_take_longer_than_a_request(server: LiveServer) -> None:
    headers = {"authorization": f"Bearer {server.token('service_role')}"}
    record = {"service_name": "amocrm", "action": "arrives_late", "status": "success"}
    with httpx.stream(
        "GET", f"{server.url}/api/admin/integrations/monitoring/live", headers=headers, timeout=TIMEOUT_S
    ) as stream:
        pieces = stream.iter_text()
        said = next(pieces)
        with connected(server) as connection:
            read_to_the_end(connection)
        assert httpx.post(f"{server.url}/api/ingest", json=record, headers=headers).status_code == 200
        while "arrives_late" not in said:
            said += next(pieces)
