"""Mobizon's SMS API: RPC whose envelope `{code, data, message}` tells the outcome; HTTP says 200 to nearly everything.

Sources: the vendor's repository mobizon/mobizon-api-docs (codes in `_other/apiCode.md`), its PHP
client, and public clients where the documentation is silent.
"""

import dataclasses
import re
from collections.abc import Iterator
from http import HTTPStatus

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
from integration_monitor.services.outcome import AMBIGUOUS, NO, by_status, failure, listed, retry_after_s, safe_or_ambiguous

_PREFIX = "/service"

# Codes of the envelope → (what it means where `message` is empty, fault). Others are kept as they come.
_CODES: dict[int, tuple[str, Fault]] = {
    1: ("validation failed", "ours"),
    2: ("record not found, or no right to it", "ours"),
    3: ("unidentified application error", "vendor"),
    4: ("wrong parameter module", "ours"),
    5: ("wrong parameter method", "ours"),
    6: ("wrong parameter format", "ours"),
    8: ("login error: wrong key, or session closed", "auth"),
    9: ("no access to this method", "auth"),
    10: ("data could not be saved, usually concurrent access", "vendor"),
    11: ("required parameters missing", "ours"),
    12: ("a parameter breaks a rule", "ours"),
    13: ("this API server does not serve the user", "auth"),
    14: ("account blocked or deleted", "auth"),
    15: ("the operation failed", "unclassified"),
    30: ("too many calls of the same method", "limit"),
    98: ("only part of the items done", "ours"),
    99: ("none of the items done", "ours"),
    999: ("general service error", "vendor"),
}
_DONE, _VALIDATION, _SAVING, _RULE, _LIMIT = 0, 1, 10, 12, 30
_PARTLY, _NOTHING, _BACKGROUND = 98, 99, 100
_TASK_REJECTED = 3
# The vendor's own trouble: whether a send was done cannot be known.
_UNKNOWN_OUTCOME = frozenset({3, 999})
# An empty balance has no code of its own: it is expected in the words of these.
_MAY_BE_BALANCE = frozenset({1, 15, 999})
_BALANCE = re.compile(r"balance|not enough (?:money|funds)|insufficient|баланс|недостаточно средств", re.IGNORECASE)

# Item codes of campaign/addrecipients.
_ITEM_CODES = {
    1: "empty",
    2: "no number in it",
    3: "wrong format",
    4: "duplicate",
    5: "on the stop list",
    6: "country not allowed",
    7: "operator or country unknown",
    8: "operator not served",
    20: "placeholders missing",
    30: "contact card not found",
    31: "card has no mobile",
    32: "contact not found",
    51: "short link not possible for the moment",
    99: "system error",
}
_ITEM_FAULTS_RECIPIENT = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 31})
# These pass by themselves; the other items would fail again.
_ITEM_CODES_TEMPORARY = frozenset({51, 99})
_RECIPIENT_FIELDS = frozenset({"recipient", "recipients", "to", "number", "mobile"})

_XML_FIELD = r"<{0}>\s*(?:<!\[CDATA\[)?\s*([^<\]]*)"
_XML_CODE = re.compile(_XML_FIELD.format("code"))
_XML_MESSAGE = re.compile(_XML_FIELD.format("message"))
# The beginning of an answer that was cut.
_CUT_CODE = re.compile(r'\s*\{\s*"code"\s*:\s*"?(-?\d{1,6})\b')
_NAME = re.compile(r"[a-z]{1,40}")
# Known actions, and those of the fallback: get_contactcard, message_getinfo.
_READS = re.compile(r"get|list|test_connection$|[a-z]+_(?:get|list)")

_CAMPAIGN = in_request("campaign", "id")
# JSON, or a form as PHP writes it, or divided by commas: only one id is an entity.
_SMS_IDS = (in_request("sms", "ids.[]"), in_request("sms", "ids"), in_request("sms", "ids[]"))
_CONTACT_MODULES = ("contactcard", "contactgroup", "numberstoplist")


def _routes() -> Iterator[Route]:
    yield _method("message", "sendsmsmessage", "send_sms", in_response("sms", "data.messageId"))
    yield _method("message", "getsmsstatus", "get_sms_status", *_SMS_IDS)
    yield _method("message", "list", "list_messages")
    # Of all methods this one is the harmless probe.
    yield _method("user", "getownbalance", "test_connection")
    yield _method("campaign", "create", "create_campaign", in_response("campaign", "data"))
    yield _method("campaign", "addrecipients", "add_campaign_recipients", _CAMPAIGN)
    yield _method("campaign", "list", "list_campaigns")
    for name, action in {
        "send": "send_campaign",
        "get": "get_campaign",
        "getinfo": "get_campaign_info",
        "delete": "delete_campaign",
        "getlinks": "get_campaign_links",
    }.items():
        yield _method("campaign", name, action, _CAMPAIGN)
    yield _method("taskqueue", "getstatus", "get_task_status", in_request("task", "id"))
    yield _method("link", "create", "create_short_link", in_response("link", "data.id"))
    yield _method("link", "list", "list_short_links")
    for name, action in {
        "get": "get_short_link",
        "getlinks": "get_short_links",
        "update": "update_short_link",
        "delete": "delete_short_link",
        "getstats": "get_short_link_stats",
    }.items():
        yield _method("link", name, action, in_request("link", "id"))


def _method(module: str, method: str, action: str, *entities: EntityPlace) -> Route:
    """GET and POST are the same to the vendor, so the action does not depend on it."""
    return route("", f"{_PREFIX}/{module}/{method}", action, *entities)


def route_path(path: str) -> str:
    """Modules and methods are not case sensitive."""
    return path.lower()


def fallback_action(method: str, path: str) -> str:
    """{method}_{module} for contacts and stop lists, {module}_{method} for the rest."""
    parts = path.removeprefix(_PREFIX).strip("/").split("/")
    if len(parts) != 2 or not all(_NAME.fullmatch(part) for part in parts):  # noqa: PLR2004 (module and method)
        return folded_action(method, path)
    module, name = parts
    return f"{name}_{module}" if module in _CONTACT_MODULES else f"{module}_{name}"


def is_repeatable(_exchange: Exchange, action: str) -> bool:
    """Reads only, by method and not by HTTP's GET, which sends as well as POST does."""
    return _READS.match(action) is not None


def read(exchange: Exchange, action: str) -> Outcome:
    outcome = _read(exchange, action)
    # The key is part of the URL. Simulators and proxies of ours may do without TLS, the vendor's hosts may not.
    if exchange.scheme == "http" and exchange.host.startswith("api.mobizon."):
        note = "sent without encryption: the key can be read on the way"
        return dataclasses.replace(outcome, note=f"{outcome.note}; {note}" if outcome.note else note)
    return outcome


def _read(exchange: Exchange, action: str) -> Outcome:
    code, message = _envelope(exchange.response_body)
    status = exchange.status_code
    is_refused = status is None or status >= HTTPStatus.BAD_REQUEST
    if code is None or (is_refused and code in (_DONE, _BACKGROUND)):
        if is_refused:
            return by_status(exchange, is_repeatable=is_repeatable(exchange, action))
        retry = safe_or_ambiguous(is_repeatable=is_repeatable(exchange, action))
        return failure("INVALID_RESPONSE", "the answer has no integer code", "vendor", retry)
    if code == _DONE:
        return _read_done(exchange, action)
    if code == _BACKGROUND:
        return Outcome(is_success=True, note="accepted, goes on in the background")
    if code in (_PARTLY, _NOTHING):
        return _read_items(exchange, code, message)
    return _read_error(exchange, action, code, message)


def _envelope(body: Json) -> tuple[int | None, str | None]:
    """Code and message of a JSON or XML answer; the code is None where it is no integer."""
    if isinstance(body, str):
        found = _XML_CODE.search(body[:2000]) if body.lstrip().startswith("<") else _CUT_CODE.match(body)
        words = _XML_MESSAGE.search(body)
        return _integer(found[1] if found else None), text_of(words[1]) if words else None
    return _integer(field_at(body, "code")) if isinstance(body, dict) else None, text_of(field_at(body, "message"))


def _integer(value: Json) -> int | None:
    """Integers are also seen as texts."""
    if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,6}\s*", value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**6 else None


def _read_done(exchange: Exchange, action: str) -> Outcome:
    data = field_at(exchange.response_body, "data")
    state = field_at(data, "status") if action == "send_sms" else data if action == "send_campaign" else None
    if _integer(state) == 1:
        return Outcome(is_success=True, note="accepted, waits for a moderator")
    # The question was answered; what it tells of failed: the call that was answered with 100 and this task's id.
    if action == "get_task_status" and _integer(field_at(data, "status")) == _TASK_REJECTED:
        return Outcome(is_success=True, note="the task was rejected")
    return SUCCESS


def _read_error(exchange: Exchange, action: str, code: int, message: str | None) -> Outcome:
    data = field_at(exchange.response_body, "data")
    words, fault = _CODES.get(code, ("unknown code", "unclassified"))
    message = message or words
    fields = _field_errors(data) if code in (_VALIDATION, _RULE) else []
    if fields:
        message = listed([f"{name}: {text}" for name, text in fields])
        if code == _VALIDATION and all(name.lower() in _RECIPIENT_FIELDS for name, _ in fields):
            fault = "recipient"
    elif isinstance(data, str) and data.strip():
        message = f"{message}: {data.strip()}"  # code 13 puts the right domain there
    if code in _MAY_BE_BALANCE and _BALANCE.search(message):
        fault = "auth"
    return failure(str(code), message, fault, _retry(exchange, action, code))


def _retry(exchange: Exchange, action: str, code: int) -> Retry:
    can_repeat = is_repeatable(exchange, action)
    pause = Retry(advice="after", after_s=retry_after_s(exchange))
    if code == _LIMIT:
        return pause
    if code == _SAVING:
        return pause if can_repeat else AMBIGUOUS
    if code in _UNKNOWN_OUTCOME or code not in _CODES:
        return safe_or_ambiguous(is_repeatable=can_repeat)
    return NO


def _field_errors(data: Json) -> list[tuple[str, str]]:
    """(field, what is wrong with it) of `data: {field: message or messages}`."""
    if not isinstance(data, dict):
        return []
    errors = []
    for name, value in data.items():
        texts = [value] if isinstance(value, str) else items_of(value)
        if isinstance(value, dict):
            texts = list(value.values())
        told = ", ".join(text for text in texts if isinstance(text, str)) or "not valid"
        errors.append((name[:80], told))
    return errors


def _read_items(exchange: Exchange, code: int, message: str | None) -> Outcome:
    """98 and 99: the counts of good and bad items, and what the first bad ones were refused for."""
    items = items_of(field_at(exchange.response_body, "data"))
    item_codes = [_integer(field_at(item, "code")) for item in items]
    bad = [item_code for item_code in item_codes if item_code != 0]
    told = message or _CODES[code][0]
    if items:
        reasons = list(dict.fromkeys(_ITEM_CODES.get(item or -1, "no code" if item is None else f"code {item}") for item in bad))
        told += f" ({len(items) - len(bad)} done, {len(bad)} failed: {listed(reasons, separator=', ')})"
    fault: Fault = _CODES[code][1]
    if bad and all(item in _ITEM_FAULTS_RECIPIENT for item in bad):
        fault = "recipient"
    elif bad and all(item in _ITEM_CODES_TEMPORARY for item in bad):
        fault = "vendor"
    if code == _NOTHING and fault == "vendor":
        return failure(str(code), told, fault, Retry(advice="after"))
    # A repetition of a partly done call does the good items twice.
    return failure(str(code), told, fault, note="repeat only the failed items" if code == _PARTLY else None)


_KEY_CHARS = 40
_KEY = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{40}(?:[A-Za-z0-9]{30})?(?![A-Za-z0-9])")


SERVICE = Service(
    name="mobizon",
    hosts=(
        "api.mobizon.kz",
        "api.mobizon.com.br",
        "api.mobizon.uz",
        "api.mobizon.com",
        # Not confirmed: the sites exist.
        "api.mobizon.ua",
        "api.mobizon.gmbh",
    ),
    routes=tuple(_routes()),
    route_path=route_path,
    fallback_action=fallback_action,
    # Work that goes on in the background is known by its task, whatever was asked.
    entities=(EntityPlace(type="task", source="response", field="data", when=("code", "100")),),
    message_fields=frozenset({"text"}),
    secrets=Secrets(
        names={"authorization": "api_key", "apikey": "api_key"},
        # By shape in this service alone: elsewhere 40 letters and digits are a digest.
        shapes=(SecretShape(name="api_key", pattern=_KEY, run_chars_min=_KEY_CHARS),),
    ),
    read=read,
    is_repeatable=is_repeatable,
    is_told_by_body=True,
    probe=Probe(
        url="https://${host}/service/user/getownbalance?output=json&api=v1&apiKey=${api_key}",
        credentials={"host": "INTEGRATION_MONITOR_MOBIZON_HOST", "api_key": "INTEGRATION_MONITOR_MOBIZON_API_KEY"},
    ),
)
