"""Stripe: the errors that its reference tells of, and what they mean."""

from integration_monitor.record import Fault
from tests.unit.exchanges import Case
from tests.unit.vendors.vendor import Vendor, page_under_200, redirected, timed_out, unreachable

API = "https://api.stripe.com/v1"
PAY = f"POST {API}/payment_intents"
CONFIRM = f"POST {API}/payment_intents/pi_3FAKE00000000001/confirm"
PAYMENT = ("payment_intent", "pi_3FAKE00000000001")
KEYED = {"idempotency-key": "order-1001"}


def refused(
    status: int,
    code: str | None,
    message: str,
    fault: Fault,
    retry: str = "no",
    *,
    kind: str = "invalid_request_error",
    told: str | None = None,
    **parts: object,
) -> Case:
    """An error of Stripe's shape; `told` is the message with its details."""
    error = {"type": kind, "message": message, **({"code": code} if code else {})}
    given = {"name": code or kind, "call": PAY, "answer": {"error": error}, **parts}
    return Case(status=status, code=code or kind, message=told or message, fault=fault, retry=retry, **given)  # type: ignore[arg-type]


def declined(code: str, decline_code: str | None, message: str, told: str) -> Case:
    error = {"type": "card_error", "code": code, "message": message, **({"decline_code": decline_code} if decline_code else {})}
    return Case(
        name=decline_code or code,
        call=CONFIRM,
        status=402,
        answer={"error": error},
        code=code,
        message=told,
        fault="recipient",
        retry="no",
        entity=PAYMENT,
    )


DONE = [
    Case(
        name="a payment begun",
        call=PAY,
        request={"amount": "1500", "currency": "eur"},
        answer={"id": "pi_3FAKE00000000001", "object": "payment_intent", "status": "requires_payment_method"},
        entity=PAYMENT,
        action="create_payment_intent",
    ),
    Case(
        name="a list",
        call=f"GET {API}/charges?limit=3",
        answer={"object": "list", "data": [], "has_more": False},
        action="list_charges",
    ),
    Case(
        name="an object's `error` of old is no refusal",
        call=f"GET {API}/payment_intents/pi_3FAKE00000000001",
        answer={"id": "pi_3FAKE00000000001", "last_payment_error": {"code": "card_declined"}},
        entity=PAYMENT,
        action="get_payment_intent",
    ),
]
CARDS = [
    declined(
        "card_declined",
        "insufficient_funds",
        "Your card has insufficient funds.",
        "Your card has insufficient funds. (decline_code: insufficient_funds)",
    ),
    declined("card_declined", "lost_card", "Your card was declined.", "Your card was declined. (decline_code: lost_card)"),
    declined("expired_card", None, "Your card has expired.", "Your card has expired."),
    declined("incorrect_cvc", None, "Your card's security code is incorrect.", "Your card's security code is incorrect."),
    refused(402, "payment_intent_payment_attempt_failed", "The bank refused the debit.", "recipient"),
]
REFUSED = [
    refused(
        400,
        "parameter_missing",
        "Missing required param: currency.",
        "ours",
        answer={
            "error": {
                "type": "invalid_request_error",
                "code": "parameter_missing",
                "message": "Missing required param: currency.",
                "param": "amount",
            }
        },
        told="Missing required param: currency. (param: amount)",
    ),
    refused(404, "resource_missing", "No such customer: 'cus_FAKE'", "ours", call=f"GET {API}/balance_transactions"),
    refused(
        400, "balance_insufficient", "You have insufficient funds in your Stripe account.", "auth", call=f"POST {API}/transfers"
    ),
    refused(
        400, None, "Keys for idempotent requests can only be used with the same parameters.", "ours", kind="idempotency_error"
    ),
    refused(
        409,
        "idempotency_key_in_use",
        "There is currently another in-progress request using this key.",
        "ours",
        "after",
        kind="idempotency_error",
        headers=KEYED,
    ),
]
ACCOUNT = [
    refused(401, None, "Invalid API Key provided: sk_test_****FAKE", "auth"),
    refused(401, "api_key_expired", "Expired API Key provided.", "auth"),
    refused(403, None, "The provided key does not have access to this account.", "auth"),
    refused(400, "secret_key_required", "This API call cannot be made with a publishable API key.", "auth"),
]
LIMITS = [
    refused(429, "rate_limit", "Request rate limit exceeded.", "limit", "after", answer_headers={"retry-after": "2"}, after_s=2),
    refused(429, "lock_timeout", "This object cannot be accessed right now.", "limit", "after"),
]
VENDORS_FAULT = [
    refused(500, None, "An unexpected error occurred.", "vendor", "ambiguous", kind="api_error"),
    refused(500, None, "An unexpected error occurred.", "vendor", "safe", kind="api_error", headers=KEYED),
    refused(
        500,
        None,
        "An unexpected error occurred.",
        "vendor",
        "no",
        kind="api_error",
        headers=KEYED,
        answer_headers={"stripe-should-retry": "false"},
    ),
    Case(
        name="a partner of theirs did not answer",
        call=PAY,
        status=424,
        code="HTTP_424",
        message="Failed Dependency",
        fault="vendor",
        retry="ambiguous",
    ),
    Case(
        name="a page of the network before the API",
        call=PAY,
        status=502,
        answer="<html><head><title>502 Bad Gateway</title></head></html>",
        code="HTTP_502",
        message="502 Bad Gateway",
        fault="vendor",
        retry="ambiguous",
    ),
    timed_out(PAY, "ambiguous"),
    timed_out(PAY, "safe", headers=KEYED),
    timed_out(f"DELETE {API}/customers/cus_FAKE0000000001", "safe", entity=("customer", "cus_FAKE0000000001")),
    unreachable(PAY),
]

PROXIES = [
    page_under_200(PAY, "ambiguous"),
    page_under_200(PAY, "safe", headers=KEYED),
    page_under_200(f"GET {API}/balance", "safe", action="get_balance"),
    redirected(PAY),
    Case(
        name="a file that is a page",
        call="GET https://files.stripe.com/v1/files/file_FAKE1/contents",
        answer="<html><title>Evidence</title></html>",
        entity=("file", "file_FAKE1"),
        action="download_file",
    ),
]

VENDOR = Vendor(
    title="Stripe",
    service_names=("stripe",),
    summary=(
        "A request with an `Idempotency-Key` may be repeated for a day, and so may every DELETE. What a card or a bank refuses is the fault "
        "`recipient`. Described in `described/stripe.toml`; what it does not name gets an action by its route."
    ),
    answers={
        "the reference, Errors": [*DONE, *REFUSED, *VENDORS_FAULT],
        "the page Error codes, and the library stripe 16.1, which lists the same": [*CARDS, *ACCOUNT, *LIMITS],
        "nothing of Stripe's: what may stand between": PROXIES,
    },
)
