"""A server on loopback that answers as a test says, and what is captured of calls to it."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from integration_monitor.capture.call import Capture, operation_of
from integration_monitor.capture.operation import Operation
from integration_monitor.guard import Guard

KEPT_BYTES = 100
PATIENCE_S = 30


class Vendor(ThreadingHTTPServer):
    """Answers the requests one after the other with `answers`: (status, headers, body); None hangs up. Then always with 200."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.answers: list[tuple[int, dict[str, str], bytes] | None] = []
        #: of the requests that came
        self.bodies: list[bytes] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away in the middle are what some tests are about."""


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Vendor

    def do_GET(self) -> None:
        self.server.bodies.append(self.read_body())
        answer = self.server.answers.pop(0) if self.server.answers else (200, {"Content-Type": "application/json"}, b'{"id":1}')
        if answer is None:
            self.close_connection = True
            return
        status, headers, body = answer
        self.send_response(status)
        length = {} if "Transfer-Encoding" in headers or status == 204 else {"Content-Length": str(len(body))}
        for name, value in {**headers, **length}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_OPTIONS = do_GET  # noqa: N815 -- the base class's names

    def read_body(self) -> bytes:
        if "Transfer-Encoding" not in self.headers:
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def running_vendor() -> Iterator[Vendor]:
    """A vendor that answers until the block ends."""
    server = Vendor()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def make_capture(take: Callable[[Operation], None]) -> Capture:
    return Capture(take=lambda taken: take(operation_of(taken)), body_bytes_max=KEPT_BYTES, guard=Guard())


@contextlib.contextmanager
def watched(*kinds: Callable[[Capture], Any]) -> Iterator[list[Operation]]:
    """What is captured in the block by these kinds of patches together."""
    operations: list[Operation] = []
    capture = make_capture(operations.append)
    patches = [kind(capture) for kind in kinds]
    for patch in patches:
        patch.patch(sys.modules[patch.library])
    yield operations
    for patch in patches:
        patch.unpatch()
