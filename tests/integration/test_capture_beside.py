"""Beside other tools that patch the same libraries, in either order, and under those that stand in for the network in tests.

The other tools cannot be undone within a process, so each case has a process of its own.
"""

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import responses
import respx
import vcr

import integration_monitor as im

# A hang is a failure too; each process ends within seconds.
PATIENCE_S = 90

PROGRAM = """
import asyncio, http.server, json, logging, sys, threading
import httpx, requests
import integration_monitor as im
logging.disable(logging.CRITICAL)

class Vendor(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        status = 500 if "broken" in self.path else 200
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "8")
        self.end_headers()
        self.wfile.write(b'{"id":1}')
    def log_message(self, *args):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Vendor)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
"""

SENTRY = """
import sentry_sdk
from sentry_sdk.transport import Transport
class Keep(Transport):
    def capture_envelope(self, envelope):
        event = envelope.get_transaction_event()
        if event:
            peer.extend(span["description"] for span in event["spans"] if span["op"] == "http.client")
peer = []
def begin_peer():
    sentry_sdk.init(dsn="http://key@127.0.0.1:1/1", transport=Keep, traces_sample_rate=1.0)
def peer_calls():
    return peer
def around(calls):
    with sentry_sdk.start_transaction(name="work"):
        calls()
"""

OPENTELEMETRY = """
from opentelemetry import trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter = InMemorySpanExporter()
def begin_peer():
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    HTTPXClientInstrumentor().instrument()
    RequestsInstrumentor().instrument()
def peer_calls():
    return [span.name for span in exporter.get_finished_spans() if span.kind is trace.SpanKind.CLIENT]
def around(calls):
    calls()
"""

LOGFIRE = """
import logfire
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter = InMemorySpanExporter()
def begin_peer():
    logfire.configure(send_to_logfire=False, console=False, additional_span_processors=[SimpleSpanProcessor(exporter)])
    logfire.instrument_httpx(capture_all=True)
    logfire.instrument_requests()
def peer_calls():
    return [span.name for span in exporter.get_finished_spans() if span.kind is trace.SpanKind.CLIENT]
def around(calls):
    calls()
"""

CALLS = """
def calls():
    with httpx.Client() as client:
        client.post(url + "/v1/sync", json={"by": "httpx"})
    async def call_async():
        async with httpx.AsyncClient() as client:
            await client.post(url + "/v1/async", json={"by": "httpx"})
            async with client.stream("POST", url + "/v1/streamed", json={"by": "httpx"}) as response:
                assert b"".join([piece async for piece in response.aiter_bytes()]) == b'{"id":1}'
    asyncio.run(call_async())
    requests.post(url + "/v1/requests", json={"by": "requests"})
    assert requests.post(url + "/v1/broken", json={"by": "requests"}).status_code == 500

records = []
def begin_ours(stack):
    records.extend([stack.enter_context(im.testing.capture())])

import contextlib
with contextlib.ExitStack() as stack:
    for one in sys.argv[1].split(","):
        begin_peer() if one == "peer" else begin_ours(stack)
    around(calls)
shown = [
    [one.action, one.status, one.request_payload["body"], one.response_payload["body"], one.request_payload["headers"]]
    for one in records[0]
]
with httpx.Client() as client:
    assert client.post(url + "/v1/after", json={}).json() == {"id": 1}
assert requests.post(url + "/v1/after", json={}).json() == {"id": 1}
print(json.dumps({"records": shown, "after": len(records[0]), "peer": len(peer_calls())}))
"""

EXPECTED = [
    ("POST /v1/sync", "success", {"by": "httpx"}),
    ("POST /v1/async", "success", {"by": "httpx"}),
    ("POST /v1/streamed", "success", {"by": "httpx"}),
    ("POST /v1/requests", "success", {"by": "requests"}),
    ("POST /v1/broken", "failed", {"by": "requests"}),
]


def run(program: str, *arguments: str) -> Any:
    finished = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout.splitlines()[-1])


@pytest.mark.parametrize("order", ["ours,peer", "peer,ours"])
@pytest.mark.parametrize("peer", [SENTRY, OPENTELEMETRY, LOGFIRE], ids=["sentry", "opentelemetry", "logfire"])
def test_each_call_is_recorded_once_and_the_other_tool_sees_it_too(peer: str, order: str) -> None:
    told = run(PROGRAM + peer + CALLS, order)

    assert [(action, status, sent) for action, status, sent, _answer, _headers in told["records"]] == EXPECTED
    assert [answer for _action, _status, _sent, answer, _headers in told["records"]] == [{"id": 1}] * 5
    assert told["after"] == len(EXPECTED)
    assert told["peer"] >= len(EXPECTED)


def post_with(client: Any) -> Any:
    return client.post("https://api.example.com/v1/leads", json={"name": "Anna"})


def test_under_respx_calls_are_recorded() -> None:
    with respx.mock, im.testing.capture() as records:
        respx.post("https://api.example.com/v1/leads").respond(201, json={"id": 7})

        response = post_with(httpx)

    assert response.json() == {"id": 7}
    [record] = records
    assert (record.request_payload["body"], record.response_payload["body"]) == ({"name": "Anna"}, {"id": 7})


def test_under_responses_calls_are_recorded() -> None:
    with responses.mock, im.testing.capture() as records:
        responses.add(responses.POST, "https://api.example.com/v1/leads", json={"id": 7}, status=201)

        response = post_with(requests)

    assert response.json() == {"id": 7}
    [record] = records
    assert (record.request_payload["body"], record.response_payload["body"]) == ({"name": "Anna"}, {"id": 7})
    assert record.response_payload["status_code"] == 201


CASSETTE = textwrap.dedent(
    """
    version: 1
    interactions:
    - request:
        method: POST
        uri: https://api.example.com/v1/leads
        body: null
        headers: {}
      response:
        status: {code: 201, message: Created}
        headers:
          Content-Type: [application/json]
        body: {string: '{"id": 7}'}
    """
)


@pytest.mark.parametrize("library", [httpx, requests], ids=["httpx", "requests"])
def test_under_vcrpy_replayed_calls_are_recorded(library: Any, tmp_path: Path) -> None:
    (tmp_path / "cassette.yaml").write_text(CASSETTE)
    recorder = vcr.VCR(match_on=["method", "uri"], record_mode=vcr.mode.NONE)

    with recorder.use_cassette(str(tmp_path / "cassette.yaml")), im.testing.capture() as records:
        response = post_with(library)

    assert response.json() == {"id": 7}
    [record] = records
    assert (record.request_payload["body"], record.response_payload["body"]) == ({"name": "Anna"}, {"id": 7})
