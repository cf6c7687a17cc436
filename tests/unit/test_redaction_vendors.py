"""Every secret of the five vendors, in every place, is gone before anything is stored."""

import json
from urllib.parse import quote

import pytest

from integration_monitor.record import Json
from integration_monitor.redaction import Redactor
from tests.unit.exchanges import REGISTRY, exchange

AMO_JWT = "eyJ0FAKE.eyJ0FAKE.FAKEfakeFAKEfake"
AMO_REFRESH = "def50200" + "0123456789abcdef" * 6
AMO_SECRET = "FAKEclientSecretFAKEclientSecret0000"
MOBIZON = "kz0000000000000000000000000000000000FAKE"
RESEND = "re_FAKE1234_0000000000000000"
RESEND_SIGNING = "whsec_FAKEfakeFAKEfakeFAKE0000"
TELEGRAM = "123456789:AAFAKEfakeFAKEfakeFAKEfakeFAKEfake000"
WHAPI = "FAKEFAKEFAKEFAKEFAKEFAKEFAKE0000"

# (service's call, secret, header and parameter that carry it)
SECRETS = [
    ("POST https://example.amocrm.ru/api/v4/leads", AMO_JWT, "authorization"),
    ("POST https://example.amocrm.ru/api/v4/leads", AMO_REFRESH, "x-refresh-token"),
    ("POST https://example.amocrm.ru/api/v4/leads", AMO_SECRET, "client_secret"),
    ("POST https://example.amocrm.ru/api/v4/leads", "FAKEuserhash00001111222233334444", "USER_HASH"),
    ("POST https://api.mobizon.kz/service/message/sendsmsmessage", MOBIZON, "apiKey"),
    ("POST https://api.resend.com/emails", RESEND, "authorization"),
    ("POST https://api.resend.com/emails", RESEND_SIGNING, "signing_secret"),
    ("POST https://api.telegram.org/bot1/sendMessage", TELEGRAM, "token"),
    ("POST https://api.telegram.org/bot1/sendMessage", "FAKEhooksecret_0123", "X-Telegram-Bot-Api-Secret-Token"),
    ("POST https://gate.whapi.cloud/messages/text", WHAPI, "authorization"),
    ("POST https://gate.whapi.cloud/messages/text", WHAPI, "token"),
]


@pytest.mark.parametrize(("call", "secret", "name"), SECRETS)
def test_secret_is_gone_from_every_position(call: str, secret: str, name: str) -> None:
    service = REGISTRY.find(exchange(call))
    redactor = Redactor()
    url = call.split()[1]
    nested = {"deep": [{"list": [f"before {secret} after"]}], name: secret, secret: 1}
    error = f"ConnectError: HTTPSConnectionPool: Max retries exceeded with url: {url}?{name}={secret} ('{name}', '{secret}')"

    parts = [
        redactor.headers({name: secret, "x-debug": f"sent {secret}", "referer": f"{url}?{name}={secret}"}, service),
        redactor.headers({"Authorization": f"Bearer {secret}"}, service),
        redactor.headers({"set-cookie": f"session={secret}; Path=/", "location": f"/next?{name}={secret}"}, service),
        redactor.url(f"{url}/{secret}/x?a=1&{name}={secret}&next={quote(f'https://x.org/?{name}={secret}', safe='')}", service),
        redactor.url(f"https://user:{secret}@proxy.example.org/x#{name}={secret}", service),
        redactor.url(f"{url}/{quote(secret, safe='')}/x", service),
        redactor.body(nested, service, direction="request"),
        redactor.body(
            {"inner": json.dumps(nested), "twice": json.dumps({"x": json.dumps(nested)})}, service, direction="response"
        ),
        redactor.body({f"params[{name}]": secret, "text": f"{name}={secret}&x=1"}, service, direction="request"),
        redactor.body(f"<p>{secret}</p>", service, direction="response"),
        redactor.body(f'{{"a": 1, "{name}": "{secret}", "b": "', service, direction="response"),
        redactor.text(error, service),
        redactor.text(f"headers={{'{name}': '{secret}'}}", service),
    ]

    for position, part in enumerate(parts):
        assert secret not in json.dumps(part), (position, part)


@pytest.mark.parametrize(
    ("call", "secret"),
    [
        (call, secret)
        for call, secret, _ in SECRETS
        if secret in (AMO_JWT, AMO_REFRESH, MOBIZON, RESEND, RESEND_SIGNING, TELEGRAM)
    ],
)
def test_secret_with_a_shape_needs_neither_name_nor_place(call: str, secret: str) -> None:
    service = REGISTRY.find(exchange(call))

    assert secret not in Redactor().text(f"what is {secret}?", service)
    assert secret not in json.dumps(Redactor().body({"text": [f"{secret}"]}, service, direction="request"))


def cleaned(call: str, body: Json, direction: str) -> Json:
    match = REGISTRY.match(exchange(call, request=body if direction == "request" else None))
    return Redactor().body(body, match.service, direction=direction, route=match.route)  # type: ignore[arg-type]


def test_token_request_and_answer_of_amocrm_are_as_the_facts_show_them() -> None:
    call = "POST https://example.amocrm.ru/oauth2/access_token"
    request = {
        "client_id": "0b9f6a1e-0000-4000-8000-000000000001",
        "client_secret": AMO_SECRET,
        "grant_type": "refresh_token",
        "refresh_token": AMO_REFRESH,
        "redirect_uri": "https://app.example.org/oauth",
    }
    answer = {"token_type": "Bearer", "expires_in": 86400, "access_token": AMO_JWT, "refresh_token": AMO_REFRESH, "extra": "x"}

    assert cleaned(call, request, "request") == {
        **request,
        "client_secret": "${amocrm.client_secret}",
        "refresh_token": "${amocrm.refresh_token}",
    }
    assert cleaned(call, answer, "response") == {
        "token_type": "Bearer",
        "expires_in": 86400,
        "access_token": "${amocrm.access_token}",
        "refresh_token": "${amocrm.refresh_token}",
    }


def test_authorization_code_is_secret_at_the_token_endpoint_alone() -> None:
    body = {"grant_type": "authorization_code", "code": "def502FAKEcode"}

    at_token = cleaned("POST https://example.amocrm.ru/oauth2/access_token", body, "request")

    assert at_token["code"] == "${amocrm.authorization_code}"
    assert cleaned("POST https://example.amocrm.ru/api/v4/leads", {"code": "PHONE"}, "request") == {"code": "PHONE"}


@pytest.mark.parametrize(
    ("call", "direction", "body", "stored"),
    [
        (
            "POST https://example.amocrm.ru/api/v4/webhooks",
            "request",
            {"destination": "https://shop.example.org/hook/abc", "settings": ["add_lead"]},
            {"destination": "${amocrm.webhook_url}", "settings": ["add_lead"]},
        ),
        (
            "POST https://example.amocrm.ru/oauth2/exchange_api_key",
            "request",
            {"login": "anna@shop.test", "api_key": "abcd", "client_secret": "efgh"},
            {"login": "${amocrm.login}", "api_key": "${amocrm.api_key}", "client_secret": "${amocrm.client_secret}"},
        ),
        (
            "POST https://api.resend.com/api-keys",
            "response",
            {"id": "k1", "token": RESEND},
            {"id": "k1", "token": "${resend.api_key}"},
        ),
        (
            "GET https://api.resend.com/webhooks/w1",
            "response",
            {"id": "w1", "signing_secret": RESEND_SIGNING},
            {"id": "w1", "signing_secret": "${resend.signing_secret}"},
        ),
        ("POST https://api.resend.com/emails/e1/share", "response", {"url": "https://resend.com/x"}, {"withheld": True}),
        (
            "GET https://api.resend.com/emails/receiving/e1/attachments/a1",
            "response",
            {"id": "a1", "download_url": "https://cdn.example.org/x?sig=1"},
            {"id": "a1", "download_url": "${resend.download_url}"},
        ),
        (
            "GET https://api.resend.com/logs/l1",
            "response",
            {"id": "l1", "request_body": {"to": "anna"}, "response_body": {"token": "x"}},
            {"id": "l1", "request_body": "${resend.logged_request}", "response_body": "${resend.logged_response}"},
        ),
        (
            f"POST https://api.telegram.org/bot{TELEGRAM}/setWebhook",
            "request",
            {"url": "https://u:p@shop.example.org/hook/abc", "secret_token": "abc"},
            {"url": "${telegram.webhook_url}", "secret_token": "${telegram.webhook_secret}"},
        ),
        (
            f"POST https://api.telegram.org/bot{TELEGRAM}/getWebhookInfo",
            "response",
            {"ok": True, "result": {"url": "https://shop.example.org/hook/abc", "pending_update_count": 0}},
            {"ok": True, "result": {"url": "${telegram.webhook_url}", "pending_update_count": 0}},
        ),
        (
            f"POST https://api.telegram.org/bot{TELEGRAM}/getManagedBotToken",
            "response",
            {"ok": True, "result": "987:short"},
            {"ok": True, "result": "${telegram.managed_bot_token}"},
        ),
        (
            f"POST https://api.telegram.org/bot{TELEGRAM}/sendInvoice",
            "request",
            {"chat_id": 1, "provider_token": "284685063:TEST:abc"},
            {"chat_id": 1, "provider_token": "${telegram.provider_token}"},
        ),
        (
            "GET https://gate.whapi.cloud/settings",
            "response",
            {"proxy": "socks5://l:p@h:1", "webhooks": [{"url": "https://x", "mode": "body", "headers": {"X": "y"}}]},
            {
                "proxy": "${whapi.proxy}",
                "webhooks": [{"url": "${whapi.webhook_url}", "mode": "body", "headers": "${whapi.webhook_headers}"}],
            },
        ),
        ("GET https://gate.whapi.cloud/users/login/rowdata", "response", {"rowdata": "2@FAKE"}, {"withheld": True}),
        ("GET https://gate.whapi.cloud/users/login/image", "response", "PNG", {"withheld": True}),
        (
            "GET https://manager.whapi.cloud/channels",
            "response",
            [{"id": "X", "token": "abc"}],
            [{"id": "X", "token": "${whapi_partner.token}"}],
        ),
    ],
)
def test_secret_of_a_route_is_gone(call: str, direction: str, body: Json, stored: Json) -> None:
    assert cleaned(call, body, direction) == stored


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        (
            f"https://api.telegram.org/bot{TELEGRAM}/sendMessage",
            "https://api.telegram.org/bot${telegram.token:123456789}/sendMessage",
        ),
        (
            f"https://api.telegram.org/file/bot{TELEGRAM}/photos/file_1.png",
            "https://api.telegram.org/file/bot${telegram.token:123456789}/photos/file_1.png",
        ),
        ("https://api.telegram.org/bot123:slip/getMe", "https://api.telegram.org/bot${telegram.token:123}/getMe"),
        (
            f"https://api.mobizon.kz/service/message/sendsmsmessage?output=json&api=v1&apiKey={MOBIZON}",
            "https://api.mobizon.kz/service/message/sendsmsmessage?output=json&api=v1&apiKey=${mobizon.api_key}",
        ),
        (
            f"https://gate.whapi.cloud/health?token={WHAPI}&wakeup=false",
            "https://gate.whapi.cloud/health?token=${whapi.token}&wakeup=false",
        ),
        (
            "https://example.amocrm.ru/private/api/auth.php?USER_LOGIN=anna%40shop.test&USER_HASH=abc",
            "https://example.amocrm.ru/private/api/auth.php?USER_LOGIN=${amocrm.user_login}&USER_HASH=${amocrm.user_hash}",
        ),
    ],
)
def test_url_is_as_the_facts_show_it(url: str, stored: str) -> None:
    match = REGISTRY.match(exchange(f"GET {url}"))

    assert Redactor().url(url, match.service, match.route) == stored


@pytest.mark.parametrize(
    ("call", "value", "stored"),
    [
        ("GET https://example.amocrm.ru/", f"Bearer {AMO_JWT}", "Bearer ${amocrm.access_token}"),
        ("GET https://api.resend.com/", f"Bearer {RESEND}", "Bearer ${resend.api_key}"),
        ("GET https://gate.whapi.cloud/", f"Bearer {WHAPI}", "Bearer ${whapi.token}"),
        ("GET https://gate.whapi.cloud/", WHAPI, "${whapi.token}"),
    ],
)
def test_authorization_is_as_the_facts_show_it(call: str, value: str, stored: str) -> None:
    service = REGISTRY.find(exchange(call))

    assert Redactor().headers({"authorization": value}, service) == {"authorization": stored}


def test_digest_of_another_service_is_no_key_of_mobizon() -> None:
    digest = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
    service = REGISTRY.find(exchange("GET https://api.example.org/"))

    assert Redactor().text(f"commit {digest}", service) == f"commit {digest}"
