"""Records of operations that are still running, and the same record when they have ended."""

import json

import msgspec
import pytest

from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.record import NoAnswer, entity_uuid
from integration_monitor.recorder import Recorder
from integration_monitor.settings import Settings
from tests.unit.test_recorder import TELEGRAM, TELEGRAM_TOKEN, attempt


def running(url: str, request: object = None) -> Attempt:
    one = attempt(url, request=request)
    one._ended_monotonic = None
    return one


def begun(*attempts: Attempt, **names: object) -> Operation:
    operation = Operation(lambda _: None, **names)  # type: ignore[arg-type]
    for one in attempts:
        operation.add(one)
    return operation


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(Settings())


def test_running_call_is_pending_and_tells_what_was_sent(recorder: Recorder) -> None:
    operation = begun(running(f"{TELEGRAM}/sendMessage", {"chat_id": 1001, "text": "hi"}))

    log = recorder.unfinished(operation)

    assert log is not None
    assert (log.service_name, log.action, log.status) == ("telegram", "send_message", "pending")
    assert (log.duration_ms, log.response_payload, log.error_code, log.error_message) == (None, None, None, None)
    assert log.request_payload["body"] == {"chat_id": 1001, "text": "hi"}
    assert log.related_entity_id == entity_uuid("chat", "1001")
    assert TELEGRAM_TOKEN not in msgspec.json.encode(log).decode()


def test_finished_record_has_the_id_and_the_beginning_of_the_unfinished_one(recorder: Recorder) -> None:
    one = running(f"{TELEGRAM}/sendMessage", {"chat_id": 1001, "text": "hi"})
    operation = begun(one)

    before = recorder.unfinished(operation)
    again = recorder.unfinished(operation)
    one.duration_ms = 150
    operation.duration_ms = 150
    after = recorder(operation)

    assert before is not None
    assert again is not None
    assert after is not None
    assert before.id == again.id == after.id == operation.id
    assert before.created_at == after.created_at
    assert before.id.int >> 80 == round(before.created_at.timestamp() * 1000)
    assert (before.status, after.status) == ("pending", "success")


def test_operation_waits_for_its_next_attempt(recorder: Recorder) -> None:
    flood = {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 1"}
    operation = begun(
        attempt(f"{TELEGRAM}/sendMessage", status=429, answer=flood), service_name="telegram", action="notify", entity=("lead", 7)
    )

    between = recorder.unfinished(operation)
    operation.add(running(f"{TELEGRAM}/sendMessage"))
    in_second = recorder.unfinished(operation)

    assert between is not None
    assert in_second is not None
    assert (between.status, between.retry_count) == ("retrying", 0)
    assert (in_second.status, in_second.retry_count) == ("retrying", 1)
    rows = in_second.response_payload["attempts"]
    assert [(row["status"], row["error_code"]) for row in rows] == [("failed", "429"), ("pending", None)]
    assert in_second.request_payload["entity"] == {"type": "lead", "id": "7"}


def test_step_that_succeeded_leaves_the_operation_pending(recorder: Recorder) -> None:
    first = attempt("https://example.amocrm.ru/api/v4/contacts", method="GET", status=204)

    log = recorder.unfinished(
        begun(first, running("https://example.amocrm.ru/api/v4/leads"), service_name="amocrm", action="sync")
    )

    assert log is not None
    assert log.status == "pending"
    assert [row["status"] for row in log.response_payload["attempts"]] == ["success", "pending"]


def test_operation_without_an_attempt_is_pending(recorder: Recorder) -> None:
    operation = begun(service_name="billing", action="charge_card")
    operation.request({"amount": 15, "api_key": "FAKEFAKEFAKE0001"})

    log = recorder.unfinished(operation)

    assert log is not None
    assert (log.status, log.response_payload) == ("pending", None)
    assert log.request_payload == {"amount": 15, "api_key": "${billing.api_key}"}


def test_half_of_an_answer_is_none(recorder: Recorder) -> None:
    one = running(f"{TELEGRAM}/sendMessage")
    one.status_code, one.response_body = 500, b'{"ok": fal'
    one.no_answer = NoAnswer(code="TIMEOUT", message="not yet told")

    log = recorder.unfinished(begun(one))

    assert log is not None
    assert (log.status, log.response_payload) == ("pending", None)


def test_long_poll_is_not_recorded_while_it_waits(recorder: Recorder) -> None:
    assert recorder.unfinished(begun(running(f"{TELEGRAM}/getUpdates"))) is None


def test_trace_is_told_in_hexadecimal_digits(recorder: Recorder) -> None:
    operation = begun(running(f"{TELEGRAM}/getMe"))
    operation.trace_id = 0xABC

    log = recorder.unfinished(operation)

    assert log is not None
    assert log.request_payload["trace_id"] == f"{'0' * 29}abc"
    assert json.loads(msgspec.json.encode(log))["status"] == "pending"


def test_url_that_is_none_is_recorded_all_the_same(recorder: Recorder) -> None:
    for url in ("http://[::1", "", "no url", "//x", "http://h:99999999/x", "https://[::1]:8443/x?a=1"):
        operation = begun(attempt(url))
        operation.duration_ms = 1

        log = recorder(operation)

        assert log is not None
        assert log.service_name != ""
