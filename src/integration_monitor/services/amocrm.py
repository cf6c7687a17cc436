"""amoCRM, internationally Kommo: API v4, its older APIs and OAuth.

Sources: the vendor's pages "List of API errors", "HTTP status codes", "Limitations" and the
library amocrm/amocrm-api-php 1.16.0.
"""

import dataclasses
import re
from http import HTTPStatus

from integration_monitor.record import Fault, Json
from integration_monitor.services.amocrm_routes import API, TOKEN_ACTIONS, routes
from integration_monitor.services.bodies import field_at, items_of, text_of
from integration_monitor.services.description import Probe, Secrets, SecretShape, Service, is_safe_method
from integration_monitor.services.exchange import SUCCESS, Exchange, Outcome, Retry
from integration_monitor.services.folding import folded_action, folded_segment
from integration_monitor.services.outcome import by_status, failure, listed, not_from_the_api, redirect_target, vendor_code

# Codes of the older list that appear in the words of `detail`: a right or an account is missing, whatever the status.
_AUTH_CODES = frozenset({"101", "110", "111", "112", "113", "202", "244", "401"})
_CODE_IN_WORDS = re.compile(r"(?:код ошибки|error code)\D{0,3}(\d{1,6})\b", re.IGNORECASE)

# Numbers, since nearly every call passes here: to read a member of an enumeration takes longer than to compare it.
_DONE_MIN, _DONE_END, _NO_CONTENT = int(HTTPStatus.CONTINUE), int(HTTPStatus.MULTIPLE_CHOICES), int(HTTPStatus.NO_CONTENT)

_VERBS_ON_ONE = {"GET": "get", "HEAD": "get", "POST": "update", "PATCH": "update", "PUT": "update", "DELETE": "delete"}
_VERBS_ON_MANY = {"GET": "list", "HEAD": "list", "POST": "create", "PATCH": "update", "PUT": "update", "DELETE": "delete"}
_VERSION = re.compile(r"v\d(?:\.\d)?")
_LEGACY = re.compile(r"/(api/v[23]|private/api|ajax)(/.*)")


def fallback_action(method: str, path: str) -> str:
    """The vendor's own rule for the many collections: list_users, get_catalog, legacy_create_leads."""
    legacy = _LEGACY.match(path)
    rest = legacy[2] if legacy else path.removeprefix(API)
    segments = [folded_segment(part) for part in rest.split("/") if part]
    if segments and _VERSION.fullmatch(segments[0]):
        del segments[0]
    nouns = [part for part in segments if part != "{id}"]
    if not nouns or not all(re.fullmatch(r"[a-zA-Z_.-]+", noun) for noun in nouns):
        return folded_action(method, path)
    nouns = [re.sub(r"\W", "_", noun.lower().removesuffix(".php")) for noun in nouns]
    if legacy and not legacy[1].startswith("api"):
        # These name a thing and what is done to it: /private/api/v2/json/leads/set.
        return "legacy_" + "_".join(nouns[-2:])
    noun = nouns[-1]
    if segments[-1] == "{id}":
        action = f"{_VERBS_ON_ONE.get(method, 'call')}_{_singular(noun)}"
    else:
        action = f"{_VERBS_ON_MANY.get(method, 'call')}_{noun}"
    return f"legacy_{action}" if legacy else action


def _singular(plural: str) -> str:
    if plural.endswith("ies"):
        return f"{plural[:-3]}y"
    if plural.endswith(("uses", "sses", "xes")):
        return plural[:-2]
    return plural[:-1] if plural.endswith("s") and not plural.endswith("ss") else plural


def is_repeatable(exchange: Exchange, action: str) -> bool:
    """Reads only: there is no idempotency key, and a refresh token works once."""
    return action not in TOKEN_ACTIONS and is_safe_method(exchange, action)


def read(exchange: Exchange, action: str) -> Outcome:
    status = exchange.status_code or 0
    if _DONE_MIN <= status < _DONE_END:
        return _read_done(exchange, action)
    if status == HTTPStatus.NOT_MODIFIED:  # an answer to If-Modified-Since, which the vendor recommends for lists
        return Outcome(is_success=True, note="not modified")
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        message = f"redirected to {redirect_target(exchange)}: wrong subdomain or domain"
        return failure(f"HTTP_{status}", message, "auth")
    return _read_refused(exchange, action)


def _read_done(exchange: Exchange, action: str) -> Outcome:
    # Of 202 the vendor does not promise JSON; the older pages and what belongs to the web interface answer in HTML.
    status, body = exchange.status_code, exchange.response_body
    if type(body) is str and status != HTTPStatus.ACCEPTED and exchange.path.startswith((f"{API}/", "/oauth2/access_token")):
        page = not_from_the_api(exchange, is_repeatable=is_repeatable(exchange, action))
        if page is not None:
            return page
    embedded = field_at(body, "_embedded")
    errors = field_at(body, "errors") or field_at(embedded, "errors")
    added = field_at(embedded, "calls") if action == "create_calls" else None
    sent = exchange.request_body if isinstance(exchange.request_body, list) else None
    missing = len(sent) - len(added) if sent is not None and isinstance(added, list) else 0
    if errors or missing > 0:
        return failure("PARTIAL_FAILURE", _partial_message(errors, missing, len(sent or ()), action), "ours")
    if status == _NO_CONTENT and exchange.method == "GET":
        return Outcome(is_success=True, note="no content")
    if action == "create_leads_complex" and any(field_at(item, "merged") is True for item in items_of(body)):
        return Outcome(is_success=True, note="merged with a contact that was there")
    return SUCCESS


def _partial_message(errors: Json, missing: int, sent: int, action: str) -> str:
    items = [errors] if isinstance(errors, str) else errors.values() if isinstance(errors, dict) else items_of(errors)
    told = [_item_message(item) for item in items]
    count = max(len(told), missing, 1)
    noun = "calls not added" if action == "create_calls" else "items failed"
    counts = f"{count} of {sent} {noun}" if sent else f"{count} {noun}"
    return f"{counts}: {listed(told)}" if told else counts


def _item_message(item: Json) -> str:
    """The shape of items is not documented: code or status, detail, title or msg, request_id are looked for."""
    if not isinstance(item, dict):
        return str(item)[:200]
    words = next(filter(None, (text_of(item.get(name)) for name in ("detail", "title", "msg", "message"))), None)
    code = vendor_code(item.get("code")) or vendor_code(item.get("status"))
    return f"{_place(item)}{words or code or 'no reason given'}"


def _place(item: Json) -> str:
    """Which item of the request it was: its index, or the caller's own id; nothing where the vendor does not say it."""
    request_id = field_at(item, "request_id")
    return f"[{request_id}] " if isinstance(request_id, str | int) else ""


def _read_refused(exchange: Exchange, action: str) -> Outcome:
    status = exchange.status_code or 0
    validation = field_at(exchange.response_body, "validation-errors")
    code, message = _problem(exchange.response_body, status)
    if items_of(validation):
        code, message = _validation(items_of(validation), code, message)
    outcome = by_status(exchange, is_repeatable=is_repeatable(exchange, action), message=message, code=code)
    retry = outcome.retry
    # Most likely refused before anything happened, but the vendor does not promise it.
    if status == HTTPStatus.TOO_MANY_REQUESTS and not is_repeatable(exchange, action):
        retry = Retry(advice="ambiguous", after_s=retry.after_s if retry else None)
    fault = _fault(outcome.fault or "unclassified", code, action, status)
    return dataclasses.replace(outcome, fault=fault, retry=retry, note=_hint(exchange, action, status))


def _fault(by_status: Fault, code: str, action: str, status: int) -> Fault:
    if code in _AUTH_CODES:
        return "auth"
    is_refusal = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and by_status == "ours"
    # On the token endpoint a refusal means that the grant is gone, or that the account moved to another domain.
    return "auth" if is_refusal and action in TOKEN_ACTIONS else by_status


def _hint(exchange: Exchange, action: str, status: int) -> str | None:
    """What the words of a refusal do not say."""
    if status == HTTPStatus.NOT_FOUND and action in TOKEN_ACTIONS:
        return "the account moved to another domain"
    # A missing right is a problem in JSON; this comes from the proxy before the API, on every path.
    if status == HTTPStatus.FORBIDDEN and isinstance(exchange.response_body, str) and "<" in exchange.response_body:
        return "account or address blocked after too many requests: the vendor's support lifts it"
    return None


def _problem(body: Json, status: int) -> tuple[str, str | None]:
    """Code and message of a problem; `hint` says more than `detail` where OAuth refuses."""
    detail, hint = text_of(field_at(body, "detail")), text_of(field_at(body, "hint"))
    message = hint or detail or text_of(field_at(body, "title"))
    in_words = _CODE_IN_WORDS.search(detail) if detail else None
    if in_words:
        return in_words[1], detail
    if message is None and isinstance(body, dict):
        # The older APIs wrap theirs: {"response": {"error": …, "error_code": …}}.
        inner = body.get("response", body)
        message = text_of(field_at(inner, "error"))
        return vendor_code(field_at(inner, "error_code")) or f"HTTP_{status}", message
    return f"HTTP_{status}", message


def _validation(items: list[Json], code: str, message: str | None) -> tuple[str, str | None]:
    codes: list[str] = []
    texts = []
    for item in items:
        for error in items_of(field_at(item, "errors")):
            found = vendor_code(field_at(error, "code"))
            if found and found not in codes:
                codes.append(found)
            where = text_of(field_at(error, "path")) or "body"
            what = text_of(field_at(error, "detail")) or found or "not valid"
            texts.append(f"{_place(item)}{where}: {what}")
    if not texts:
        return code, message
    told = listed(texts)
    if len(codes) > 1:
        told += f" ({len(codes) - 1} other {'code' if len(codes) == 2 else 'codes'})"  # noqa: PLR2004
    return codes[0] if codes else code, told


SERVICE = Service(
    name="amocrm",
    hosts=("*.amocrm.ru", "*.amocrm.com", "*.kommo.com"),
    routes=tuple(routes()),
    fallback_action=fallback_action,
    message_fields=frozenset({"text"}),
    secrets=Secrets(
        names={
            "authorization": "access_token",
            "x-refresh-token": "refresh_token",
            "user_login": "user_login",
            "user_hash": "user_hash",
        },
        shapes=(
            SecretShape(
                name="access_token",
                pattern=re.compile(r"eyJ[A-Za-z0-9_-]{1,1024}+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"),
                marks=("eyJ",),
            ),
            SecretShape(
                name="refresh_token",
                pattern=re.compile(r"\bdef50[0-9a-f]{16,}"),
                marks=("def50",),
            ),
        ),
    ),
    read=read,
    is_repeatable=is_repeatable,
    is_told_by_body=True,
    probe=Probe(
        url="https://${host}/api/v4/account",
        headers={"authorization": "Bearer ${access_token}"},
        credentials={"host": "INTEGRATION_MONITOR_AMOCRM_HOST", "access_token": "INTEGRATION_MONITOR_AMOCRM_TOKEN"},
    ),
)
