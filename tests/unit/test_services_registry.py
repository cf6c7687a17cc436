"""Which service a call went to, what all services have in common, and hosts that nobody described."""

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration_monitor.errors import SettingsError
from integration_monitor.record import Fault, Json, NoAnswer, NoAnswerCode
from integration_monitor.recorder import Recorder
from integration_monitor.services.description import Service
from integration_monitor.services.exchange import SUCCESS, Exchange
from integration_monitor.services.folding import ACTION_CHARS_MAX, folded_action, folded_segment
from integration_monitor.services.outcome import MESSAGE_CHARS_MAX, retry_after_s, vendor_code
from integration_monitor.services.registry import HOSTS_REMEMBERED_MAX, Registry
from integration_monitor.settings import Settings
from tests.unit.exchanges import REGISTRY, Case, check, exchange, understand
from tests.unit.test_recorder import attempt, operation

SERVICES = ["amocrm", "mobizon", "resend", "telegram", "whapi"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["ok", "code", "data", "message", "error", "errors", "name", "status", "detail", "validation-errors"])
            | st.sampled_from(
                ["_embedded", "calls", "result", "parameters", "error_code", "description", "sent", "success", "index"]
            )
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("address", "service_name"),
    [
        ("https://example.amocrm.ru/api/v4/leads", "amocrm"),
        ("https://example.kommo.com/api/v4/leads", "amocrm"),
        ("https://api.resend.com/emails", "resend"),
        ("https://api.telegram.org/", "telegram"),
        ("http://api.mobizon.kz/service/user/getownbalance", "mobizon"),
        ("https://gate.whapi.cloud/health", "whapi"),
        ("https://amocrm.ru.example.org/api/v4/leads", "amocrm.ru.example.org"),
        ("https://notkommo.com/", "notkommo.com"),
        ("https://api.paypal.com/v1/payments", "api.paypal.com"),
        ("http://10.0.0.5:8080/", "10.0.0.5"),
    ],
)
def test_host_tells_the_service(address: str, service_name: str) -> None:
    assert understand(f"GET {address}").service_name == service_name


def test_configured_host_wins_over_all_others() -> None:
    registry = Registry(
        {"127.0.0.1:9001": "telegram", "mail.internal": "resend", "api.resend.com": "mobizon", "[::1]:9002": "whapi"}
    )

    found = {
        address: registry.find(exchange(f"GET {address}")).name
        for address in (
            "http://127.0.0.1:9001/",
            "http://127.0.0.1:9002/",
            "http://mail.internal:8080/",
            "https://api.resend.com/",
            "http://[::1]:9002/",
        )
    }

    assert list(found.values()) == ["telegram", "127.0.0.1", "resend", "mobizon", "whapi"]


def test_unknown_service_in_the_settings_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match=r"127\.0\.0\.1=whatsup.*known are amocrm, mobizon, openai, resend") as refused:
        Registry({"127.0.0.1": "whatsup"})

    assert refused.value.name == "service_hosts"


def test_named_service_is_found_or_made() -> None:
    assert [Registry().named(name).name for name in ("resend", "billing")] == ["resend", "billing"]


def test_hosts_without_end_do_not_fill_the_memory() -> None:
    registry = Registry()

    for number in range(HOSTS_REMEMBERED_MAX + 10):
        registry.find(exchange(f"GET https://h{number}.example.org/"))

    assert len(registry._remembered) <= HOSTS_REMEMBERED_MAX


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("TIMEOUT", "network"),
        ("CONNECTION_FAILED", "network"),
        ("DNS_FAILURE", "network"),
        ("TLS_ERROR", "network"),
        ("CANCELLED", "ours"),
        ("NOT_DONE", "ours"),
        ("INVALID_RESPONSE", "vendor"),
    ],
)
@pytest.mark.parametrize(
    ("method", "is_unsent", "advice"),
    [("POST", False, "ambiguous"), ("POST", True, "safe"), ("GET", False, "safe"), ("PUT", False, "ambiguous")],
)
def test_no_answer_is_judged_alike_everywhere(code: NoAnswerCode, fault: str, method: str, is_unsent: bool, advice: str) -> None:
    no_answer = NoAnswer(code=code, message="ReadTimeout: too late", is_unsent=is_unsent)

    outcome = understand(f"{method} https://api.example.org/v1/orders", no_answer=no_answer).outcome

    assert (outcome.is_success, outcome.error_code, outcome.error_message) == (False, code, "ReadTimeout: too late")
    assert outcome.fault == fault
    assert outcome.retry is not None
    assert outcome.retry.advice == advice


def judged(status: int, answer: Json, message: str | None, fault: Fault | None, retry: str | None) -> Case:
    return Case(
        name=str(status),
        call="POST https://api.example.org/v1/orders",
        status=status,
        answer=answer,
        code=f"HTTP_{status}" if fault else None,
        message=message,
        fault=fault,
        retry=retry,
    )


@pytest.mark.parametrize(
    "case",
    [
        judged(200, {"error": "no"}, None, None, None),
        judged(302, None, None, None, None),
        judged(400, {"error": {"message": "wrong field", "code": "x"}}, "wrong field", "ours", "no"),
        judged(401, {"message": "who are you"}, "who are you", "auth", "no"),
        judged(402, {"detail": "pay first"}, "pay first", "auth", "no"),
        judged(403, {"title": "Forbidden here"}, "Forbidden here", "auth", "no"),
        judged(404, {"errors": [{"message": "no such order"}]}, "no such order", "ours", "no"),
        judged(408, None, "Request Timeout", "network", "ambiguous"),
        judged(422, {"errors": ["name is empty"]}, "name is empty", "ours", "no"),
        judged(429, "slow  down", "slow down", "limit", "after"),
        judged(500, {"error": "oops"}, "oops", "vendor", "ambiguous"),
        judged(503, "<html><title>Down &amp; out</title></html>", "Down & out", "vendor", "ambiguous"),
        judged(599, None, "HTTP status 599", "vendor", "ambiguous"),
    ],
    ids=str,
)
def test_undescribed_host_is_judged_by_status(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("/v1/charges", "GET /v1/charges"),
        ("/v1/charges/ch_3MmlLrLkdIwHu7ix0snN0B15", "GET /v1/charges/{id}"),
        ("/users/123/orders/0b9f6a1e-0000-4000-8000-000000000001", "GET /users/{id}/orders/{id}"),
        ("/contacts/anna@customer.test", "GET /contacts/{id}"),
        ("/contacts/anna%40customer.test", "GET /contacts/{id}"),
        ("/phones/+77000000001/check", "GET /phones/{id}/check"),
        ("/blobs/deadbeefcafe", "GET /blobs/{id}"),
        ("/v1/models/gemini-pro:generateContent", "GET /v1/models/gemini-pro:generateContent"),
        ("/oauth2/token", "GET /oauth2/token"),
        ("/1.1/statuses/update.json", "GET /1.1/statuses/update.json"),
        ("/api/chat.postMessage", "GET /api/chat.postMessage"),
        ("/blog/ten-reasons-why-cats-like-boxes", "GET /blog/{id}"),
        ("/s/qWeRtYuIoPaSdFgH", "GET /s/{id}"),
        ("/", "GET /"),
        ("/a/b/c/d/e/f/g/h/i/j", "GET /a/b/c/d/e/f/g/h/…"),
    ],
)
def test_undescribed_route_is_folded(path: str, action: str) -> None:
    assert folded_action("GET", path) == action


@given(
    st.uuids().map(str)
    | st.integers(min_value=0).map(str)
    | st.binary(min_size=8, max_size=20).map(bytes.hex)
    | st.emails()
    | st.text(alphabet=string.ascii_letters + string.digits, min_size=24, max_size=40)
)
def test_identifiers_never_reach_an_action(identifier: str) -> None:
    segment = identifier.replace("/", "").replace("?", "").replace("#", "")

    assert folded_segment(segment) == "{id}"
    for host in ("api.example.org", "example.amocrm.ru", "api.resend.com", "gate.whapi.cloud"):
        assert segment not in understand(f"GET https://{host}/things/{segment}").action


@given(st.text(max_size=300))
def test_actions_are_bounded(path: str) -> None:
    assert len(folded_action("GET", path)) <= ACTION_CHARS_MAX


# Of every service, what its reading looks at most closely.
CALLS = [
    "POST https://example.amocrm.ru/api/v4/calls",
    "POST https://example.amocrm.ru/api/v4/leads/complex",
    "POST https://example.amocrm.ru/oauth2/access_token",
    "POST https://example.amocrm.ru/api/v2/calls",
    "POST https://api.resend.com/emails/batch",
    "GET https://api.resend.com/domains",
    "POST https://api.telegram.org/bot123456789:AAFAKEfakeFAKEfakeFAKEfakeFAKEfake000/forwardMessages",
    "POST https://api.telegram.org/bot123456789:AAFAKEfakeFAKEfakeFAKEfakeFAKEfake000/sendMediaGroup",
    "GET https://api.telegram.org/file/bot123456789:AAFAKEfakeFAKEfakeFAKEfakeFAKEfake000/photos/1.jpg",
    "POST https://api.mobizon.kz/service/message/sendsmsmessage",
    "POST http://api.mobizon.kz/service/campaign/addrecipients",
    "GET https://api.mobizon.kz/service/taskqueue/getstatus",
    "POST https://gate.whapi.cloud/messages/text",
    "GET https://gate.whapi.cloud/health",
    "HEAD https://gate.whapi.cloud/contacts/77000000001",
    "POST https://manager.whapi.cloud/channels",
    "POST https://api.stripe.com/v1/charges",
    "POST https://slack.com/api/chat.postMessage",
    "POST https://hooks.slack.com/services/T0FAKE/B0FAKE/FAKE",
    "POST https://api.openai.com/v1/responses",
    "POST https://api.example.org/v1/orders",
]
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            *("retry-after", "location", "content-type", "retry-after-ms", "x-should-retry", "stripe-should-retry"),
            *(
                "ratelimit-limit",
                "ratelimit-remaining",
                "ratelimit-reset",
                "x-ratelimit-reset-requests",
                "x-ratelimit-limit-tokens",
            ),
        ]
    ),
    st.sampled_from(["", "17", "1e400", "-inf", "9" * 400, "https://[::1", "//u:p@[", "text/event-stream", "true", "6m0s", "١٧"])
    | st.text(max_size=20),
)
TEXTS = st.sampled_from(
    [
        "<code>8</code>",
        "<" * 3000,
        '{"ok":false',
        '{"code": 99999999',
        "data: {}\n\ndata: [" + "[" * 3000,
        '{"sent":false',
        "\ud800",
    ]
)


@given(
    call=st.sampled_from(CALLS),
    status=st.sampled_from([None, 0, 99, 200, 201, 202, 204, 302, 304, 400, 401, 403, 404, 422, 429, 500, 502, 999]),
    request=JSON,
    answer=JSON | TEXTS | JSON.map(lambda value: f"data: {value!r}\n\n"),
    headers=HEADERS,
)
def test_no_answer_of_a_vendor_can_break_the_reading(
    call: str, status: int | None, request: Json, answer: Json, headers: dict[str, str]
) -> None:
    meaning = understand(call, status=status, request=request, answer=answer, answer_headers=headers)

    outcome = meaning.outcome
    assert outcome.is_success == (outcome.error_code is None) == (outcome.fault is None)
    assert len(outcome.error_code or "") <= 64
    assert len(outcome.error_message or "") <= MESSAGE_CHARS_MAX
    assert len(meaning.action) <= ACTION_CHARS_MAX


@pytest.mark.parametrize(
    "code", ["order-12345678", "1a6e8b3c-0d5f-4c8e-9a57-5b1f0c2d7e94", "x" * 65, "with space", 10**9, True, None, 1.5, {}]
)
def test_code_that_would_grow_with_identifiers_is_none(code: Json) -> None:
    assert vendor_code(code) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("17", 17), ("0.5", 0.5), ("-3", 0), ("nan", None), ("soon", None), ("", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float | None) -> None:
    assert retry_after_s(exchange("GET https://api.example.org/", answer_headers={"retry-after": header})) == seconds


@pytest.mark.parametrize(
    ("headers", "limit", "remaining", "has_reset"),
    [
        ({"ratelimit-limit": "5", "ratelimit-remaining": "4", "ratelimit-reset": "1"}, 5, 4, True),
        ({"x-ratelimit-limit": "100, 100;w=60", "x-ratelimit-remaining": "99"}, 100, 99, False),
        ({"x-rate-limit-limit": "15", "x-rate-limit-reset": "1772359200"}, 15, None, True),
        ({"x-ratelimit-reset": "1772359200123"}, None, None, True),
        ({"ratelimit-limit": "many"}, None, None, False),
        ({"ratelimit-reset": "9" * 15}, None, None, False),
    ],
)
def test_rate_limit_headers_are_read(headers: dict[str, str], limit: int | None, remaining: int | None, has_reset: bool) -> None:
    found = understand("GET https://api.example.org/", answer_headers=headers).rate_limit

    if limit is remaining is None and not has_reset:
        assert found is None or found.reset_at is None
        return
    assert found is not None
    assert (found.limit, found.remaining, found.reset_at is not None) == (limit, remaining, has_reset)


class Planted(Exception):
    pass


def raising(*_arguments: object) -> Any:
    raise Planted


NOTE = "the description of shop raised Planted: understood by HTTP alone"


@pytest.mark.parametrize(
    ("parts", "outcome"),
    [
        ({"status": 200, "answer": {"ok": False}}, (True, None, None, None)),
        ({"status": 404}, (False, "HTTP_404", "ours", "no")),
        # Only the description knew what may be repeated.
        ({"status": 502}, (False, "HTTP_502", "vendor", "ambiguous")),
        ({"no_answer": NoAnswer(code="TIMEOUT", message="too late")}, (False, "TIMEOUT", "network", "ambiguous")),
    ],
)
def test_call_is_understood_by_http_where_its_description_raises(
    parts: dict[str, Any], outcome: tuple[bool, str | None, str | None, str | None]
) -> None:
    told: list[Exception] = []
    registry = Registry(on_error=told.append)
    service = Service(name="shop", read=raising, is_repeatable=raising)
    call = exchange("GET https://api.shop.test/v1/orders/77", **parts)

    meaning = registry.understand(call, registry.match(call, service))

    found = meaning.outcome
    advice = found.retry.advice if found.retry else None
    assert (found.is_success, found.error_code, found.fault, advice) == outcome
    assert (meaning.service_name, meaning.action, found.note) == ("shop", "GET /v1/orders/{id}", NOTE)
    assert [type(error) for error in told] == [Planted]


def no_outcome(_exchange: Exchange, _action: str) -> Any:
    return None


def test_reading_that_gives_no_outcome_is_told() -> None:
    told: list[Exception] = []
    registry = Registry(on_error=told.append)
    call = exchange("GET https://api.shop.test/v1/orders", status=500)

    meaning = registry.understand(call, registry.match(call, Service(name="shop", read=no_outcome)))

    assert meaning.outcome.error_code == "HTTP_500"
    assert [str(error) for error in told] == ["a reading must give an Outcome, and gave NoneType"]


@pytest.mark.parametrize("broken", ["route_path", "fallback_action", "read_rate_limit"])
def test_description_may_raise_anywhere(broken: str) -> None:
    told: list[Exception] = []
    registry = Registry(on_error=told.append)
    given: dict[str, Any] = {"name": "shop", "read": lambda _exchange, _action: SUCCESS, broken: raising}
    service = Service(**given)
    call = exchange("GET https://api.shop.test/v1/orders/77", answer_headers={"ratelimit-limit": "5"})

    meaning = registry.understand(call, registry.match(call, service))

    assert (meaning.outcome, meaning.action) == (SUCCESS, "GET /v1/orders/{id}")
    assert [type(error) for error in told] == [Planted]


def test_every_described_service_has_hosts_and_routes() -> None:
    registry = Registry()

    for name in SERVICES:
        service = registry.named(name)
        assert service.hosts
        assert service.routes
        assert {"test_connection"} <= {route.action for route in service.routes}


def test_host_that_is_called_as_a_service_does_not_change_what_is_secret_at_the_service() -> None:
    record = Recorder(Settings(), registry=REGISTRY)
    record(operation(attempt("http://resend/health", answer={"ok": True})))

    url = "https://api.resend.com/emails/1/attachments/2"
    link = record(operation(attempt(url, method="GET", answer={"download_url": "https://cdn.example.com/FAKE1234"})))

    assert link is not None
    assert link.response_payload["body"] == {"download_url": "${resend.download_url}"}
