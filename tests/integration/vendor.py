"""A vendor on loopback that answers as the path of a request says, over HTTP/1.1 (also with TLS) and over HTTP/2."""

import contextlib
import gzip
import socket
import ssl
import subprocess
import threading
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import h2.config
import h2.connection
import h2.events
import h2.exceptions

# Long enough for any machine; what is waited for comes at once.
PATIENCE_S = 30


class Head(NamedTuple):
    """The beginning of an answer. Without a Content-Length its body comes in chunks."""

    status: int
    headers: dict[str, str]


class Raw(NamedTuple):
    """Bytes instead of HTTP."""

    data: bytes


#: the vendor goes on when the test says so
PAUSE = "pause"
#: the connection ends here
CUT = "cut"

Step = Head | Raw | bytes | str
#: what is answered, given the body of the request
Script = Callable[[bytes], Iterator[Step]]


def whole(body: bytes, status: int = 200, **headers: str) -> Iterator[Step]:
    yield Head(status, {"Content-Length": str(len(body)), **{name.replace("_", "-"): text for name, text in headers.items()}})
    yield body


def steps(*given: Step) -> Script:
    return lambda _body: iter(given)


EVENTS = Head(200, {"Content-Type": "text/event-stream"})
IN_CHUNKS = Head(200, {})

#: by path
SCRIPTS: dict[str, Script] = {
    "ok": lambda _body: whole(b'{"ok":true}', Content_Type="application/json"),
    "echo": whole,
    "missing": lambda _body: whole(b"gone", 404),
    "broken": lambda _body: whole(b"sorry", 503),
    "redirect": lambda _body: whole(b"moved", 302, Location="/ok"),
    "gzip": lambda _body: whole(gzip.compress(b"hello"), Content_Encoding="gzip"),
    "deflate": lambda _body: whole(zlib.compress(b"hello"), Content_Encoding="deflate"),
    "badly_compressed": lambda _body: whole(b"this is no gzip", Content_Encoding="gzip"),
    "never": steps(PAUSE),
    "slowly": steps(IN_CHUNKS, b"first", PAUSE, b"second"),
    "events": steps(EVENTS, b"data: first\n\n", PAUSE, b"data: second\n\n"),
    "halfway": steps(IN_CHUNKS, b"first", CUT),
    "short": steps(Head(200, {"Content-Length": "100"}), b"first", CUT),
    "hangup": steps(CUT),
    "rubbish": steps(Raw(b"this is no HTTP\r\n\r\n"), CUT),
    "farewell": lambda body: iter([*whole(body), CUT]),
}


class _Control:
    """What a test has in hand of a vendor."""

    def __init__(self) -> None:
        self.may_go_on = threading.Event()
        #: set each time a connection has been closed from here
        self.has_cut = threading.Event()
        #: set when a request has come
        self.is_asked = threading.Event()
        self.connections_count = 0


class Vendor(ThreadingHTTPServer):
    """Over HTTP/1.1."""

    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.control = _Control()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_address[1]}"
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    def get_request(self) -> tuple[socket.socket, Any]:
        self.control.connections_count += 1
        return super().get_request()

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.control.has_cut.set()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away in the middle are what these tests are about."""


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Vendor

    def do_GET(self) -> None:
        body = self.read_body()
        self.server.control.is_asked.set()
        if self.headers.get("Upgrade"):
            self.upgrade()
            return
        is_chunked = False
        for step in SCRIPTS[self.path.strip("/").partition("?")[0]](body):
            if step == PAUSE:
                self.server.control.may_go_on.wait(PATIENCE_S)
            elif step == CUT:
                self.close_connection = True
                return
            elif isinstance(step, Raw):
                self.wfile.write(step.data)
            elif isinstance(step, Head):
                is_chunked = "Content-Length" not in step.headers
                self.send_response(step.status)
                for name, text in {**step.headers, **({"Transfer-Encoding": "chunked"} if is_chunked else {})}.items():
                    self.send_header(name, text)
                self.end_headers()
            elif isinstance(step, bytes):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(step), step) if is_chunked else step)
        if is_chunked:
            self.wfile.write(b"0\r\n\r\n")

    do_POST = do_GET  # noqa: N815 -- the base class's name

    def read_body(self) -> bytes:
        if "Transfer-Encoding" not in self.headers:
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def upgrade(self) -> None:
        """Speaks another protocol, in which it repeats what it hears."""
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", self.headers["Upgrade"])
        self.end_headers()
        self.wfile.write(self.rfile.read(5))
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class Http2Vendor:
    """Over HTTP/2, without TLS and without asking (RFC 9113, 3.3). The same scripts, as far as there can be such a thing."""

    def __init__(self) -> None:
        self.control = _Control()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def serve_forever(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = self._listener.accept()
                self.control.connections_count += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def close(self) -> None:
        # A thread that waits in `accept` is not woken by `close`.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self, connection: socket.socket) -> None:
        protocol = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        protocol.initiate_connection()
        paths: dict[int, str] = {}
        bodies: dict[int, bytes] = {}
        with contextlib.ExitStack() as stack:
            stack.callback(self.control.has_cut.set)
            stack.enter_context(connection)
            # Clients that go away in the middle are what these tests are about.
            stack.enter_context(contextlib.suppress(OSError, h2.exceptions.ProtocolError))
            connection.sendall(protocol.data_to_send())
            while data := connection.recv(65_536):
                for event in protocol.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        paths[event.stream_id] = dict(event.headers)[b":path"].decode().strip("/")
                    elif isinstance(event, h2.events.DataReceived):
                        bodies[event.stream_id] = bodies.get(event.stream_id, b"") + event.data
                        protocol.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    elif isinstance(event, h2.events.StreamEnded):
                        self.control.is_asked.set()
                        script = SCRIPTS[paths[event.stream_id]](bodies.get(event.stream_id, b""))
                        if not self._answer(connection, protocol, event.stream_id, script):
                            self._hang_up(connection)
                            return
                connection.sendall(protocol.data_to_send())

    def _hang_up(self, connection: socket.socket) -> None:
        # With something unread, `close` would reset the connection, and what was just answered might be lost.
        connection.shutdown(socket.SHUT_WR)
        self.control.has_cut.set()
        while connection.recv(65_536):
            pass

    def _answer(
        self, connection: socket.socket, protocol: h2.connection.H2Connection, stream_id: int, script: Iterator[Step]
    ) -> bool:
        """Whether the connection goes on."""
        left = None
        for step in script:
            if step == PAUSE:
                self.control.may_go_on.wait(PATIENCE_S)
            elif step == CUT:
                if left == 0:
                    protocol.end_stream(stream_id)
                    connection.sendall(protocol.data_to_send())
                return False
            elif isinstance(step, Raw):
                connection.sendall(step.data)
            elif isinstance(step, Head):
                fields = [(name.lower(), text) for name, text in step.headers.items()]
                protocol.send_headers(stream_id, [(":status", str(step.status)), *fields])
                left = int(step.headers["Content-Length"]) if "Content-Length" in step.headers else None
            elif isinstance(step, bytes):
                protocol.send_data(stream_id, step)
                left = None if left is None else left - len(step)
            connection.sendall(protocol.data_to_send())
        protocol.end_stream(stream_id)
        connection.sendall(protocol.data_to_send())
        return True


@contextlib.contextmanager
def running_vendor(tls: ssl.SSLContext | None = None) -> Iterator[Vendor]:
    """A vendor that answers until the block ends."""
    server = Vendor(tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.control.may_go_on.set()
    server.shutdown()
    thread.join()
    server.server_close()


@contextlib.contextmanager
def running_http2_vendor() -> Iterator[Http2Vendor]:
    """As `running_vendor`."""
    server = Http2Vendor()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.control.may_go_on.set()
    server.close()
    thread.join()


@contextlib.contextmanager
def full_backlog() -> Iterator[str]:
    """The address of a server that takes no connection: the kernel drops what it has no room for, and a client waits."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        # Linux takes one more than it is told.
        for _ in range(2):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


_OPENSSL = (
    *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
    *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
)


def make_certificate(folder: Path) -> Path:
    """A self-signed certificate of 127.0.0.1 with its key, in one file."""
    key, certificate, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    subprocess.run(
        [*_OPENSSL, "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    both.write_text(certificate.read_text() + key.read_text())
    return both
