"""The stand-in vendors know every call that the descriptions know, and can be brought to every error code of the tables."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlencode

import pytest

from integration_monitor.record import Json
from integration_monitor.services.description import Route
from integration_monitor.services.exchange import Meaning
from integration_monitor.simulators.message import SimulatedRequest
from integration_monitor.simulators.server import RESPONDERS
from tests.unit.exchanges import REGISTRY, understand
from tests.unit.vendors import amocrm, mobizon, resend, telegram, whapi
from tests.unit.vendors.vendor import Vendor

ADDRESSES = {
    "amocrm": "https://example.amocrm.ru",
    "mobizon": "https://api.mobizon.kz",
    "resend": "https://api.resend.com",
    "telegram": "https://api.telegram.org",
    "whapi": "https://gate.whapi.cloud",
}
HEADERS = {
    "amocrm": {"authorization": "Bearer eyJ0FAKE.eyJ0FAKE.FAKE"},
    "mobizon": {},
    "resend": {"authorization": "Bearer re_FAKE1234_0000000000000000", "user-agent": "tests"},
    "telegram": {},
    "whapi": {"authorization": "Bearer FAKEFAKEFAKEFAKEFAKEFAKEFAKE0000"},
}
BOT = f"/bot{telegram.TOKEN}"
KEY = "kz0000000000000000000000000000000000FAKE"
EMAIL: Json = {"from": "shop@mail.example.org", "to": "anna@customer.test", "subject": "Order", "html": "<p>Hi</p>"}
# What a call must hold to be done at all.
BODIES: dict[str, Json] = {
    "send_email": EMAIL,
    "send_email_batch": [EMAIL],
    "send_sms": {"recipient": "77000000001", "text": "Hi"},
    "refresh_token": {"grant_type": "refresh_token", "refresh_token": "def50200FAKE"},
    "exchange_code": {"grant_type": "authorization_code", "code": "FAKE"},
    "get_token": {"code": "FAKE"},
    "exchange_api_key": {"api_key": "FAKE"},
}


def ask(service: str, call: str, body: Json = None, headers: Mapping[str, str] | None = None) -> Meaning:
    """What is understood of a simulator's answer. `call` is `POST /emails`."""
    method, _, target = call.partition(" ")
    path, _, query = target.partition("?")
    sent = {"content-type": "application/json", **HEADERS[service], **(headers or {})}
    pairs = dict(pair.partition("=")[::2] for pair in query.split("&") if pair)
    request = SimulatedRequest(
        method=method, path=path, query=pairs, headers=sent, body=json.dumps(body).encode() if body else b""
    )
    response = RESPONDERS[service](request)
    is_json = "json" in response.headers.get("content-type", "")
    answer = json.loads(response.body) if is_json else response.body.decode("utf-8", "replace") or None
    return understand(
        f"{method} {ADDRESSES[service]}{target}",
        request=body,
        headers=sent,
        status=response.status,
        answer=answer,
        answer_headers=response.headers,
    )


def calls(service: str) -> Iterator[tuple[str, Route]]:
    """A call for each route: its placeholders filled, as the vendor's clients write it."""
    for route in REGISTRY.named(service).routes:
        path = re.sub(r"\{[^}]*:number\}", "77", route.path)
        path = re.sub(r"\{[^}]*\}", "x1", path)
        if service == "telegram":
            path = f"/file{BOT}/photos/file_1.png" if route.action == "download_file" else BOT + path
        query = f"?{urlencode({'apiKey': KEY})}" if service == "mobizon" else ""
        yield f"{next(iter(sorted(route.methods)), 'POST')} {path}{query}", route


@pytest.mark.parametrize("service", sorted(RESPONDERS))
def test_every_described_call_is_answered(service: str) -> None:
    refused = []
    for call, route in calls(service):
        body = BODIES.get(route.action, {"to": "77000000001", "id": 2})
        meaning = ask(service, call, {**body, route.when[0]: route.when[1]} if route.when else body)
        if not meaning.outcome.is_success or meaning.action != route.action:
            refused.append((call, meaning.action, meaning.outcome.error_message))

    assert refused == []


def amocrm_codes() -> Iterator[Meaning]:
    marks = "[validation] [malformed] [forbidden] [address] [method] [conflict] [too large] [media type] [unprocessable] [errors]"
    for mark in re.findall(r"\[[^]]*\]", f"{marks} [too many] [slow down] [server] [bad gateway] [unavailable] [gateway]"):
        yield ask("amocrm", "POST /api/v4/leads", [{"name": mark}])
    for token in ("EXPIRED", "UNPAID", "BLOCKED", "MOVED"):
        yield ask("amocrm", "GET /api/v4/account", headers={"authorization": f"Bearer {token}"})
    yield ask("amocrm", "POST /api/v4/calls", [{"phone": "77000000000"}])
    yield ask("amocrm", "GET /api/v4/Nothing")


def resend_codes() -> Iterator[Meaning]:
    for beginning in ("re_revoked", "re_old", "re_suspended", "re_scope", "re_send"):
        yield ask("resend", "POST /domains", headers={"authorization": f"Bearer {beginning}_FAKE"})
    yield ask("resend", "POST /emails", EMAIL, headers={"authorization": ""})
    yield ask("resend", "POST /emails", EMAIL, headers={"user-agent": ""})
    yield ask("resend", "POST /emails", EMAIL, headers={"idempotency-key": "k" * 257})
    locals_ = "attachment sender access parameter region missing invalid ratelimited dailyquota monthlyquota conflict busy locked"
    for local in f"{locals_} security broken internal unavailable cdn".split():
        yield ask("resend", "POST /emails", {**EMAIL, "to": f"{local}@customer.test"})
    yield ask("resend", "POST /emails", {**EMAIL, "to": ""})
    for to in ("", "anna@customer.test"):
        emails = [{**EMAIL, "to": to}, {**EMAIL, "to": ""}]
        yield ask("resend", "POST /emails/batch", emails, headers={"x-batch-validation": "permissive"})
    for call in ("GET /nothing", "PUT /domains", "GET /emails/receiving/quota1"):
        yield ask("resend", call)


def telegram_codes() -> Iterator[Meaning]:
    for chat in (400001, 403001, 413001, 429000, 429800, 500001, 502001, 504001):
        yield ask("telegram", f"POST {BOT}/sendMessage", {"chat_id": chat})
    for bot in ("401", "409", "421"):
        yield ask("telegram", f"POST {BOT.replace('bot123', f'bot{bot}')}/getUpdates")
    yield ask("telegram", f"POST {BOT}/nothing")


def mobizon_codes() -> Iterator[Meaning]:
    send = f"POST /service/message/sendsmsmessage?apiKey={KEY}"
    for ending in ("0003", "0010", "0012", "0015", "0030", "0077", "0200", "0500", "0502", "0999"):
        yield ask("mobizon", send, {"recipient": f"7700000{ending}", "text": "Hi"})
    yield ask("mobizon", send, {"recipient": "1", "text": "Hi"})
    yield ask("mobizon", send, {"recipient": "77000000001"})
    for mark in ("REVOKED", "DENIED", "MOVED", "BLOCKED"):
        yield ask("mobizon", f"POST /service/user/getownbalance?apiKey={mark.ljust(40, '0')}")
    for path in ("nothing/here", "user/nothing", "user/getownbalance"):
        yield ask("mobizon", f"POST /service/{path}?apiKey={KEY}&output={'yaml' if path.endswith('balance') else 'json'}")
    yield ask("mobizon", f"POST /service/campaign/get?apiKey={KEY}", {"id": 4041})
    for recipients in (["77000000001", "1"], ["1"]):
        yield ask("mobizon", f"POST /service/campaign/addrecipients?apiKey={KEY}", {"id": 5, "recipients": recipients})


def whapi_codes() -> Iterator[Meaning]:
    for ending in ("0200", "0400", "0403", "0404", "0413", "0415", "0429", "0500", "0502"):
        yield ask("whapi", "POST /messages/text", {"to": f"7700000{ending}", "body": "Hi"})
    for token in ("UNLINKED", "TRIAL", "FLAT"):
        yield ask("whapi", "POST /messages/text", {"to": "77000000001"}, headers={"authorization": token})
    for token in ("UNLINKED", "STOPPED", "STARTING", "BROKEN", "SYNCING", "UNINIT"):
        yield ask("whapi", "GET /health", headers={"authorization": token})
    for token in ("ALREADYLINKED", "MOBILE", "NOQR"):
        yield ask("whapi", "GET /users/login", headers={"authorization": token})
    yield ask("whapi", "POST /messages/text", {"body": "Hi"})
    yield ask("whapi", "DELETE /messages/NOT1")


# Codes of the tables that no simulator can say: nothing was answered, something else did, the vendor never said it, or it is another of the same kind.
UNANSWERED = {"TIMEOUT", "CONNECTION_FAILED", "HTTP_301"}
OTHERS = {
    "amocrm": {
        "A",
        "Wrong",
        "HTTP_307",
        "INVALID_RESPONSE",
        *("101", "102", "103", "104", "110", "111", "112", "201", "202", "203", "299", "401"),
    },
    "resend": {"brand_new_error", "HTTP_401", "INVALID_RESPONSE"},
    "telegram": {"INVALID_RESPONSE"},
    "whapi": {"HIBERNATING", "INIT", "INVALID_RESPONSE", "HTTP_401"},
}


@pytest.mark.parametrize(
    ("vendor", "provoked"),
    [
        (amocrm.VENDOR, amocrm_codes),
        (resend.VENDOR, resend_codes),
        (telegram.VENDOR, telegram_codes),
        (mobizon.VENDOR, mobizon_codes),
        (whapi.VENDOR, whapi_codes),
    ],
    ids=lambda value: value.service_names[0] if isinstance(value, Vendor) else "",
)
def test_every_error_code_of_the_tables_can_be_provoked(vendor: Vendor, provoked: Callable[[], Iterator[Meaning]]) -> None:
    service = vendor.service_names[0]

    codes = {meaning.outcome.error_code for meaning in provoked()}

    wanted = {case.code for case in vendor.cases if case.code is not None}
    assert sorted(wanted - codes - UNANSWERED - OTHERS.get(service, set())) == []
