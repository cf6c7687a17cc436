"""A stand-in for an amoCRM account.

The token decides first (`Authorization: Bearer <JWT>`):

| token | answer |
|---|---|
| (none) | 401 |
| contains EXPIRED, REVOKED | 401 with the hint "Token has expired", "Token has been revoked" |
| contains UNPAID | 402 |
| contains BLOCKED | 403 of the proxy, HTML, on every path, even the token endpoint |
| contains MOVED | 302 to another domain |

Names decide then: the `name` of the first lead, contact, company, customer or element, or the `text` of the first task, or `params.text` of the first note.

| name contains | answer |
|---|---|
| [validation] | 400 with two validation errors of different codes |
| [malformed] | 400 without validation errors |
| [forbidden] | 403 with "Код ошибки 244" in the words |
| [address] | 403 with "Код ошибки 113" in the words: the address is not allowed |
| [method] | 405 |
| [conflict] | 409, empty |
| [too large] | 413, HTML |
| [media type] | 415 |
| [unprocessable] | 422 |
| [too many] | 429, HTML |
| [slow down] | 429 in plain text, with Retry-After |
| [server] | 500 |
| [bad gateway], [unavailable], [gateway] | 502, 503, 504, HTML |
| [errors] | 200 with `errors` beside what was done |
| [timeout], [dropped] | no answer in time; the connection is dropped |

For reads `query=` takes the same words. `query=nobody` and ids that begin with 404 give 204. Calls to phones that end with 0000 are on no card: the
answer is 200 with `errors`. POST /oauth2/access_token: a refresh_token or code that contains USED gives 401 with a hint, MOVED 404; a wrong
client_secret (contains WRONG) gives 400. A contact whose name contains [known] is merged by leads/complex. POST /api/v2/calls is as the older API
is: its errors are in `_embedded.errors`. GET /oauth2/account/current/subdomain tells the present domain by the header X-Refresh-Token.
"""

import re
import zlib

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

_HAL = "application/hal+json"
_PROBLEM = "application/problem+json"
_COLLECTION = re.compile(r"/api/v[24]/(?:[a-z_/]+/|\d+/)*(?P<plural>[a-z_]+)")
_ONE = re.compile(r"/api/v[24]/(?:[a-z_/]+/|\d+/)*(?P<plural>[a-z_]+)/(?P<id>\d+)")
_UNSORTED = re.compile(r"/api/v4/leads/unsorted/(?!forms$|sip$|summary$)(?P<uid>\w+)(?:/(?:accept|decline|link))?")
_WIDGET = re.compile(r"/api/v4/widgets/(?P<code>\w+)")


def _problem(status: int, title: str, detail: str, **more: Json) -> SimulatedResponse:
    body = {"title": title, "type": f"https://httpstatus.es/{status}", "status": status, "detail": detail, **more}
    return answer(body, status, kind=_PROBLEM)


def _oauth_problem(status: int, title: str, hint: str) -> SimulatedResponse:
    kind = "https://example.amocrm.ru/doc/OAuthProblemJson"
    detail = "The resource owner or authorization server denied the request"
    return answer({"hint": hint, "title": title, "type": kind, "status": status, "detail": detail}, status, kind=_PROBLEM)


_BLOCKED = page(403, "403 Forbidden")
_TOKENS = {
    "BLOCKED": _BLOCKED,
    "EXPIRED": _oauth_problem(401, "Unauthorized", "Token has expired"),
    "REVOKED": _oauth_problem(401, "Unauthorized", "Token has been revoked"),
    "UNPAID": _problem(402, "Payment Required", "The account is not paid"),
    "MOVED": SimulatedResponse(status=302, headers={"location": "https://example.kommo.com/api/v4/account"}),
}
_VALIDATION = [
    {
        "request_id": "0",
        "errors": [
            {
                "code": "NotSupportedChoice",
                "path": "custom_fields_values.0.field_id",
                "detail": "The value you selected is not a valid choice.",
            },
            {"code": "FieldMissing", "path": "pipeline_id", "detail": "This field is missing."},
        ],
    }
]
_NAMES = {
    "[validation]": _problem(400, "Bad Request", "Request validation failed", **{"validation-errors": _VALIDATION}),
    "[malformed]": _problem(400, "Bad Request", "Invalid JSON in request"),
    "[forbidden]": _problem(403, "Forbidden", "Нет прав на добавление сделок. Код ошибки 244"),
    "[address]": _problem(403, "Forbidden", "Доступ с этого IP-адреса запрещён. Код ошибки 113"),
    "[method]": _problem(405, "Method Not Allowed", "The method is not allowed"),
    "[conflict]": SimulatedResponse(status=409),
    "[too large]": page(413, "413 Request Entity Too Large"),
    "[media type]": _problem(415, "Unsupported Media Type", "Send JSON"),
    "[unprocessable]": _problem(422, "Unprocessable Entity", "The request cannot be processed"),
    "[too many]": page(429, "429 Too Many Requests"),
    "[slow down]": SimulatedResponse(status=429, headers={"content-type": "text/plain", "retry-after": "3"}, body=b"slow down"),
    "[server]": _problem(500, "Internal Server Error", "Something went wrong"),
    "[bad gateway]": page(502, "502 Bad Gateway"),
    "[unavailable]": page(503, "503 Service Temporarily Unavailable"),
    "[errors]": answer({"errors": [{"request_id": "0", "title": "Refused"}], "_embedded": {}}, kind=_HAL),
    "[gateway]": page(504, "504 Gateway Time-out"),
    "[timeout]": LATE,
    "[dropped]": DROPPED,
}


def respond(request: SimulatedRequest) -> SimulatedResponse:
    token = request.bearer()
    if "BLOCKED" in token:
        return _BLOCKED
    if request.path.startswith("/oauth2/"):
        return _grant(request)
    if not token:
        return _problem(401, "Unauthorized", "Wrong credentials")
    words = f"{request.query.get('query', '')} {_name(request.json())}"
    marked = (*((token, *one) for one in _TOKENS.items()), *((words, *one) for one in _NAMES.items()))
    special = next((special for text, mark, special in marked if mark in text), None)
    if special is not None:
        return special
    response = _read(request) if request.method in ("GET", "HEAD", "DELETE") else _write(request)
    return _with_request_id(request, response)


def _grant(request: SimulatedRequest) -> SimulatedResponse:
    if request.path.startswith("/oauth2/account/"):
        return answer({"id": 5000001, "subdomain": "example", "domain": "example.amocrm.ru"})
    fields = request.fields()
    grant = str(fields.get("refresh_token") or fields.get("code") or fields.get("api_key") or "")
    if "WRONG" in str(fields.get("client_secret", "")):
        return _oauth_problem(400, "Bad Request", "Cannot decrypt the refresh token")
    if "MOVED" in grant:
        return _problem(404, "Not Found", "Account not found")
    if "USED" in grant:
        return _oauth_problem(401, "Unauthorized", "Token has been revoked")
    if not grant:
        return _problem(400, "Bad Request", "The request is missing a required parameter")
    tail = f"{zlib.crc32(request.body):08x}"
    tokens = {"access_token": f"eyJ0FAKE.eyJ{tail}.FAKEfakeFAKEfake", "refresh_token": f"def50200{tail * 8}"}
    return answer({"token_type": "Bearer", "expires_in": 86_400, **tokens})


def _read(request: SimulatedRequest) -> SimulatedResponse:
    if request.path == "/api/v4/account":
        account = {"id": 5000001, "name": "Example", "subdomain": "example", "current_user_id": 6000001, "country": "KZ"}
        return answer(account, kind=_HAL)
    one, collection = _ONE.fullmatch(request.path), _COLLECTION.fullmatch(request.path)
    is_missing = one is not None and one["id"].startswith("404")
    if request.method == "DELETE" or request.query.get("query") == "nobody" or is_missing:
        return SimulatedResponse(status=204)
    if one is not None:
        return answer({"id": int(one["id"]), "name": "Order 1001"}, kind=_HAL)
    if collection is None:
        return _named(request)
    plural = collection["plural"]
    items = [{"id": 2000001 + index, "name": f"Order {1001 + index}"} for index in range(3)]
    links = {"self": {"href": f"https://example.amocrm.ru{request.path}"}}
    return answer({"_page": 1, "_links": links, "_embedded": {plural: items}}, kind=_HAL)


def _write(request: SimulatedRequest) -> SimulatedResponse:
    sent = request.json()
    items = sent if isinstance(sent, list) else [sent]
    first = number_of(request, 7)
    if request.path == "/api/v4/leads/complex":
        return answer([_complex(first + index, item) for index, item in enumerate(items)], kind=_HAL)
    if request.path in ("/api/v4/calls", "/api/v2/calls"):
        return _calls(first, items, is_older=request.path.startswith("/api/v2"))
    one, collection = _ONE.fullmatch(request.path), _COLLECTION.fullmatch(request.path)
    if one is not None and request.method == "PATCH":
        return answer({"id": int(one["id"]), "updated_at": 1_772_359_200}, kind=_HAL)
    if request.path == "/api/v4/webhooks" and isinstance(sent, dict):
        return answer({"id": first, "destination": sent.get("destination"), "disabled": False}, 201, kind=_HAL)
    if collection is None:
        return _named(request)
    created = [{"id": first + index, "request_id": str(index)} for index in range(len(items))]
    return answer({"_embedded": {collection["plural"]: created}}, kind=_HAL)


def _named(request: SimulatedRequest) -> SimulatedResponse:
    """What has a name in place of a number: unsorted leads and widgets; else nothing is there."""
    unsorted, widget = _UNSORTED.fullmatch(request.path), _WIDGET.fullmatch(request.path)
    if unsorted is not None:
        return answer({"uid": unsorted["uid"], "category": "forms"}, kind=_HAL)
    if widget is not None:
        return answer({"id": 7000001, "code": widget["code"]}, kind=_HAL)
    return _problem(404, "Not Found", "The requested page does not exist")


def _complex(lead_id: int, item: Json) -> Json:
    contacts = item.get("_embedded", {}).get("contacts", []) if isinstance(item, dict) else []
    merged = "[known]" in str(contacts)
    contact = lead_id + 1_000_000 if contacts else None
    return {"id": lead_id, "contact_id": contact, "company_id": None, "request_id": ["0"], "merged": merged}


def _calls(first: int, items: list[Json], *, is_older: bool) -> SimulatedResponse:
    errors, added = [], []
    for index, item in enumerate(items):
        if isinstance(item, dict) and str(item.get("phone", "")).endswith("0000"):
            errors.append({"request_id": str(index), "title": "No card with this phone"})
        else:
            card = {"entity_id": 3000001, "entity_type": "contact", "account_id": 5000001}
            added.append({"id": first + index, **card, "request_id": str(index)})
    if is_older:
        told = [{"msg": error["title"]} for error in errors]
        return answer({"_embedded": {"items": added, **({"errors": told} if told else {})}}, kind=_HAL)
    return answer({"_total_items": len(added), "errors": errors, "_embedded": {"calls": added}}, kind=_HAL)


def _name(sent: Json) -> str:
    """The name or text that decides."""
    item = sent[0] if isinstance(sent, list) and sent else sent
    if not isinstance(item, dict):
        return ""
    params = item.get("params")
    note = params.get("text") if isinstance(params, dict) else None
    return str(item.get("name") or item.get("text") or note or "")


def _with_request_id(request: SimulatedRequest, response: SimulatedResponse) -> SimulatedResponse:
    """Support asks for it."""
    headers = {**response.headers, "x-request-id": f"{number_of(request):032x}"}
    return SimulatedResponse(status=response.status, headers=headers, body=response.body)
