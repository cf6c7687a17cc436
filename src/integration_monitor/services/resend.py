"""Resend's email API.

Sources: the vendor's OpenAPI document 1.5.0, its pages "Errors", "Usage Limits", "Idempotency
Keys", and the SDKs `resend` 2.52.0 (Python) and 6.38.0 (Node).
"""

import dataclasses
import re
from collections.abc import Iterator
from http import HTTPStatus

import msgspec

from integration_monitor.record import Fault
from integration_monitor.services.bodies import field_at, items_of, text_of
from integration_monitor.services.description import Probe, Route, Secrets, Service, in_path, in_response, is_safe_method, route
from integration_monitor.services.exchange import SUCCESS, Exchange, Outcome, Retry
from integration_monitor.services.outcome import by_status, failure, not_from_the_api, retry_after_s, vendor_code

_SENDS = frozenset({"send_email", "send_email_batch"})

# Names of errors whose fault the HTTP status does not tell. A status decides for all others.
_FAULTS: dict[str, Fault] = {
    "missing_api_key": "auth",
    "invalid_api_key": "auth",
    "restricted_api_key": "auth",
    "suspended_api_key": "auth",
    "invalid_permission": "auth",
    "email_above_quota": "limit",
    "rate_limit_exceeded": "limit",
    "daily_quota_exceeded": "limit",
    "monthly_quota_exceeded": "limit",
    "application_error": "vendor",
    "internal_server_error": "vendor",
    "service_unavailable": "vendor",
    # 403 of this name is a sender domain that is not verified: our set-up, not the key.
    "validation_error": "ours",
    "security_error": "ours",
    "not_found": "ours",
}
_STATUS_MAX = 599
_QUOTAS = frozenset({"daily_quota_exceeded", "monthly_quota_exceeded"})
# The same request, with the same idempotency key, is right once the other one has ended.
_BUSY = frozenset({"concurrent_idempotent_requests", "resource_locked"})
# A wrong or revoked key is reported as validation_error, with 400 or 401: only the words tell.
_WRONG_KEY = re.compile(r"\s*API key is invalid\.?\s*", re.IGNORECASE)
# "Invalid `to` field. The email address needs to …": an address, not the shape of our request.
_WRONG_ADDRESS = re.compile(r"invalid\b.{0,20}[`'\"](?:to|cc|bcc)\b|recipient|testing (?:domain|email)", re.IGNORECASE)

# resource in the path → (plural, singular) in actions; entity types are the singular ones.
_RESOURCES = {
    "domains": ("domains", "domain"),
    "api-keys": ("api_keys", "api_key"),
    "contacts": ("contacts", "contact"),
    "broadcasts": ("broadcasts", "broadcast"),
    "segments": ("segments", "segment"),
    "audiences": ("audiences", "audience"),
    "topics": ("topics", "topic"),
    "templates": ("templates", "template"),
    "contact-properties": ("contact_properties", "contact_property"),
    "automations": ("automations", "automation"),
    "suppressions": ("suppressions", "suppression"),
    "webhooks": ("webhooks", "webhook"),
    "events": ("events", "event"),
    "inboxes": ("inboxes", "inbox"),
}


def _routes() -> Iterator[Route]:
    yield from _email_routes()
    for segment, (plural, singular) in _RESOURCES.items():
        created = in_response(singular, "id")
        yield route("POST", f"/{segment}", f"create_{singular}", created)
        # Of all lists the one of domains is the harmless probe.
        yield route("GET", f"/{segment}", "test_connection" if segment == "domains" else f"list_{plural}")
        yield route("GET", f"/{segment}/{{id}}", f"get_{singular}", in_path(singular))
        yield route("PATCH PUT", f"/{segment}/{{id}}", f"update_{singular}", in_path(singular))
        yield route("DELETE", f"/{segment}/{{id}}", f"delete_{singular}", in_path(singular))
    yield from _part_routes()
    yield from _contact_routes()
    yield from _inbox_routes()
    yield route("POST", "/events/send", "send_event")
    yield route("GET", "/usage", "get_usage")
    # A log holds whole earlier calls, with the secrets they returned.
    logged = {"request_body": "logged_request", "response_body": "logged_response"}
    yield route("GET", "/logs", "list_logs", secrets=logged)
    yield route("GET", "/logs/{id}", "get_log", in_path("log"), secrets=logged)
    yield route("GET", "/oauth/grants", "list_oauth_grants")
    yield route("DELETE", "/oauth/grants/{grant}", "delete_oauth_grant")


def _email_routes() -> Iterator[Route]:
    one = in_path("email")
    yield route("POST", "/emails", "send_email", in_response("email", "id"))
    yield route("POST", "/emails/batch", "send_email_batch")
    yield route("GET", "/emails", "list_emails")
    yield route("GET", "/emails/metrics", "get_email_metrics")
    yield route("GET", "/emails/{id}", "get_email", one)
    yield route("PATCH", "/emails/{id}", "update_email", one)
    yield route("POST", "/emails/{id}/cancel", "cancel_email", one)
    # The answer is a link that shows the email without login.
    yield route("POST", "/emails/{id}/share", "share_email", one, withheld=frozenset({"response"}))
    yield route("GET", "/emails/{id}/attachments", "list_attachments", one)
    yield route("GET", "/emails/{id}/attachments/{attachment}", "get_attachment", one)
    yield route("GET", "/emails/receiving", "list_received_emails")
    yield route("GET", "/emails/receiving/{id}", "get_received_email", one)
    yield route("GET", "/emails/receiving/{id}/attachments", "list_received_attachments", one)
    yield route("GET", "/emails/receiving/{id}/attachments/{attachment}", "get_received_attachment", one)


def _part_routes() -> Iterator[Route]:
    """What is done to one of a resource, or asked of it."""
    yield route("POST", "/domains/{id}/verify", "verify_domain", in_path("domain"))
    yield route("POST", "/domains/claim", "claim_domain", in_response("domain", "id"))
    yield route("", "/domains/claim/{id}", "claim_domain", in_path("domain"))
    yield route("", "/domains/{id}/claim", "claim_domain", in_path("domain"))
    yield route("POST", "/domains/{id}/claim/verify", "verify_domain_claim", in_path("domain"))
    for resource, verbs in (
        ("broadcast", "send cancel duplicate"),
        ("template", "publish duplicate"),
        ("automation", "stop duplicate"),
    ):
        for verb in verbs.split():
            yield route("POST", f"/{resource}s/{{id}}/{verb}", f"{verb}_{resource}", in_path(resource))
    yield route("GET", "/broadcasts/{id}/recipients", "list_broadcast_recipients", in_path("broadcast"))
    yield route("GET", "/broadcasts/{id}/clicked-links", "list_broadcast_clicked_links", in_path("broadcast"))
    yield route("GET", "/automations/{id}/runs", "list_automation_runs", in_path("automation"))
    yield route("GET", "/automations/{id}/runs/{run}", "get_automation_run", in_path("automation"))
    for verb in ("add", "remove"):
        yield route("POST", f"/suppressions/batch/{verb}", f"{verb}_suppressions")
    hook = in_path("webhook")
    yield route("GET", "/webhooks/{id}/events", "list_webhook_events", hook)
    yield route("GET", "/webhooks/{id}/events/{event}", "get_webhook_event", hook)
    yield route("GET", "/webhooks/{id}/events/{event}/attempts", "list_webhook_event_attempts", hook)
    yield route("POST", "/webhooks/{id}/events/{event}/replay", "replay_webhook_event", hook)
    yield route("POST", "/webhooks/{id}/signing-secret/rotate", "rotate_webhook_secret", hook)


def _inbox_routes() -> Iterator[Route]:
    inbox, draft, thread = in_path("inbox"), in_path("draft", "draft"), in_path("thread", "thread")
    path = "/inboxes/{id}"
    yield route("GET", f"{path}/agent", "get_inbox_agent", inbox)
    yield route("PATCH", f"{path}/agent", "update_inbox_agent", inbox)
    for plural, one in (("drafts", draft), ("labels", in_path("label", "label")), ("threads", thread)):
        part = f"{path}/{plural}"
        yield route("GET", part, f"list_{plural}", inbox)
        yield route("POST", part, f"create_{one.type}", in_response(one.type, "id"))
        yield route("GET", f"{part}/{{{one.field}}}", f"get_{one.type}", one)
        yield route("PATCH", f"{part}/{{{one.field}}}", f"update_{one.type}", one)
        yield route("DELETE", f"{part}/{{{one.field}}}", f"delete_{one.type}", one)
    yield route("POST", f"{path}/drafts/{{draft}}/send", "send_draft", draft)
    yield route("GET", f"{path}/threads/search", "search_threads", inbox)
    labels = f"{path}/threads/{{thread}}/labels"
    yield route("POST", labels, "add_thread_labels", thread)
    yield route("PUT", labels, "set_thread_labels", thread)
    yield route("DELETE", f"{labels}/{{label}}", "remove_thread_label", thread)
    emails = f"{path}/threads/{{thread}}/emails"
    yield route("GET", emails, "list_thread_emails", thread)
    yield route("GET", f"{emails}/{{email}}", "get_thread_email", in_path("email", "email"))
    for verb in ("reply", "forward"):
        yield route("POST", f"{emails}/{{email}}/{verb}", f"{verb}_thread_email", in_response("email", "id"), thread)


def _contact_routes() -> Iterator[Route]:
    """The older API keeps contacts below their audience, the present one below nothing."""
    one = in_path("contact")
    yield route("POST", "/contacts/imports", "import_contacts")
    yield route("GET", "/contacts/imports", "list_contact_imports")
    yield route("GET", "/contacts/imports/{import}", "get_contact_import")
    yield route("POST", "/audiences/{audience}/contacts", "create_contact", in_response("contact", "id"))
    yield route("GET", "/audiences/{audience}/contacts", "list_contacts")
    yield route("GET", "/audiences/{audience}/contacts/{id}", "get_contact", one)
    yield route("PATCH", "/audiences/{audience}/contacts/{id}", "update_contact", one)
    yield route("DELETE", "/audiences/{audience}/contacts/{id}", "delete_contact", one)
    yield route("GET", "/segments/{segment}/contacts", "list_contacts")
    for plural, singular in (("segments", "segment"), ("topics", "topic")):
        yield route("GET", f"/contacts/{{id}}/{plural}", f"list_contact_{plural}", one)
        yield route("PATCH", f"/contacts/{{id}}/{plural}", f"update_contact_{plural}", one)
        yield route("POST", f"/contacts/{{id}}/{plural}/{{item}}", f"add_contact_{singular}", one)
        yield route("DELETE", f"/contacts/{{id}}/{plural}/{{item}}", f"remove_contact_{singular}", one)


def is_repeatable(exchange: Exchange, action: str) -> bool:
    """Reads, and sends with an idempotency key: within 24 hours the first answer comes again and nothing is sent twice."""
    has_key = bool(exchange.request_headers.get("idempotency-key"))
    return (action in _SENDS and has_key) or is_safe_method(exchange, action)


def read(exchange: Exchange, action: str) -> Outcome:
    exchange = _as_stated(exchange)
    status = exchange.status_code
    if status is not None and status < HTTPStatus.BAD_REQUEST:
        page = not_from_the_api(exchange, is_repeatable=is_repeatable(exchange, action))
        return page or (_read_batch(exchange) if action == "send_email_batch" else SUCCESS)
    name = vendor_code(field_at(exchange.response_body, "name"))
    message = text_of(field_at(exchange.response_body, "message"))
    if name == "restricted_api_key" and action == "test_connection":
        return Outcome(is_success=True, note="the key is valid and allowed to send only")
    outcome = by_status(exchange, is_repeatable=is_repeatable(exchange, action), message=message, code=name)
    if name is None and not (message and _WRONG_KEY.fullmatch(message)):
        # A page of the CDN: error 1010 is a request without User-Agent.
        is_ours = status == HTTPStatus.FORBIDDEN and "1010" in (outcome.error_message or "")
        return dataclasses.replace(outcome, fault="ours") if is_ours else outcome
    return _read_error(exchange, outcome, name or "", message or "")


def _as_stated(exchange: Exchange) -> Exchange:
    """The exchange with the status that an error's own body states, where a server between says that all is well."""
    stated = field_at(exchange.response_body, "statusCode")
    is_error = isinstance(stated, int) and HTTPStatus.BAD_REQUEST <= stated <= _STATUS_MAX
    if not is_error or text_of(field_at(exchange.response_body, "name")) is None:
        return exchange
    if exchange.status_code is None or exchange.status_code >= HTTPStatus.BAD_REQUEST:
        return exchange
    return msgspec.structs.replace(exchange, status_code=stated)


def _read_error(exchange: Exchange, outcome: Outcome, name: str, message: str) -> Outcome:
    code = outcome.error_code or name
    if _WRONG_KEY.fullmatch(message):
        return failure(code, message, "auth")
    fault = _FAULTS.get(name) or outcome.fault or "unclassified"
    if name == "validation_error" and _WRONG_ADDRESS.search(message) and "missing" not in message:
        fault = "recipient"
    if name in _QUOTAS:
        return failure(code, outcome.error_message, fault, note="not before the quota's period ends")
    if name in _BUSY:
        pause = Retry(advice="after", after_s=retry_after_s(exchange))
        return failure(code, outcome.error_message, fault, pause)
    return dataclasses.replace(outcome, fault=fault)


def _read_batch(exchange: Exchange) -> Outcome:
    """A permissive batch sends the valid emails and lists the others under a success status."""
    given = field_at(exchange.response_body, "errors")
    if not given:
        return SUCCESS
    # Documented as a list; whatever else stands there, something was refused.
    errors = items_of(given) or [given]
    sent = len(items_of(field_at(exchange.response_body, "data")))
    index, message = field_at(errors[0], "index"), text_of(field_at(errors[0], "message"))
    place = f"[{index}] " if isinstance(index, int) else ""
    told = f"{len(errors)} of {sent + len(errors)} emails refused: {place}{message or 'no reason given'}"
    are_addresses = all(_WRONG_ADDRESS.search(text_of(field_at(error, "message")) or "") for error in errors)
    return failure("PARTIAL_FAILURE" if sent else "BATCH_REJECTED", told, "recipient" if are_addresses else "ours")


SERVICE = Service(
    name="resend",
    hosts=("api.resend.com",),
    routes=tuple(_routes()),
    message_fields=frozenset({"html", "text", "subject"}),
    secrets=Secrets(
        names={
            "authorization": "api_key",
            "token": "api_key",
            "signing_secret": "signing_secret",
            # Pre-signed: whoever has the link has the attachment.
            "download_url": "download_url",
        }
    ),
    read=read,
    is_repeatable=is_repeatable,
    probe=Probe(
        url="https://api.resend.com/domains",
        headers={"authorization": "Bearer ${api_key}"},
        credentials={"api_key": "INTEGRATION_MONITOR_RESEND_API_KEY"},
        # A key that may only send is refused the list, and good all the same.
        statuses=frozenset({200, 401}),
    ),
)
