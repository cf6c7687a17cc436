"""Resend: every answer that its documents tell of, and what it means."""

from collections.abc import Mapping

from integration_monitor.record import Fault, Json
from tests.unit.exchanges import Case
from tests.unit.vendors.vendor import Vendor, nginx, page_under_200, redirected, timed_out, unreachable

API = "https://api.resend.com"
SEND = f"POST {API}/emails"
BATCH = f"POST {API}/emails/batch"
DOMAINS = f"GET {API}/domains"
KEY = {"idempotency-key": "order-1001-confirmation"}
SENT_ID = "0b9f6a1e-0000-4000-8000-000000000001"
QUOTA_NOTE = "not before the quota's period ends"


def error(status: int, name: str, message: str) -> Json:
    return {"statusCode": status, "name": name, "message": message}


def refused(
    status: int,
    name: str,
    fault: Fault,
    retry: str = "no",
    *,
    message: str = "The vendor's words",
    note: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Case:
    return Case(
        name=f"{name}, with a key" if headers else name,
        call=SEND,
        headers=headers,
        status=status,
        answer=error(status, name, message),
        code=name,
        message=message,
        fault=fault,
        retry=retry,
        note=note,
    )


def limited(name: str, words: str, retry: str, after_s: float | None = None, note: str | None = None) -> Case:
    return Case(
        name=name,
        call=SEND,
        status=429,
        answer=error(429, name, words),
        answer_headers={"retry-after": "1", "ratelimit-limit": "5", "ratelimit-remaining": "0", "ratelimit-reset": "1"},
        code=name,
        message=words,
        fault="limit",
        retry=retry,
        after_s=after_s,
        note=note,
        rate_limit=(5, 0),
    )


def batch(name: str, data: Json, errors: Json, code: str, message: str, *, fault: Fault = "ours") -> Case:
    return Case(
        name=name,
        call=BATCH,
        answer={"data": data, "errors": errors},
        code=code,
        message=message,
        fault=fault,
        retry="no",
        action="send_email_batch",
    )


DONE = [
    Case(
        name="sent",
        call=SEND,
        answer={"id": SENT_ID},
        answer_headers={"ratelimit-limit": "5", "ratelimit-remaining": "4", "ratelimit-reset": "1"},
        entity=("email", SENT_ID),
        action="send_email",
        rate_limit=(5, 4),
    ),
    Case(name="batch sent", call=BATCH, answer={"data": [{"id": "1"}]}, action="send_email_batch"),
    Case(name="event taken", call=f"POST {API}/events/send", status=202, answer={}, action="send_event"),
    Case(
        name="asked for later",
        call=f"GET {API}/emails/{SENT_ID}",
        answer={"id": SENT_ID, "last_event": "bounced"},
        entity=("email", SENT_ID),
        action="get_email",
    ),
    Case(name="key with full access", call=DOMAINS, answer={"data": []}, action="test_connection"),
]

KEYS = [
    Case(
        name="key that may only send, probed",
        call=DOMAINS,
        status=401,
        answer=error(401, "restricted_api_key", "This API key is restricted to only send emails"),
        note="the key is valid and allowed to send only",
        action="test_connection",
    ),
    refused(400, "validation_error", "auth", message="API key is invalid"),
    refused(401, "validation_error", "auth", message="API key is invalid"),
    refused(403, "invalid_api_key", "auth", message="API key is invalid"),
    refused(401, "missing_api_key", "auth"),
    refused(401, "restricted_api_key", "auth"),
    refused(403, "suspended_api_key", "auth"),
    refused(403, "invalid_permission", "auth"),
    Case(
        name="wrong key without a name",
        call=SEND,
        status=401,
        answer={"message": "API key is invalid"},
        code="HTTP_401",
        message="API key is invalid",
        fault="auth",
        retry="no",
    ),
]

REFUSED = [
    refused(400, "validation_error", "ours"),
    refused(403, "email_above_quota", "limit"),
    refused(403, "validation_error", "ours", message="The mail.example.org domain is not verified."),
    refused(404, "not_found", "ours"),
    refused(405, "method_not_allowed", "ours"),
    refused(409, "resource_locked", "ours", "after"),
    *(
        refused(422, name, "ours")
        for name in (
            *("invalid_attachment", "invalid_from_address", "invalid_access", "invalid_parameter", "invalid_region"),
            *("missing_required_field", "missing_required_parameter", "validation_error"),
        )
    ),
    refused(422, "validation_error", "recipient", message="Invalid `to` field. The email address needs to be one."),
    refused(
        422,
        "validation_error",
        "recipient",
        message="Invalid `to` field. Please use our testing email address instead of domains like `example.com`.",
    ),
    refused(422, "missing_required_field", "ours", message="Missing `to` field."),
    refused(451, "security_error", "ours"),
    refused(500, "application_error", "vendor", "ambiguous"),
    refused(500, "application_error", "vendor", "safe", headers=KEY),
    refused(500, "internal_server_error", "vendor", "ambiguous"),
    refused(503, "service_unavailable", "vendor", "ambiguous"),
    refused(503, "service_unavailable", "vendor", "safe", headers=KEY),
    refused(418, "brand_new_error", "ours"),
]

IDEMPOTENCY = [
    refused(400, "invalid_idempotency_key", "ours"),
    refused(409, "invalid_idempotent_request", "ours"),
    refused(409, "concurrent_idempotent_requests", "ours", "after"),
    timed_out(SEND, "ambiguous", action="send_email"),
    timed_out(SEND, "safe", headers=KEY, action="send_email"),
    timed_out(BATCH, "safe", headers=KEY, action="send_email_batch"),
    timed_out(DOMAINS, "safe", action="test_connection"),
    timed_out(f"DELETE {API}/domains/d1", "ambiguous", headers=KEY, entity=("domain", "d1"), action="delete_domain"),
    unreachable(SEND, action="send_email"),
]

LIMITS = [
    limited("rate_limit_exceeded", "Too many requests", "after", 1),
    limited("daily_quota_exceeded", "You have reached your daily quota", "no", note=QUOTA_NOTE),
    limited("monthly_quota_exceeded", "You have reached your monthly quota", "no", note=QUOTA_NOTE),
]

CDN = [
    Case(
        name="no User-Agent",
        call=SEND,
        status=403,
        answer="error code: 1010",
        code="HTTP_403",
        message="error code: 1010",
        fault="ours",
        retry="no",
    ),
    Case(
        name="page of the CDN",
        call=SEND,
        status=502,
        answer=nginx("502 Bad Gateway"),
        code="HTTP_502",
        message="502 Bad Gateway",
        fault="vendor",
        retry="ambiguous",
    ),
    Case(
        name="page of the CDN, to a read",
        call=DOMAINS,
        status=502,
        answer=nginx("502 Bad Gateway"),
        code="HTTP_502",
        message="502 Bad Gateway",
        fault="vendor",
        retry="safe",
    ),
]

PROXIES = [
    page_under_200(SEND, "ambiguous", action="send_email"),
    Case(
        name="page under 200, with a key",
        call=SEND,
        headers=KEY,
        answer="  <!doctype html><p>Checking your browser",
        code="INVALID_RESPONSE",
        message="a page came in place of JSON: Checking your browser",
        fault="vendor",
        retry="safe",
    ),
    page_under_200(DOMAINS, "safe", action="test_connection"),
    redirected(SEND, action="send_email"),
    Case(
        name="refusal under 200",
        call=SEND,
        answer=error(422, "missing_required_field", "Missing `to` field."),
        code="missing_required_field",
        message="Missing `to` field.",
        fault="ours",
        retry="no",
    ),
]

BATCHES = [
    batch(
        "some emails refused",
        [{"id": "1"}],
        [{"index": 1, "message": "The `to` field is missing."}],
        "PARTIAL_FAILURE",
        "1 of 2 emails refused: [1] The `to` field is missing.",
    ),
    batch(
        "an address refused",
        [{"id": "1"}],
        [{"index": 1, "message": "Invalid `to` field."}],
        "PARTIAL_FAILURE",
        "1 of 2 emails refused: [1] Invalid `to` field.",
        fault="recipient",
    ),
    batch(
        "all emails refused",
        [],
        [{"index": 0, "message": "No"}, {"index": 1, "message": "No"}],
        "BATCH_REJECTED",
        "2 of 2 emails refused: [0] No",
    ),
    batch("errors that are no list", [{"id": "1"}], {"1": "No"}, "PARTIAL_FAILURE", "1 of 2 emails refused: no reason given"),
    batch("refused without a reason", [{"id": "1"}], [{}], "PARTIAL_FAILURE", "1 of 2 emails refused: no reason given"),
]

VENDOR = Vendor(
    title="Resend",
    service_names=("resend",),
    summary="`error_code` is the vendor's `name`. A send is safe to repeat only with the header `Idempotency-Key`. A wrong key is reported as "
    "`validation_error`: only its words tell. The headers `ratelimit-*` are kept in `response_payload.rate_limit`. An e-mail that "
    "was taken is not yet delivered: its id is the entity, so that `get_email` and webhooks can be found by it.",
    answers={
        "resend/resend-openapi 1.5.0; page “Send Email”": DONE,
        "resend/resend-rust `src/error.rs`; page “Errors”; public reports of the answer to a revoked key": KEYS,
        "page “Errors”; resend/resend-rust `src/error.rs`; resend/resend-node `src/interfaces.ts`": REFUSED,
        "page “Idempotency Keys”": IDEMPOTENCY,
        "page “Usage Limits”": LIMITS,
        "page “Introduction”; a CDN stands before the API": CDN,
        "nothing of Resend's: what may stand between": PROXIES,
        "page “Send Batch Emails”; PyPI resend 2.52.0, `emails/_batch.py`": BATCHES,
    },
)
