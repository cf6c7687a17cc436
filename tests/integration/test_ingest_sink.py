"""The SDK without a database login: batches go to a monitor over HTTP, and nothing is lost or stored twice on the way."""

import contextlib
import math
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import msgspec
import pytest

import integration_monitor as im
from integration_monitor import settings
from integration_monitor.batch import Batch
from integration_monitor.errors import PermissionRefused, RecordsRefused, SettingsError, StoreError, StoreUnavailable
from integration_monitor.instrumentation import _state
from integration_monitor.store import monitor
from integration_monitor.store.keys import hashed
from integration_monitor.store.monitor import MonitorSink, read_address
from integration_monitor.writer.destination import destination_of
from integration_monitor.writer.sink import Sink
from tests.acceptance.live_server import live_server
from tests.integration.batches import fetch, record, report, stored

KEY = "im_FAKE_KEY_OF_THE_TESTS"


@pytest.fixture
def monitor_url(database_url: str) -> Iterator[str]:
    """A monitor that listens, with the key in its address."""
    fetch(
        database_url,
        "insert into integration_monitor.api_keys (name, scope, secret_hash, created_by) values ('app', 'ingest', %(hash)s, 'test')",
        hash=hashed(KEY),
    )
    with live_server(database_url) as server:
        yield server.url.replace("://", f"://{KEY}@")


@pytest.fixture
def sink(monitor_url: str) -> Iterator[MonitorSink]:
    made = MonitorSink(monitor_url)
    with contextlib.closing(made):
        yield made


def test_sink_is_one_of_the_writers(sink: Sink) -> None:
    sink.maintain()
    sink.close()


def test_batch_is_stored_with_its_report_when_write_returns(sink: MonitorSink, database_url: str) -> None:
    records = [record(request_payload={"n": number, "text": "x" * 100}) for number in range(300)]

    sink.write(Batch(records=records, report=report(uuid.uuid4(), taken=300, written=300)))

    assert {one.id for one in stored(database_url)} == {one.id for one in records}
    assert fetch(database_url, "select taken, written from integration_monitor.writers") == [(300, 300)]


def test_same_batch_twice_is_stored_once(sink: MonitorSink, database_url: str) -> None:
    batch = Batch(records=[record(), record(id=uuid.uuid4())])

    sink.write(batch)
    sink.write(batch)

    assert len(stored(database_url)) == 2


def test_pending_record_is_finished(sink: MonitorSink, database_url: str) -> None:
    pending = record(status="pending")
    sink.write(Batch(records=[pending], report=report(uuid.uuid4())))

    sink.write(Batch(records=[], finished=[msgspec.structs.replace(pending, status="failed", error_code="X"), record()]))

    assert sorted(one.status for one in stored(database_url)) == ["failed", "success"]


def test_records_that_json_cannot_hold_are_made_acceptable(sink: MonitorSink, database_url: str) -> None:
    odd: list[Any] = [{"a": math.nan}, {"a": "\ud800"}, {"a": "\0"}, {"a": 10**5000}, {1: {2}}]

    sink.write(Batch(records=[record(request_payload=payload) for payload in odd]))

    assert len(stored(database_url)) == len(odd)


def test_record_that_no_rule_makes_acceptable_is_refused_and_nothing_is_stored(sink: MonitorSink, database_url: str) -> None:
    with pytest.raises(RecordsRefused, match="status"):
        sink.write(Batch(records=[record(), record(status="odd")]))

    assert stored(database_url) == []


def test_refused_record_becomes_a_dead_letter_and_the_others_are_stored(monitor_url: str, database_url: str) -> None:
    im.instrument(monitor_url)
    try:
        for one in (record(), record(status="odd"), record()):
            assert _state.pipeline is not None
            _state.pipeline.keep(one, 100)
        assert im.flush(20)
        stats = im.stats()
    finally:
        im.uninstrument()

    assert (stats.written, stats.dead_lettered, stats.taken) == (2, 1, 3)
    assert len(stored(database_url)) == 2


def test_instrument_writes_to_a_monitor_and_does_not_record_itself(monitor_url: str, database_url: str) -> None:
    im.instrument(monitor_url)
    try:
        with im.operation("amocrm", "sync_lead", entity=("lead", 1)) as operation:
            operation.response({"ok": True, "note": f"sent with {KEY}"})
        assert im.flush(20)
        im.log(service_name="resend", action="send_email", status="failed")
        assert im.flush(20)
    finally:
        im.uninstrument()

    records = stored(database_url)
    assert [one.service_name for one in records] == ["amocrm", "resend"]
    assert KEY not in str(records)
    assert "${monitor.key}" in str(records)
    [(taken, written)] = fetch(database_url, "select taken, written from integration_monitor.writers")
    assert (taken, written) == (2, 2)


def test_connection_that_the_monitor_closed_is_made_again(sink: MonitorSink, database_url: str) -> None:
    sink.write(Batch(records=[record()]))
    assert sink._connection is not None
    kept: Any = sink._connection.sock
    kept._plain.shutdown(socket.SHUT_RDWR)

    sink.write(Batch(records=[record()]))

    assert len(stored(database_url)) == 2


def test_wrong_key_may_be_put_right_later(monitor_url: str) -> None:
    sink = MonitorSink(monitor_url.replace(KEY, "im_FAKE"))

    with contextlib.closing(sink), pytest.raises(PermissionRefused, match="401"):
        sink.write(Batch(records=[record()]))


def test_key_is_no_part_of_the_destination() -> None:
    given = settings.load({"database_url": f"https://{KEY}@monitor.example.com/"}, environment={})

    assert destination_of(given) == "https://monitor.example.com"


@pytest.mark.parametrize(
    "url",
    [
        f"http://{KEY}@monitor.example.com",
        f"http://{KEY}@10.0.0.1:8321",
        "https://monitor.example.com",
        f"https://{KEY}:password@monitor.example.com",
        f"https://{KEY}@monitor.example.com?a=b",
        f"https://{KEY}@monitor.example.com:99999",
        f"https://{KEY}@",
        "https://\u043a@monitor.example.com",
    ],
)
def test_impossible_address_is_told_without_its_key(url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        im.instrument(url)

    assert raised.value.name == "database_url"
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    "url", [f"http://{KEY}@127.0.0.1:1", f"http://{KEY}@localhost", f"http://{KEY}@[::1]/m", f"https://{KEY}@x"]
)
def test_possible_addresses(url: str) -> None:
    assert read_address(url).key == KEY


class Answering(BaseHTTPRequestHandler):
    """Answers as its server's attributes say, and counts."""

    def do_POST(self) -> None:
        server: Any = self.server
        server.count += 1
        self.rfile.read(int(self.headers["content-length"]))
        server.answer(self)

    def log_message(self, *arguments: Any) -> None:
        pass


@contextlib.contextmanager
def answering(answer: Any) -> Iterator[tuple[MonitorSink, Any]]:
    server: Any = HTTPServer(("127.0.0.1", 0), Answering)
    server.answer, server.count = answer, 0
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    sink = MonitorSink(f"http://{KEY}@127.0.0.1:{server.server_port}")
    try:
        yield sink, server
    finally:
        sink.close()
        server.shutdown()
        thread.join()
        server.server_close()


def test_later_is_believed() -> None:
    def later(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(429)
        handler.send_header("retry-after", "30")
        handler.end_headers()

    with answering(later) as (sink, server):
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                sink.write(Batch(records=[record()]))

        assert server.count == 1


@pytest.mark.parametrize(
    ("status", "error"), [(500, StoreUnavailable), (404, StoreError), (413, RecordsRefused), (403, PermissionRefused)]
)
def test_answers_are_told_apart(status: int, error: type[Exception]) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.end_headers()

    with answering(answer) as (sink, _server), pytest.raises(error) as raised:
        sink.write(Batch(records=[record()]))

    assert type(raised.value) is error
    assert KEY not in str(raised.value)


def test_redirect_is_not_followed() -> None:
    def elsewhere(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(307)
        handler.send_header("location", handler.path)
        handler.end_headers()

    with answering(elsewhere) as (sink, server), pytest.raises(StoreError):
        sink.write(Batch(records=[record()]))

    assert server.count == 1


@pytest.mark.parametrize("part", ["nothing", "headers", "body"])
def test_answer_that_trickles_ends_at_the_deadline(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "BATCH_DEADLINE_S", 0.4)
    is_over = threading.Event()

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        if part == "body":
            handler.send_response(200)
            handler.send_header("content-length", "1000")
            handler.end_headers()
        with contextlib.suppress(OSError):
            for number in range(1000):
                if part == "headers":
                    handler.wfile.write(b"HTTP/1.1 200 OK\r\n" if number == 0 else b"x-n: 1\r\n")
                elif part == "body":
                    handler.wfile.write(b" ")
                if is_over.wait(0.05):
                    return

    with answering(trickle) as (sink, _server):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            sink.write(Batch(records=[record()]))
        took = time.monotonic() - began
        is_over.set()

    # Far from the fifty seconds that the other side would take.
    assert took < 10


def test_answer_without_end_is_not_read() -> None:
    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(100):
                handler.wfile.write(b"x" * 65536)

    with answering(flood) as (sink, _server), pytest.raises(StoreUnavailable):
        sink.write(Batch(records=[record()]))
