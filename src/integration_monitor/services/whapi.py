"""Whapi.Cloud's WhatsApp API, and the Partner API beside it.

Sources: the vendor's OpenAPI document 1.8.7, its own guide, and public clients for what neither says.
"""

import re
from http import HTTPStatus

import msgspec

from integration_monitor.record import Fault, Json
from integration_monitor.services.bodies import field_at, text_of
from integration_monitor.services.description import Probe, Secrets, Service, is_safe_method
from integration_monitor.services.exchange import SUCCESS, Exchange, Outcome
from integration_monitor.services.outcome import (
    AMBIGUOUS,
    NO,
    SAFE,
    by_status,
    failure,
    fault_of_status,
    message_in,
    not_from_the_api,
    reason_of,
    retry_of_status,
    vendor_code,
)
from integration_monitor.services.whapi_routes import routes

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
_HINTS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "no phone is linked to the channel",
    HTTPStatus.CONFLICT: "already in that state, often harmless",
}
# The beginning of an answer that was cut.
_CUT_FLAG = re.compile(r'\s*\{\s*"(sent|success)"\s*:\s*false')


def is_repeatable(exchange: Exchange, action: str) -> bool:
    """Reads and the check of phones: there is no idempotency key."""
    return action == "check_phones" or is_safe_method(exchange, action)


def read(exchange: Exchange, action: str) -> Outcome:
    status = exchange.status_code
    if status == HTTPStatus.NOT_FOUND and action == "check_phone":
        return Outcome(is_success=True, note="not registered in WhatsApp")
    if status is None or status >= HTTPStatus.BAD_REQUEST:
        return _read_refused(exchange, action)
    # A file may be a page, and may lie elsewhere.
    page = None if action == "get_media" else not_from_the_api(exchange, is_repeatable=is_repeatable(exchange, action))
    return page or _read_answer(exchange, action)


def _read_answer(exchange: Exchange, action: str) -> Outcome:
    body = exchange.response_body
    outcome = _read_flags(body)
    if outcome.is_success and field_at(body, "error"):
        return _read_refused(exchange, action)
    if outcome.is_success and action == "test_connection":
        return _read_health(body)
    if exchange.status_code == HTTPStatus.NO_CONTENT and action == "get_limits":
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
        exchange = msgspec.structs.replace(exchange, status_code=number)
    retry = retry_of_status(exchange, is_repeatable=is_repeatable(exchange, action))
    if number == HTTPStatus.UNPROCESSABLE_ENTITY and action == "login_channel":
        retry = SAFE
    name = code or (f"HTTP_{status}" if status >= HTTPStatus.BAD_REQUEST else "NOT_DONE")
    fault, note = _judge(number, message or "", action)
    words = message or (reason_of(status) if status >= HTTPStatus.BAD_REQUEST else "the answer holds an error")
    return failure(name, words, fault, retry, note=note)


def _judge(number: int, message: str, action: str) -> tuple[Fault, str | None]:
    """The fault of an error, and a hint where its status means something else than at other services."""
    if "channel not found" in message.lower() and number >= HTTPStatus.BAD_REQUEST:
        return "auth", "wrong token"
    if number == HTTPStatus.FORBIDDEN:  # the token is good, this recipient or group is out of bounds
        return "recipient" if action.startswith(("send_", "forward_")) else "ours", None
    if number == HTTPStatus.UNPROCESSABLE_ENTITY and action == "login_channel":
        return "vendor", None
    return fault_of_status(number) if number >= HTTPStatus.BAD_REQUEST else "unclassified", _HINTS.get(number)


_SECRETS = Secrets(names={"authorization": "token", "token": "token"})

SERVICE = Service(
    name="whapi",
    hosts=("gate.whapi.cloud",),
    routes=tuple(routes()),
    message_fields=frozenset({"body", "caption", "text"}),
    secrets=_SECRETS,
    read=read,
    is_repeatable=is_repeatable,
    is_told_by_body=True,
    probe=Probe(
        # Without it the vendor starts the channel: a look must not change anything.
        url="https://gate.whapi.cloud/health?wakeup=false",
        headers={"authorization": "Bearer ${token}"},
        credentials={"token": "INTEGRATION_MONITOR_WHAPI_TOKEN"},
    ),
)

# A service of its own: its answers carry the tokens of channels.
PARTNER_SERVICE = Service(
    name="whapi_partner",
    hosts=("manager.whapi.cloud",),
    secrets=_SECRETS,
    read=read,
    is_repeatable=is_repeatable,
    is_told_by_body=True,
)
