"""Telegram's Bot API, at Telegram's own server and at self-hosted ones.

Sources: the server's code (tdlib/telegram-bot-api), the page "Telegram Bot API" and the
libraries aiogram 3.31.0 and python-telegram-bot 22.8.
"""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Literal

from integration_monitor.record import Fault, Json
from integration_monitor.services.bodies import field_at, items_of, text_of
from integration_monitor.services.description import (
    EntityPlace,
    Probe,
    Route,
    Secrets,
    SecretShape,
    Service,
    in_request,
    in_response,
    route,
)
from integration_monitor.services.exchange import SUCCESS, Exchange, Outcome, Retry
from integration_monitor.services.folding import folded_action
from integration_monitor.services.outcome import (
    AMBIGUOUS,
    NO,
    bounded_wait_s,
    by_status,
    failure,
    fault_of_status,
    not_from_the_api,
    retry_after_s,
    safe_or_ambiguous,
)
from integration_monitor.services.telegram_methods import METHODS

_DOWNLOAD = "/download"
# The colon may be percent-encoded; a malformed token is to be recognised too, since it is answered with 404.
_PATH = re.compile(r"/(?P<file>file/)?bot(?P<token>\d+(?::|%3A)[^/]*|[^/]*)/(?:test/)?(?P<rest>.*)", re.IGNORECASE)
# By place: a malformed token is nearly always a good one with a slip in it.
_TOKEN_IN_PATH = re.compile(r"(?<=/bot)(?:(?P<id>\d+)(?::|%3A)[^/\s\"'<>?#$]*|[^/\s\"'<>?#$]{20,})(?=/)", re.IGNORECASE)
_METHOD = re.compile(r"[A-Za-z]{1,64}")
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

# Methods that can be repeated without harm, by the beginning of their names.
_REPEATABLE = ("get_", "answer_", "edit_", "delete_", "set_webhook", "send_chat_action", "test_connection", "download_file")

_HARMLESS = ("message is not modified", "query is too old")
_RETRY_AFTER = re.compile(r"retry after (\d{1,9})")
# An album fails as a whole, but what had gone out before is not taken back: the server's code says so, no page does.
_PART_OF_ALBUM = re.compile(r"failed to send message #(\d+)", re.IGNORECASE)
# The beginning of an answer that was cut: enough to tell.
_CUT_OK = re.compile(r'\s*\{[^{}\[\]]*?"ok"\s*:\s*(true|false)')
_FORWARDS = {"forward_messages": "forwarded", "copy_messages": "copied"}

# Methods about a message that exists; all others with a chat_id are about the chat.
_ABOUT_MESSAGES = re.compile(r"(?:edit|delete|pin|unpin|stop)Message|setMessageReaction|stopPoll")


def _routes() -> Iterator[Route]:
    yield route("", _DOWNLOAD, "download_file")
    for method in METHODS:
        yield route("", f"/{method.lower()}", _action(method), *_entities(method), **_SPECIAL.get(method, {}))


def _action(method: str) -> str:
    return "test_connection" if method == "getMe" else _WORD_START.sub("_", method).lower()


def _entities(method: str) -> tuple[EntityPlace, ...]:
    if method == "getMe":
        return (in_response("bot", "result.id"),)
    if method == "getFile":
        return (in_request("file", "file_id"),)
    chat = in_request("chat", "chat_id")
    if _ABOUT_MESSAGES.match(method):
        return (in_request("message", "message_id"), in_request("message", "message_ids.[]"), chat)
    return (chat, in_request("user", "user_id"))


_SPECIAL: dict[str, dict[str, Json]] = {
    # A long poll: meant to last and to bring nothing. Each one as a record would flood the table.
    "getUpdates": {"is_recorded": False},
    # A webhook's URL often has a secret path.
    "setWebhook": {"secrets": {"url": "webhook_url"}},
    "getWebhookInfo": {"secrets": {"url": "webhook_url"}},
    "getManagedBotToken": {"secrets": {"result": "managed_bot_token"}},
    "replaceManagedBotToken": {"secrets": {"result": "managed_bot_token"}},
}


def route_path(path: str) -> str:
    """`/sendmessage` for /bot<token>/sendMessage: methods are not case sensitive, and the test environment has one segment more."""
    found = _PATH.search(path)
    if found is None:
        return path
    return _DOWNLOAD if found["file"] else "/" + found["rest"].strip("/").lower()


def fallback_action(method: str, path: str) -> str:
    """A method that this version does not know stays as it is; anything else is folded."""
    name = path.strip("/")
    return name if _METHOD.fullmatch(name) else folded_action(method, path)


def is_repeatable(_exchange: Exchange, action: str) -> bool:
    """By method, since a GET can send: get…, answer…, edit…, delete…, setWebhook, sendChatAction."""
    return action.startswith(_REPEATABLE)


def read(exchange: Exchange, action: str) -> Outcome:
    body, status = exchange.response_body, exchange.status_code
    is_ok = _is_ok(body)
    is_refused_status = status is None or status >= HTTPStatus.BAD_REQUEST
    if is_ok is False or (is_refused_status and field_at(body, "error_code") is not None):
        return _read_error(exchange, action)
    if is_refused_status:
        return by_status(exchange, is_repeatable=is_repeatable(exchange, action))
    redirect = None if action == "download_file" or is_ok else not_from_the_api(exchange, is_repeatable=False)
    if redirect is not None and redirect.error_code != "INVALID_RESPONSE":
        return redirect
    if is_ok is None and action != "download_file" and not _may_be_cut(body):
        return failure("INVALID_RESPONSE", "the answer is not of the form {ok, result}", "vendor", AMBIGUOUS)
    return _with_count(exchange, action)


def _is_ok(body: Json) -> bool | None:
    """None where the answer does not say it."""
    if isinstance(body, str):
        found = _CUT_OK.match(body)
        return found[1] == "true" if found else None
    value = field_at(body, "ok")
    return value if isinstance(value, bool) else None


def _may_be_cut(body: Json) -> bool:
    """Whether the answer was not seen, or only its beginning: the status, which is the same as `error_code`, decides then."""
    return body is None or (isinstance(body, str) and (not body or body.lstrip().startswith("{")))


def _with_count(exchange: Exchange, action: str) -> Outcome:
    """Messages that cannot be forwarded are left out without a word: only the numbers tell."""
    verb = _FORWARDS.get(action)
    if verb is None:
        return SUCCESS
    sent = items_of(field_at(exchange.request_body, "message_ids"))
    done = items_of(field_at(exchange.response_body, "result"))
    if len(done) < len(sent):
        return Outcome(is_success=True, note=f"{len(done)} of {len(sent)} messages {verb}")
    return SUCCESS


def _read_error(exchange: Exchange, action: str) -> Outcome:
    code = field_at(exchange.response_body, "error_code")
    # A foreign server may write it as text.
    if isinstance(code, str) and re.fullmatch(r"[0-9]{3}", code):
        code = int(code)
    if not isinstance(code, int) or isinstance(code, bool) or not 0 < code < 1000:  # noqa: PLR2004 (an HTTP status)
        code = exchange.status_code or 0
        name = f"HTTP_{code}" if code >= HTTPStatus.BAD_REQUEST else "INVALID_RESPONSE"
    else:
        name = str(code)
    words = text_of(field_at(exchange.response_body, "description")) or "no description given"
    fault, note = _judge(code, words.lower(), action)
    part = _PART_OF_ALBUM.search(words)
    if part and part[1] != "1":
        note = "the messages before it may have been sent"
    moved_to = field_at(exchange.response_body, "parameters.migrate_to_chat_id")
    if isinstance(moved_to, int):
        note = f"migrated to chat {moved_to}"
    return failure(name, words, fault, _retry(exchange, code, words, action), note=note)


def _judge(code: int, words: str, action: str) -> tuple[Fault, str | None]:
    """The fault of an error, and a hint where its text hides the cause. The texts are the server's own."""
    if code == HTTPStatus.BAD_REQUEST and "logged out" in words:
        return "auth", "after logOut"
    if code == HTTPStatus.BAD_REQUEST and any(text in words for text in _HARMLESS):
        return "ours", "harmless, normal in bots"
    if code == HTTPStatus.NOT_FOUND and "method" not in words and action != "download_file":
        return "auth", "malformed token or URL"
    if code == HTTPStatus.FORBIDDEN:
        return "recipient", None  # whatever the text: it concerns this chat alone
    return fault_of_status(code) if code >= HTTPStatus.BAD_REQUEST else "unclassified", None


def _retry(exchange: Exchange, code: int, words: str, action: str) -> Retry:
    if code == HTTPStatus.TOO_MANY_REQUESTS:
        advice: Literal["ambiguous", "after"] = "ambiguous" if _PART_OF_ALBUM.search(words) else "after"
        return Retry(advice=advice, after_s=_wait_s(exchange, words))
    if code < HTTPStatus.BAD_REQUEST or code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return safe_or_ambiguous(is_repeatable=is_repeatable(exchange, action))
    return NO


def _wait_s(exchange: Exchange, words: str) -> float | None:
    """Seconds by the parameter, else by the words, else by the header."""
    seconds = field_at(exchange.response_body, "parameters.retry_after")
    in_words = _RETRY_AFTER.search(words)
    if isinstance(seconds, int) and not isinstance(seconds, bool):
        return bounded_wait_s(seconds)
    return bounded_wait_s(int(in_words[1])) if in_words else retry_after_s(exchange)


SERVICE = Service(
    name="telegram",
    hosts=("api.telegram.org",),
    path_pattern=re.compile(r"/(?:file/)?bot\d+(?::|%3A)[A-Za-z0-9_-]{20,}/", re.IGNORECASE),
    routes=tuple(_routes()),
    route_path=route_path,
    fallback_action=fallback_action,
    message_fields=frozenset({"text", "caption", "message_text", "question", "explanation", "quote"}),
    secrets=Secrets(
        names={"secret_token": "webhook_secret", "x-telegram-bot-api-secret-token": "webhook_secret"},
        shapes=(SecretShape(name="token", pattern=_TOKEN_IN_PATH, marks=("/bot", "/Bot", "/BOT")),),
    ),
    read=read,
    is_repeatable=is_repeatable,
    is_told_by_body=True,
    probe=Probe(
        url="https://api.telegram.org/bot${token}/getMe",
        credentials={"token": "INTEGRATION_MONITOR_TELEGRAM_BOT_TOKEN"},
    ),
)
