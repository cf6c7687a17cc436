"""A stand-in for a Whapi.Cloud channel.

The token decides first (header Authorization, with or without `Bearer`, or the query parameter `token`):

| token | answer |
|---|---|
| (none), or contains WRONG | 404 Channel not found |
| contains UNLINKED | 401 need channel authorization, to sends; its health is QR |
| contains TRIAL | 402, nested form, to sends |
| contains FLAT | 402, flat form, to sends |
| contains STOPPED, STARTING, BROKEN, SYNCING, UNINIT | health STOP, LAUNCH, ERROR, SYNC_ERROR, NOT_INIT |
| contains ALREADYLINKED, MOBILE, NOQR | 409, 406, 422, to /users/login |

Sends are decided then by the digits of `to`:

| to | answer |
|---|---|
| (none) | 400 |
| …0200 | 200 with sent: false |
| …0201 | 200 with sent: false and an error message |
| …0403 | 403 |
| …0404 | 404 Specified chat not found |
| …0400 | 400, `details` in place of code and message |
| …0413, …0415 | 413, 415 |
| …0429 | 429, without headers |
| …0500, …0502 | 500; 502, HTML |
| …0408 | no answer in time |
| …0499 | the connection is dropped |
| any other | 200, sent, status pending |

Of contacts those that end with 0404 are not registered: HEAD gives 404, POST /contacts says `invalid`. GET /limits gives 204 but to trial channels. An action on a message
or chat whose id begins with NOT gives success: false; an id that begins with ERROR401 or ERROR500 gives 200 with that error, one that begins
with 404 or 409 that status.
"""

import re

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

_SEND = re.compile(r"/messages/(?!list)[a-z_]+(?:/[a-z]+)?|/stories(?:/send/[a-z]+)?")
_CONTACT = re.compile(r"/contacts/(?P<contact>[^/]+)")
_SENDING = re.compile(r"/(?:contacts|business/(?:products|catalogs)|groups/link|newsletters/link)/[^/]+")
# The first segments of paths that there are.
_RESOURCES = frozenset(
    {"messages", "statuses", "stories", "contacts", "blacklist", "presences", "groups", "communities", "newsletters", "business"}
    | {"labels", "settings", "users", "status", "calls", "chats", "media"}
)


def _error(status: int, message: str) -> SimulatedResponse:
    return answer({"error": {"code": status, "message": message}}, status)


_NO_CHANNEL = _error(404, "Channel not found")
_TRIAL = "trial version limit exceeded"
_TOKENS = {
    "UNLINKED": _error(401, "need channel authorization for send message"),
    "TRIAL": _error(402, _TRIAL),
    "FLAT": answer({"code": 402, "error": _TRIAL}, 402),
}
_LOGINS = {
    "ALREADYLINKED": _error(409, "channel already authenticated"),
    "MOBILE": _error(406, "not acceptable for mobile type channel"),
    "NOQR": _error(422, "render QR failed"),
}
_IDS = {
    "ERROR401": answer({"error": {"code": 401, "message": "need channel authorization"}}),
    "ERROR500": answer({"error": {"code": 500, "message": "internal error"}}),
    "404": _error(404, "specified resource not found"),
    "409": _error(409, "already in that state"),
}
_RECIPIENTS = {
    "0200": answer({"sent": False}),
    "0201": answer({"sent": False, "error": {"code": 200, "message": "the number is not in WhatsApp"}}),
    "0400": answer({"error": {"message": "", "details": "the number is not valid"}}, 400),
    "0403": _error(403, "sending to this recipient is forbidden"),
    "0404": _error(404, "specified chat not found"),
    "0408": LATE,
    "0413": _error(413, "media too large"),
    "0415": _error(415, "media type not supported"),
    "0429": _error(429, "too many requests"),
    "0499": DROPPED,
    "0500": _error(500, "internal error"),
    "0502": page(502, "502 Bad Gateway"),
}


def respond(request: SimulatedRequest) -> SimulatedResponse:
    token = request.bearer() or request.query.get("token", "")
    if not token or "WRONG" in token:
        return _NO_CHANNEL if request.method != "HEAD" else SimulatedResponse(status=404)
    if request.method == "POST" and _SEND.fullmatch(request.path):
        return _send(request, token)
    if request.path.startswith("/users/login"):
        return _login(request, token)
    if request.method == "POST" and _SENDING.fullmatch(request.path):
        return answer({"sent": True, "message": _message(request, request.path.rpartition("/")[2], {})})
    handler = _HANDLERS.get((request.method, request.path))
    return handler(request, token) if handler is not None else _answer_by_method(request)


def _answer_by_method(request: SimulatedRequest) -> SimulatedResponse:
    contact = _CONTACT.fullmatch(request.path)
    segments = request.path.strip("/").split("/")
    if request.method == "HEAD" and contact is not None:
        return SimulatedResponse(status=404 if contact["contact"].partition("@")[0].endswith("0404") else 200)
    if segments[0] not in _RESOURCES:
        return _error(404, "specified resource not found")
    special = next((answer for mark, answer in _IDS.items() if segments[-1].startswith(mark)), None)
    if special is not None:
        return special
    if request.method == "GET":
        # A list below one thing, or the thing itself.
        return answer({"id": segments[-1], segments[0]: [], "count": 0, "total": 0})
    if request.method == "POST" and len(segments) == 1:
        return answer({"id": f"EXAMPLE-{number_of(request)}", "group_id": f"{number_of(request)}@g.us"})
    return answer({"success": "/NOT" not in request.path})


def _login(request: SimulatedRequest, token: str) -> SimulatedResponse:
    """A QR code for a phone that is not linked; else a refusal."""
    refused = next((refused for mark, refused in _LOGINS.items() if mark in token), None)
    if refused is not None:
        return refused
    if request.path.rpartition("/")[2].isdecimal():
        return answer({"code": "FAKE-CODE"})
    return answer({"status": "OK", "base64": "data:image/png;base64,FAKEQRFAKEQRFAKEQR", "expire": 20})


def _send(request: SimulatedRequest, token: str) -> SimulatedResponse:
    for mark, refused in _TOKENS.items():
        if mark in token:
            return refused
    fields = request.json()
    to = str(fields.get("to", "")) if isinstance(fields, dict) else ""
    if not to:
        return _error(400, "wrong request parameters: to is required")
    special = _RECIPIENTS.get(to.partition("@")[0][-4:])
    return special or answer({"sent": True, "message": _message(request, to, fields)})


def _message(request: SimulatedRequest, to: str, fields: dict[str, Json]) -> Json:
    chat = to if "@" in to else f"{to}@s.whatsapp.net"
    kind = request.path.rpartition("/")[2]
    return {
        "id": f"FAKE.{number_of(request)}-gA4",
        "from_me": True,
        "type": kind,
        "chat_id": chat,
        "timestamp": 1_772_359_200,
        "source": "api",
        "device_id": 1,
        "status": "pending",
        "text": {"body": fields.get("body", "")},
        "from": "77000000002",
    }


# A part of the token → the channel's state; the numbers of some are not known.
_STATES = {
    "UNLINKED": (3, "QR"),
    "STOPPED": (0, "STOP"),
    "STARTING": (2, "LAUNCH"),
    "BROKEN": (5, "ERROR"),
    "SYNCING": (0, "SYNC_ERROR"),
    "UNINIT": (0, "NOT_INIT"),
}


def _health(_request: SimulatedRequest, token: str) -> SimulatedResponse:
    code, text = next((state for mark, state in _STATES.items() if mark in token), (4, "AUTH"))
    channel = {"channel_id": "EXAMPLE-AB1CD", "start_at": 1_772_359_000, "uptime": 77, "version": "1.8.7"}
    return answer({**channel, "status": {"code": code, "text": text}})


def _limits(_request: SimulatedRequest, token: str) -> SimulatedResponse:
    if "TRIAL" not in token and "FLAT" not in token:
        return SimulatedResponse(status=204)
    return answer({"messages": {"limit": 150, "used": 150}, "requests": {"limit": 1000, "used": 412}})


def _check_phones(request: SimulatedRequest, _token: str) -> SimulatedResponse:
    fields = request.json()
    phones = fields.get("contacts", []) if isinstance(fields, dict) else []
    return answer({"contacts": [_checked(str(phone)) for phone in phones]})


def _checked(phone: str) -> Json:
    digits = phone.lstrip("+")
    if digits.endswith("0404"):
        return {"input": phone, "status": "invalid"}
    return {"input": phone, "status": "valid", "wa_id": f"{digits}@s.whatsapp.net"}


def _settings(_request: SimulatedRequest, _token: str) -> SimulatedResponse:
    hook = {
        "url": "https://shop.example.org/hooks/FAKEsecretpath",
        "mode": "body",
        "headers": {"Authorization": "FAKEhookheader01"},
    }
    return answer({"proxy": "socks5://login:FAKEproxypassword@proxy.example.org:1080", "webhooks": [hook], "offline_mode": False})


def _empty_list(request: SimulatedRequest, _token: str) -> SimulatedResponse:
    return answer({request.path.strip("/").partition("/")[0]: [], "count": 0, "total": 0, "offset": 0})


_HANDLERS = {
    ("GET", "/health"): _health,
    ("GET", "/limits"): _limits,
    ("POST", "/contacts"): _check_phones,
    ("GET", "/settings"): _settings,
    **{("GET", path): _empty_list for path in ("/messages/list", "/contacts", "/groups", "/chats", "/media", "/newsletters")},
}
