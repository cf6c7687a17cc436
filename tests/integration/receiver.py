"""A receiver of alerts on loopback: what Apprise's `json://` posts to."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE_S = 60


class Receiver:
    """Takes messages, unless it is told to refuse them or is not there at all."""

    def __init__(self) -> None:
        #: title, message and type of each, as they came
        self.messages: list[dict[str, Any]] = []
        #: what it answers
        self.status = 200
        self._server: ThreadingHTTPServer | None = None
        self.start()
        assert self._server is not None
        self.port: int = self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}/PLANTEDtoken4f8e21c07b9a"

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.messages]

    def start(self) -> None:
        """Listens, at the same port as before."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.status == 200:
                    receiver.messages.append(json.loads(body))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", getattr(self, "port", 0)), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, name="receiver").start()

    def wait_for(self, count: int) -> None:
        """Until so many messages have come, for as long as any machine needs."""
        deadline = time.monotonic() + PATIENCE_S
        while len(self.messages) < count:
            assert time.monotonic() < deadline, self.titles
            time.sleep(0.01)

    def stop(self) -> None:
        """Is not there any more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
