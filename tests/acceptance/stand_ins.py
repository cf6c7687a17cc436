"""Stand-ins on loopback for vendors of which there is no simulator: OpenAI, Stripe, Slack, and a store that speaks S3.

They answer as the vendors' documentation shows it, as far as the SDKs read it; what is asked of them decides the answer.
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

_EVENTS = [
    {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-test", "choices": [choice]}
    for choice in (
        {"index": 0, "delta": {"role": "assistant", "content": "Hel"}, "finish_reason": None},
        {"index": 0, "delta": {"content": "lo"}, "finish_reason": None},
        {"index": 0, "delta": {}, "finish_reason": "stop"},
    )
]
_COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-test",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
_RATE_LIMITED = {
    "error": {"message": "Rate limit reached for gpt-test", "type": "requests", "param": None, "code": "rate_limit_exceeded"}
}
_INTENT = {"id": "pi_FAKE1", "object": "payment_intent", "amount": 2000, "currency": "usd", "status": "succeeded"}
_DECLINED = {
    "error": {
        "type": "card_error",
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "message": "Your card has insufficient funds.",
        "charge": "ch_FAKE1",
    }
}
_NO_SUCH_KEY = """<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>missing</Key></Error>"""

# How late the second half of the streamed answer is: long enough to be told from the headers.
_STREAM_PAUSE_S = 0.3


class _StandIn(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave together: apart, each answer waits for the client's acknowledgement.
    wbufsize = -1

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        pass

    def _body(self) -> bytes:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _answer_json(self, status: int, body: object, **headers: str) -> None:
        self._answer(status, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})


class OpenaiStandIn(_StandIn):
    """Streams where `stream` is asked for; the message `limit` is one too many."""

    def do_POST(self) -> None:
        asked = json.loads(self._body())
        if asked["messages"][0]["content"] == "limit":
            self._answer_json(429, _RATE_LIMITED)
        elif not asked.get("stream"):
            self._answer_json(200, _COMPLETION)
        else:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            for event in _EVENTS:
                self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
                self.wfile.flush()
                time.sleep(_STREAM_PAUSE_S / len(_EVENTS))
            self.wfile.write(b"data: [DONE]\n\n")
            self.close_connection = True


class StripeStandIn(_StandIn):
    """The amount 1 is declined."""

    def do_POST(self) -> None:
        fields = parse_qs(self._body().decode())
        if fields["amount"] == ["1"]:
            self._answer_json(402, _DECLINED, **{"Request-Id": "req_FAKE1"})
        else:
            self._answer_json(200, _INTENT, **{"Request-Id": "req_FAKE2"})


class SlackStandIn(_StandIn):
    """The channel `gone` does not exist, which Slack says with 200."""

    def do_POST(self) -> None:
        body = self._body()
        is_gone = b"gone" in body
        self._answer_json(
            200, {"ok": False, "error": "channel_not_found"} if is_gone else {"ok": True, "ts": "1.2", "channel": "C1"}
        )


class S3StandIn(_StandIn):
    """Keeps nothing; the key `missing` is missing."""

    def do_PUT(self) -> None:
        self._body()
        self._answer(200, b"", {"ETag": '"fake"'})

    def do_GET(self) -> None:
        if self.path.endswith("missing"):
            self._answer(404, _NO_SUCH_KEY.encode(), {"Content-Type": "application/xml"})
        else:
            self._answer(200, b"contents", {"Content-Type": "text/plain", "ETag": '"fake"'})


STAND_INS: Mapping[str, type[_StandIn]] = {
    "openai": OpenaiStandIn,
    "stripe": StripeStandIn,
    "slack": SlackStandIn,
    "s3": S3StandIn,
}


@contextmanager
def standing_in() -> Iterator[dict[str, str]]:
    """All of them, running: name → `127.0.0.1:port`."""
    servers = {name: ThreadingHTTPServer(("127.0.0.1", 0), kind) for name, kind in STAND_INS.items()}
    threads = [
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True) for server in servers.values()
    ]
    try:
        for thread in threads:
            thread.start()
        yield {name: f"127.0.0.1:{server.server_port}" for name, server in servers.items()}
    finally:
        for server in servers.values():
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join(5)
