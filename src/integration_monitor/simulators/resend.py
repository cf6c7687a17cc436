"""A stand-in for Resend's API.

A request without User-Agent gets the CDN's 403 (error code: 1010). Then the key decides:

| key begins with | answer |
|---|---|
| (none) | 401 missing_api_key |
| re_revoked | 400 validation_error "API key is invalid" |
| re_wrong | 401 validation_error "API key is invalid" |
| re_old | 403 invalid_api_key |
| re_suspended | 403 suspended_api_key |
| re_scope | 403 invalid_permission: an OAuth token without the scope |
| re_send | 401 restricted_api_key, to all but sends |

A send (`POST /emails`) is decided by the local part of the first recipient:

| recipient | answer |
|---|---|
| (no from, to, subject, or content) | 422 missing_required_field |
| any address at example.com | 422 validation_error: a test domain |
| invalid@… | 422 validation_error on `to` |
| ratelimited@… | 429 rate_limit_exceeded with headers |
| dailyquota@…, monthlyquota@… | 429 daily_quota_exceeded, monthly_quota_exceeded |
| conflict@…, busy@…, locked@… | 409 invalid_idempotent_request, concurrent_idempotent_requests, resource_locked |
| attachment@…, sender@…, access@…, parameter@…, region@… | 422 invalid_attachment, invalid_from_address, invalid_access, … |
| missing@… | 422 missing_required_parameter |
| security@… | 451 security_error |
| broken@…, internal@… | 500 application_error, internal_server_error |
| unavailable@… | 503 service_unavailable |
| cdn@… | 502, HTML |
| timeout@…, dropped@… | no answer in time; the connection is dropped |
| any other | 200 with an id, the same for the same Idempotency-Key |

The sender's domain decides as well: `…@unverified.…` gives 403 validation_error. An Idempotency-Key over 256 characters gives 400. bounced@,
complained@ and suppressed@ are accepted; `GET /emails/{id}` of the id says so later. In a batch emails without `to` are refused:
all of it (422), or with `x-batch-validation: permissive` they alone, under 200. An unknown path gives 404, an unknown method 405;
ids that begin with `missing` give 404, `locked` 409, and a received email `quota…` 403 email_above_quota.
"""

from collections.abc import Mapping

from integration_monitor.record import Json
from integration_monitor.simulators.message import (
    DROPPED,
    LATE,
    SimulatedRequest,
    SimulatedResponse,
    answer,
    page,
    uuid_of,
)

_IDEMPOTENCY_KEY_CHARS_MAX = 256
_BATCH_MAX = 100
_BUDGET = {"ratelimit-limit": "5", "ratelimit-remaining": "4", "ratelimit-reset": "1"}
_SPENT = {"ratelimit-limit": "5", "ratelimit-remaining": "0", "ratelimit-reset": "1", "retry-after": "1"}


def _done(value: Json, status: int = 200) -> SimulatedResponse:
    return answer(value, status, headers=_BUDGET)


def _error(status: int, name: str, message: str, headers: Mapping[str, str] = _BUDGET) -> SimulatedResponse:
    return answer({"statusCode": status, "name": name, "message": message}, status, headers=headers)


# (beginning of the key, answer); the first one that fits.
_KEYS = (
    ("re_revoked", _error(400, "validation_error", "API key is invalid")),
    ("re_wrong", _error(401, "validation_error", "API key is invalid")),
    ("re_old", _error(403, "invalid_api_key", "API key is invalid")),
    ("re_suspended", _error(403, "suspended_api_key", "This API key is suspended")),
    ("re_scope", _error(403, "invalid_permission", "The token lacks a scope for this request.")),
)
_RESTRICTED = _error(401, "restricted_api_key", "This API key is restricted to only send emails")
_RECIPIENTS = {
    "invalid": _error(
        422, "validation_error", "Invalid `to` field. The email address needs to follow the `email@example.com` format."
    ),
    "ratelimited": _error(429, "rate_limit_exceeded", "Too many requests. You can only make 5 requests per second.", _SPENT),
    "dailyquota": _error(429, "daily_quota_exceeded", "You have reached your daily email sending quota.", _SPENT),
    "monthlyquota": _error(429, "monthly_quota_exceeded", "You have reached your monthly email sending quota."),
    "conflict": _error(409, "invalid_idempotent_request", "This idempotency key was used with another payload."),
    "busy": _error(409, "concurrent_idempotent_requests", "A request with this idempotency key is still running."),
    "locked": _error(409, "resource_locked", "Another request changes this resource."),
    "attachment": _error(422, "invalid_attachment", "Attachment must have either a `content` or `path`."),
    "sender": _error(422, "invalid_from_address", "Invalid `from` field."),
    "access": _error(422, "invalid_access", "Access must be full_access or sending_access."),
    "parameter": _error(422, "invalid_parameter", "The parameter must be a valid UUID."),
    "region": _error(422, "invalid_region", "Region must be one of the known ones."),
    "missing": _error(422, "missing_required_parameter", "Missing a required parameter."),
    "security": _error(451, "security_error", "A security problem was found with the message."),
    "broken": _error(500, "application_error", "An unexpected error occurred."),
    "internal": _error(500, "internal_server_error", "An unexpected error occurred."),
    "unavailable": _error(503, "service_unavailable", "The service is temporarily unavailable."),
    "cdn": page(502, "502 Bad Gateway"),
    "timeout": LATE,
    "dropped": DROPPED,
}
_NO_USER_AGENT = SimulatedResponse(status=403, headers={"content-type": "text/plain"}, body=b"error code: 1010")
_LATER = {"bounced": "bounced", "complained": "complained", "suppressed": "suppressed"}
_DOMAIN = {"id": uuid_of("domain"), "name": "mail.example.org", "status": "verified", "region": "eu-west-1"}
# The first segments of paths that there are.
_RESOURCES = frozenset(
    {"emails", "domains", "api-keys", "contacts", "broadcasts", "webhooks", "segments", "audiences", "topics", "templates"}
    | {"contact-properties", "automations", "suppressions", "events", "inboxes", "logs", "oauth", "usage"}
)
# The last segments of paths that do something to what stands before them.
_VERBS = frozenset(
    {"cancel", "share", "verify", "claim", "send", "publish", "duplicate", "stop", "add", "remove", "replay", "rotate"}
    | {"reply", "forward"}
)
# Segments behind which a list comes, though they stand where an id does.
_LISTS = frozenset({"receiving", "imports", "grants", "search", "batch", "metrics", "agent"})


def respond(request: SimulatedRequest) -> SimulatedResponse:
    if not request.headers.get("user-agent"):
        return _NO_USER_AGENT
    key = request.bearer()
    if not key:
        return _error(401, "missing_api_key", "Missing API key in the authorization header.")
    for beginning, refused in _KEYS:
        if key.startswith(beginning):
            return refused
    is_send = request.method == "POST" and request.path in ("/emails", "/emails/batch")
    if key.startswith("re_send") and not is_send:
        return _RESTRICTED
    if is_send:
        return _send(request) if request.path == "/emails" else _send_batch(request)
    return _manage(request)


def _send(request: SimulatedRequest) -> SimulatedResponse:
    email = request.json()
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= _IDEMPOTENCY_KEY_CHARS_MAX:
        return _error(400, "invalid_idempotency_key", "The idempotency key must be between 1 and 256 characters.")
    missing = _missing(email)
    if missing:
        return _error(422, "missing_required_field", f"Missing `{missing}` field.")
    recipient = _recipient(email)
    refused = _RECIPIENTS.get(_local(recipient))
    if refused is not None:
        return refused
    if recipient.rpartition("@")[2].rstrip(">") == "example.com":
        words = "Invalid `to` field. Please use our testing email address instead of domains like `example.com`."
        return _error(422, "validation_error", words)
    if "@unverified." in str(email["from"]):
        return _error(403, "validation_error", "The unverified.example.org domain is not verified.")
    # The id tells the later fate, since nothing is kept.
    fate = _LATER.get(_local(recipient), "delivered")
    return _done({"id": _id_of(fate, key or request.body.decode("utf-8", "replace"))})


def _send_batch(request: SimulatedRequest) -> SimulatedResponse:
    emails = request.json()
    if not isinstance(emails, list) or not 0 < len(emails) <= _BATCH_MAX:
        return _error(422, "validation_error", "The batch must hold 1 to 100 emails.")
    wrong = [index for index, email in enumerate(emails) if _missing(email)]
    is_permissive = request.headers.get("x-batch-validation") == "permissive"
    if wrong and not is_permissive:
        return _error(422, "missing_required_field", f"Missing `{_missing(emails[wrong[0]])}` field in email {wrong[0]}.")
    sent = [{"id": _id_of("delivered", f"{index}{email}")} for index, email in enumerate(emails) if index not in wrong]
    errors = [{"index": index, "message": f"The `{_missing(emails[index])}` field is missing."} for index in wrong]
    return _done({"data": sent, "errors": errors} if errors else {"data": sent})


def _manage(request: SimulatedRequest) -> SimulatedResponse:
    """Everything but sending: a list, one of it, or what is done to one."""
    segments = request.path.strip("/").split("/")
    if segments[0] not in _RESOURCES:
        return _error(404, "not_found", "The requested endpoint does not exist.")
    if request.method not in ("GET", "POST", "PATCH", "DELETE") and "labels" not in segments:
        return _error(405, "method_not_allowed", "This method is not allowed for the requested path.")
    refused = next((answer for mark, answer in _IDS.items() if segments[-1].startswith(mark)), None)
    if refused is not None:
        return refused
    is_one = len([segment for segment in segments if segment not in _LISTS]) % 2 == 0
    if request.method == "POST" and len(segments) == 2 and is_one and segments[1] not in _VERBS:  # noqa: PLR2004 (a resource and its id)
        return _error(405, "method_not_allowed", "This method is not allowed for the requested path.")
    is_done_to_one = segments[-1] in _VERBS or (request.method == "POST" and segments[-1] in _LISTS)
    if is_done_to_one or not is_one:
        return _collection(request, segments[-1], status=200 if is_done_to_one else 201)
    return _one(request, segments)


def _one(request: SimulatedRequest, segments: list[str]) -> SimulatedResponse:
    if segments[0] == "emails" and request.method == "GET":
        return _done({"object": "email", "id": segments[-1], "last_event": _fate_of(segments[-1])})
    return _done({"id": segments[-1], **({"deleted": True} if request.method == "DELETE" else {})})


def _collection(request: SimulatedRequest, name: str, *, status: int) -> SimulatedResponse:
    if request.method == "POST":
        return _done({"id": uuid_of(request.path), **_GIVEN_OUT.get(name, {})}, status)
    return _done({"object": "list", "data": [_DOMAIN] if name == "domains" else [], "has_more": False})


# What answers to creations hold beside an id; among it secrets, which are shown once.
_GIVEN_OUT: dict[str, dict[str, Json]] = {
    "api-keys": {"token": "re_FAKEnew1_0000000000000000000000"},
    "webhooks": {"object": "webhook", "signing_secret": "whsec_FAKEfakeFAKEfakeFAKEfake0000"},
    "rotate": {"object": "webhook", "signing_secret": "whsec_FAKEfakeFAKEfakeFAKEfake0000"},
    "share": {"url": "https://resend.example.org/share/FAKEsharedlink0000"},
    "contacts": {"object": "contact"},
    "domains": {"object": "domain", "status": "not_started"},
}
_IDS = {
    "missing": _error(404, "not_found", "The requested resource does not exist."),
    "locked": _error(409, "resource_locked", "Another request changes this resource."),
    "quota": _error(403, "email_above_quota", "The content of this email is not available on your plan."),
}
_FATES = ("delivered", "bounced", "complained", "suppressed")


def _id_of(fate: str, text: str) -> str:
    return f"{_FATES.index(fate)}{uuid_of(text)[1:]}"


def _fate_of(email_id: str) -> str:
    return _FATES[int(email_id[0])] if email_id[:1] in {"0", "1", "2", "3"} else "delivered"


def _missing(email: Json) -> str | None:
    """The first required field that is missing."""
    if not isinstance(email, dict):
        return "to"
    for name in ("from", "to", "subject"):
        if not email.get(name):
            return name
    return None if any(email.get(name) for name in ("html", "text", "template")) else "html"


def _recipient(email: dict[str, Json]) -> str:
    to = email["to"]
    return str(to[0] if isinstance(to, list) else to)


def _local(address: str) -> str:
    """The local part without display name and label: `bounced` of `Anna <bounced+case1@resend.dev>`."""
    return address.rpartition("<")[2].partition("@")[0].partition("+")[0].lower()
