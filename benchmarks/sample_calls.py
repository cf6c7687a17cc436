"""Calls to vendors, with a body of about 1 KB each way.

Every call has ids and texts of its own, as the calls of an application have: what a cache could gain shows, and no more than that.
"""

import dataclasses
import json
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

TELEGRAM_TOKEN = "123456789:AAFAKEfakeFAKEfakeFAKEfakeFAKEfake000"  # noqa: S105 -- planted: redaction has to find it
MOBIZON_KEY = "FAKE" * 10
BEARER = "Bearer FAKE-token-FAKE-token-FAKE-token"

_WORDS = "Здравствуйте! Your order {number} is ready, we will deliver it tomorrow between 10 and 18. "
_RESPONSE_HEADERS = (
    (b"Server", b"nginx/1.24.0"),
    (b"Date", b"Mon, 02 Mar 2026 10:00:01 GMT"),
    (b"Content-Type", b"application/json; charset=utf-8"),
    (b"Connection", b"keep-alive"),
    (b"Cache-Control", b"no-store, no-cache, must-revalidate"),
    (b"Strict-Transport-Security", b"max-age=31536000; includeSubDomains"),
    (b"X-Content-Type-Options", b"nosniff"),
    (b"X-Request-Id", b"4f9c1f0e6b0d4d7e9a55f0f6c0b1c2d3"),
)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request and its answer."""

    method: str
    url: str
    #: those that the application gives
    headers: tuple[tuple[bytes, bytes], ...]
    request: bytes
    #: of status 200, as JSON
    answer: bytes


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """Calls of one kind."""

    #: as tables show it
    name: str
    #: the action that the recorder must find: what is measured has to be the way that such a call really takes
    action: str
    #: makes the call of a number
    make: Callable[[int], Call]


def answer_headers(call: Call) -> tuple[tuple[bytes, bytes], ...]:
    """What the vendor's server says before the body."""
    return (*_RESPONSE_HEADERS, (b"Content-Length", str(len(call.answer)).encode()))


def _call(method: str, url: str, request: bytes, answer: Any, *headers: tuple[bytes, bytes]) -> Call:
    return Call(method=method, url=url, headers=headers, request=request, answer=_json(answer))


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


_JSON_HEADER = (b"Content-Type", b"application/json")
_FORM_HEADER = (b"Content-Type", b"application/x-www-form-urlencoded")
_BEARER_HEADER = (b"Authorization", BEARER.encode())


def _amocrm_update(number: int) -> Call:
    lead = 2_000_000 + number
    fields = [
        {"field_id": 700_000 + field, "field_name": f"Field {field}", "values": [{"value": f"value {number} of {field}"}]}
        for field in range(11)
    ]
    request = [{"id": lead, "name": f"Lead {number}", "price": 1_000 + number, "custom_fields_values": fields}]
    links = {"self": {"href": f"https://example.amocrm.ru/api/v4/leads/{lead}"}}
    answered = {"id": lead, "updated_at": 1_767_000_000, "request_id": "0", "_links": links, "custom_fields_values": fields[:9]}
    answer = {"_links": {"self": {"href": "https://example.amocrm.ru/api/v4/leads"}}, "_embedded": {"leads": [answered]}}
    return _call("PATCH", "https://example.amocrm.ru/api/v4/leads", _json(request), answer, _JSON_HEADER, _BEARER_HEADER)


def resend_email(number: int) -> Call:
    text = _WORDS.format(number=number) * 3
    message = {
        "from": "Shop <shop@example.com>",
        "to": [f"customer{number}@example.net"],
        "subject": f"Order {number}",
        "html": f"<p>{text}</p>" * 2,
        "text": text,
        "tags": [{"name": "kind", "value": "order"}],
    }
    answer = {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"mail {number}")), **message}
    return _call("POST", "https://api.resend.com/emails", _json(message), answer, _JSON_HEADER, _BEARER_HEADER)


def _telegram_message(number: int) -> Call:
    text = _WORDS.format(number=number) * 9
    chat = {"id": 10_000 + number, "first_name": "Anna", "username": "anna_fake", "type": "private"}
    sender = {"id": 123_456_789, "is_bot": True, "first_name": "Shop", "username": "shop_fake_bot"}
    result = {"message_id": number, "from": sender, "chat": chat, "date": 1_767_000_000, "text": text}
    request = {"chat_id": chat["id"], "text": text, "parse_mode": "HTML", "disable_notification": True}
    url = f"https://api.telegram.org/bot{TELEGRAM_TOKEN}/sendMessage"
    return _call("POST", url, _json(request), {"ok": True, "result": result}, _JSON_HEADER)


def _mobizon_sms(number: int) -> Call:
    text = _WORDS.format(number=number) * 6
    form = {"recipient": f"7701{number:07}", "text": text, "from": "SHOP", "params[validity]": "1440"}
    parts = [{"number": part, "status": 2, "text": _WORDS.format(number=number)} for part in range(7)]
    answer = {"code": 0, "data": {"campaignId": number, "messageId": number + 1, "status": 2, "parts": parts}, "message": ""}
    url = f"https://api.mobizon.kz/service/message/sendsmsmessage?output=json&api=v1&apiKey={MOBIZON_KEY}"
    return _call("POST", url, urlencode(form).encode(), answer, _FORM_HEADER)


def _undescribed(number: int) -> Call:
    items = [
        {"sku": f"A-{number}-{item}", "title": f"Thing {item}", "quantity": item, "price": 10.5 * item} for item in range(15)
    ]
    order = {"order": number, "customer": {"name": "Anna", "city": "Алматы"}, "items": items}
    url = f"https://api.warehouse.example.com/v2/orders/{number}?notify=true"
    return _call("PUT", url, _json(order), {"status": "accepted", **order}, _JSON_HEADER, _BEARER_HEADER)


KINDS = (
    Kind(name="amoCRM lead update", action="update_leads", make=_amocrm_update),
    Kind(name="Resend e-mail", action="send_email", make=resend_email),
    Kind(name="Telegram sendMessage", action="send_message", make=_telegram_message),
    Kind(name="Mobizon form", action="send_sms", make=_mobizon_sms),
    Kind(name="undescribed host", action="PUT /v2/orders/{id}", make=_undescribed),
)
