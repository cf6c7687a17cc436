"""Services that are described by a file alone: every answer that their vendors' pages tell of, and what is secret in their calls."""

import pytest

from integration_monitor.redaction import Redactor
from tests.unit.exchanges import REGISTRY, Case, check, exchange, understand
from tests.unit.vendors import openai, slack, stripe


@pytest.mark.parametrize("case", [*stripe.VENDOR.cases, *slack.VENDOR.cases, *openai.VENDOR.cases], ids=str)
def test_answer_is_understood(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    ("call", "action", "entity"),
    [
        (f"POST {stripe.API}/refunds", "create_refund", None),
        (f"POST {stripe.API}/customers/cus_FAKE1", "update_customer", ("customer", "cus_FAKE1")),
        (f"GET {stripe.API}/customers/search?query=x", "search_customers", None),
        (f"DELETE {stripe.API}/subscriptions/sub_FAKE1", "cancel_subscription", ("subscription", "sub_FAKE1")),
        (f"GET {stripe.API}/coupons/SUMMER", "get_coupon", ("coupon", "SUMMER")),
        (f"GET {stripe.API}/issuing/cards/ic_3FAKE00000000001", "GET /v1/issuing/cards/{id}", None),
        ("POST https://files.stripe.com/v1/files", "create_file", None),
        ("POST https://example.slack.com/api/chat.update", "update_message", None),
        ("GET https://slack.com/api/users.info?user=U0FAKE001", "get_user", ("user", "U0FAKE001")),
        ("GET https://eu.api.openai.com/v1/models/gpt-4o", "get_model", None),
        (f"POST {openai.API}/vector_stores/vs_FAKE1/search", "search_vector_store", ("vector_store", "vs_FAKE1")),
        (f"GET {openai.API}/files/file-FAKE1/content", "download_file", ("file", "file-FAKE1")),
        (f"GET {openai.API}/evals/eval_FAKE000001/runs", "GET /v1/evals/{id}/runs", None),
    ],
)
def test_call_has_its_action_and_entity(call: str, action: str, entity: tuple[str, str] | None) -> None:
    meaning = understand(call)

    assert (meaning.action, meaning.entity) == (action, entity)


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        (slack.HOOK.removeprefix("POST "), "https://hooks.slack.com/services/${slack.webhook:T0FAKE001/B0FAKE001}"),
        (
            "https://hooks.slack.com/triggers/T0FAKE001/1234567890/FAKEPLANTEDFAKE000",
            "https://hooks.slack.com/triggers/${slack.trigger:T0FAKE001/1234567890}",
        ),
        ("https://files.slack.com/upload/v1/FAKEPLANTED-FAKE_00", "https://files.slack.com/upload/v1/${slack.upload}"),
        ("https://slack.com/api/users.list?token=xoxb-FAKE-PLANTED-00", "https://slack.com/api/users.list?token=${slack.token}"),
    ],
)
def test_secret_in_a_url_is_a_reference(url: str, stored: str) -> None:
    call = exchange(f"POST {url}")
    match = REGISTRY.match(call)

    assert Redactor().url(url, match.service, match.route) == stored


def test_webhook_of_slack_is_gone_from_messages_too() -> None:
    service = REGISTRY.named("slack")

    text = Redactor().text(f"POST {slack.HOOK.removeprefix('POST ')} failed", service)

    assert slack.HOOK_SECRET not in text
    assert "${slack.webhook:T0FAKE001/B0FAKE001}" in text


def test_client_secret_of_a_payment_is_gone_wherever_it_stands() -> None:
    service = REGISTRY.named("stripe")
    secret = "pi_3FAKE00000000001_secret_FAKEPLANTED0000"

    named = Redactor().body({"client_secret": secret}, service, direction="response")
    told = Redactor().text(f"no such payment: {secret}", service)

    assert named == {"client_secret": "${stripe.client_secret}"}
    assert told == "no such payment: ${stripe.client_secret:pi_3FAKE00000000001}"


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (f"POST {stripe.API}/webhook_endpoints", {"id": "we_1", "secret": "whsec_FAKEPLANTED0000"}),
        (f"POST {stripe.API}/ephemeral_keys", {"id": "ephkey_1", "secret": "ek_FAKEPLANTED0000"}),
        (f"POST {openai.API}/realtime/client_secrets", {"value": "ek_FAKEPLANTED0000", "expires_at": 1}),
        (
            f"POST {openai.API}/organization/projects/p/service_accounts",
            {"id": "u", "api_key": {"value": "sk-svcacct-FAKEPLANTED0000"}},
        ),
        (
            "POST https://slack.com/api/apps.connections.open",
            {"ok": True, "url": "wss://wss.slack.com/link/?ticket=FAKEPLANTED0000"},
        ),
        ("POST https://slack.com/api/oauth.v2.access", {"ok": True, "access_token": "xoxb-FAKEPLANTED0000"}),
    ],
)
def test_secret_in_an_answer_is_not_stored(call: str, answer: dict[str, object]) -> None:
    match = REGISTRY.match(exchange(call))

    stored = Redactor().body(answer, match.service, direction="response", route=match.route)

    assert "FAKEPLANTED0000" not in str(stored)


@pytest.mark.parametrize("name", ["stripe", "slack", "openai"])
def test_each_has_a_probe(name: str) -> None:
    probe = REGISTRY.named(name).probe

    assert probe is not None
    assert REGISTRY.find(exchange(f"{probe.method} {probe.url}")).name == name
    assert next(iter(probe.credentials)) in probe.headers["authorization"]
