"""The stand-in vendors on loopback, a port each: a thin shell of HTTP around the pure functions."""

import socket
import threading
import zlib
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl

from integration_monitor.simulators import amocrm, mobizon, resend, telegram, whapi
from integration_monitor.simulators.message import SimulatedRequest, SimulatedResponse

Responder = Callable[[SimulatedRequest], SimulatedResponse]

RESPONDERS: Mapping[str, Responder] = {
    "amocrm": amocrm.respond,
    "mobizon": mobizon.respond,
    "resend": resend.respond,
    "telegram": telegram.respond,
    "whapi": whapi.respond,
}

# What an answer of the real vendor takes on the average, in seconds: a chart of response times should look like one.
_LATENCY_S = {"amocrm": 0.18, "mobizon": 0.35, "resend": 0.12, "telegram": 0.07, "whapi": 0.28}
# No vendor takes larger bodies; a client that claims one is not read.
_BODY_BYTES_MAX = 64 * 1024 * 1024
# Threads of open connections get so long to end.
_STOP_S = 2.0


class SimulatedVendors:
    """The five vendors, each on a free port of loopback. A context manager.

    is_lifelike:
        Answers take as long as those of the real vendors, some of them longer; the same request always as long.
    """

    def __init__(self, *, host: str = "127.0.0.1", is_lifelike: bool = False) -> None:
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._servers = {
            name: _Server((host, 0), respond, self._stopping, _LATENCY_S[name] if is_lifelike else 0.0)
            for name, respond in RESPONDERS.items()
        }
        #: service → address without path: `http://127.0.0.1:40001`
        self.base_urls = {name: f"http://{host}:{server.server_port}" for name, server in self._servers.items()}
        #: as the setting of that name takes it
        self.service_hosts = {f"{host}:{server.server_port}": name for name, server in self._servers.items()}

    def start(self) -> Self:
        for name, server in self._servers.items():
            thread = threading.Thread(
                target=server.serve_forever, kwargs={"poll_interval": 0.05}, name=f"simulated {name}", daemon=True
            )
            thread.start()
            self._threads.append(thread)
        return self

    def stop(self) -> None:
        """Ends everything, also answers that are still being waited for."""
        self._stopping.set()
        for server in self._servers.values():
            if self._threads:
                server.shutdown()
            server.end_connections()
            server.server_close()
        for thread in self._threads:
            thread.join(_STOP_S)
        self._threads.clear()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    """One vendor."""

    daemon_threads = True
    # Clients of the demo come in bursts.
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], respond: Responder, stopping: threading.Event, latency_s: float) -> None:
        super().__init__(address, _Handler)
        self.respond = respond
        self.stopping = stopping
        self.latency_s = latency_s
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}

    def hold(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections[connection] = threading.current_thread()

    def release(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.pop(connection, None)

    def end_connections(self) -> None:
        """Wakes the threads that wait for a client's next request, and waits for them."""
        with self._lock:
            connections = dict(self._connections)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client was faster
        for thread in connections.values():
            thread.join(_STOP_S)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error here: giving up early is what the tests do."""


class _Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 with kept-alive connections."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        # Head and body are two writes: without it the second waits 40 ms for the client's acknowledgement.
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.hold(self.connection)

    def finish(self) -> None:
        self.server.release(self.connection)
        super().finish()

    def _respond(self) -> None:
        path, _, query = self.path.partition("?")
        request = SimulatedRequest(
            method=self.command.upper(),
            path=path,
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self._read_body(),
        )
        response = self.server.respond(request)
        delay_s = response.delay_s + _latency_s(request, self.server.latency_s)
        if response.is_dropped or (delay_s and self.server.stopping.wait(delay_s)):
            self.close_connection = True
            return
        self._write(response)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _respond  # noqa: N815 (names that the standard library looks for)

    def _read_body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)
        return self.rfile.read(min(int(self.headers.get("content-length") or 0), _BODY_BYTES_MAX))

    def _write(self, response: SimulatedResponse) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        has_body = self.command != "HEAD" and response.status not in (204, 304)
        if response.status != 204:  # noqa: PLR2004 (No Content has no length either)
            self.send_header("content-length", str(len(response.body)))
        self.end_headers()
        if has_body:
            self.wfile.write(response.body)

    def version_string(self) -> str:
        return "stand-in"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the standard library's name)
        """Quiet: a URL holds tokens."""


def _latency_s(request: SimulatedRequest, average_s: float) -> float:
    """Between half the average and thrice it, for one request in fifty much more; the same for the same request."""
    draw = zlib.crc32(request.path.encode() + request.body) / 2**32
    return average_s * (0.5 + 2.5 * draw**3 + (4 if draw > 0.98 else 0))  # noqa: PLR2004 (one in fifty)
