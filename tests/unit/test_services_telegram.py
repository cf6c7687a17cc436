"""Telegram: every answer that its sources tell of, and what it means."""

import pytest

from integration_monitor.record import Fault, Json, NoAnswer
from tests.unit.exchanges import Case, check, understand

TOKEN = "123456789:AAFAKEfakeFAKEfakeFAKEfakeFAKEfake000"
BOT = f"https://api.telegram.org/bot{TOKEN}"
CHAT = {"chat_id": 1000000001, "text": "Your order is ready"}
TO_CHAT = ("chat", "1000000001")


def error(code: int, description: str, **more: Json) -> Json:
    return {"ok": False, "error_code": code, "description": description, **more}


def refused(code: int, words: str, fault: Fault, retry: str = "no", note: str | None = None) -> Case:
    return Case(
        name=f"{code} {words}",
        call=f"POST {BOT}/sendMessage",
        request=CHAT,
        status=code,
        answer=error(code, words),
        code=str(code),
        message=words,
        fault=fault,
        retry=retry,
        note=note,
        entity=TO_CHAT,
    )


HARMLESS = "harmless, normal in bots"
MALFORMED = "malformed token or URL"

CASES = [
    Case(
        name="sent",
        call=f"POST {BOT}/sendMessage",
        request=CHAT,
        answer={"ok": True, "result": {"message_id": 42, "chat": {"id": 1000000001}}},
        entity=TO_CHAT,
        action="send_message",
    ),
    Case(name="true", call=f"POST {BOT}/setWebhook", answer={"ok": True, "result": True, "description": "Webhook was set"}),
    Case(name="answer that was cut", call=f"POST {BOT}/getChat", answer='{"ok":true,"result":{"id":10'),
    Case(name="answer that was not seen", call=f"POST {BOT}/getChat"),
    refused(400, "Bad Request: chat not found", "ours"),
    refused(400, "Bad Request: chat_id is empty", "ours"),
    refused(400, "Bad Request: message text is empty", "ours"),
    refused(400, "Bad Request: can't parse entities: Unsupported start tag", "ours"),
    refused(400, "Bad Request: CHAT_WRITE_FORBIDDEN", "ours"),
    refused(400, "Bad Request: message is not modified: specified new message content is the same", "ours", note=HARMLESS),
    refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid", "ours", note=HARMLESS),
    refused(400, "Bad Request: invalid webhook URL specified", "ours"),
    refused(400, "Bad Request: file is too big", "ours"),
    refused(400, "Logged out", "auth", note="after logOut"),
    refused(401, "Unauthorized", "auth"),
    refused(401, "Unauthorized: invalid token specified", "auth"),
    refused(403, "Forbidden: bot was blocked by the user", "recipient"),
    refused(403, "Forbidden: user is deactivated", "recipient"),
    refused(403, "Forbidden: bot was kicked from the supergroup chat", "recipient"),
    refused(403, "Forbidden: bot is not a member of the channel chat", "recipient"),
    refused(403, "Forbidden: the group chat was deleted", "recipient"),
    refused(403, "Forbidden: bot can't initiate conversation with a user", "recipient"),
    refused(404, "Not Found", "auth", note=MALFORMED),
    refused(404, "Not Found: method not found", "ours"),
    refused(409, "Conflict: terminated by other getUpdates request", "ours"),
    refused(413, "Request Entity Too Large", "ours"),
    refused(421, "Misdirected Request: unallowed token specified", "ours"),
    refused(500, "Internal Server Error: restart", "vendor", "ambiguous"),
    Case(
        name="flood",
        call=f"POST {BOT}/sendMessage",
        request=CHAT,
        status=429,
        answer=error(429, "Too Many Requests: retry after 17", parameters={"retry_after": 17}),
        answer_headers={"retry-after": "17"},
        code="429",
        message="Too Many Requests: retry after 17",
        fault="limit",
        retry="after",
        after_s=17,
        entity=TO_CHAT,
    ),
    Case(
        name="flood, only in words",
        call=f"POST {BOT}/sendMessage",
        status=429,
        answer=error(429, "Too Many Requests: retry after 5"),
        code="429",
        message="Too Many Requests: retry after 5",
        fault="limit",
        retry="after",
        after_s=5,
    ),
    Case(
        name="flood without parameters",
        call=f"POST {BOT}/sendMessage",
        status=429,
        answer=error(429, "Too Many Requests"),
        code="429",
        message="Too Many Requests",
        fault="limit",
        retry="after",
    ),
    Case(
        name="migrated",
        call=f"POST {BOT}/sendMessage",
        request=CHAT,
        status=400,
        answer=error(
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            parameters={"migrate_to_chat_id": -1001000000002},
        ),
        code="400",
        message="Bad Request: group chat was upgraded to a supergroup chat",
        fault="ours",
        retry="no",
        note="migrated to chat -1001000000002",
        entity=TO_CHAT,
    ),
    Case(
        name="gateway at a send",
        call=f"POST {BOT}/sendMessage",
        status=502,
        answer="<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>",
        code="HTTP_502",
        message="502 Bad Gateway",
        fault="vendor",
        retry="ambiguous",
    ),
    Case(
        name="gateway at a read",
        call=f"POST {BOT}/getChat",
        request={"chat_id": 5},
        status=504,
        answer="",
        code="HTTP_504",
        message="Gateway Timeout",
        fault="vendor",
        retry="safe",
        entity=("chat", "5"),
    ),
    Case(
        name="restart at an edit",
        call=f"POST {BOT}/editMessageText",
        request={"chat_id": 5, "message_id": 42},
        status=500,
        answer=error(500, "Internal Server Error: restart"),
        code="500",
        message="Internal Server Error: restart",
        fault="vendor",
        retry="safe",
        entity=("message", "42"),
    ),
    Case(
        name="no under 200",
        call=f"POST {BOT}/sendMessage",
        answer=error(400, "Bad Request: foreign server"),
        code="400",
        message="Bad Request: foreign server",
        fault="ours",
        retry="no",
    ),
    Case(
        name="no under 200, without a code",
        call=f"POST {BOT}/sendMessage",
        answer={"ok": False},
        code="INVALID_RESPONSE",
        message="no description given",
        fault="unclassified",
        retry="ambiguous",
    ),
    Case(
        name="page under 200",
        call=f"POST {BOT}/sendMessage",
        answer="<html>hotel Wi-Fi</html>",
        code="INVALID_RESPONSE",
        message="the answer is not of the form {ok, result}",
        fault="vendor",
        retry="ambiguous",
    ),
    Case(
        name="forwarded in part",
        call=f"POST {BOT}/forwardMessages",
        request={"chat_id": 5, "message_ids": [1, 2, 3]},
        answer={"ok": True, "result": [{"message_id": 1}, {"message_id": 2}]},
        note="2 of 3 messages forwarded",
        entity=("chat", "5"),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_answer_is_understood(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    ("url", "action"),
    [
        (f"{BOT}/getMe", "test_connection"),
        (f"{BOT}/GETME", "test_connection"),
        (f"{BOT}/sendmessage", "send_message"),
        (f"{BOT}/test/sendMessage", "send_message"),
        (f"{BOT}/sendMediaGroup", "send_media_group"),
        (f"{BOT}/answerCallbackQuery", "answer_callback_query"),
        (f"{BOT}/sendsomethingnew", "sendsomethingnew"),
        (f"{BOT}/x1234567890", "POST /{id}"),
        (f"https://api.telegram.org/bot{TOKEN.replace(':', '%3A')}/sendMessage", "send_message"),
        (f"http://localhost:8081/bot{TOKEN}/sendMessage", "send_message"),
        (f"https://proxy.example.org/tg/bot{TOKEN}/deleteMessages", "delete_messages"),
        (f"https://api.telegram.org/file/bot{TOKEN}/photos/file_1.png", "download_file"),
        ("https://api.telegram.org/bot123:short/sendMessage", "send_message"),
    ],
)
def test_method_is_the_action(url: str, action: str) -> None:
    meaning = understand(f"POST {url}", answer={"ok": True, "result": True})

    assert (meaning.service_name, meaning.action) == ("telegram", action)


@pytest.mark.parametrize(
    "parts",
    [
        {"request": {"chat_id": "@shop"}},
        {"request": {"chat_id": "@shop", "text": "from a form"}},
    ],
)
def test_chat_is_the_entity(parts: dict[str, Json]) -> None:
    assert understand(f"POST {BOT}/sendMessage", **parts).entity == ("chat", "@shop")


def test_chat_in_the_query_is_the_entity() -> None:
    assert understand(f"GET {BOT}/sendMessage?chat_id=-100&text=x").entity == ("chat", "-100")


def test_long_poll_is_recorded_only_if_it_failed() -> None:
    quiet = understand(f"POST {BOT}/getUpdates", answer={"ok": True, "result": []})
    failed = understand(f"POST {BOT}/getUpdates", status=409, answer=error(409, "Conflict"))

    assert (quiet.is_recorded, failed.is_recorded) == (False, True)


def test_get_that_sends_is_not_safe_to_repeat() -> None:
    no_answer = NoAnswer(code="TIMEOUT", message="")

    outcome = understand(f"GET {BOT}/sendMessage?chat_id=1&text=x", no_answer=no_answer).outcome

    assert outcome.retry is not None
    assert outcome.retry.advice == "ambiguous"


@pytest.mark.parametrize(("given", "after_s"), [(10**400, 604_800.0), (-5, 0.0)])
def test_a_wait_that_nobody_means_is_bounded(given: int, after_s: float) -> None:
    answer = error(429, "Too Many Requests", parameters={"retry_after": given})

    outcome = understand(f"POST {BOT}/sendMessage", request=CHAT, status=429, answer=answer).outcome

    assert outcome.retry is not None
    assert (outcome.retry.advice, outcome.retry.after_s) == ("after", after_s)
