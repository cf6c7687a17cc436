"""Whapi: every answer that its documents tell of, and what it means."""

from integration_monitor.record import Fault, Json
from tests.unit.exchanges import Case
from tests.unit.vendors.vendor import Vendor, nginx, page_under_200, redirected, timed_out, unreachable

API = "https://gate.whapi.cloud"
SEND = f"POST {API}/messages/text"
HEALTH = f"GET {API}/health?wakeup=false"
LOGIN = f"GET {API}/users/login"
CHANNEL = ("channel", "EXAMPLE-AB1CD")
UNLINKED = "no phone is linked to the channel"
HARMLESS = "already in that state, often harmless"


def refused(status: int, message: str, fault: Fault, retry: str = "no", *, call: str = SEND, note: str | None = None) -> Case:
    return Case(
        name=message,
        call=call,
        status=status,
        answer={"error": {"code": status, "message": message}},
        code=str(status),
        message=message,
        fault=fault,
        retry=retry,
        note=note,
    )


def health(text: str, fault: Fault, retry: str, words: str) -> Case:
    return Case(
        name=f"channel is {text}",
        call=HEALTH,
        answer={"channel_id": "EXAMPLE-AB1CD", "status": {"code": 3, "text": text}},
        code=text,
        message=f"channel status {text}: {words}",
        fault=fault,
        retry=retry,
        entity=CHANNEL,
        action="test_connection",
    )


def unsent(name: str, answer: Json, message: str, entity: tuple[str, str] | None = None) -> Case:
    return Case(
        name=name,
        call=SEND,
        answer=answer,
        code="NOT_SENT",
        message=message,
        fault="unclassified",
        retry="ambiguous",
        entity=entity,
    )


DONE = [
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
    Case(name="limits of a trial", call=f"GET {API}/limits", answer={"requests": 1000}, action="get_limits"),
    Case(name="registered", call=f"HEAD {API}/contacts/77000000001", entity=("contact", "77000000001"), action="check_phone"),
    Case(
        name="not registered",
        call=f"HEAD {API}/contacts/77000000001",
        status=404,
        entity=("contact", "77000000001"),
        note="not registered in WhatsApp",
    ),
    Case(
        name="invalid phones are an answer",
        call=f"POST {API}/contacts",
        answer={"contacts": [{"input": "1", "status": "invalid"}]},
        action="check_phones",
    ),
]

STATES = [
    Case(
        name="channel is AUTH",
        call=HEALTH,
        answer={"channel_id": "EXAMPLE-AB1CD", "status": {"code": 4, "text": "AUTH"}},
        entity=CHANNEL,
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
        name="channel without a state",
        call=HEALTH,
        answer={},
        code="INVALID_RESPONSE",
        message="the answer has no status.text",
        fault="vendor",
        retry="safe",
    ),
]

REFUSED = [
    refused(400, "wrong request parameters", "ours"),
    refused(401, "need channel authorization for send message", "auth", note=UNLINKED),
    refused(402, "trial version limit exceeded", "auth"),
    refused(403, "sending to this recipient is forbidden", "recipient"),
    refused(403, "not your message", "ours", call=f"GET {API}/statuses"),
    refused(404, "Channel not found", "auth", note="wrong token"),
    refused(404, "specified chat not found", "ours"),
    refused(406, "not acceptable for mobile type channel", "ours", call=LOGIN),
    refused(409, "channel already authenticated", "ours", call=LOGIN, note=HARMLESS),
    refused(409, "settings already reset", "ours", call=f"DELETE {API}/settings", note=HARMLESS),
    refused(413, "media too large", "ours"),
    refused(415, "media type not supported", "ours"),
    refused(422, "render QR failed", "vendor", "safe", call=LOGIN),
    refused(429, "too many requests", "limit", "after"),
    refused(500, "internal error", "vendor", "ambiguous"),
    refused(500, "internal error", "vendor", "safe", call=f"GET {API}/limits"),
    refused(500, "internal error", "vendor", "safe", call=f"POST {API}/contacts"),
    Case(
        name="HEAD, which has no body",
        call=f"HEAD {API}/contacts/77000000001",
        status=401,
        code="HTTP_401",
        message="Unauthorized",
        fault="auth",
        retry="no",
        note=UNLINKED,
        entity=("contact", "77000000001"),
    ),
    Case(
        name="details in place of a message",
        call=SEND,
        status=400,
        answer={"error": {"message": "", "details": "to is required"}},
        code="HTTP_400",
        message="to is required",
        fault="ours",
        retry="no",
    ),
    Case(
        name="page of the proxy",
        call=SEND,
        status=502,
        answer=nginx("502 Bad Gateway"),
        code="HTTP_502",
        message="502 Bad Gateway",
        fault="vendor",
        retry="ambiguous",
    ),
    timed_out(SEND, "ambiguous", action="send_message"),
    timed_out(HEALTH, "safe", action="test_connection"),
    timed_out(f"POST {API}/contacts", "safe", action="check_phones"),
    timed_out(f"DELETE {API}/messages/M1", "ambiguous", entity=("message", "M1"), action="delete_message"),
    unreachable(SEND, action="send_message"),
]

FLAT = [
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
]

PROXIES = [
    page_under_200(SEND, "ambiguous", action="send_message"),
    page_under_200(HEALTH, "safe", action="test_connection"),
    Case(name="page that was asked for", call=f"GET {API}/media/M1", answer="<html></html>", entity=("media", "M1")),
    redirected(SEND, action="send_message"),
]

UNDONE = [
    unsent("not sent", {"sent": False}, "the gateway says sent: false"),
    unsent("not sent, with a reason", {"sent": False, "error": {"code": 200, "message": "no such number"}}, "no such number"),
    unsent("not sent, with a status", {"sent": False, "message": {"id": "M1", "status": "failed"}}, "failed", ("message", "M1")),
    unsent(
        "not sent, of which only the beginning was seen", '{"sent":false,"message":{"id":"M1"', "the gateway says sent: false"
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
        name="error under 200",
        call=f"POST {API}/groups",
        answer={"error": {"code": 401, "message": "need channel authorization"}},
        code="401",
        message="need channel authorization",
        fault="auth",
        retry="no",
        note=UNLINKED,
    ),
    Case(
        name="vendor's trouble under 200",
        call=f"POST {API}/groups",
        answer={"error": {"code": 500, "message": "internal error"}},
        code="500",
        message="internal error",
        fault="vendor",
        retry="ambiguous",
    ),
    Case(
        name="error under 200, without words",
        call=f"POST {API}/groups",
        answer={"error": {"code": 429}},
        code="429",
        message="the answer holds an error",
        fault="limit",
        retry="after",
    ),
    Case(
        name="error under 200, without a code",
        call=f"POST {API}/groups",
        answer={"error": "something"},
        code="NOT_DONE",
        message="something",
        fault="unclassified",
        retry="no",
    ),
]

VENDOR = Vendor(
    title="Whapi.Cloud",
    service_names=("whapi", "whapi_partner"),
    summary="A wrong token is 404 “Channel not found”, 401 is a phone that is not linked. A probe must ask for `/health?wakeup=false`, and is healthy only where the "
    "state is `AUTH`. There is no idempotency key: a send that got no answer is `ambiguous`. A message that was taken is `pending`; its id is the "
    "entity, so that `get_message_statuses` and webhooks can be found by it. The Partner API (`manager.whapi.cloud`) is a service of its own, "
    "`whapi_partner`, whose calls are named by method and path.",
    answers={
        "OpenAPI document 1.8.7 (`SentMessage`, `ResponseSuccess`, `CheckContact`, `/limits`)": DONE,
        "OpenAPI document 1.8.7 (`ChannelStatus`); page “Account and device status”, support.whapi.cloud; the vendor's guide for `STOP`": STATES,
        "OpenAPI document 1.8.7 (`ResponseError`); the vendor's guide, `core-mcp-setup.md`, for the wrong token": REFUSED,
        "tests of public clients; the OpenAPI document knows only the nested form": FLAT,
        "nothing of Whapi's: what may stand between": PROXIES,
        "follows from the OpenAPI document; no real example is public": UNDONE,
    },
)
