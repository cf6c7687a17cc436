"""From what was captured to the record that is stored."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.errors import SettingsError
from integration_monitor.record import IntegrationLog, NoAnswer, entity_uuid, new_id, now
from integration_monitor.recorder import Recorder
from integration_monitor.settings import Settings

TELEGRAM_TOKEN = "123456789:AAFAKEfakeFAKEfakeFAKEfakeFAKEfake000"
TELEGRAM = f"https://api.telegram.org/bot{TELEGRAM_TOKEN}"


def attempt(
    url: str,
    *,
    method: str = "POST",
    request: object = None,
    status: int | None = 200,
    answer: object = None,
    no_answer: NoAnswer | None = None,
) -> Attempt:
    made = Attempt(client="httpx", method=method, url=url)
    made.request_headers = [(b"Content-Type", b"application/json"), (b"Authorization", b"Bearer secret-token-of-ours")]
    made.request_body = None if request is None else json.dumps(request).encode()
    made.status_code = status
    if status is not None:
        made.response_headers = {"Content-Type": "application/json"}
        made.response_body = None if answer is None else json.dumps(answer).encode()
        made.ttfb_ms = 3
    made.no_answer = no_answer
    made.duration_ms = 150
    return made


def operation(*attempts: Attempt, **names: object) -> Operation:
    made = Operation(lambda _: None, **names)  # type: ignore[arg-type]
    for one in attempts:
        made.add(one)
    made.duration_ms = 150
    return made


@pytest.fixture
def record() -> Callable[[Operation | IntegrationLog], IntegrationLog]:
    recorder = Recorder(Settings())

    def make(item: Operation | IntegrationLog) -> IntegrationLog:
        made = recorder(item)
        assert made is not None
        return made

    return make


Record = Callable[[Operation | IntegrationLog], IntegrationLog]


def test_call_is_recorded_by_its_vendors_semantics(record: Record) -> None:
    blocked = {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}
    made = operation(attempt(f"{TELEGRAM}/sendMessage", request={"chat_id": 1001, "text": "hi"}, answer=blocked))

    log = record(made)

    assert (log.service_name, log.action, log.status, log.error_code) == ("telegram", "send_message", "failed", "403")
    assert log.error_message == "Forbidden: bot was blocked by the user"
    assert log.duration_ms == 150
    assert log.response_payload["fault"] == "recipient"
    assert log.response_payload["retry"] == "no"
    assert log.response_payload["status_code"] == 200
    assert log.response_payload["body"] == blocked
    assert log.response_payload["ttfb_ms"] == 3
    assert log.request_payload["method"] == "POST"
    assert log.request_payload["body"] == {"chat_id": 1001, "text": "hi"}
    assert log.request_payload["entity"] == {"type": "chat", "id": "1001"}
    assert log.related_entity_id == entity_uuid("chat", "1001")


def test_no_secret_of_the_request_survives_anywhere_in_the_record(record: Record) -> None:
    no_answer = NoAnswer(code="TIMEOUT", message=f"ReadTimeout: {TELEGRAM}/sendMessage with secret-token-of-ours")
    log = record(operation(attempt(f"{TELEGRAM}/sendMessage", status=None, no_answer=no_answer)))

    text = msgspec.json.encode(log).decode()

    assert TELEGRAM_TOKEN not in text
    assert "secret-token-of-ours" not in text
    assert "bot${telegram.token:123456789}/sendMessage" in log.request_payload["url"]
    assert log.error_code == "TIMEOUT"
    assert log.response_payload["retry"] == "ambiguous"


def test_id_is_a_uuid7_of_the_beginning(record: Record) -> None:
    log = record(operation(attempt(f"{TELEGRAM}/getMe", method="GET", answer={"ok": True, "result": {"id": 1}})))

    assert log.id.version == 7
    assert log.id.int >> 80 == round(log.created_at.timestamp() * 1000)
    assert log.action == "test_connection"


def test_repeated_failure_is_a_retry_and_every_attempt_is_listed(record: Record) -> None:
    flood = {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 1", "parameters": {"retry_after": 1}}
    url = f"{TELEGRAM}/sendMessage"
    made = operation(
        attempt(url, status=429, answer=flood),
        attempt(url, status=429, answer=flood),
        attempt(url, answer={"ok": True, "result": {"message_id": 42, "chat": {"id": 7}}}),
        service_name="telegram",
        action="notify_manager",
        entity=("lead", 123),
    )

    log = record(made)

    assert (log.action, log.status, log.retry_count) == ("notify_manager", "success", 2)
    assert [one["error_code"] for one in log.response_payload["attempts"]] == ["429", "429", None]
    assert log.response_payload["attempts"][0] == {
        "action": "send_message",
        "status": "failed",
        "error_code": "429",
        "duration_ms": 150,
    }
    assert log.request_payload["entity"] == {"type": "lead", "id": "123"}


def test_steps_of_an_operation_are_not_retries(record: Record) -> None:
    base = "https://example.amocrm.ru/api/v4"
    made = operation(
        attempt(f"{base}/contacts?query=77000000001", method="GET", status=204),
        attempt(f"{base}/leads/complex", answer=[{"id": 2000001, "contact_id": 1, "merged": False}]),
        service_name="amocrm",
        action="sync_lead",
    )

    log = record(made)

    assert (log.status, log.retry_count) == ("success", 0)
    assert [one["action"] for one in log.response_payload["attempts"]] == ["list_contacts", "create_leads_complex"]


def test_listed_attempts_are_bounded_and_counted() -> None:
    recorder = Recorder(Settings(attempts_max=2))
    url = f"{TELEGRAM}/sendMessage"

    log = recorder(operation(*[attempt(url, status=500, answer={"ok": False, "error_code": 500}) for _ in range(5)]))

    assert log is not None
    assert len(log.response_payload["attempts"]) == 2
    assert log.response_payload["attempts_count"] == 5


def test_applications_own_word_decides(record: Record) -> None:
    made = operation(service_name="billing", action="charge_card")
    made.request({"amount": 15000, "api_key": "k-1234567890"})
    made.response("declined")
    made.fail("CARD_EXPIRED", "The card has expired")

    log = record(made)

    assert (log.service_name, log.status, log.error_code, log.error_message) == (
        "billing",
        "failed",
        "CARD_EXPIRED",
        "The card has expired",
    )
    assert log.request_payload["amount"] == 15000
    assert "k-1234567890" not in str(log.request_payload)
    assert log.response_payload["body"] == "declined"
    assert log.response_payload["fault"] == "unclassified"


def test_exception_that_ends_an_operation_is_its_failure() -> None:
    taken: list[Operation] = []

    with pytest.raises(ValueError, match="no such lead"), Operation(taken.append, service_name="amocrm", action="sync_lead"):
        raise ValueError("no such lead")

    log = Recorder(Settings())(taken[0])
    assert log is not None
    assert (log.status, log.error_code) == ("failed", "NOT_DONE")
    assert "no such lead" in (log.error_message or "")


def test_failed_attempt_explains_better_than_the_exception_it_caused() -> None:
    made = operation(
        attempt(f"{TELEGRAM}/sendMessage", status=401, answer={"ok": False, "error_code": 401, "description": "Unauthorized"})
    )
    made.error = NoAnswer(code="NOT_DONE", message="InvalidToken")

    log = Recorder(Settings())(made)

    assert log is not None
    assert log.error_code == "401"


def test_successful_long_poll_is_not_recorded() -> None:
    made = operation(attempt(f"{TELEGRAM}/getUpdates", answer={"ok": True, "result": []}))

    assert Recorder(Settings())(made) is None


def test_large_body_is_understood_whole_and_stored_as_a_preview() -> None:
    recorder = Recorder(Settings(body_bytes_max=1000))
    answer = {"result": ["x" * 100] * 100, "ok": False, "error_code": 400, "description": "Bad Request: message is too long"}

    log = recorder(operation(attempt(f"{TELEGRAM}/sendMessage", status=400, answer=answer)))

    assert log is not None
    assert log.error_message == "Bad Request: message is too long"
    assert log.response_payload["body"]["truncated"] is True
    assert len(log.response_payload["body"]["preview"]) <= 1000


def test_undescribed_host_gets_a_sensible_record(record: Record) -> None:
    log = record(operation(attempt("https://api.example.org/v1/orders/123456?x=1", method="PUT", status=503)))

    assert log.service_name == "api.example.org"
    assert "123456" not in log.action
    assert (log.status, log.error_code, log.response_payload["fault"]) == ("failed", "HTTP_503", "vendor")


@pytest.mark.parametrize("port", ["", ":9001"])
def test_setting_names_the_service_of_a_host(port: str) -> None:
    recorder = Recorder(Settings(service_hosts={f"127.0.0.1{port}": "mobizon"}))
    url = f"http://127.0.0.1{port}/service/message/sendsmsmessage?apiKey=kz{'0' * 38}"

    log = recorder(operation(attempt(url, answer={"code": 1, "data": {"recipient": "wrong number format"}, "message": "Check"})))

    assert log is not None
    assert (log.service_name, log.action, log.error_code) == ("mobizon", "send_sms", "1")
    assert "kz000" not in log.request_payload["url"]


def test_record_of_the_application_is_kept_as_it_is_but_for_secrets(record: Record) -> None:
    at = datetime(2026, 3, 1, 10, tzinfo=UTC)
    given = IntegrationLog(
        id=new_id(at),
        service_name="amocrm",
        action="test_connection",
        status="success",
        request_payload={"headers": {"Authorization": "Bearer abcdefghijk"}, "note": [1, None]},
        duration_ms=150,
        created_at=at,
        updated_at=now(),
    )

    log = record(given)

    assert log.id == given.id
    assert log.created_at == at
    assert log.request_payload["note"] == [1, None]
    assert "abcdefghijk" not in str(log.request_payload)


def test_uuid_of_an_entity_is_kept_and_other_ids_are_mapped() -> None:
    given = UUID("0b9f6a1e-0000-4000-8000-000000000001")

    assert entity_uuid("email", given) == entity_uuid("email", str(given)) == given
    assert entity_uuid("lead", 123) == entity_uuid("lead", "123") != entity_uuid("contact", 123)


def test_no_secret_stands_in_the_short_columns(record: Record) -> None:
    secret = "password=hunter2-hunter2"
    told = operation(service_name="bank", action=f"pay {secret}", entity=(f"order {secret}", secret))
    told.fail(f"E1 {secret}", f"refused {secret}")
    at = now()
    logged = IntegrationLog(
        id=new_id(at),
        service_name="my bank",
        action=f"pay {secret}",
        status="failed",
        related_entity_type=secret,
        error_code=secret,
        created_at=at,
        updated_at=at,
    )

    for one in (record(told), record(logged)):
        assert "hunter2" not in msgspec.json.encode(one).decode()
    assert record(logged).action == "pay password=${my_bank.password}"


def test_vendors_code_that_repeats_a_secret_is_cleaned_in_every_attempt(record: Record) -> None:
    refused = {"error": {"code": "secret-token-of-ours", "message": "no"}}
    one = attempt("https://gate.whapi.cloud/messages/text", status=403, answer=refused)
    made = operation(one, attempt("https://gate.whapi.cloud/messages/text", status=403, answer=refused))
    made.attempts_count = 2

    log = record(made)

    assert "secret-token-of-ours" not in msgspec.json.encode(log).decode()


def test_headers_are_searched_for_secrets_where_the_application_gave_the_request(record: Record) -> None:
    echo = {"error": {"code": 403, "message": "secret-token-of-ours is not known"}}
    made = operation(attempt("https://gate.whapi.cloud/messages/text", status=403, answer=echo), service_name="whapi")
    made.request({"what": "given"})

    log = record(made)

    assert log.request_payload == {"what": "given"}
    assert "secret-token-of-ours" not in msgspec.json.encode(log).decode()


def test_a_budget_is_told_from_the_moment_of_the_answer() -> None:
    recorder = Recorder(Settings())
    made = attempt("https://api.resend.com/emails", status=429, answer={"name": "rate_limit_exceeded"})
    made.started_at = datetime(2026, 3, 1, 10, tzinfo=UTC).timestamp()
    made.response_headers = {"ratelimit-reset": "60", "retry-after": "Sun, 01 Mar 2026 10:00:30 GMT"}

    log = recorder(operation(made))

    assert log is not None
    assert log.response_payload["rate_limit"]["reset_at"] == "2026-03-01T10:01:00Z"
    assert log.response_payload["retry_after_s"] == pytest.approx(30, abs=0.01)


def test_secrets_of_the_settings_are_found_anywhere() -> None:
    recorder = Recorder(Settings(secrets={"shop.key": "correct horse battery"}))
    answer = {"echo": "the correct horse battery staple", "correct horse battery": [1]}

    log = recorder(operation(attempt("https://api.example.org/x?q=correct%20horse%20battery", answer=answer)))

    assert log is not None
    assert "correct horse" not in msgspec.json.encode(log).decode()
    assert log.response_payload["body"] == {"echo": "the ${shop.key} staple", "${shop.key}": [1]}
    assert "${shop.key}" in log.request_payload["url"]


@pytest.mark.parametrize("secrets", [{"shop.key": "short"}, {"shop key": "PLANTED-PLANTED"}, {"": "PLANTED-PLANTED"}])
def test_secret_of_the_settings_that_cannot_be_found_is_refused(secrets: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"^secrets: ") as refused:
        Recorder(Settings(secrets=secrets))

    assert refused.value.name == "secrets"
    assert not any(secret in str(refused.value) for secret in secrets.values())


def test_message_that_was_cut_holds_no_beginning_of_a_secret(record: Record) -> None:
    words = "x " * 488 + f"see {TELEGRAM_TOKEN}"
    one = attempt("https://api.example.org/x", status=500)
    one.response_headers = {"Content-Type": "text/plain"}
    one.response_body = words.encode()
    whole = attempt("https://api.example.org/x", status=500)
    whole.response_headers = {"Content-Type": "application/json"}
    whole.response_body, whole.response_body_bytes = b'{"a": {"value": "FAKE-FAKE-FAKE", "na', 5_000

    logs = [record(operation(one)), record(operation(whole))]

    assert "FAKE" not in "".join(log.error_message or "" for log in logs)
    assert (logs[0].error_message or "").startswith("x x x")
