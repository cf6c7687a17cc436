"""A stand-in for Telegram's Bot API.

The token decides first: `<bot id>:<30 or more characters>`, else 404 Not Found, as for a malformed token.

| bot id begins with | answer |
|---|---|
| 401 | 401 Unauthorized: a revoked token |
| 409 | 409 to getUpdates: another process polls, or a webhook is set (id begins with 4092); all else as usual |
| 421 | 421 Misdirected Request |

The chat decides then, by `chat_id`:

| chat_id | answer |
|---|---|
| 400001 | 400 chat not found |
| 400002 | 400 message is not modified (harmless) |
| 400003 | 400 query is too old (harmless) |
| 400004 | 400 with migrate_to_chat_id |
| 400005 | 400 Logged out |
| 400006, 400007, 400008, 400009 | 400 CHAT_WRITE_FORBIDDEN, can't parse entities, message text is empty, file is too big |
| 400010, 429800 | 400, and 429, for the second part of an album: the first may have gone out |
| 403001, 403002, 403003, 403004 | 403 blocked by the user, user is deactivated, kicked from the group, can't initiate conversation |
| 403005, 403006 | 403 not a member of the channel, the group was deleted |
| 413001 | 413 Request Entity Too Large |
| 429000 | 429 without parameters |
| 429001 to 429999 | 429, retry after 1 to 999 seconds |
| 500001 | 500 Internal Server Error: restart |
| 502001, 504001 | HTML of the gateway |
| 200001 | 200 with ok: false, as foreign servers answer |
| 408001 | no answer in time |
| 499001 | the connection is dropped |
| any other | success |

`answerCallbackQuery` with callback_query_id 400003 is too old. Of `message_ids` to forward or copy those below 0 are left out. getUpdates
waits as long as its `timeout` says, at most 30 s, and brings nothing. The test environment (/test/) and files are served, too.
"""

import json
import re

from integration_monitor.record import Json
from integration_monitor.services.telegram_methods import METHODS
from integration_monitor.simulators.message import (
    DROPPED,
    LATE,
    SimulatedRequest,
    SimulatedResponse,
    answer,
    number_of,
    page,
)

_PATH = re.compile(r"/(?P<file>file/)?bot(?P<id>\d+)(?::|%3A)[A-Za-z0-9_-]{30,}/(?:test/)?(?P<rest>.+)", re.IGNORECASE)
_METHODS = {method.lower(): method for method in METHODS}
_POLL_S_MAX = 30.0

_FLOODS = range(429000, 430000)
_FLOOD_IN_ALBUM = 429800
_SENDS = re.compile(r"send(?!ChatAction)|forwardMessage$|editMessage|stopPoll|postStory", re.IGNORECASE)
_DATE = 1_772_359_200
_HOOK = "https://shop.example.org/hooks/9f8e7d6c5b4a"
_MANAGED_TOKEN = "987654321:AAFAKEmanagedFAKEmanagedFAKEmanaged0"  # noqa: S105 (invented)


def _error(status: int, words: str, *, retry_after: str | None = None, **more: Json) -> SimulatedResponse:
    headers = {"retry-after": retry_after} if retry_after else {}
    return answer({"ok": False, "error_code": status, "description": words, **more}, status, headers=headers)


# Beginning of the bot's id → answer to everything.
_BOTS = {
    "401": _error(401, "Unauthorized"),
    "421": _error(421, "Misdirected Request: unallowed token specified"),
}
_CHATS = {
    200001: answer({"ok": False, "error_code": 400, "description": "Bad Request: this server says no with 200"}),
    400001: _error(400, "Bad Request: chat not found"),
    400002: _error(400, "Bad Request: message is not modified: specified new message content is exactly the same"),
    400003: _error(400, "Bad Request: query is too old and response timeout expired or query ID is invalid"),
    400004: _error(
        400,
        "Bad Request: group chat was upgraded to a supergroup chat",
        parameters={"migrate_to_chat_id": -1001000000002},
    ),
    400005: _error(400, "Logged out"),
    400006: _error(400, "Bad Request: CHAT_WRITE_FORBIDDEN"),
    400007: _error(400, "Bad Request: can't parse entities: Unsupported start tag"),
    400008: _error(400, "Bad Request: message text is empty"),
    400009: _error(400, "Bad Request: file is too big"),
    400010: _error(400, 'Bad Request: failed to send message #2 with the error message "Wrong file"'),
    403001: _error(403, "Forbidden: bot was blocked by the user"),
    403002: _error(403, "Forbidden: user is deactivated"),
    403003: _error(403, "Forbidden: bot was kicked from the group chat"),
    403004: _error(403, "Forbidden: bot can't initiate conversation with a user"),
    403005: _error(403, "Forbidden: bot is not a member of the channel chat"),
    403006: _error(403, "Forbidden: the group chat was deleted"),
    408001: LATE,
    413001: _error(413, "Request Entity Too Large"),
    499001: DROPPED,
    500001: _error(500, "Internal Server Error: restart"),
    502001: page(502, "502 Bad Gateway"),
    504001: page(504, "504 Gateway Time-out"),
}


def respond(request: SimulatedRequest) -> SimulatedResponse:
    found = _PATH.fullmatch(request.path)
    if found is None:
        return _error(404, "Not Found")
    if found["id"][:3] in _BOTS:
        return _BOTS[found["id"][:3]]
    if found["file"]:
        return SimulatedResponse(headers={"content-type": "application/octet-stream"}, body=b"\x89PNG\r\n\x1a\nstand-in")
    method = _METHODS.get(found["rest"].strip("/").lower())
    if method is None:
        return _error(404, "Not Found: method not found")
    fields = request.fields()
    if method == "getUpdates":
        return _poll(found["id"], fields)
    return _refuse(fields) or answer({"ok": True, "result": _result(request, method, int(found["id"]), fields)})


def _refuse(fields: dict[str, Json]) -> SimulatedResponse | None:
    """The error that the chat provokes; None where it provokes none."""
    chat = _integer(fields.get("chat_id", fields.get("callback_query_id")))
    seconds = chat - _FLOODS.start
    if chat not in _FLOODS:
        return _CHATS.get(chat)
    if seconds == 0:
        return _error(429, "Too Many Requests")
    words = f"Too Many Requests: retry after {seconds}"
    if chat == _FLOOD_IN_ALBUM:
        words = f'Too Many Requests: failed to send message #2 with the error message "{words}"'
    return _error(429, words, retry_after=str(seconds), parameters={"retry_after": seconds})


def _poll(bot_id: str, fields: dict[str, Json]) -> SimulatedResponse:
    if bot_id.startswith("409"):
        if bot_id.startswith("4092"):
            return _error(409, "Conflict: can't use getUpdates method while webhook is active")
        words = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
        return _error(409, words)
    seconds = min(float(_integer(fields.get("timeout"))), _POLL_S_MAX)
    quiet = answer({"ok": True, "result": []})
    return SimulatedResponse(headers=quiet.headers, body=quiet.body, delay_s=max(seconds, 0.0))


def _result(request: SimulatedRequest, method: str, bot_id: int, fields: dict[str, Json]) -> Json:
    bot = {"id": bot_id, "is_bot": True, "first_name": "ShopBot", "username": "shop_example_bot"}
    chat_id = _integer(fields.get("chat_id"))
    rights = {"can_join_groups": True, "can_read_all_group_messages": False, "supports_inline_queries": False}
    forwarded = [{"message_id": one} for one in _integers(fields.get("message_ids")) if one > 0]
    results: dict[str, Json] = {
        "getMe": {**bot, **rights},
        "getChat": _chat(chat_id),
        "getFile": {
            "file_id": fields.get("file_id", ""),
            "file_unique_id": "AgAD",
            "file_size": 16,
            "file_path": "photos/file_1.png",
        },
        "getWebhookInfo": {"url": _HOOK, "has_custom_certificate": False, "pending_update_count": 0},
        "getManagedBotToken": _MANAGED_TOKEN,
        "replaceManagedBotToken": _MANAGED_TOKEN,
        "forwardMessages": forwarded,
        "copyMessages": forwarded,
        "copyMessage": {"message_id": number_of(request, 5)},
        "sendMediaGroup": [_message(request, bot, chat_id, fields)],
    }
    if method in results:
        return results[method]
    return _message(request, bot, chat_id, fields) if _SENDS.match(method) else True


def _message(request: SimulatedRequest, bot: Json, chat_id: int, fields: dict[str, Json]) -> Json:
    message_id = _integer(fields.get("message_id")) or number_of(request, 5)
    text = fields.get("text", fields.get("caption", ""))
    return {"message_id": message_id, "from": bot, "chat": _chat(chat_id), "date": _DATE, "text": text}


def _chat(chat_id: int) -> Json:
    if chat_id < 0:
        return {"id": chat_id, "title": "Group", "type": "supergroup"}
    return {"id": chat_id, "first_name": "Anna", "type": "private"}


def _integer(value: Json) -> int:
    """A parameter as a number; 0 where it is none (`@channel`)."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def _integers(value: Json) -> list[int]:
    """A list parameter, which a form holds as JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return []
    return [_integer(one) for one in value] if isinstance(value, list) else []
