"""Whapi: every answer that its sources tell of, and what it means."""

import pytest

from integration_monitor.record import Fault, Json, NoAnswer
from tests.unit.exchanges import Case, check, understand

API = "https://gate.whapi.cloud"
SEND = f"POST {API}/messages/text"
HEALTH = f"GET {API}/health?wakeup=false"


def refused(status: int, message: str, fault: Fault, retry: str = "no", *, call: str = SEND) -> Case:
    return Case(
        name=f"{status} {message} {call}",
        call=call,
        status=status,
        answer={"error": {"code": status, "message": message}},
        code=str(status),
        message=message,
        fault=fault,
        retry=retry,
    )


def health(text: str, fault: Fault, retry: str, words: str) -> Case:
    return Case(
        name=f"health {text}",
        call=HEALTH,
        answer={"channel_id": "EXAMPLE-AB1CD", "status": {"code": 3, "text": text}},
        code=text,
        message=f"channel status {text}: {words}",
        fault=fault,
        retry=retry,
        entity=("channel", "EXAMPLE-AB1CD"),
    )


CASES = [
    Case(
        name="sent",
        call=SEND,
        answer={"sent": True, "message": {"id": "FAKE.ID-gA4", "status": "pending"}},
        entity=("message", "FAKE.ID-gA4"),
        action="send_message",
    ),
    Case(
        name="done", call=f"PUT {API}/messages/M1/star", answer={"success": True}, entity=("message", "M1"), action="star_message"
    ),
    Case(name="no limits", call=f"GET {API}/limits", status=204, note="no limits", action="get_limits"),
    Case(
        name="linked",
        call=HEALTH,
        answer={"channel_id": "EXAMPLE-AB1CD", "status": {"code": 4, "text": "AUTH"}},
        entity=("channel", "EXAMPLE-AB1CD"),
        action="test_connection",
    ),
    health("QR", "auth", "no", "waits for a phone to be linked"),
    health("STOP", "auth", "no", "deactivated, check the subscription"),
    health("NOT_INIT", "auth", "no", "not initialised"),
    health("INIT", "vendor", "safe", "initialised, not yet linked"),
    health("LAUNCH", "vendor", "safe", "starting"),
    health("ERROR", "vendor", "safe", "error"),
    health("SYNC_ERROR", "vendor", "safe", "synchronisation error"),
    health("HIBERNATING", "unclassified", "safe", "unknown state"),
    Case(
        name="health without state",
        call=HEALTH,
        answer={},
        code="INVALID_RESPONSE",
        message="the answer has no status.text",
        fault="vendor",
        retry="safe",
    ),
    refused(400, "wrong request parameters", "ours"),
    refused(401, "need channel authorization for send message", "auth"),
    refused(402, "trial version limit exceeded", "auth"),
    refused(403, "sending to this recipient is forbidden", "recipient"),
    refused(403, "not your message", "ours", call=f"GET {API}/statuses"),
    refused(404, "Channel not found", "auth"),
    refused(404, "specified chat not found", "ours"),
    refused(406, "not acceptable for mobile type channel", "ours", call=f"GET {API}/users/login"),
    refused(409, "channel already authenticated", "ours", call=f"GET {API}/users/login"),
    refused(413, "media too large", "ours"),
    refused(415, "media type not supported", "ours"),
    refused(422, "render QR failed", "vendor", "safe", call=f"GET {API}/users/login"),
    refused(429, "too many requests", "limit", "after"),
    refused(500, "internal error", "vendor", "ambiguous"),
    refused(500, "internal error", "vendor", "safe", call=f"GET {API}/limits"),
    refused(500, "internal error", "vendor", "safe", call=f"POST {API}/contacts"),
    Case(
        name="flat form",
        call=SEND,
        status=402,
        answer={"code": 402, "error": "trial version limit exceeded"},
        code="402",
        message="trial version limit exceeded",
        fault="auth",
        retry="no",
    ),
    Case(
        name="error without a code",
        call=SEND,
        status=400,
        answer={"error": {"message": "", "details": "to is required"}},
        code="HTTP_400",
        message="to is required",
        fault="ours",
        retry="no",
    ),
    Case(
        name="error under 200",
        call=f"POST {API}/groups",
        answer={"error": {"code": 401, "message": "need channel authorization"}},
        code="401",
        message="need channel authorization",
        fault="auth",
        retry="no",
    ),
    Case(
        name="not sent",
        call=SEND,
        answer={"sent": False},
        code="NOT_SENT",
        message="the gateway says sent: false",
        fault="unclassified",
        retry="ambiguous",
    ),
    Case(
        name="not sent, with a reason",
        call=SEND,
        answer={"sent": False, "error": {"code": 200, "message": "no such number"}},
        code="NOT_SENT",
        message="no such number",
        fault="unclassified",
        retry="ambiguous",
    ),
    Case(
        name="not sent, with a status",
        call=SEND,
        answer={"sent": False, "message": {"id": "M1", "status": "failed"}},
        code="NOT_SENT",
        message="failed",
        fault="unclassified",
        retry="ambiguous",
        entity=("message", "M1"),
    ),
    Case(
        name="not done",
        call=f"DELETE {API}/messages/M1",
        answer={"success": False},
        code="NOT_DONE",
        message="the gateway says success: false",
        fault="unclassified",
        retry="no",
        entity=("message", "M1"),
    ),
    Case(
        name="registered",
        call=f"HEAD {API}/contacts/77000000001",
        entity=("contact", "77000000001"),
        action="check_phone",
    ),
    Case(
        name="not registered",
        call=f"HEAD {API}/contacts/77000000001",
        status=404,
        entity=("contact", "77000000001"),
        note="not registered in WhatsApp",
    ),
    Case(
        name="HEAD without body",
        call=f"HEAD {API}/contacts/77000000001",
        status=401,
        code="HTTP_401",
        message="Unauthorized",
        fault="auth",
        retry="no",
        entity=("contact", "77000000001"),
    ),
    Case(
        name="invalid phones are an answer",
        call=f"POST {API}/contacts",
        answer={"contacts": [{"input": "1", "status": "invalid"}]},
        action="check_phones",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_answer_is_understood(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    ("call", "action", "entity"),
    [
        (f"POST {API}/messages/image", "send_image", None),
        (f"POST {API}/messages/media/image", "send_media", None),
        (f"POST {API}/stories/send/text", "send_story", None),
        (f"GET {API}/messages/list/77000000001@s.whatsapp.net", "list_messages", ("chat", "77000000001@s.whatsapp.net")),
        (f"POST {API}/messages/M1", "forward_message", ("message", "M1")),
        (f"PUT {API}/messages/M1", "mark_message_read", ("message", "M1")),
        (f"PUT {API}/messages/M1/reaction", "react_to_message", ("message", "M1")),
        (f"GET {API}/statuses/M1", "get_message_statuses", ("message", "M1")),
        (f"PATCH {API}/settings", "update_settings", None),
        (f"GET {API}/users/login/77000000001", "login_channel", None),
        (f"PATCH {API}/chats/77000000001@s.whatsapp.net", "patch_chat", ("chat", "77000000001@s.whatsapp.net")),
        (f"GET {API}/newsletters/120363025486@newsletter", "GET /newsletters/{id}", None),
    ],
)
def test_call_has_its_action_and_entity(call: str, action: str, entity: tuple[str, str] | None) -> None:
    meaning = understand(call)

    assert (meaning.action, meaning.entity) == (action, entity)


def test_partner_api_is_a_service_of_its_own() -> None:
    assert understand("GET https://manager.whapi.cloud/channels/list").service_name == "whapi_partner"


@pytest.mark.parametrize(
    ("call", "advice"),
    [(SEND, "ambiguous"), (HEALTH, "safe"), (f"POST {API}/contacts", "safe"), (f"DELETE {API}/messages/M1", "ambiguous")],
)
def test_time_out_of_a_send_is_ambiguous(call: str, advice: str) -> None:
    outcome = understand(call, no_answer=NoAnswer(code="TIMEOUT", message="")).outcome

    assert outcome.retry is not None
    assert outcome.retry.advice == advice


def test_cut_answer_that_says_not_sent_is_a_failure() -> None:
    cut: Json = '{"sent":false,"message":{"id":"M1"'

    assert understand(SEND, answer=cut).outcome.error_code == "NOT_SENT"
