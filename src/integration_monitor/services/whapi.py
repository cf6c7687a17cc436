"""Whapi.Cloud's WhatsApp API, and the Partner API beside it.

Sources: the vendor's OpenAPI document 1.8.7, its own guide, and public clients for what neither says.
"""

import re
from collections.abc import Iterator
from http import HTTPStatus

from integration_monitor.record import Fault, Json
from integration_monitor.services.bodies import field_at, text_of
from integration_monitor.services.description import Route, Secrets, Service, in_path, in_response, is_safe_method, route
from integration_monitor.services.exchange import SUCCESS, Exchange, Outcome
from integration_monitor.services.outcome import (
    AMBIGUOUS,
    NO,
    SAFE,
    by_status,
    failure,
    fault_of_status,
    message_in,
    reason_of,
    retry_of_status,
    vendor_code,
)

_SENT = in_response("message", "message.id")
_MESSAGE = in_path("message", "message")
_CONTACT = in_path("contact", "contact")
_GROUP = in_path("group", "group")
_CHAT = in_path("chat", "chat")

# What the last segment of POST /messages/… sends.
_SENDS = (
    *("image", "video", "short", "gif", "audio", "voice", "document", "sticker", "location", "live_location"),
    *("contact", "contact_list", "poll", "interactive", "carousel", "link_preview", "story"),
)

# Channel states other than AUTH → (what it means, fault). Decided by text: the numbers differ between sources.
_STATES: dict[str, tuple[str, Fault]] = {
    "QR": ("waits for a phone to be linked", "auth"),
    "STOP": ("deactivated, check the subscription", "auth"),
    "NOT_INIT": ("not initialised", "auth"),
    "INIT": ("initialised, not yet linked", "vendor"),
    "LAUNCH": ("starting", "vendor"),
    "ERROR": ("error", "vendor"),
    "SYNC_ERROR": ("synchronisation error", "vendor"),
}
_LINKED = "AUTH"
# The beginning of an answer that was cut.
_CUT_FLAG = re.compile(r'\s*\{\s*"(sent|success)"\s*:\s*false')


def _routes() -> Iterator[Route]:
    yield route("GET", "/health", "test_connection", in_response("channel", "channel_id"))
    yield route("GET", "/limits", "get_limits")
    yield from _message_routes()
    yield from _contact_routes()
    yield from _group_routes()
    yield from _channel_routes()
    yield from _chat_routes()
    yield route("POST", "/media", "upload_media", in_response("media", "media.0.id"))
    yield route("GET", "/media", "list_media")
    yield route("GET", "/media/{media}", "get_media", in_path("media", "media"))
    yield route("DELETE", "/media/{media}", "delete_media", in_path("media", "media"))


def _message_routes() -> Iterator[Route]:
    yield route("POST", "/messages/text", "send_message", _SENT)
    for kind in _SENDS:
        yield route("POST", f"/messages/{kind}", f"send_{kind}", _SENT)
    yield route("POST", "/messages/media/{kind}", "send_media", _SENT)
    for kind in ("text", "media", "audio"):
        yield route("POST", f"/messages/story/{kind}", "send_story", _SENT)
        yield route("POST", f"/stories/send/{kind}", "send_story", _SENT)
    yield route("POST", "/stories", "send_story", _SENT)
    yield route("GET", "/messages/list", "list_messages")
    yield route("GET", "/messages/list/{chat}", "list_messages", _CHAT)
    yield route("GET", "/messages/{message}", "get_message", _MESSAGE)
    yield route("POST", "/messages/{message}", "forward_message", _MESSAGE)
    yield route("PUT", "/messages/{message}", "mark_message_read", _MESSAGE)
    yield route("DELETE", "/messages/{message}", "delete_message", _MESSAGE)
    for mark, put, delete in (
        ("reaction", "react_to_message", "remove_reaction"),
        ("star", "star_message", "unstar_message"),
        ("pin", "pin_message", "unpin_message"),
    ):
        yield route("PUT POST", f"/messages/{{message}}/{mark}", put, _MESSAGE)
        yield route("DELETE", f"/messages/{{message}}/{mark}", delete, _MESSAGE)
    yield route("GET", "/statuses/{message}", "get_message_statuses", _MESSAGE)


def _contact_routes() -> Iterator[Route]:
    yield route("POST", "/contacts", "check_phones")
    yield route("GET", "/contacts", "list_contacts")
    yield route("PUT", "/contacts", "add_contact")
    yield route("HEAD", "/contacts/{contact}", "check_phone", _CONTACT)
    yield route("GET", "/contacts/{contact}", "get_contact", _CONTACT)
    yield route("PATCH", "/contacts/{contact}", "edit_contact", _CONTACT)
    yield route("DELETE", "/contacts/{contact}", "delete_contact", _CONTACT)
    yield route("POST", "/contacts/{contact}", "send_contact", _CONTACT)


def _group_routes() -> Iterator[Route]:
    yield route("GET", "/groups", "list_groups")
    yield route("POST", "/groups", "create_group", in_response("group", "group_id"))
    yield route("PUT", "/groups", "join_group")
    yield route("GET", "/groups/{group}", "get_group", _GROUP)
    yield route("PUT PATCH", "/groups/{group}", "update_group", _GROUP)
    yield route("DELETE", "/groups/{group}", "leave_group", _GROUP)
    for part, post, delete in (
        ("participants", "add_group_participants", "remove_group_participants"),
        ("admins", "promote_group_admins", "demote_group_admins"),
        ("applications", "accept_group_applications", "reject_group_applications"),
        ("icon", "set_group_icon", "delete_group_icon"),
        ("invite", "send_group_invite", "revoke_group_invite"),
    ):
        path = f"/groups/{{group}}/{part}"
        yield route("GET", path, f"get_group_{part}", _GROUP)
        yield route("DELETE", path, delete, _GROUP)
        yield route("POST PUT PATCH", path, post, _GROUP)


def _channel_routes() -> Iterator[Route]:
    """Settings hold proxies with passwords and the headers of webhooks; a login lets anyone link the account."""
    secrets = {"proxy": "proxy", "mobile_proxy": "proxy", "headers": "webhook_headers", "url": "webhook_url"}
    yield route("GET", "/settings", "get_settings", secrets=secrets)
    yield route("PATCH", "/settings", "update_settings", secrets=secrets)
    yield route("DELETE", "/settings", "reset_settings", secrets=secrets)
    yield route("GET", "/settings/events", "get_allowed_events")
    yield route("POST", "/settings/webhook_test", "test_webhook", secrets=secrets)
    both = frozenset({"request", "response"})
    for path in ("/users/login", "/users/login/{kind}"):
        yield route("", path, "login_channel", withheld=both)
    yield route("POST", "/users/logout", "logout_channel")
    yield route("GET", "/users/profile", "get_profile")
    yield route("PATCH", "/users/profile", "update_profile")


def _chat_routes() -> Iterator[Route]:
    yield route("GET", "/chats", "get_chats")
    for method, action in (("GET", "get"), ("DELETE", "delete"), ("POST", "archive"), ("PATCH", "patch")):
        yield route(method, "/chats/{chat}", f"{action}_chat", _CHAT)


def is_repeatable(exchange: Exchange, action: str) -> bool:
    """Reads and the check of phones: there is no idempotency key."""
    return action == "check_phones" or is_safe_method(exchange, action)


def read(exchange: Exchange, action: str) -> Outcome:
    status, body = exchange.status_code, exchange.response_body
    if status == HTTPStatus.NOT_FOUND and action == "check_phone":
        return Outcome(is_success=True, note="not registered in WhatsApp")
    if status is None or status >= HTTPStatus.BAD_REQUEST:
        return _read_refused(exchange, action)
    outcome = _read_flags(body)
    if outcome.is_success and field_at(body, "error"):
        return _read_refused(exchange, action)
    if outcome.is_success and action == "test_connection":
        return _read_health(body)
    if status == HTTPStatus.NO_CONTENT and action == "get_limits":
        return Outcome(is_success=True, note="no limits")
    return outcome


def _read_flags(body: Json) -> Outcome:
    """Sends answer {sent, message}, other actions {success}."""
    cut = _CUT_FLAG.match(body) if isinstance(body, str) else None
    if field_at(body, "sent") is False or (cut and cut[1] == "sent"):
        # Whether the gateway gave up or keeps the message is nowhere said.
        return failure("NOT_SENT", _reason(body) or "the gateway says sent: false", "unclassified", AMBIGUOUS)
    if field_at(body, "success") is False or (cut and cut[1] == "success"):
        return failure("NOT_DONE", _reason(body) or "the gateway says success: false", "unclassified")
    return SUCCESS


def _reason(body: Json) -> str | None:
    for field in ("error.message", "error.details", "error", "message.status", "details", "message"):
        text = text_of(field_at(body, field))
        if text:
            return text
    return None


def _read_health(body: Json) -> Outcome:
    state = text_of(field_at(body, "status.text")) or text_of(field_at(body, "status"))
    if state == _LINKED:
        return SUCCESS
    code = vendor_code(state)
    if code is None:
        return failure("INVALID_RESPONSE", "the answer has no status.text", "vendor", SAFE)
    words, fault = _STATES.get(code, ("unknown state", "unclassified"))
    return failure(code, f"channel status {code}: {words}", fault, NO if fault == "auth" else SAFE)


def _read_refused(exchange: Exchange, action: str) -> Outcome:
    """Both forms: {"error": {code, message}} and the flat {"code", "error": message}."""
    body, status = exchange.response_body, exchange.status_code
    if status is None:
        return by_status(exchange, is_repeatable=is_repeatable(exchange, action))
    error = field_at(body, "error")
    is_nested = isinstance(error, dict)
    code = vendor_code(field_at(error, "code") if is_nested else field_at(body, "code"))
    message = _reason(body) or message_in(body)
    number = status
    if status < HTTPStatus.BAD_REQUEST:  # an error under a success status: its own code is all there is
        number = int(code) if code is not None and code.isdigit() else 0
    retry = retry_of_status(exchange, is_repeatable=is_repeatable(exchange, action))
    if status == HTTPStatus.UNPROCESSABLE_ENTITY and action == "login_channel":
        retry = SAFE
    name = code or (f"HTTP_{status}" if status >= HTTPStatus.BAD_REQUEST else "NOT_DONE")
    return failure(name, message or reason_of(status), _fault(number, message or "", action), retry)


def _fault(number: int, message: str, action: str) -> Fault:
    """A wrong token is 404 and an unlinked phone is 401: the words decide."""
    if number < HTTPStatus.BAD_REQUEST:
        return "unclassified"
    if "channel not found" in message.lower():
        return "auth"
    if number == HTTPStatus.FORBIDDEN:  # the token is good, this recipient or group is out of bounds
        return "recipient" if action.startswith(("send_", "forward_")) else "ours"
    if number == HTTPStatus.UNPROCESSABLE_ENTITY and action == "login_channel":
        return "vendor"
    return fault_of_status(number)


_SECRETS = Secrets(names={"authorization": "token", "token": "token"})

SERVICE = Service(
    name="whapi",
    hosts=("gate.whapi.cloud",),
    routes=tuple(_routes()),
    secrets=_SECRETS,
    read=read,
    is_repeatable=is_repeatable,
)

# A service of its own: its answers carry the tokens of channels.
PARTNER_SERVICE = Service(
    name="whapi_partner", hosts=("manager.whapi.cloud",), secrets=_SECRETS, read=read, is_repeatable=is_repeatable
)
