"""Phone numbers and e-mail addresses masked, and texts of messages as digests, where the user wants that."""

import json
from collections.abc import Callable
from urllib.parse import quote, urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration_monitor.capture.operation import Operation
from integration_monitor.record import IntegrationLog, Json, entity_uuid, new_id, now
from integration_monitor.recorder import Recorder
from integration_monitor.redaction import PersonalData
from integration_monitor.settings import Settings, load
from tests.unit.test_recorder import TELEGRAM, attempt, operation

MASKS = PersonalData(b"FAKE-key")
PHONE, EMAIL = "77010000001", "anna.k@customer.test"
Record = Callable[[Operation | IntegrationLog], IntegrationLog]


def recorder(**settings: object) -> Record:
    made = Recorder(msgspec.convert({"personal_data_key": "FAKE-key", **settings}, Settings))

    def record(item: Operation | IntegrationLog) -> IntegrationLog:
        log = made(item)
        assert log is not None
        return log

    return record


def whole(log: IntegrationLog) -> str:
    return msgspec.json.encode(log).decode()


@pytest.mark.parametrize(
    "written",
    ["+7 701 000-00-01", "8 (701) 000-00-01", "87010000001", "77010000001", "+77010000001", "7 701 000 00 01", "%2B77010000001"],
)
def test_same_number_has_the_same_mask_however_it_is_written(written: str) -> None:
    mask = MASKS.text(f"call {written}, please")

    assert mask == f"call {MASKS.text(PHONE)}, please"
    assert mask.startswith("call ${phone:")


@pytest.mark.parametrize("written", [EMAIL, EMAIL.upper(), "anna.k%40customer.test"])
def test_same_address_has_the_same_mask_however_it_is_written(written: str) -> None:
    assert MASKS.text(f"to <{written}>") == f"to <{MASKS.text(EMAIL)}>"
    assert MASKS.text(EMAIL).startswith("${email:")


def test_mask_depends_on_the_key() -> None:
    assert PersonalData(b"other").text(PHONE) != MASKS.text(PHONE)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "order 4815162342",
            "2026-03-01T10:00:05Z",
            "1772359200123",
            "v1.2.3",
            "10.5",
            "ratio 0.123456789012",
            "#12345",
            "id-77010000001x",
        ),
        *(
            "0b9f6a1e-0000-4000-8000-770100000012",
            "5 000 000 KZT",
            "10:30",
            "sha 4f9c1f0e6b0d4d7e9a55",
            "-1001234567890",
            "@username",
        ),
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert MASKS.text(text) == text


def test_fields_that_hold_a_number_need_no_mark() -> None:
    given_body = {
        "phone": 77010000001,
        "to": "7010000",
        "mobile_phone": ["701-00-00"],
        "chat_id": 1001234567,
        "price": 77010000001,
    }

    masked = MASKS.value(given_body)

    assert masked["phone"] == MASKS.text(PHONE)
    assert masked["to"].startswith("${phone:") is False  # seven digits are also an id
    assert masked["mobile_phone"][0].startswith("${phone:")
    assert masked["chat_id"] == 1001234567
    assert masked["price"] == 77010000001


@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("https://gate.whapi.cloud/messages/text", {"to": PHONE, "body": f"call {PHONE} or {EMAIL}"}),
        (f"https://gate.whapi.cloud/contacts/{PHONE}", {}),
        (f"https://example.amocrm.ru/api/v4/contacts?query={PHONE}&email={quote(EMAIL)}", {}),
        ("https://example.amocrm.ru/api/v4/contacts", [{"custom_fields_values": [{"values": [{"value": f"+{PHONE}"}]}]}]),
        ("https://api.resend.com/emails", {"to": [EMAIL], "html": f"<a href='mailto:{EMAIL}'>x</a>"}),
        ("https://api.mobizon.kz/service/message/sendsmsmessage", {"recipient": int(PHONE), "text": json.dumps({"p": PHONE})}),
        (f"{TELEGRAM}/sendContact", {"chat_id": 1, "phone_number": PHONE}),
        ("https://api.example.org/v1/people", {EMAIL: {"n": [f"{PHONE}"]}}),
    ],
)
def test_nothing_personal_is_in_the_record(url: str, body: Json) -> None:
    one = attempt(url, request=body, status=400, answer={"message": f"{EMAIL} and {PHONE} are wrong", "echo": body})
    one.response_headers = {"Content-Type": "application/json", "X-Customer": EMAIL, "Link": f"<tel:+{PHONE}>"}

    text = whole(recorder(redact_personal_data=True)(operation(one)))

    assert PHONE not in text
    assert EMAIL not in text
    assert quote(EMAIL) not in text


def test_entity_that_is_a_number_is_mapped_from_its_mask() -> None:
    record = recorder(redact_personal_data=True)
    other_process = recorder(redact_personal_data=True)
    made = [
        one(operation(attempt(f"https://gate.whapi.cloud/contacts/{PHONE}", method="GET", answer={"pushname": "A"})))
        for one in (record, other_process)
    ]

    mask = MASKS.text(PHONE)
    assert [log.request_payload["entity"] for log in made] == [{"type": "contact", "id": mask}] * 2
    assert {log.related_entity_id for log in made} == {entity_uuid("contact", mask)}
    assert entity_uuid("contact", PHONE) not in {log.related_entity_id for log in made}


def test_entity_that_is_no_number_keeps_its_id() -> None:
    log = recorder(redact_personal_data=True)(
        operation(attempt(f"{TELEGRAM}/sendMessage", request={"chat_id": 1001}), entity=("lead", 123))
    )

    assert log.related_entity_id == entity_uuid("lead", 123)
    assert log.request_payload["entity"] == {"type": "lead", "id": "123"}


def test_records_of_the_application_are_masked_too() -> None:
    at = now()
    given_record = IntegrationLog(
        id=new_id(at),
        service_name="sms",
        action="send",
        status="failed",
        related_entity_type="phone",
        related_entity_id=entity_uuid("phone", PHONE),
        request_payload={"entity": {"type": "phone", "id": PHONE}, "text": EMAIL},
        error_message=f"no {PHONE}",
        created_at=at,
        updated_at=at,
    )

    log = recorder(redact_personal_data=True)(given_record)

    assert PHONE not in whole(log)
    assert EMAIL not in whole(log)
    assert log.related_entity_id == entity_uuid("phone", MASKS.text(PHONE))
    assert given_record.request_payload["entity"]["id"] == PHONE


def test_without_the_setting_nothing_is_masked() -> None:
    text = whole(recorder()(operation(attempt("https://api.resend.com/emails", request={"to": [EMAIL], "text": PHONE}))))

    assert EMAIL in text
    assert PHONE in text


def test_without_a_key_masks_differ_between_processes() -> None:
    logs = [
        Recorder(Settings(redact_personal_data=True))(
            operation(attempt("https://api.resend.com/emails", request={"to": [EMAIL]}))
        )
        for _ in range(2)
    ]

    assert len({log.request_payload["body"]["to"][0] for log in logs if log is not None}) == 2


@given(st.text(), st.sampled_from([f"+{PHONE}", EMAIL]))
def test_masking_twice_is_masking_once(around: str, personal: str) -> None:
    masked = MASKS.text(f"{around} {personal} {around}")

    assert MASKS.text(masked) == masked


MESSAGE = "Ваш код 4815. Никому не говорите"


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (f"{TELEGRAM}/sendMessage", {"chat_id": 1, "text": MESSAGE}),
        (f"{TELEGRAM}/sendPhoto", {"chat_id": 1, "caption": MESSAGE, "photo": "x"}),
        (f"{TELEGRAM}/sendMediaGroup", {"media": json.dumps([{"type": "photo", "caption": MESSAGE}])}),
        (f"{TELEGRAM}/sendMessage?chat_id=1&{urlencode({'text': MESSAGE})}", None),
        ("https://api.resend.com/emails", {"subject": MESSAGE, "html": f"<p>{MESSAGE}</p>", "text": MESSAGE}),
        ("https://api.resend.com/emails/batch", [{"subject": MESSAGE}, {"html": MESSAGE}]),
        ("https://api.mobizon.kz/service/message/sendsmsmessage", {"recipient": PHONE, "text": MESSAGE}),
        ("https://gate.whapi.cloud/messages/text", {"to": PHONE, "body": MESSAGE}),
        ("https://gate.whapi.cloud/messages/image", {"to": PHONE, "caption": MESSAGE}),
        ("https://example.amocrm.ru/api/v4/leads/1/notes", [{"note_type": "common", "params": {"text": MESSAGE}}]),
        ("https://api.example.org/sms", {"Body": MESSAGE}),
    ],
)
def test_digest_and_length_stand_for_the_text_of_a_message(url: str, body: Json) -> None:
    record = recorder(message_text="digest")
    one = attempt(url, request=body, answer={"ok": True, "sent": True, "code": 0, "result": body, "data": {"echo": body}})

    log = record(operation(one))

    assert "4815" not in whole(log)
    assert quote("код") not in whole(log)
    assert MASKS.digest(MESSAGE) in whole(log) or "${digest:" in whole(log)
    assert log.status == "success"


def test_digest_has_the_shape_that_is_promised() -> None:
    log = recorder(message_text="digest")(operation(attempt(f"{TELEGRAM}/sendMessage", request={"chat_id": 1, "text": MESSAGE})))

    assert log.request_payload["body"] == {"chat_id": 1, "text": {"digest": MASKS.digest(MESSAGE), "length": len(MESSAGE)}}


def test_form_told_request_and_text_that_is_no_json_are_digested_too() -> None:
    record = recorder(message_text="digest")
    form = attempt("https://api.mobizon.kz/service/message/sendsmsmessage", request={})
    form.request_body = urlencode({"recipient": PHONE, "text": MESSAGE, "data[0][text]": MESSAGE}).encode()
    form.request_headers = {"Content-Type": "application/x-www-form-urlencoded"}
    plain = attempt("https://gate.whapi.cloud/messages/text")
    plain.request_body = MESSAGE.encode()
    told = operation(service_name="telegram", action="send_message")
    told.request({"text": MESSAGE})

    logs = [record(operation(form)), record(operation(plain)), record(told)]

    assert not any("4815" in whole(log) for log in logs)
    assert logs[0].request_payload["body"]["recipient"] == PHONE


def test_vendors_words_stay_in_the_error_message() -> None:
    refused = {"ok": False, "error_code": 400, "description": "Bad Request: message text is empty"}

    log = recorder(message_text="digest")(operation(attempt(f"{TELEGRAM}/sendMessage", status=400, answer=refused)))

    assert log.error_message == "Bad Request: message text is empty"


def test_settings_are_read_and_the_key_is_never_shown() -> None:
    settings = load(
        environment={
            "INTEGRATION_MONITOR_REDACT_PERSONAL_DATA": "true",
            "INTEGRATION_MONITOR_MESSAGE_TEXT": "digest",
            "INTEGRATION_MONITOR_PERSONAL_DATA_KEY": "FAKE",
            "INTEGRATION_MONITOR_SECRETS": "shop.key=FAKEFAKE,other=FAKE-FAKE=",
        }
    )

    assert (settings.redact_personal_data, settings.message_text) == (True, "digest")
    assert settings.secrets == {"shop.key": "FAKEFAKE", "other": "FAKE-FAKE="}
