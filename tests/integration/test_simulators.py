"""The stand-in vendors over real HTTP: each input of their docstrings provokes its answer, and real SDKs can talk to them."""

import asyncio
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import requests
import resend
import telegram
from resend.exceptions import ResendError

from integration_monitor.record import Json
from integration_monitor.services.exchange import Exchange, Meaning
from integration_monitor.services.registry import Registry
from integration_monitor.simulators.message import SimulatedRequest
from integration_monitor.simulators.server import RESPONDERS, SimulatedVendors

TELEGRAM = "123456789:AAFAKEfakeFAKEfakeFAKEfakeFAKEfake000"
BOT = f"/bot{TELEGRAM}"
MOBIZON = "kz0000000000000000000000000000000000FAKE"
SMS = f"/service/message/sendsmsmessage?output=json&api=v1&apiKey={MOBIZON}"
AMO = {"authorization": "Bearer eyJ0FAKE.eyJ0FAKE.FAKE"}
RESEND = {"authorization": "Bearer re_FAKE1234_0000000000000000"}
WHAPI = {"authorization": "Bearer FAKEFAKEFAKEFAKEFAKEFAKEFAKE0000"}


@pytest.fixture(scope="module")
def vendors() -> Iterator[SimulatedVendors]:
    with SimulatedVendors() as running:
        yield running


def call(
    vendors: SimulatedVendors,
    vendor: str,
    line: str,
    *,
    send: Json = None,
    form: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> Meaning:
    """What is understood of a real request to a vendor. `line` is `POST /emails`."""
    method, _, target = line.partition(" ")
    url = httpx.URL(vendors.base_urls[vendor] + target)
    response = httpx.request(method, url, json=send, data=form, headers=headers, timeout=5, verify=False)
    is_json = "json" in response.headers.get("content-type", "") and response.content
    exchange = Exchange(
        method=method,
        scheme="http",
        host=url.host,
        port=url.port or 80,
        path=url.raw_path.decode().partition("?")[0],
        query=list(url.params.multi_items()),
        request_headers=headers or {},
        request_body=send or form,
        status_code=response.status_code,
        response_headers=dict(response.headers),
        response_body=response.json() if is_json else response.text or None,
    )
    return Registry(vendors.service_hosts).understand(exchange)


def mail(to: str, **fields: Json) -> Json:
    return {"from": "Shop <shop@mail.example.org>", "to": [to], "subject": "Your order", "html": "<p>Hi</p>", **fields}


@pytest.mark.parametrize(
    ("chat_id", "code"),
    [
        (1000000001, None),
        *((chat, "400") for chat in (400001, 400002, 400003, 400004, 400005, 200001)),
        *((chat, "403") for chat in (403001, 403002, 403003, 403004)),
        *((chat, "429") for chat in (429000, 429017)),
        (413001, "413"),
        (500001, "500"),
        (502001, "HTTP_502"),
        (504001, "HTTP_504"),
    ],
)
def test_telegram_chat_decides(vendors: SimulatedVendors, chat_id: int, code: str | None) -> None:
    as_json = call(vendors, "telegram", f"POST {BOT}/sendMessage", send={"chat_id": chat_id, "text": "x"})
    as_form = call(vendors, "telegram", f"POST {BOT}/sendMessage", form={"chat_id": str(chat_id), "text": "x"})
    as_query = call(vendors, "telegram", f"GET {BOT}/sendmessage?chat_id={chat_id}&text=x")

    assert {one.outcome.error_code for one in (as_json, as_form, as_query)} == {code}
    assert as_json.entity == ("chat", str(chat_id))


@pytest.mark.parametrize(
    ("line", "action", "code"),
    [
        (f"POST {BOT}/getMe", "test_connection", None),
        (f"POST {BOT}/getUpdates", "get_updates", None),
        (f"GET /file{BOT}/photos/file_1.png", "download_file", None),
        (f"POST {BOT}/getNothing", "getnothing", "404"),
        ("POST /bot123:slip/getMe", "test_connection", "404"),
        (f"POST /bot401{TELEGRAM}/getMe", "test_connection", "401"),
        (f"POST /bot409{TELEGRAM}/getUpdates", "get_updates", "409"),
        (f"POST /bot421{TELEGRAM}/getMe", "test_connection", "421"),
    ],
)
def test_telegram_token_decides(vendors: SimulatedVendors, line: str, action: str, code: str | None) -> None:
    meaning = call(vendors, "telegram", line)

    assert (meaning.action, meaning.outcome.error_code) == (action, code)


@pytest.mark.parametrize(
    ("recipient", "code"),
    [
        ("77000000009", None),
        ("77000000001", None),
        ("77000000007", None),
        ("123", "1"),
        ("77000000003", "3"),
        ("77000000010", "10"),
        ("77000000015", "15"),
        ("77000000030", "30"),
        ("77000000999", "999"),
        ("77000000429", "30"),
        ("77000000200", "INVALID_RESPONSE"),
        ("77000000502", "HTTP_502"),
        ("", "11"),
    ],
)
def test_mobizon_recipient_decides(vendors: SimulatedVendors, recipient: str, code: str | None) -> None:
    as_form = call(vendors, "mobizon", f"POST {SMS}", form={"recipient": recipient, "text": "1234"})
    as_json = call(vendors, "mobizon", f"POST {SMS}", send={"recipient": recipient, "text": "1234"})

    assert (as_form.action, as_form.outcome.error_code) == ("send_sms", code)
    assert as_json.outcome.error_code == code


@pytest.mark.parametrize(
    ("mark", "code"), [("REVOKED", "8"), ("DENIED", "9"), ("MOVED", "13"), ("BLOCKED", "14"), ("POOR", "15"), ("-", "8")]
)
def test_mobizon_key_decides(vendors: SimulatedVendors, mark: str, code: str) -> None:
    key = MOBIZON[: -len(mark)] + mark

    meaning = call(vendors, "mobizon", f"POST {SMS.replace(MOBIZON, key)}", form={"recipient": "77000000009", "text": "x"})

    assert (meaning.outcome.error_code, meaning.outcome.fault) == (code, "auth")


def test_mobizon_xml_campaigns_and_tasks(vendors: SimulatedVendors) -> None:
    key = f"apiKey={MOBIZON}"
    add = f"POST /service/Campaign/AddRecipients?{key}"

    assert call(vendors, "mobizon", f"POST /service/user/getownbalance?{key}&output=xml").outcome.is_success
    assert call(vendors, "mobizon", f"POST /service/nothing/here?{key}").outcome.error_code == "4"
    assert call(vendors, "mobizon", f"POST /service/user/nothing?{key}").outcome.error_code == "5"
    assert call(vendors, "mobizon", add, send={"id": 5, "recipients": ["77000000009"]}).outcome.is_success
    assert call(vendors, "mobizon", add, send={"id": 5, "recipients": ["77000000009", "1"]}).outcome.error_code == "98"
    assert call(vendors, "mobizon", add, send={"id": 5, "recipients": ["1"]}).outcome.error_code == "99"
    task = call(vendors, "mobizon", add, send={"id": 5, "groups": [1]})
    assert task.outcome.is_success
    assert task.entity is not None
    assert task.entity[0] == "task"


@pytest.mark.parametrize(
    ("recipient", "code"),
    [
        ("anna@customer.test", None),
        ("bounced+case1@resend.dev", None),
        ("anna@example.com", "validation_error"),
        ("invalid@customer.test", "validation_error"),
        ("ratelimited@customer.test", "rate_limit_exceeded"),
        ("dailyquota@customer.test", "daily_quota_exceeded"),
        ("monthlyquota@customer.test", "monthly_quota_exceeded"),
        ("conflict@customer.test", "invalid_idempotent_request"),
        ("busy@customer.test", "concurrent_idempotent_requests"),
        ("locked@customer.test", "resource_locked"),
        ("security@customer.test", "security_error"),
        ("broken@customer.test", "application_error"),
        ("unavailable@customer.test", "service_unavailable"),
        ("cdn@customer.test", "HTTP_502"),
        ("", "missing_required_field"),
    ],
)
def test_resend_recipient_decides(vendors: SimulatedVendors, recipient: str, code: str | None) -> None:
    to = mail(recipient) if recipient else {"from": "shop@mail.example.org", "subject": "x", "html": "y"}

    meaning = call(vendors, "resend", "POST /emails", send=to, headers=RESEND)

    assert (meaning.action, meaning.outcome.error_code) == ("send_email", code)


@pytest.mark.parametrize(
    ("key", "code", "fault"),
    [
        ("re_revoked_0000", "validation_error", "auth"),
        ("re_wrong_000000", "validation_error", "auth"),
        ("re_old_00000000", "invalid_api_key", "auth"),
        ("re_suspended_00", "suspended_api_key", "auth"),
        ("", "missing_api_key", "auth"),
        ("re_send_0000000", None, None),
        ("re_full_0000000", None, None),
    ],
)
def test_resend_key_decides(vendors: SimulatedVendors, key: str, code: str | None, fault: str | None) -> None:
    meaning = call(vendors, "resend", "GET /domains", headers={"authorization": f"Bearer {key}"} if key else {})

    assert (meaning.action, meaning.outcome.error_code, meaning.outcome.fault) == ("test_connection", code, fault)


def test_resend_batch_idempotency_and_management(vendors: SimulatedVendors) -> None:
    batch = [mail("anna@customer.test"), {"from": "x@y.test", "subject": "x", "html": "y"}]
    permissive = {**RESEND, "x-batch-validation": "permissive"}
    same = {**RESEND, "idempotency-key": "order-1001"}

    def code(line: str, **parts: Json) -> str | None:
        return call(vendors, "resend", line, **parts).outcome.error_code

    assert code("POST /emails/batch", send=batch, headers=permissive) == "PARTIAL_FAILURE"
    assert code("POST /emails/batch", send=batch[1:], headers=permissive) == "BATCH_REJECTED"
    assert code("POST /emails/batch", send=batch, headers=RESEND) == "missing_required_field"
    assert (
        code("POST /emails", send=mail("a@b.test"), headers={**RESEND, "idempotency-key": "x" * 257}) == "invalid_idempotency_key"
    )
    assert code("POST /emails", send=mail("a@b.test", **{"from": "a@unverified.test"}), headers=RESEND) == "validation_error"
    assert code("POST /emails", send=mail("a@b.test"), headers={**RESEND, "user-agent": ""}) == "HTTP_403"
    assert code("GET /nothing", headers=RESEND) == "not_found"
    assert code("PUT /emails/e1", headers=RESEND) == "method_not_allowed"
    first = call(vendors, "resend", "POST /emails", send=mail("a@b.test"), headers=same)
    second = call(vendors, "resend", "POST /emails", send=mail("a@b.test"), headers=same)
    assert first.entity == second.entity


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Order 1001", None),
        ("[validation]", "NotSupportedChoice"),
        ("[malformed]", "HTTP_400"),
        ("[forbidden]", "244"),
        ("[too many]", "HTTP_429"),
        ("[server]", "HTTP_500"),
        ("[gateway]", "HTTP_504"),
    ],
)
def test_amocrm_name_decides(vendors: SimulatedVendors, name: str, code: str | None) -> None:
    write = call(vendors, "amocrm", "POST /api/v4/leads", send=[{"name": name}], headers=AMO)
    complex_write = call(vendors, "amocrm", "POST /api/v4/leads/complex", send=[{"name": name}], headers=AMO)
    read = call(vendors, "amocrm", f"GET /api/v4/contacts?query={name}", headers=AMO)

    assert (write.action, write.outcome.error_code) == ("create_leads", code)
    assert (complex_write.outcome.error_code, read.outcome.error_code) == (code, code)
    assert (write.entity is not None) == (complex_write.entity is not None) == (code is None)


@pytest.mark.parametrize(
    ("mark", "code"),
    [
        ("EXPIRED", "HTTP_401"),
        ("REVOKED", "HTTP_401"),
        ("UNPAID", "HTTP_402"),
        ("BLOCKED", "HTTP_403"),
        ("MOVED", "HTTP_302"),
        ("", None),
    ],
)
def test_amocrm_token_decides(vendors: SimulatedVendors, mark: str, code: str | None) -> None:
    meaning = call(vendors, "amocrm", "GET /api/v4/account", headers={"authorization": f"Bearer eyJ0{mark}.eyJ0FAKE.FAKE"})

    assert (meaning.action, meaning.outcome.error_code) == ("test_connection", code)


def test_amocrm_grants_calls_and_empty_answers(vendors: SimulatedVendors) -> None:
    def grant(**fields: str) -> Meaning:
        body = {"grant_type": "refresh_token", "client_secret": "s", **fields}
        return call(vendors, "amocrm", "POST /oauth2/access_token", send=body)

    calls = [{"phone": "77000000001"}, {"phone": "77000000000"}]

    assert grant(refresh_token="def50200").outcome.is_success
    assert grant(refresh_token="def50200USED").outcome.error_message == "Token has been revoked"
    assert grant(refresh_token="MOVED").outcome.error_code == "HTTP_404"
    assert grant(refresh_token="x", client_secret="WRONG").outcome.error_code == "HTTP_400"
    assert call(vendors, "amocrm", "POST /api/v4/calls", send=calls, headers=AMO).outcome.error_code == "PARTIAL_FAILURE"
    assert call(vendors, "amocrm", "GET /api/v4/leads/404001", headers=AMO).outcome.note == "no content"
    assert call(vendors, "amocrm", "GET /api/v4/contacts?query=nobody", headers=AMO).outcome.note == "no content"
    assert call(vendors, "amocrm", "PATCH /api/v4/leads/7", send={"name": "x"}, headers=AMO).entity == ("lead", "7")


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("77000000009", None),
        ("77000000200", "NOT_SENT"),
        ("77000000201", "NOT_SENT"),
        ("77000000403", "403"),
        ("77000000404", "404"),
        ("77000000413", "413"),
        ("77000000415", "415"),
        ("77000000429", "429"),
        ("77000000500", "500"),
        ("77000000502", "HTTP_502"),
        ("", "400"),
    ],
)
def test_whapi_recipient_decides(vendors: SimulatedVendors, to: str, code: str | None) -> None:
    meaning = call(vendors, "whapi", "POST /messages/text", send={"to": to, "body": "x"}, headers=WHAPI)

    assert (meaning.action, meaning.outcome.error_code) == ("send_message", code)


@pytest.mark.parametrize(
    ("token", "sent", "health"),
    [
        ("GOOD", None, None),
        ("UNLINKED", "401", "QR"),
        ("TRIAL", "402", None),
        ("FLAT", "402", None),
        ("STOPPED", None, "STOP"),
        ("WRONG", "404", "404"),
    ],
)
def test_whapi_token_decides(vendors: SimulatedVendors, token: str, sent: str | None, health: str | None) -> None:
    headers = {"authorization": token}

    meaning = call(vendors, "whapi", "POST /messages/text", send={"to": "77000000009", "body": "x"}, headers=headers)
    probe = call(vendors, "whapi", f"GET /health?wakeup=false&token={token}")

    assert (meaning.outcome.error_code, probe.outcome.error_code) == (sent, health)


def test_whapi_contacts_limits_and_actions(vendors: SimulatedVendors) -> None:
    missing = call(vendors, "whapi", "HEAD /contacts/77000000404", headers=WHAPI)
    limits = call(vendors, "whapi", "GET /limits", headers=WHAPI)

    assert (missing.outcome.is_success, missing.outcome.note) == (True, "not registered in WhatsApp")
    assert (limits.outcome.is_success, limits.outcome.note) == (True, "no limits")
    assert call(vendors, "whapi", "HEAD /contacts/77000000001", headers=WHAPI).outcome.note is None
    assert call(vendors, "whapi", "POST /contacts", send={"contacts": ["7"]}, headers=WHAPI).outcome.is_success
    assert call(vendors, "whapi", "PUT /messages/NOT1/star", headers=WHAPI).outcome.error_code == "NOT_DONE"


@pytest.mark.parametrize(
    ("vendor", "line", "send", "headers"),
    [
        ("amocrm", "/api/v4/leads", [{"name": "[{}]"}], AMO),
        ("mobizon", SMS, {"recipient": "7700000{}", "text": "x"}, {}),
        ("resend", "/emails", mail("{}@customer.test"), RESEND),
        ("telegram", f"{BOT}/sendMessage", {"chat_id": "{}001", "text": "x"}, {}),
        ("whapi", "/messages/text", {"to": "7700000{}"}, WHAPI),
    ],
)
def test_every_vendor_can_be_late_and_drop_the_connection(
    vendors: SimulatedVendors, vendor: str, line: str, send: Json, headers: dict[str, str]
) -> None:
    words = {"amocrm": ("timeout", "dropped"), "resend": ("timeout", "dropped"), "telegram": ("408", "499")}
    late, dropped = (_filled(send, word) for word in words.get(vendor, ("0408", "0499")))
    url = vendors.base_urls[vendor] + line

    with pytest.raises(httpx.ReadTimeout):
        httpx.post(url, json=late, headers=headers, timeout=0.2)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(url, json=dropped, headers=headers, timeout=5)


def _filled(template: Json, word: str) -> Json:
    if isinstance(template, str):
        return template.replace("{}", word)
    if isinstance(template, list):
        return [_filled(one, word) for one in template]
    return {key: _filled(value, word) for key, value in template.items()} if isinstance(template, dict) else template


def test_real_resend_sdk_sends_and_fails(vendors: SimulatedVendors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resend, "api_url", vendors.base_urls["resend"])
    monkeypatch.setattr(resend, "api_key", "re_FAKE1234_0000000000000000")
    params: resend.Emails.SendParams = {"from": "a@b.test", "to": ["anna@customer.test"], "subject": "x", "html": "y"}

    sent = resend.Emails.send(params)
    email = resend.Emails.get(sent["id"])
    with pytest.raises(ResendError) as refused:
        resend.Emails.send({**params, "to": ["ratelimited@customer.test"]})
    monkeypatch.setattr(resend, "api_key", "re_revoked_0000000000")
    with pytest.raises(ResendError) as revoked:
        resend.Emails.send(params)

    assert email["last_event"] == "delivered"
    assert refused.value.error_type == "rate_limit_exceeded"
    assert revoked.value.message == "API key is invalid"


def test_real_telegram_sdk_sends_and_fails(vendors: SimulatedVendors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "true")  # else the library warns of a change to come

    async def talk() -> tuple[telegram.User, telegram.Message]:
        async with telegram.Bot(TELEGRAM, base_url=f"{vendors.base_urls['telegram']}/bot") as bot:
            me = await bot.get_me()
            message = await bot.send_message(1000000001, "Your order is ready")
            with pytest.raises(telegram.error.Forbidden, match="blocked by the user"):
                await bot.send_message(403001, "x")
            with pytest.raises(telegram.error.RetryAfter):
                await bot.send_message(429017, "x")
            with pytest.raises(telegram.error.ChatMigrated):
                await bot.send_message(400004, "x")
            assert await bot.get_updates(timeout=0) == ()
            return me, message

    me, message = asyncio.run(talk())

    assert me.username == "shop_example_bot"
    assert message.text == "Your order is ready"


def test_connections_are_kept_alive(vendors: SimulatedVendors) -> None:
    with requests.Session() as session:
        session.headers.update(AMO)
        for _ in range(3):
            session.get(f"{vendors.base_urls['amocrm']}/api/v4/leads/404001", timeout=5)
            session.get(f"{vendors.base_urls['amocrm']}/api/v4/account", timeout=5)

        pools = session.get_adapter("http://").poolmanager.pools  # type: ignore[attr-defined]
        assert [pools[key].num_connections for key in pools.keys()] == [1]  # noqa: SIM118 (no mapping)


def test_chunked_bodies_are_read(vendors: SimulatedVendors) -> None:
    body = b'{"chat_id": 403001, "text": "x"}'

    response = httpx.post(
        f"{vendors.base_urls['telegram']}{BOT}/sendMessage",
        content=iter([body[:9], body[9:]]),
        headers={"content-type": "application/json"},
    )

    assert response.status_code == 403


def test_stop_does_not_wait_for_late_answers() -> None:
    vendors = SimulatedVendors().start()
    url = f"{vendors.base_urls['telegram']}{BOT}/sendMessage"
    failures: list[httpx.HTTPError] = []

    def wait() -> None:
        try:
            httpx.post(url, json={"chat_id": 408001}, timeout=30)
        except httpx.HTTPError as error:
            failures.append(error)

    client = threading.Thread(target=wait)
    client.start()
    time.sleep(0.3)
    began = time.monotonic()
    vendors.stop()
    client.join(5)

    assert time.monotonic() - began < 3
    assert [type(failure) for failure in failures] == [httpx.RemoteProtocolError]


def test_lifelike_answers_take_their_time() -> None:
    with SimulatedVendors(is_lifelike=True) as vendors:
        began = time.monotonic()
        httpx.get(f"{vendors.base_urls['whapi']}/limits", headers=WHAPI, timeout=10)

        assert time.monotonic() - began >= 0.14


@pytest.mark.parametrize("vendor", sorted(RESPONDERS))
@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"[1]", b'"x"', b"{}", b"\xff\xfe", b'{"to": {}, "chat_id": [], "recipient": 5}']
)
def test_no_request_breaks_a_vendor(vendor: str, body: bytes) -> None:
    for path in (
        "/",
        "/emails",
        "/emails/batch",
        f"{BOT}/sendMessage",
        "/messages/text",
        "/api/v4/leads",
        "/api/v4/calls",
        SMS,
        "/contacts",
    ):
        for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x"):
            headers = {"authorization": "Bearer x", "content-type": kind, "user-agent": "test"}
            request = SimulatedRequest(
                method="POST", path=path.partition("?")[0], query={"apiKey": MOBIZON}, headers=headers, body=body
            )

            assert RESPONDERS[vendor](request) == RESPONDERS[vendor](request)
