"""Resend: every answer that its sources tell of, and what it means."""

import pytest

from integration_monitor.record import Fault, Json, NoAnswer
from tests.unit.exchanges import Case, check, understand

API = "https://api.resend.com"
SEND = f"POST {API}/emails"
KEY = {"idempotency-key": "order-1001-confirmation"}


def error(status: int, name: str, message: str = "The vendor's words") -> Json:
    return {"statusCode": status, "name": name, "message": message}


def refused(status: int, name: str, fault: Fault, retry: str = "no", message: str = "The vendor's words") -> Case:
    return Case(
        name=f"{status} {name} {message if message != 'The vendors words' else ''}",
        call=SEND,
        status=status,
        answer=error(status, name, message),
        code=name,
        message=message,
        fault=fault,
        retry=retry,
    )


CASES = [
    Case(
        name="sent",
        call=SEND,
        answer={"id": "0b9f6a1e-0000-4000-8000-000000000001"},
        entity=("email", "0b9f6a1e-0000-4000-8000-000000000001"),
        action="send_email",
    ),
    Case(name="batch", call=f"POST {API}/emails/batch", answer={"data": [{"id": "1"}]}, action="send_email_batch"),
    Case(name="event", call=f"POST {API}/events/send", status=202, answer={}, action="send_event"),
    Case(name="full access", call=f"GET {API}/domains", answer={"data": []}, action="test_connection"),
    Case(
        name="send-only key",
        call=f"GET {API}/domains",
        status=401,
        answer=error(401, "restricted_api_key", "This API key is restricted to only send emails"),
        note="the key is valid and allowed to send only",
        action="test_connection",
    ),
    refused(400, "validation_error", "auth", message="API key is invalid"),
    refused(401, "validation_error", "auth", message="API key is invalid"),
    refused(403, "invalid_api_key", "auth", message="API key is invalid"),
    refused(400, "invalid_idempotency_key", "ours"),
    refused(400, "validation_error", "ours"),
    refused(401, "missing_api_key", "auth"),
    refused(401, "restricted_api_key", "auth"),
    refused(403, "suspended_api_key", "auth"),
    refused(403, "invalid_permission", "auth"),
    refused(403, "email_above_quota", "limit"),
    refused(403, "validation_error", "ours", message="The mail.example.org domain is not verified."),
    refused(404, "not_found", "ours"),
    refused(405, "method_not_allowed", "ours"),
    refused(409, "invalid_idempotent_request", "ours"),
    refused(409, "concurrent_idempotent_requests", "ours", "after"),
    refused(409, "resource_locked", "ours", "after"),
    *(
        refused(422, name, "ours")
        for name in (
            *("invalid_attachment", "invalid_from_address", "invalid_access", "invalid_parameter", "invalid_region"),
            *("missing_required_field", "missing_required_parameter", "validation_error"),
        )
    ),
    refused(422, "validation_error", "recipient", message="Invalid `to` field. The email address needs to be one."),
    refused(422, "missing_required_field", "ours", message="Missing `to` field."),
    refused(451, "security_error", "ours"),
    refused(500, "application_error", "vendor", "ambiguous"),
    refused(500, "internal_server_error", "vendor", "ambiguous"),
    refused(503, "service_unavailable", "vendor", "ambiguous"),
    refused(418, "brand_new_error", "ours"),
    Case(
        name="too fast",
        call=SEND,
        status=429,
        answer=error(429, "rate_limit_exceeded", "Too many requests"),
        answer_headers={"retry-after": "1", "ratelimit-remaining": "0"},
        code="rate_limit_exceeded",
        message="Too many requests",
        fault="limit",
        retry="after",
        after_s=1,
    ),
    *(
        Case(
            name=name,
            call=SEND,
            status=429,
            answer=error(429, name, "Quota reached"),
            answer_headers={"retry-after": "1"},
            code=name,
            message="Quota reached",
            fault="limit",
            retry="no",
            note="not before the quota's period ends",
        )
        for name in ("daily_quota_exceeded", "monthly_quota_exceeded")
    ),
    Case(
        name="server error with idempotency key",
        call=SEND,
        headers=KEY,
        status=500,
        answer=error(500, "application_error", "Oops"),
        code="application_error",
        message="Oops",
        fault="vendor",
        retry="safe",
    ),
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
        answer="<html><head><title>502 Bad Gateway</title></head></html>",
        code="HTTP_502",
        message="502 Bad Gateway",
        fault="vendor",
        retry="ambiguous",
    ),
    Case(
        name="permissive batch",
        call=f"POST {API}/emails/batch",
        answer={"data": [{"id": "1"}], "errors": [{"index": 1, "message": "The `to` field is missing."}]},
        code="PARTIAL_FAILURE",
        message="1 of 2 emails refused: [1] The `to` field is missing.",
        fault="ours",
        retry="no",
    ),
    Case(
        name="permissive batch, all refused",
        call=f"POST {API}/emails/batch",
        answer={"data": [], "errors": [{"index": 0, "message": "No"}, {"index": 1, "message": "No"}]},
        code="BATCH_REJECTED",
        message="2 of 2 emails refused: [0] No",
        fault="ours",
        retry="no",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_answer_is_understood(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    ("call", "action", "entity"),
    [
        (f"GET {API}/emails", "list_emails", None),
        (f"GET {API}/emails/e1", "get_email", ("email", "e1")),
        (f"GET {API}/emails/metrics", "get_email_metrics", None),
        (f"POST {API}/emails/e1/cancel", "cancel_email", ("email", "e1")),
        (f"GET {API}/emails/e1/attachments/a1", "get_attachment", ("email", "e1")),
        (f"GET {API}/emails/receiving", "list_received_emails", None),
        (f"POST {API}/domains/d1/verify", "verify_domain", ("domain", "d1")),
        (f"DELETE {API}/api-keys/k1", "delete_api_key", ("api_key", "k1")),
        (f"GET {API}/contacts/anna%40customer.test", "get_contact", ("contact", "anna@customer.test")),
        (f"POST {API}/contacts/imports", "import_contacts", None),
        (f"POST {API}/broadcasts/b1/send", "send_broadcast", ("broadcast", "b1")),
        (f"GET {API}/logs/l1", "get_log", ("log", "l1")),
        (f"GET {API}/audiences/a1/contacts/c1", "get_contact", ("contact", "c1")),
        (f"GET {API}/something/0b9f6a1e-0000-4000-8000-000000000001", "GET /something/{id}", None),
    ],
)
def test_call_has_its_action_and_entity(call: str, action: str, entity: tuple[str, str] | None) -> None:
    meaning = understand(call)

    assert (meaning.action, meaning.entity) == (action, entity)


@pytest.mark.parametrize(
    ("call", "headers", "is_unsent", "advice"),
    [
        (SEND, {}, False, "ambiguous"),
        (SEND, KEY, False, "safe"),
        (SEND, {}, True, "safe"),
        (f"GET {API}/domains", {}, False, "safe"),
        (f"DELETE {API}/domains/d1", KEY, False, "ambiguous"),
    ],
)
def test_time_out_is_safe_to_repeat_only_where_nothing_can_be_sent_twice(
    call: str, headers: dict[str, str], is_unsent: bool, advice: str
) -> None:
    no_answer = NoAnswer(code="TIMEOUT", message="ReadTimeout: ", is_unsent=is_unsent)

    outcome = understand(call, headers=headers, no_answer=no_answer).outcome

    assert (outcome.error_code, outcome.fault) == ("TIMEOUT", "network")
    assert outcome.retry is not None
    assert outcome.retry.advice == advice
