"""A vendor on loopback that remembers which calls have reached it, and takes its time with some."""

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# So that most calls are in flight for a moment, and some for as long as it takes to be written as pending.
QUICK_S = 0.01
SLOW_S = 0.6
SLOW_SHARE = 0.02


class Vendor(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, *, is_slow: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.is_slow = is_slow
        #: the keys of the calls that have come
        self.seen: set[str] = set()
        self.address = f"127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients are killed in the middle of a call: that is what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Vendor
    # Head and body in two packets would wait for each other's acknowledgement.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.server.seen.add(self.path.rpartition("/")[2])
        if self.server.is_slow:
            time.sleep(SLOW_S if random.random() < SLOW_SHARE else random.uniform(0, QUICK_S))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "8")
        self.end_headers()
        self.wfile.write(b'{"id":1}')

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def running_vendor(*, is_slow: bool = True) -> Iterator[Vendor]:
    vendor = Vendor(is_slow=is_slow)
    thread = threading.Thread(target=vendor.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield vendor
    finally:
        vendor.shutdown()
        thread.join()
        vendor.server_close()
