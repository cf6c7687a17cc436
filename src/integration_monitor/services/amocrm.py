"""amoCRM, internationally Kommo: API v4, its older APIs and OAuth.

Sources: the vendor's pages "List of API errors", "HTTP status codes", "Limitations" and the
library amocrm/amocrm-api-php 1.16.0.
"""

import dataclasses
import re
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlsplit

from integration_monitor.record import Fault, Json
from integration_monitor.services.bodies import field_at, items_of, text_of
from integration_monitor.services.description import (
    EntityPlace,
    Route,
    Secrets,
    SecretShape,
    Service,
    in_path,
    in_request,
    in_response,
    is_safe_method,
    route,
)
from integration_monitor.services.exchange import SUCCESS, Exchange, Outcome, Retry
from integration_monitor.services.folding import folded_action, folded_segment
from integration_monitor.services.outcome import by_status, failure, listed, vendor_code

_API = "/api/v4"
_TOKEN_PATH = "/oauth2/access_token"  # noqa: S105 (a path)
_TOKEN_ACTIONS = frozenset({"refresh_token", "exchange_code", "get_token", "exchange_api_key"})
_ENTITIES = {"leads": "lead", "contacts": "contact", "companies": "company", "customers": "customer"}
# The whole token answer is secret but for these; the others are those of a problem (RFC 9457).
_TOKEN_FIELDS_KEPT = frozenset({"token_type", "expires_in", "hint", "title", "type", "status", "detail"})

# Codes of the older list that appear in the words of `detail`: a right or an account is missing, whatever the status.
_AUTH_CODES = frozenset({"101", "110", "111", "112", "113", "202", "244", "401"})
_CODE_IN_WORDS = re.compile(r"(?:код ошибки|error code)\D{0,3}(\d{1,6})\b", re.IGNORECASE)

_VERBS_ON_ONE = {"GET": "get", "HEAD": "get", "POST": "update", "PATCH": "update", "PUT": "update", "DELETE": "delete"}
_VERBS_ON_MANY = {"GET": "list", "HEAD": "list", "POST": "create", "PATCH": "update", "PUT": "update", "DELETE": "delete"}
_VERSION = re.compile(r"v\d(?:\.\d)?")
_LEGACY = re.compile(r"/(api/v[23]|private/api|ajax)(/.*)")


def _routes() -> Iterator[Route]:
    yield route("GET", f"{_API}/account", "test_connection", in_response("account", "id"))
    for plural, singular in _ENTITIES.items():
        yield from _entity_routes(plural, singular)
    yield route("POST", f"{_API}/leads/complex", "create_leads_complex", in_response("lead", "0.id"))
    yield from _unsorted_routes()
    yield from _collection_routes(f"{_API}/leads/pipelines", "pipelines", "pipeline")
    yield from _collection_routes(
        f"{_API}/leads/pipelines/{{pipeline:number}}/statuses", "statuses", "status", in_path("pipeline", "pipeline")
    )
    yield from _collection_routes(f"{_API}/tasks", "tasks", "task")
    for spelling in ("True", "true", "1"):
        yield route("PATCH", f"{_API}/tasks/{{id:number}}", "complete_task", in_path("task"), when=("is_completed", spelling))
    yield route("POST", f"{_API}/calls", "create_calls")
    hook = {"destination": "webhook_url"}
    yield route("GET", f"{_API}/webhooks", "list_webhooks", secrets=hook)
    yield route("POST", f"{_API}/webhooks", "create_webhook", in_response("webhook", "id"), secrets=hook)
    yield route("DELETE", f"{_API}/webhooks", "delete_webhook", secrets=hook)
    yield from _oauth_routes()


def _collection_routes(path: str, plural: str, singular: str, *entities: EntityPlace) -> Iterator[Route]:
    """Create, update and list a collection; get, update and delete one of it."""
    created = entities or (in_response(singular, f"_embedded.{plural}.[].id"),)
    one = entities or (in_path(singular),)
    yield route("POST", path, f"create_{plural}", *created)
    yield route("PATCH", path, f"update_{plural}", *(entities or (*created, in_request(singular, "[].id"))))
    yield route("GET", path, f"list_{plural}", *entities)
    yield route("GET", f"{path}/{{id:number}}", f"get_{singular}", *one)
    yield route("PATCH", f"{path}/{{id:number}}", f"update_{singular}", *one)
    yield route("DELETE", f"{path}/{{id:number}}", f"delete_{singular}", *one)


def _entity_routes(plural: str, singular: str) -> Iterator[Route]:
    path = f"{_API}/{plural}"
    owner = in_path(singular, "owner")
    yield from _collection_routes(path, plural, singular)
    yield from _collection_routes(f"{path}/notes", "notes", "note", in_request(singular, "[].entity_id"))
    yield from _collection_routes(f"{path}/{{owner:number}}/notes", "notes", "note", owner)
    yield route("POST", f"{path}/{{owner:number}}/link", "link_entities", owner)
    yield route("POST", f"{path}/{{owner:number}}/unlink", "unlink_entities", owner)
    yield route("GET", f"{path}/{{owner:number}}/links", "list_links", owner)
    yield route("POST", f"{path}/link", "link_entities", in_request(singular, "[].entity_id"))
    yield route("POST", f"{path}/unlink", "unlink_entities", in_request(singular, "[].entity_id"))
    yield from _collection_routes(f"{path}/{{owner:number}}/files", "files", "file", owner)


def _unsorted_routes() -> Iterator[Route]:
    path = f"{_API}/leads/unsorted"
    one = in_path("unsorted", "uid")
    yield route("GET", path, "list_unsorted")
    yield route("GET", f"{path}/summary", "get_unsorted_summary")
    for kind in ("forms", "sip"):
        yield route("POST", f"{path}/{kind}", f"create_unsorted_{kind}", in_response("unsorted", "_embedded.unsorted.[].uid"))
    yield route("GET", f"{path}/{{uid}}", "get_unsorted", one)
    yield route("POST", f"{path}/{{uid}}/accept", "accept_unsorted", one)
    yield route("DELETE", f"{path}/{{uid}}/decline", "decline_unsorted", one)
    yield route("POST", f"{path}/{{uid}}/link", "link_unsorted", one)


def _oauth_routes() -> Iterator[Route]:
    account = EntityPlace(type="account", source="host")
    secrets = {"code": "authorization_code"}
    for grant, action in (("refresh_token", "refresh_token"), ("authorization_code", "exchange_code")):
        yield route(
            "POST",
            _TOKEN_PATH,
            action,
            account,
            when=("grant_type", grant),
            secrets=secrets,
            response_fields_kept=_TOKEN_FIELDS_KEPT,
        )
    yield route("", _TOKEN_PATH, "get_token", account, secrets=secrets, response_fields_kept=_TOKEN_FIELDS_KEPT)
    for path in ("/oauth2/account/subdomain", "/oauth2/account/current/subdomain"):
        yield route("GET", path, "get_account_domain")
    yield route(
        "POST",
        "/oauth2/exchange_api_key",
        "exchange_api_key",
        account,
        secrets={**secrets, "login": "login"},
        response_fields_kept=_TOKEN_FIELDS_KEPT,
    )


def fallback_action(method: str, path: str) -> str:
    """The vendor's own rule for the many collections: list_users, get_catalog, legacy_create_leads."""
    legacy = _LEGACY.match(path)
    rest = legacy[2] if legacy else path.removeprefix(_API)
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
    return action not in _TOKEN_ACTIONS and is_safe_method(exchange, action)


def read(exchange: Exchange, action: str) -> Outcome:
    status = exchange.status_code or 0
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return _read_done(exchange, action)
    if status == HTTPStatus.NOT_MODIFIED:  # an answer to If-Modified-Since, which the vendor recommends for lists
        return Outcome(is_success=True, note="not modified")
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        target = urlsplit(exchange.response_headers.get("location", "")).netloc.rpartition("@")[2]
        message = f"redirected to {target or 'another address'}: wrong subdomain or domain"
        return failure(f"HTTP_{status}", message, "auth")
    return _read_refused(exchange, action)


def _read_done(exchange: Exchange, action: str) -> Outcome:
    body = exchange.response_body
    errors = field_at(body, "errors") or field_at(body, "_embedded.errors")
    added = field_at(body, "_embedded.calls") if action == "create_calls" else None
    sent = exchange.request_body if isinstance(exchange.request_body, list) else None
    missing = len(sent) - len(added) if sent is not None and isinstance(added, list) else 0
    if errors or missing > 0:
        return failure("PARTIAL_FAILURE", _partial_message(errors, missing, len(sent or ()), action), "ours")
    if exchange.status_code == HTTPStatus.NO_CONTENT and exchange.method == "GET":
        return Outcome(is_success=True, note="no content")
    return SUCCESS


def _partial_message(errors: Json, missing: int, sent: int, action: str) -> str:
    items = [errors] if isinstance(errors, str) else errors.values() if isinstance(errors, dict) else items_of(errors)
    told = [_item_message(item) for item in items]
    count = max(len(told), missing)
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
    return dataclasses.replace(outcome, fault=fault, retry=retry)


def _fault(by_status: Fault, code: str, action: str, status: int) -> Fault:
    if code in _AUTH_CODES:
        return "auth"
    is_refusal = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and by_status == "ours"
    # On the token endpoint a refusal means that the grant is gone, or that the account moved to another domain.
    return "auth" if is_refusal and action in _TOKEN_ACTIONS else by_status


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
    routes=tuple(_routes()),
    fallback_action=fallback_action,
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
                is_possible=lambda text: "eyJ" in text,
            ),
            SecretShape(
                name="refresh_token",
                pattern=re.compile(r"\bdef50[0-9a-f]{16,}"),
                is_possible=lambda text: "def50" in text,
            ),
        ),
    ),
    read=read,
    is_repeatable=is_repeatable,
)
