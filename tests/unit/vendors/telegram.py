"""Telegram: every answer that its documents tell of, and what it means."""

from integration_monitor.record import Fault, Json
from tests.unit.exchanges import Case
from tests.unit.vendors.vendor import Vendor, nginx, redirected, timed_out, unreachable

TOKEN = "123456789:AAFAKEfakeFAKEfakeFAKEfakeFAKEfake000"
BOT = f"https://api.telegram.org/bot{TOKEN}"
SEND = f"POST {BOT}/sendMessage"
CHAT: Json = {"chat_id": 1000000001, "text": "Your order is ready"}
TO_CHAT = ("chat", "1000000001")
HARMLESS = "harmless, normal in bots"
MALFORMED = "malformed token or URL"


def error(code: int, description: str, **more: Json) -> Json:
    return {"ok": False, "error_code": code, "description": description, **more}


def refused(code: int, words: str, fault: Fault, retry: str = "no", note: str | None = None) -> Case:
    return Case(
        name=words.partition(": ")[2] or words,
        call=SEND,
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


def flood(name: str, words: str, after_s: float | None, **parts: Json) -> Case:
    return Case(
        name=name,
        call=SEND,
        request=CHAT,
        status=429,
        answer=error(429, words, **parts),
        code="429",
        message=words,
        fault="limit",
        retry="after",
        after_s=after_s,
        entity=TO_CHAT,
    )


def gateway(call: str, status: int, words: str, answer: str, retry: str, **expected: Json) -> Case:
    return Case(
        name="page of the gateway" if answer else "empty answer",
        call=call,
        status=status,
        answer=answer,
        code=f"HTTP_{status}",
        message=words,
        fault="vendor",
        retry=retry,
        **expected,
    )


DONE = [
    Case(
        name="sent",
        call=SEND,
        request=CHAT,
        answer={"ok": True, "result": {"message_id": 42, "chat": {"id": 1000000001}}},
        entity=TO_CHAT,
        action="send_message",
    ),
    Case(
        name="bot is there",
        call=f"POST {BOT}/getMe",
        answer={"ok": True, "result": {"id": 123456789, "is_bot": True}},
        entity=("bot", "123456789"),
        action="test_connection",
    ),
    Case(
        name="done, with words",
        call=f"POST {BOT}/setWebhook",
        answer={"ok": True, "result": True, "description": "Webhook was set"},
    ),
    Case(name="answer of which only the beginning was seen", call=f"POST {BOT}/getChat", answer='{"ok":true,"result":{"id":10'),
    Case(name="answer that was not seen", call=f"POST {BOT}/getChat"),
    Case(
        name="file downloaded",
        call=f"GET https://api.telegram.org/file/bot{TOKEN}/photos/file_1.png",
        answer={"binary": True, "size": 16},
        action="download_file",
    ),
    Case(
        name="some messages not forwarded",
        call=f"POST {BOT}/forwardMessages",
        request={"chat_id": 5, "message_ids": [1, 2, 3]},
        answer={"ok": True, "result": [{"message_id": 1}, {"message_id": 2}]},
        note="2 of 3 messages forwarded",
        entity=("chat", "5"),
    ),
    Case(
        name="some messages not copied",
        call=f"POST {BOT}/copyMessages",
        request={"chat_id": 5, "message_ids": [1, 2]},
        answer={"ok": True, "result": [{"message_id": 1}]},
        note="1 of 2 messages copied",
        entity=("chat", "5"),
    ),
]

REFUSED = [
    refused(400, "Bad Request: chat not found", "ours"),
    refused(400, "Bad Request: chat_id is empty", "ours"),
    refused(400, "Bad Request: message text is empty", "ours"),
    refused(400, "Bad Request: can't parse entities: Unsupported start tag", "ours"),
    refused(400, "Bad Request: CHAT_WRITE_FORBIDDEN", "ours"),
    refused(400, "Bad Request: message is not modified: specified new message content is the same", "ours", note=HARMLESS),
    refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid", "ours", note=HARMLESS),
    refused(400, "Bad Request: invalid webhook URL specified", "ours"),
    refused(400, "Bad Request: secret token contains unallowed characters", "ours"),
    refused(400, "Bad Request: bad webhook: HTTPS url must be provided for webhook", "ours"),
    refused(400, "Bad Request: file is too big", "ours"),
    refused(400, "Bad Request: Messages can't be forwarded", "ours"),
    refused(400, "Logged out", "auth", note="after logOut"),
    refused(401, "Unauthorized", "auth"),
    refused(401, "Unauthorized: invalid token specified", "auth"),
    refused(401, "Unauthorized: invalid api-id/api-hash", "auth"),
    refused(403, "Forbidden: bot was blocked by the user", "recipient"),
    refused(403, "Forbidden: user is deactivated", "recipient"),
    refused(403, "Forbidden: bot was kicked from the supergroup chat", "recipient"),
    refused(403, "Forbidden: bot is not a member of the channel chat", "recipient"),
    refused(403, "Forbidden: the group chat was deleted", "recipient"),
    refused(403, "Forbidden: bot can't initiate conversation with a user", "recipient"),
    refused(404, "Not Found", "auth", note=MALFORMED),
    refused(404, "Not Found: method not found", "ours"),
    refused(409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running", "ours"),
    refused(409, "Conflict: can't use getUpdates method while webhook is active", "ours"),
    refused(409, "Conflict: terminated by setWebhook request", "ours"),
    refused(409, "Conflict: terminated by other setWebhook", "ours"),
    refused(413, "Request Entity Too Large", "ours"),
    refused(421, "Misdirected Request: unallowed token specified", "ours"),
    Case(
        name="group has a new id",
        call=SEND,
        request=CHAT,
        status=400,
        answer=error(
            400, "Bad Request: group chat was upgraded to a supergroup chat", parameters={"migrate_to_chat_id": -1001000000002}
        ),
        code="400",
        message="Bad Request: group chat was upgraded to a supergroup chat",
        fault="ours",
        retry="no",
        note="migrated to chat -1001000000002",
        entity=TO_CHAT,
    ),
    Case(
        name="a part of an album refused",
        call=f"POST {BOT}/sendMediaGroup",
        request={"chat_id": 5},
        status=400,
        answer=error(400, 'Bad Request: failed to send message #2 with the error message "Wrong file"'),
        code="400",
        message='Bad Request: failed to send message #2 with the error message "Wrong file"',
        fault="ours",
        retry="no",
        note="the messages before it may have been sent",
        entity=("chat", "5"),
    ),
]

FLOODS = [
    Case(
        name="flood",
        call=SEND,
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
    flood("flood, only in words", "Too Many Requests: retry after 5", 5),
    flood("flood that does not say how long", "Too Many Requests", None),
    flood("a wait that nobody means", "Too Many Requests", 604_800.0, parameters={"retry_after": 10**12}),
    Case(
        name="flood in an album",
        call=f"POST {BOT}/sendMediaGroup",
        request={"chat_id": 5},
        status=429,
        answer=error(
            429,
            'Too Many Requests: failed to send message #3 with the error message "retry after 8"',
            parameters={"retry_after": 8},
        ),
        code="429",
        message='Too Many Requests: failed to send message #3 with the error message "retry after 8"',
        fault="limit",
        retry="ambiguous",
        after_s=8,
        note="the messages before it may have been sent",
        entity=("chat", "5"),
    ),
]

SERVERS = [
    refused(500, "Internal Server Error: restart", "vendor", "ambiguous"),
    Case(
        name="restart, at an edit",
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
    gateway(SEND, 502, "502 Bad Gateway", nginx("502 Bad Gateway"), "ambiguous"),
    gateway(
        f"POST {BOT}/getChat",
        504,
        "504 Gateway Time-out",
        nginx("504 Gateway Time-out"),
        "safe",
        request={"chat_id": 5},
        entity=("chat", "5"),
    ),
    gateway(f"POST {BOT}/getChat", 504, "Gateway Timeout", "", "safe", request={"chat_id": 5}, entity=("chat", "5")),
    timed_out(SEND, "ambiguous", request=CHAT, entity=TO_CHAT, action="send_message"),
    timed_out(f"GET {BOT}/sendMessage?chat_id=5&text=x", "ambiguous", entity=("chat", "5"), action="send_message"),
    timed_out(f"POST {BOT}/getMe", "safe", action="test_connection"),
    timed_out(f"POST {BOT}/answerCallbackQuery", "safe", action="answer_callback_query"),
    timed_out(f"POST {BOT}/setWebhook", "safe", action="set_webhook"),
    unreachable(SEND, request=CHAT, entity=TO_CHAT, action="send_message"),
]

FOREIGN = [
    Case(
        name="no under 200",
        call=SEND,
        answer=error(400, "Bad Request: foreign server"),
        code="400",
        message="Bad Request: foreign server",
        fault="ours",
        retry="no",
    ),
    Case(
        name="no under 200, without a code",
        call=SEND,
        answer={"ok": False},
        code="INVALID_RESPONSE",
        message="no description given",
        fault="unclassified",
        retry="ambiguous",
    ),
    Case(
        name="no under 200, with its code as text",
        call=SEND,
        answer={"ok": False, "error_code": "403", "description": "Forbidden: bot was blocked by the user"},
        code="403",
        message="Forbidden: bot was blocked by the user",
        fault="recipient",
        retry="no",
    ),
    redirected(SEND, action="send_message"),
    Case(
        name="page under 200",
        call=SEND,
        answer="<html>hotel Wi-Fi</html>",
        code="INVALID_RESPONSE",
        message="the answer is not of the form {ok, result}",
        fault="vendor",
        retry="ambiguous",
    ),
]

VENDOR = Vendor(
    title="Telegram",
    service_names=("telegram",),
    summary="Recognised by the path `/bot<token>/<Method>` on any host, so that self-hosted servers are found. Methods are not case sensitive, GET and "
    "POST are the same. `error_code` repeats the HTTP status; the words tell errors apart. A send that got no answer may have been "
    "delivered and cannot be looked up: `ambiguous`. Safe are `get…`, `answer…`, `edit…`, `delete…`, `setWebhook`, `sendChatAction`. "
    "`getUpdates` is recorded only where it failed: it is a long poll.",
    answers={
        "page “Telegram Bot API”; tdlib/telegram-bot-api `Query.h`, `Client.cpp`": DONE,
        "tdlib/telegram-bot-api `Client.cpp`, `ClientManager.cpp`, `HttpConnection.cpp`; page “Telegram Bot API”": REFUSED,
        "tdlib/telegram-bot-api `HttpConnection.cpp`, `Client.cpp`": FLOODS,
        "tdlib/telegram-bot-api `Client.cpp`; issues python-telegram-bot #1095, yagop/node-telegram-bot-api #634": SERVERS,
        "not Telegram's own server: proxies and other implementations": FOREIGN,
    },
)
