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
SLOW_S = 1.0
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
