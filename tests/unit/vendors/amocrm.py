"""amoCRM: every answer that its documents tell of, and what it means."""

from integration_monitor.record import Fault, Json
from tests.unit.exchanges import Case
from tests.unit.vendors.vendor import Vendor, nginx, page_under_200, timed_out, unreachable

ACCOUNT = "https://example.amocrm.ru"
API = f"{ACCOUNT}/api/v4"
TOKEN = f"{ACCOUNT}/oauth2/access_token"
OF_ACCOUNT = ("account", "example.amocrm.ru")
REFRESH: Json = {"grant_type": "refresh_token", "refresh_token": "def50200"}
BLOCKED = "account or address blocked after too many requests: the vendor's support lifts it"


def problem(status: int, **fields: Json) -> Json:
    return {"title": "Title", "type": f"https://httpstatus.es/{status}", "status": status, **fields}


def validation(*errors: tuple[str, str, str], request_id: str | None = "0") -> Json:
    listed = [{"code": code, "path": path, "detail": detail} for code, path, detail in errors]
    item = {"errors": listed} if request_id is None else {"request_id": request_id, "errors": listed}
    return problem(400, detail="Request validation failed", **{"validation-errors": [item]})


def in_words(number: str, status: int, words: str) -> Case:
    """A code of the older list, which the present API puts into its words."""
    detail = f"{words}. Код ошибки {number}"
    return Case(
        name=f"code {number} in words",
        call=f"POST {API}/leads",
        status=status,
        answer=problem(status, detail=detail),
        code=number,
        message=detail,
        fault="auth",
        retry="no",
    )


def of_older_api(number: str, status: int, words: str, fault: Fault) -> Case:
    """The wrapping of the private API."""
    return Case(
        name=f"older API, code {number}",
        call=f"POST {ACCOUNT}/private/api/v2/json/leads/set",
        status=status,
        answer={"response": {"error": words, "error_code": number}},
        code=number,
        message=words,
        fault=fault,
        retry="no",
        action="legacy_leads_set",
    )


def by_status(status: int, reason: str, *, fault: Fault = "ours", detail: str | None = None) -> Case:
    return Case(
        name=f"{status} {'with' if detail else 'without'} a problem",
        call=f"POST {API}/leads",
        status=status,
        answer=problem(status, detail=detail) if detail else None,
        code=f"HTTP_{status}",
        message=detail or reason,
        fault=fault,
        retry="no",
    )


def behind_proxy(status: int, reason: str, fault: Fault, *, read: str, write: str) -> list[Case]:
    """An HTML page in place of the API's answer, to a read and to a write."""
    return [
        Case(
            name=f"{status} page of the proxy",
            call=f"{method} {API}/leads",
            status=status,
            answer=nginx(f"{status} {reason}"),
            code=f"HTTP_{status}",
            message=f"{status} {reason}",
            fault=fault,
            retry=retry,
        )
        for method, retry in (("GET", read), ("POST", write))
    ]


def grant_refused(name: str, status: int, message: str, answer: Json, note: str | None = None) -> Case:
    return Case(
        name=name,
        call=f"POST {TOKEN}",
        request=REFRESH,
        status=status,
        answer=answer,
        code=f"HTTP_{status}",
        message=message,
        fault="auth",
        retry="no",
        note=note,
        entity=OF_ACCOUNT,
        action="refresh_token",
    )


def partial(name: str, sent: Json, answer: Json, message: str) -> Case:
    return Case(
        name=name,
        call=f"POST {API}/calls",
        request=sent,
        answer=answer,
        code="PARTIAL_FAILURE",
        message=message,
        fault="ours",
        retry="no",
        action="create_calls",
    )


DONE = [
    Case(
        name="lead with contact",
        call=f"POST {API}/leads/complex",
        answer=[{"id": 2000001, "contact_id": 3000001, "company_id": None, "request_id": ["0"], "merged": False}],
        entity=("lead", "2000001"),
        action="create_leads_complex",
    ),
    Case(
        name="lead whose contact was there",
        call=f"POST {API}/leads/complex",
        answer=[{"id": 2000001, "contact_id": 3000001, "request_id": ["0"], "merged": True}],
        entity=("lead", "2000001"),
        note="merged with a contact that was there",
    ),
    Case(
        name="one lead created",
        call=f"POST {API}/leads",
        answer={"_embedded": {"leads": [{"id": 2000001, "request_id": "0"}]}},
        entity=("lead", "2000001"),
        action="create_leads",
    ),
    Case(name="nothing found", call=f"GET {API}/contacts?query=77000000001", status=204, note="no content"),
    Case(name="no such lead", call=f"GET {API}/leads/5", status=204, entity=("lead", "5"), note="no content"),
    Case(name="deleted", call=f"DELETE {API}/webhooks", status=204, action="delete_webhook"),
    Case(name="accepted, not JSON", call=f"POST {API}/leads/unsorted/forms", status=202, answer="accepted"),
    Case(name="not modified", call=f"GET {API}/leads", status=304, note="not modified"),
    Case(
        name="all calls added", call=f"POST {API}/calls", request=[{}], answer={"errors": [], "_embedded": {"calls": [{"id": 1}]}}
    ),
]

REFUSED = [
    Case(
        name="one validation error",
        call=f"POST {API}/leads",
        status=400,
        answer=validation(("NotSupportedChoice", "custom_fields_values.0.field_id", "The value is not a valid choice.")),
        code="NotSupportedChoice",
        message="[0] custom_fields_values.0.field_id: The value is not a valid choice.",
        fault="ours",
        retry="no",
    ),
    Case(
        name="validation of one object",
        call=f"PATCH {API}/leads/7",
        status=400,
        answer=validation(("NotSupportedChoice", "price", "not valid"), request_id=None),
        code="NotSupportedChoice",
        message="price: not valid",
        fault="ours",
        retry="no",
        entity=("lead", "7"),
    ),
    Case(
        name="validation errors of several codes",
        call=f"PATCH {API}/leads/7",
        status=400,
        answer=validation(("A", "name", "wrong"), ("B", "price", "too much"), ("C", "tags", "too many"), ("A", "x", "wrong")),
        code="A",
        message="[0] name: wrong; [0] price: too much; [0] tags: too many; [0] x: wrong (2 other codes)",
        fault="ours",
        retry="no",
        entity=("lead", "7"),
    ),
    Case(
        name="a dozen validation errors",
        call=f"POST {API}/contacts",
        status=400,
        answer=validation(*(("Wrong", f"f{index}", "no") for index in range(12))),
        code="Wrong",
        message="; ".join(f"[0] f{index}: no" for index in range(10)) + "; and 2 more",
        fault="ours",
        retry="no",
    ),
    by_status(400, "", detail="Invalid JSON in request"),
    Case(
        name="problem with a title only",
        call=f"GET {API}/leads",
        status=404,
        answer=problem(404),
        code="HTTP_404",
        message="Title",
        fault="ours",
        retry="no",
    ),
    Case(
        name="revoked token",
        call=f"GET {API}/account",
        status=401,
        answer=problem(401, hint="Token has been revoked", detail="The resource owner denied the request"),
        code="HTTP_401",
        message="Token has been revoked",
        fault="auth",
        retry="no",
        action="test_connection",
    ),
    Case(
        name="tariff or payment",
        call=f"GET {API}/customers",
        status=402,
        answer=problem(402, detail="Payment required"),
        code="HTTP_402",
        message="Payment required",
        fault="auth",
        retry="no",
    ),
    by_status(403, "", fault="auth", detail="No right for this action"),
    by_status(404, "Not Found"),
    by_status(405, "Method Not Allowed"),
    by_status(409, "Conflict"),
    by_status(413, "Request Entity Too Large"),
    by_status(415, "Unsupported Media Type"),
    by_status(422, "Unprocessable Entity"),
]

OLDER_CODES = [
    in_words("101", 401, "Аккаунт не найден"),
    in_words("110", 401, "Неправильный логин или пароль"),
    in_words("111", 401, "Нужна captcha"),
    in_words("112", 401, "Пользователь выключен"),
    in_words("113", 403, "Доступ с этого IP-адреса запрещён"),
    in_words("202", 400, "Нет прав"),
    in_words("244", 403, "Нет прав на добавление сделок"),
    in_words("401", 401, "Аккаунт на другом сервере"),
    *(
        of_older_api(number, 400, words, "ours")
        for number, words in (
            ("102", "POST parameters must be JSON"),
            ("103", "Parameters not passed"),
            ("104", "Method not found"),
            ("201", "Contacts: empty array"),
            ("203", "System error with additional fields"),
            ("299", "A code of the list that nobody explains"),
        )
    ),
    Case(
        name="older login",
        call=f"POST {ACCOUNT}/private/api/auth.php?type=json",
        status=401,
        answer={"response": {"auth": False, "error": "Wrong login or password", "error_code": "110"}},
        code="110",
        message="Wrong login or password",
        fault="auth",
        retry="no",
        action="legacy_auth",
    ),
]

TOKENS = [
    Case(
        name="refreshed",
        call=f"POST {TOKEN}",
        request=REFRESH,
        answer={"token_type": "Bearer", "expires_in": 86400},
        entity=OF_ACCOUNT,
        action="refresh_token",
    ),
    Case(
        name="code exchanged",
        call=f"POST {TOKEN}",
        request={"grant_type": "authorization_code"},
        entity=OF_ACCOUNT,
        action="exchange_code",
    ),
    grant_refused(
        "refresh token not good", 400, "Cannot decrypt the refresh token", problem(400, hint="Cannot decrypt the refresh token")
    ),
    grant_refused("refresh token used", 401, "Token has been revoked", problem(401, hint="Token has been revoked")),
    grant_refused(
        "account moved", 404, "Account not found", problem(404, detail="Account not found"), "the account moved to another domain"
    ),
    Case(
        name="refresh that may have happened",
        call=f"POST {TOKEN}",
        request=REFRESH,
        status=502,
        code="HTTP_502",
        message="Bad Gateway",
        fault="vendor",
        retry="ambiguous",
        entity=OF_ACCOUNT,
    ),
    timed_out(f"POST {TOKEN}", "ambiguous", request=REFRESH, entity=OF_ACCOUNT, action="refresh_token"),
]

PROXIES = [
    Case(
        name="wrong domain",
        call=f"GET {API}/leads",
        status=302,
        answer_headers={"location": "https://example.kommo.com/api/v4/leads"},
        code="HTTP_302",
        message="redirected to example.kommo.com: wrong subdomain or domain",
        fault="auth",
        retry="no",
    ),
    Case(
        name="redirected nowhere",
        call=f"POST {API}/leads",
        status=307,
        code="HTTP_307",
        message="redirected to another address: wrong subdomain or domain",
        fault="auth",
        retry="no",
    ),
    page_under_200(f"GET {API}/leads", "safe", action="list_leads"),
    page_under_200(f"POST {API}/leads", "ambiguous", action="create_leads"),
    Case(name="page under 202", call=f"POST {API}/leads", status=202, answer=nginx("Accepted"), action="create_leads"),
    Case(
        name="account or address blocked",
        call=f"POST {API}/leads",
        status=403,
        answer=nginx("403 Forbidden"),
        code="HTTP_403",
        message="403 Forbidden",
        fault="auth",
        retry="no",
        note=BLOCKED,
    ),
    Case(
        name="blocked at the token endpoint",
        call=f"POST {TOKEN}",
        request=REFRESH,
        status=403,
        answer=nginx("403 Forbidden"),
        code="HTTP_403",
        message="403 Forbidden",
        fault="auth",
        retry="no",
        note=BLOCKED,
        entity=OF_ACCOUNT,
    ),
    *behind_proxy(429, "Too Many Requests", "limit", read="after", write="ambiguous"),
    Case(
        name="429 in words, with Retry-After",
        call=f"GET {API}/leads",
        status=429,
        answer="slow down",
        answer_headers={"retry-after": "3"},
        code="HTTP_429",
        message="slow down",
        fault="limit",
        retry="after",
        after_s=3,
    ),
    *behind_proxy(502, "Bad Gateway", "vendor", read="safe", write="ambiguous"),
    *behind_proxy(503, "Service Unavailable", "vendor", read="safe", write="ambiguous"),
    *behind_proxy(504, "Gateway Time-out", "vendor", read="safe", write="ambiguous"),
    Case(
        name="500 with a problem",
        call=f"POST {API}/leads",
        status=500,
        answer=problem(500, detail="Something went wrong"),
        code="HTTP_500",
        message="Something went wrong",
        fault="vendor",
        retry="ambiguous",
    ),
    timed_out(f"GET {API}/leads", "safe", action="list_leads"),
    timed_out(f"POST {API}/leads", "ambiguous", action="create_leads"),
    unreachable(f"POST {API}/leads", action="create_leads"),
]

PARTIAL = [
    partial(
        "some calls not added",
        [{"phone": "77000000001"}, {"phone": "77000000002"}],
        {
            "_total_items": 1,
            "errors": [{"request_id": "1", "title": "No card with this phone"}],
            "_embedded": {"calls": [{"id": 4000001}]},
        },
        "1 of 2 calls not added: [1] No card with this phone",
    ),
    partial(
        "calls left out without a word",
        [{}, {}, {}],
        {"errors": [], "_embedded": {"calls": [{"id": 4000001}]}},
        "2 of 3 calls not added",
    ),
    partial(
        "an item that is only a code",
        [{}],
        {"errors": [{"code": 404}], "_embedded": {"calls": []}},
        "1 of 1 calls not added: 404",
    ),
    Case(
        name="errors that are one text",
        call=f"POST {API}/leads",
        answer={"errors": "limit of the tariff"},
        code="PARTIAL_FAILURE",
        message="1 items failed: limit of the tariff",
        fault="ours",
        retry="no",
    ),
    Case(
        name="older API, errors under 200",
        call=f"POST {ACCOUNT}/api/v2/calls",
        answer={"_embedded": {"items": [], "errors": [{"msg": "phone not found"}]}},
        code="PARTIAL_FAILURE",
        message="1 items failed: phone not found",
        fault="ours",
        retry="no",
        action="legacy_create_calls",
    ),
]

VENDOR = Vendor(
    title="amoCRM (Kommo)",
    service_names=("amocrm",),
    summary="One service for every account: the subdomain is in the record's URL. There is no idempotency key, so a write that got no "
    "answer is never called safe; a refresh token works once, so that a refresh is not either. Calls of other collections "
    "are named by the rule `create_<plural>`, `update_<plural>`, `list_<plural>`, `get_<singular>` …, those of `/api/v2`, `/private/api` "
    "and `/ajax` begin with `legacy_`.",
    answers={
        "amocrm/amocrm-api-php 1.16.0 (`SUCCESS_STATUSES`, `Leads.php`); page “Adding calls”, amocrm.com/developers": DONE,
        "pages “HTTP status codes”, developers.kommo.com, and “List of API errors”, amocrm.com/developers": REFUSED,
        "page “List of API errors”, amocrm.com/developers; issue amocrm/amocrm-api-php #33": OLDER_CODES,
        "page “OAuth 2.0”, amocrm.ru/developers; issues amocrm/amocrm-api-php #123, #315": TOKENS,
        "pages “Limitations”, developers.kommo.com, and “Limitations, recommendations”, amocrm.ru/developers; "
        "amocrm/amocrm-api-php #434, #517, #563": PROXIES,
        "pages “Adding calls”, amocrm.com/developers, and `calls-api`, amocrm.ru/developers; the shape of an item is not documented": PARTIAL,
    },
)
