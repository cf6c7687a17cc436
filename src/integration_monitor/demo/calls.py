"""The requests behind each moment of the company.

Which input provokes which answer is the simulators' business: their docstrings list it. Here an ending picks the input.
"""

import dataclasses
import json
import random
from collections.abc import Callable
from urllib.parse import urlencode

from integration_monitor.demo.traffic import Ending, Moment
from integration_monitor.record import Json

# Invented, like every person and number here.
AMOCRM_TOKEN = "eyJ0DEMO.eyJ0DEMO.DEMOdemoDEMOdemo"  # noqa: S105
MOBIZON_KEY = "kz" + "0123456789abcdef" * 2 + "DEMO00"
RESEND_KEY = "re_DEMOdemo_0000000000000000"
RESEND_KEY_REVOKED = "re_revoked_DEMO000000000000"
TELEGRAM_TOKEN = "123456789:AADEMOdemoDEMOdemoDEMOdemoDEMOdemo0"  # noqa: S105
WHAPI_TOKEN = "DEMOdemoDEMOdemoDEMOdemoDEMO0000"  # noqa: S105
WHAPI_TOKEN_UNLINKED = "UNLINKEDdemoDEMOdemoDEMOdemo0000"  # noqa: S105

#: Environment variable with the simulators' addresses as JSON: {"amocrm": "http://127.0.0.1:40001", …}.
ADDRESSES_VARIABLE = "INTEGRATION_MONITOR_DEMO_ADDRESSES"

#: The vendors' own addresses, as the past shows them.
ADDRESSES = {
    "amocrm": "https://school.amocrm.ru",
    "mobizon": "https://api.mobizon.kz",
    "resend": "https://api.resend.com",
    "telegram": "https://api.telegram.org",
    "whapi": "https://gate.whapi.cloud",
}

_NAMES = ("Айгерим", "Анна", "Данияр", "Ерлан", "Жанна", "Игорь", "Камила", "Мадина", "Нурлан", "Ольга", "Сауле", "Тимур")
_COURSES = ("English A1", "English B2", "Deutsch A2", "IELTS", "Қазақ тілі", "한국어 1")
_AMOCRM_MARKS = {"invalid": " [validation]", "too_many": " [too many]", "gateway": " [gateway]"}
_RESEND_RECIPIENTS = {"invalid": "invalid", "too_many": "ratelimited"}
_TELEGRAM_CHATS = {"blocked": 403001, "flood": 429007, "timeout": 408001}
_WHAPI_ENDINGS = {"not_sent": "0200", "gateway": "0502"}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request, as it goes over the wire."""

    method: str
    #: with query
    path: str
    headers: dict[str, str]
    body: bytes = b""
    #: the HTTP library that the company makes it with
    client: str = "httpx"


def steps(moment: Moment, generator: random.Random) -> list[Call]:
    """The requests of a moment, one after the other."""
    return _BUILDERS[moment.service](moment.call, moment.ending, generator)


def phone(generator: random.Random, ending: str | None = None) -> str:
    """A Kazakh mobile number. Its last four digits mean nothing to a simulator unless they are given."""
    return f"7701{generator.randrange(100, 999)}{ending or generator.randrange(1000, 9999)}"


def chat(ending: Ending, generator: random.Random) -> int:
    """A Telegram chat that answers with this ending."""
    return _TELEGRAM_CHATS.get(ending) or generator.randrange(500_000_000, 500_000_400)


def email(call: str, ending: Ending, generator: random.Random) -> dict[str, Json]:
    """The parameters of an e-mail, as Resend's SDK takes them."""
    local = _RESEND_RECIPIENTS.get(ending) or f"student{generator.randrange(1, 400)}"
    course = generator.choice(_COURSES)
    subject = f"Оплата получена: {course}" if call == "send_receipt" else f"Расписание на неделю: {course}"
    return {
        "from": "Школа <school@mail.school.test>",
        "to": [f"{local}@customer.test"],
        "subject": subject,
        "html": f"<p>{generator.choice(_NAMES)}, {subject.lower()}.</p>",
    }


def reminder(call: str, generator: random.Random) -> str:
    course = generator.choice(_COURSES)
    return f"{generator.choice(_NAMES)}, завтра урок {course}" if call == "remind" else f"Домашнее задание: {course}"


def _amocrm(call: str, ending: Ending, generator: random.Random) -> list[Call]:
    headers = {"authorization": f"Bearer {AMOCRM_TOKEN}", "content-type": "application/json"}
    if call == "check_account":
        return [Call(method="GET", path="/api/v4/account", headers=headers)]
    mark = _AMOCRM_MARKS.get(ending, "")
    if call == "list_leads":
        query = urlencode({"limit": 50, "query": f"IELTS{mark}"})
        return [Call(method="GET", path=f"/api/v4/leads?{query}", headers=headers)]
    lead = generator.randrange(2_000_001, 2_000_900)
    if call == "add_note":
        note = [{"note_type": "common", "params": {"text": f"Позвонить после урока{mark}"}}]
        return [Call(method="POST", path=f"/api/v4/leads/{lead}/notes", headers=headers, body=_json(note), client="requests")]
    number = phone(generator)
    found = Call(method="GET", path=f"/api/v4/contacts?query={number}", headers=headers)
    name = generator.choice(_NAMES)

    def created(mark: str) -> Call:
        contact = {
            "first_name": name,
            "custom_fields_values": [{"field_code": "PHONE", "values": [{"value": f"+{number}", "enum_code": "WORK"}]}],
        }
        lead = [{"name": f"{name}: {generator.choice(_COURSES)}{mark}", "price": 15000, "_embedded": {"contacts": [contact]}}]
        return Call(method="POST", path="/api/v4/leads/complex", headers=headers, body=_json(lead))

    # Too many requests are repeated, as a careful client does.
    return [found, created(mark), created("")] if ending == "too_many" else [found, created(mark)]


def _mobizon(call: str, ending: Ending, generator: random.Random) -> list[Call]:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    fields: dict[str, object] = {}
    method = {"check_status": "message/getsmsstatus", "check_balance": "user/getownbalance"}.get(call, "message/sendsmsmessage")
    if call == "check_status":
        fields = {"ids": generator.randrange(100_000_000, 800_000_000)}
    elif call == "send_code":
        endings = {"wrong_number": "123", "too_often": phone(generator, "0030"), "no_balance": phone(generator, "0015")}
        text = f"Код входа: {generator.randrange(1000, 9999)}"
        fields = {"recipient": endings.get(ending) or phone(generator), "text": text, "from": "SCHOOL"}
    query = urlencode({"output": "json", "api": "v1", "apiKey": MOBIZON_KEY})
    body = urlencode(fields).encode()
    return [Call(method="POST", path=f"/service/{method}?{query}", headers=headers, body=body, client="requests")]


def _resend(call: str, ending: Ending, generator: random.Random) -> list[Call]:
    key = RESEND_KEY_REVOKED if ending == "revoked" else RESEND_KEY
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json", "user-agent": "resend-python:2.52.0"}
    if call == "list_domains":
        return [Call(method="GET", path="/domains", headers=headers, client="requests")]
    return [Call(method="POST", path="/emails", headers=headers, body=_json(email(call, ending, generator)), client="requests")]


def _telegram(call: str, ending: Ending, generator: random.Random) -> list[Call]:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    method, fields = "getMe", {}
    if call != "check_bot":
        method, fields = "sendMessage", {"chat_id": chat(ending, generator), "text": reminder(call, generator)}
    path = f"/bot{TELEGRAM_TOKEN}/{method}"
    return [Call(method="POST", path=path, headers=headers, body=urlencode(fields).encode())]


def _whapi(call: str, ending: Ending, generator: random.Random) -> list[Call]:
    token = WHAPI_TOKEN_UNLINKED if ending == "unlinked" else WHAPI_TOKEN
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    if call == "check_channel":
        return [Call(method="GET", path="/health?wakeup=false", headers=headers)]
    if call == "check_phone":
        return [Call(method="POST", path="/contacts", headers=headers, body=_json({"contacts": [phone(generator)]}))]
    to = phone(generator, _WHAPI_ENDINGS.get(ending))
    text = f"{generator.choice(_NAMES)}, подтвердите урок: {generator.choice(_COURSES)}"
    return [Call(method="POST", path="/messages/text", headers=headers, body=_json({"to": to, "body": text}))]


_BUILDERS: dict[str, Callable[[str, Ending, random.Random], list[Call]]] = {
    "amocrm": _amocrm,
    "mobizon": _mobizon,
    "resend": _resend,
    "telegram": _telegram,
    "whapi": _whapi,
}


def _json(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
