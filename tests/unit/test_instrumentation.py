"""The facade and the pipeline, with a store in memory or with one that is never reached."""

import logging
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests

import integration_monitor as im
from integration_monitor.batch import Batch
from integration_monitor.capture.operation import Operation
from integration_monitor.guard import RAISE_VARIABLE
from integration_monitor.pipeline import Pipeline
from integration_monitor.record import IntegrationLog, new_id, now
from integration_monitor.settings import Settings, names, variable

# Nothing listens on port 1; and nothing connects before there is something to write.
AWAY = "postgresql://nobody@127.0.0.1:1/none"
URL = "https://api.example.com/v1"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(RAISE_VARIABLE, "1")
    monkeypatch.delenv("INTEGRATION_MONITOR_CONFIG", raising=False)
    for name in names():
        monkeypatch.delenv(variable(name), raising=False)
    # A test that leaves records behind must not wait for a store that is not there.
    monkeypatch.setenv(variable("shutdown_timeout_s"), "0.05")
    yield
    im.uninstrument()


@pytest.fixture
def originals() -> tuple[Any, ...]:
    return sends()


def sends() -> tuple[Any, ...]:
    return httpx.Client.send, httpx.AsyncClient.send, requests.Session.send


class ListSink:
    def __init__(self) -> None:
        self.records: list[IntegrationLog] = []

    def write(self, batch: Batch) -> None:
        self.records += batch.records

    def maintain(self) -> None:
        pass

    def close(self) -> None:
        pass


def record_simply(item: Operation | IntegrationLog) -> IntegrationLog:
    if isinstance(item, IntegrationLog):
        return item
    at = now()
    return IntegrationLog(
        id=new_id(at),
        service_name=item.service_name or "http",
        action=item.action or "call",
        status="success",
        retry_count=item.attempts_count,
        created_at=at,
        updated_at=at,
    )


def call_over_httpx() -> None:
    with httpx.Client(transport=httpx.MockTransport(lambda _request: httpx.Response(200))) as client:
        client.get(URL)


def test_the_pipeline_leads_from_a_call_to_the_sink() -> None:
    sink = ListSink()
    pipeline = Pipeline(Settings(), record=record_simply, open_sink=lambda: sink)

    call_over_httpx()
    assert pipeline.close(30)
    call_over_httpx()

    assert [(record.service_name, record.retry_count) for record in sink.records] == [("http", 1)]


def test_a_pipeline_that_is_full_does_not_reach_the_application() -> None:
    sink = ListSink()
    pipeline = Pipeline(Settings(queue_bytes_max=1), record=record_simply, open_sink=lambda: sink)

    call_over_httpx()

    assert pipeline.writer.stats().dropped == {"queue_full": 1}
    pipeline.close(30)


def test_without_a_url_it_says_what_to_set() -> None:
    with pytest.raises(im.SettingsError, match="INTEGRATION_MONITOR_DATABASE_URL") as raised:
        im.instrument()

    assert raised.value.name == "database_url"
    assert "postgresql://" in str(raised.value)


def test_the_url_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, originals: tuple[Any, ...]) -> None:
    monkeypatch.setenv("INTEGRATION_MONITOR_DATABASE_URL", AWAY)

    im.instrument()

    assert all(ours is not original for ours, original in zip(sends(), originals, strict=True))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ftp://secret-key@monitor.example.com", "ftp://"),
        ("mysql://user:secret-key@host/db", "mysql://"),
        ("host=db password=secret-key", "no URL"),
    ],
)
def test_a_url_of_another_kind_is_refused_without_showing_it(url: str, shown: str, originals: tuple[Any, ...]) -> None:
    with pytest.raises(im.SettingsError, match=shown) as raised:
        im.instrument(url)

    assert "secret-key" not in str(raised.value)
    assert sends() == originals


def test_a_url_that_cannot_be_read_is_refused_at_once() -> None:
    with pytest.raises(im.SettingsError, match="database_url"):
        im.instrument("postgresql://host:port/db?nonsense=1")


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(im.SettingsError, match="batch_size"):
        im.instrument(AWAY, batch_size=5)


def test_instrumenting_twice_is_harmless(originals: tuple[Any, ...], caplog: pytest.LogCaptureFixture) -> None:
    im.instrument(AWAY)
    first = sends()

    im.instrument(AWAY)
    assert sends() == first
    assert caplog.records == []
    im.uninstrument()

    assert sends() == originals


def test_a_second_call_with_other_settings_keeps_the_first_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    im.instrument(AWAY, queue_records_max=1)

    with caplog.at_level(logging.WARNING, "integration_monitor"):
        im.instrument(AWAY, queue_records_max=1_000)
    log_one()
    log_one()

    assert "settings of the first call stay" in caplog.text
    assert im.stats().dropped == {"queue_full": 1}


def test_uninstrumenting_without_instrumenting_is_harmless() -> None:
    im.uninstrument()

    assert im.flush()
    assert im.shutdown()
    assert im.stats() == im.Stats()


def test_after_shutdown_it_can_be_instrumented_again(originals: tuple[Any, ...]) -> None:
    im.instrument(AWAY)
    assert im.shutdown()
    log_one()
    assert im.stats().dropped == {"shutdown": 1}

    im.instrument(AWAY)
    assert im.stats() == im.Stats()
    im.uninstrument()

    assert sends() == originals


def log_one(**fields: Any) -> uuid.UUID:
    return im.log(**{"service_name": "amocrm", "action": "test_connection", "status": "success", **fields})


def test_log_gives_the_id_and_takes_the_record() -> None:
    im.instrument(AWAY)

    record_id = log_one(duration_ms=150)

    assert record_id.version == 7
    assert im.stats().taken == 1


@pytest.mark.parametrize("is_instrumented", [False, True])
def test_log_refuses_what_is_wrong_at_once(is_instrumented: bool) -> None:
    if is_instrumented:
        im.instrument(AWAY)

    with pytest.raises(TypeError, match="duration_ms"):
        log_one(duration_ms="150")
    with pytest.raises(TypeError, match="duration"):
        log_one(duration=150)
    with pytest.raises(TypeError, match="service_name"):
        im.log(action="a", status="success")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="status"):
        log_one(status="ok")

    assert im.stats().taken == 0


def test_an_operation_works_and_records_nothing_when_not_instrumented() -> None:
    with im.operation("amocrm", "sync_lead", entity=("lead", 5)) as operation, operation.attempt() as attempt:
        attempt.response({"ok": True})

    assert isinstance(operation, im.Operation)
    assert operation.entity == ("lead", 5)
    assert im.stats().taken == 0


def test_an_operation_is_taken_when_it_ends() -> None:
    im.instrument(AWAY)

    with im.operation("amocrm", "sync_lead"):
        call_over_httpx()
        call_over_httpx()
        assert im.stats().taken == 0

    assert im.stats().taken == 1


def test_an_entity_without_an_id_is_none() -> None:
    assert im.operation("amocrm", "create_lead", entity=("lead", None)).entity is None


def test_an_object_as_entity_id_becomes_its_text() -> None:
    class Key:
        def __str__(self) -> str:
            return "L-5"

    assert im.operation("amocrm", "sync_lead", entity=("lead", Key())).entity == ("lead", "L-5")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((None, "sync_lead"), "service"),
        (("amocrm", 5), "action"),
        (("amocrm", "sync_lead", "lead"), "entity"),
        (("amocrm", "sync_lead", (5, "lead")), "entity"),
    ],
)
def test_an_operation_with_wrong_arguments_names_them(arguments: tuple[Any, ...], name: str) -> None:
    with pytest.raises(TypeError, match=name):
        im.operation(*arguments)


def test_flush_is_false_while_the_store_is_away() -> None:
    im.instrument(AWAY)
    log_one()

    assert not im.flush(0.01)
    stats = im.stats()
    assert (stats.queue_records + stats.spooled, stats.written) == (1, 0)


def test_an_entity_that_has_no_text_does_no_harm() -> None:
    class Hostile:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    with im.operation("amocrm", "sync_lead", entity=("lead", Hostile())) as operation:
        pass

    assert operation.entity == ("lead", "Hostile")
