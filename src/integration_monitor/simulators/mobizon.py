"""A stand-in for Mobizon. Nearly every answer has HTTP status 200; the envelope {code, data, message} tells the outcome.

The key (`apiKey` in query or form) decides first: 40 or 70 letters and digits, else code 8.

| key contains | answer |
|---|---|
| REVOKED | 8 failed.api.auth |
| DENIED | 9 no access to this method |
| MOVED | 13 with the right domain in `data` |
| BLOCKED | 14 account blocked |
| POOR | 15 insufficient balance, to sends |

`message/sendsmsmessage` decides then by the end of `recipient`:

| recipient | answer |
|---|---|
| not 10 to 15 digits | 1, field recipient |
| …0001 | 0, status 1: waits for a moderator |
| …0003, …0010, …0012, …0015, …0016, …0030, …0077, …0999 | that code (15: insufficient balance; 16: 15 with other words; 77: unknown to the documents) |
| …0007 | 0, ids as texts |
| …0200 | 200 and no envelope |
| …0429 | HTTP 429 with envelope 30 |
| …0500 | HTTP 500 with an envelope that says 0 |
| …0502 | HTTP 502, HTML |
| …0408 | no answer in time |
| …0499 | the connection is dropped |
| any other | 0, status 2: sent |

Without recipient or text: 11. `getsmsstatus` takes at most 100 ids (else 12) and leaves out those that begin with 9. `campaign/addrecipients`:
numbers that are wrong by the rule above are refused: 98 if some are, 99 if all; one that ends with 999 and two digits has these as
its item code (…99905: on the stop list, …99999: system error); `groups` gives 100 and a task. `campaign/send` is moderated
where the id is odd. `taskqueue/getstatus` says 2 (done) for even ids and 3 (rejected) for odd ones. `output=xml` answers in XML. Unknown
modules give 4, unknown methods 5, ids that begin with 404 give 2, an `output` that is none 6.
"""

import json
import re
from xml.sax.saxutils import escape

from integration_monitor.record import Json
from integration_monitor.simulators.message import (
    DROPPED,
    LATE,
    SimulatedRequest,
    SimulatedResponse,
    answer,
    number_of,
    page,
)

_KEY = re.compile(r"[A-Za-z0-9]{40}(?:[A-Za-z0-9]{30})?")
_NUMBER = re.compile(r"\d{10,15}")
_IDS_MAX = 100

_Envelope = tuple[int, Json, str]

_KEY_ERRORS: dict[str, _Envelope] = {
    "REVOKED": (8, [], "failed.api.auth"),
    "DENIED": (9, [], "Access denied to this method"),
    "MOVED": (13, "api.mobizon.uz", "This API server does not serve the user"),
    "BLOCKED": (14, [], "The account is blocked"),
}
_NO_BALANCE: _Envelope = (15, [], "Insufficient balance to send the message")
_SEND_ERRORS: dict[str, _Envelope] = {
    "0003": (3, [], "Unidentified application error"),
    "0010": (10, [], "The data could not be saved"),
    "0012": (12, {"text": "too long"}, "Check the data"),
    "0015": _NO_BALANCE,
    "0016": (15, [], "The operation failed"),
    "0077": (77, [], "Something new"),
    "0030": (30, None, "Request limit exceeded"),
    "0999": (999, [], ""),
}
_MODULES = frozenset({"message", "user", "campaign", "taskqueue", "link", "contactcard", "contactgroup", "numberstoplist"})


def respond(request: SimulatedRequest) -> SimulatedResponse:
    fields = request.fields()
    recipient = str(fields.get("recipient", ""))
    special = _special(recipient[-4:]) if request.path.lower().endswith("sendsmsmessage") else None
    if special is not None:
        return special
    code, data, message = _envelope(request, fields)
    if str(fields.get("output", "")).lower() == "xml":
        return _xml(code, data, message)
    status = 429 if recipient.endswith("0429") else 500 if recipient.endswith("0500") else 200
    return answer({"code": code, "data": data, "message": message}, status)


def _special(ending: str) -> SimulatedResponse | None:
    """Answers that are no envelope."""
    answers = {
        "0200": SimulatedResponse(headers={"content-type": "text/plain"}, body=b"OK"),
        "0502": page(502, "502 Bad Gateway"),
        "0408": LATE,
        "0499": DROPPED,
    }
    return answers.get(ending)


def _envelope(request: SimulatedRequest, fields: dict[str, Json]) -> _Envelope:
    key = next((str(value) for name, value in fields.items() if name.lower().replace("_", "") == "apikey"), "")
    if not _KEY.fullmatch(key):
        return 8, [], "failed.api.auth"
    for mark, envelope in _KEY_ERRORS.items():
        if mark in key:
            return envelope
    if str(fields.get("output", "json")).lower() not in ("json", "xml"):
        return 6, [], "Wrong format"
    parts = request.path.lower().strip("/").split("/")
    if len(parts) != 3 or parts[0] != "service" or parts[1] not in _MODULES:  # noqa: PLR2004 (service, module, method)
        return 4, [], "Wrong module"
    method = _METHODS.get(f"{parts[1]}/{parts[2]}", _no_method)
    return _NO_BALANCE if method is _send and "POOR" in key else method(request, fields)


def _send(request: SimulatedRequest, fields: dict[str, Json]) -> _Envelope:
    recipient, text = str(fields.get("recipient", "")), fields.get("text")
    if not recipient or not text:
        return 11, [], "Required parameters are missing: recipient, text"
    if not _NUMBER.fullmatch(recipient):
        return 1, {"recipient": "wrong number format"}, "Check the data"
    if recipient.endswith("0429"):
        return _SEND_ERRORS["0030"]
    if recipient[-4:] in _SEND_ERRORS:
        return _SEND_ERRORS[recipient[-4:]]
    campaign, message = number_of(request), number_of(request) + 1
    status = 1 if recipient.endswith("0001") else 2
    if recipient.endswith("0007"):
        return 0, {"campaignId": str(campaign), "messageId": str(message), "status": str(status)}, ""
    return 0, {"campaignId": campaign, "messageId": message, "status": status}, ""


def _no_method(_request: SimulatedRequest, _fields: dict[str, Json]) -> _Envelope:
    return 5, [], "Wrong method"


def _sms_status(_request: SimulatedRequest, fields: dict[str, Json]) -> _Envelope:
    ids = _listed(fields, "ids")
    if len(ids) > _IDS_MAX:
        return 12, {"ids": f"at most {_IDS_MAX}"}, "Check the data"
    sent = "2026-03-01 10:00:01"
    found = [one for one in ids if not one.startswith("9")]
    return 0, [{"id": one, "status": "DELIVRD", "segNum": 1, "startSendTs": sent, "statusUpdateTs": sent} for one in found], ""


def _add_recipients(request: SimulatedRequest, fields: dict[str, Json]) -> _Envelope:
    if any(name.startswith("groups") for name in fields):
        return 100, number_of(request, 4), ""
    items: list[Json] = []
    for recipient in _listed(fields, "recipients"):
        code = _item_code(recipient)
        message_id = number_of(request) + len(items) if code == 0 else None
        items.append({"recipient": recipient, "code": code, "messageId": message_id, "number": recipient})
    good = sum(item["code"] == 0 for item in items)
    if good == len(items):
        return 0, items, ""
    return (98, items, "Not all recipients were added") if good else (99, items, "No recipients were added")


def _item_code(recipient: str) -> int:
    if _NUMBER.fullmatch(recipient) is None:
        return 3
    return int(recipient[-2:]) if recipient[-5:-2] == "999" else 0


def _task(_request: SimulatedRequest, fields: dict[str, Json]) -> _Envelope:
    is_done = _digits(fields.get("id")) % 2 == 0
    return 0, {"progress": 100, "status": 2 if is_done else 3}, ""


def _campaign_send(_request: SimulatedRequest, fields: dict[str, Json]) -> _Envelope:
    return 0, 1 if _digits(fields.get("id")) % 2 else 2, ""


def _of_id(_request: SimulatedRequest, fields: dict[str, Json]) -> _Envelope:
    """What is asked of one thing, or done to it."""
    number = _digits(fields.get("id"))
    return (2, [], "Record not found") if str(number).startswith("404") else (0, {"id": number}, "")


def _empty_list(_request: SimulatedRequest, _fields: dict[str, Json]) -> _Envelope:
    return 0, {"items": [], "totalItemCount": 0}, ""


def _digits(value: Json) -> int:
    text = str(value or "")
    return int(text) if text.isdecimal() else 0


_METHODS = {
    "message/sendsmsmessage": _send,
    "message/getsmsstatus": _sms_status,
    "message/list": _empty_list,
    "user/getownbalance": lambda _request, _fields: (0, {"balance": "1042.50", "currency": "KZT"}, ""),
    "campaign/create": lambda request, _fields: (0, number_of(request), ""),
    "campaign/addrecipients": _add_recipients,
    "campaign/send": _campaign_send,
    "campaign/list": _empty_list,
    "taskqueue/getstatus": _task,
    "link/create": lambda request, _fields: (0, {"id": number_of(request, 6), "shortLink": "https://example.test/a1b2"}, ""),
    **{f"{module}/list": _empty_list for module in ("contactcard", "contactgroup", "numberstoplist", "link")},
    **{f"campaign/{method}": _of_id for method in ("get", "getinfo", "delete", "getlinks")},
    **{f"link/{method}": _of_id for method in ("get", "getlinks", "update", "delete", "getstats")},
}


def _listed(fields: dict[str, Json], name: str) -> list[str]:
    """A list parameter: JSON, PHP brackets (`ids[0]`), or divided by commas."""
    value = fields.get(name)
    if isinstance(value, list):
        return [str(one.get("recipient", "")) if isinstance(one, dict) else str(one) for one in value]
    bracketed = [str(one) for key, one in fields.items() if key.startswith(f"{name}[")]
    return bracketed or [one for one in str(value or "").split(",") if one]


def _xml(code: int, data: Json, message: str) -> SimulatedResponse:
    inner = escape(json.dumps(data))
    body = f'<?xml version="1.0" encoding="utf-8"?><response><code>{code}</code><data>{inner}</data><message>{escape(message)}</message></response>'
    return SimulatedResponse(headers={"content-type": "application/xml"}, body=body.encode())
