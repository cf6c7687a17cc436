"""amoCRM: every answer that its sources tell of, and what it means."""

import pytest

from integration_monitor.record import Json
from tests.unit.exchanges import Case, check, understand

ACCOUNT = "https://example.amocrm.ru"
API = f"{ACCOUNT}/api/v4"
TOKEN = f"{ACCOUNT}/oauth2/access_token"
NGINX = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr><center>nginx</center></body></html>"


def problem(status: int, **fields: Json) -> Json:
    return {"title": "Title", "type": f"https://httpstatus.es/{status}", "status": status, **fields}


def validation(*errors: tuple[str, str, str]) -> Json:
    listed = [{"code": code, "path": path, "detail": detail} for code, path, detail in errors]
    return problem(400, detail="Request validation failed", **{"validation-errors": [{"request_id": "0", "errors": listed}]})


CASES = [
    Case(
        name="complex lead",
        call=f"POST {API}/leads/complex",
        answer=[{"id": 2000001, "contact_id": 3000001, "company_id": None, "request_id": ["0"], "merged": False}],
        entity=("lead", "2000001"),
        action="create_leads_complex",
    ),
    Case(name="nothing found", call=f"GET {API}/contacts?query=77000000001", status=204, note="no content"),
    Case(name="no such lead", call=f"GET {API}/leads/5", status=204, entity=("lead", "5"), note="no content"),
    Case(name="deleted", call=f"DELETE {API}/webhooks", status=204, action="delete_webhook"),
    Case(name="accepted without JSON", call=f"POST {API}/leads/unsorted/forms", status=202, answer="accepted"),
    Case(name="not modified", call=f"GET {API}/leads", status=304, note="not modified"),
    Case(
        name="one validation error",
        call=f"POST {API}/leads",
        status=400,
        answer=validation(
            ("NotSupportedChoice", "custom_fields_values.0.field_id", "The value you selected is not a valid choice.")
        ),
        code="NotSupportedChoice",
        message="[0] custom_fields_values.0.field_id: The value you selected is not a valid choice.",
        fault="ours",
        retry="no",
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
    Case(
        name="code in words",
        call=f"POST {API}/leads",
        status=403,
        answer=problem(403, detail="Нет прав. Код ошибки 244"),
        code="244",
        message="Нет прав. Код ошибки 244",
        fault="auth",
        retry="no",
    ),
    Case(
        name="malformed request",
        call=f"POST {API}/leads",
        status=400,
        answer=problem(400, detail="Invalid JSON in request"),
        code="HTTP_400",
        message="Invalid JSON in request",
        fault="ours",
        retry="no",
    ),
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
        name="unpaid",
        call=f"GET {API}/customers",
        status=402,
        answer=problem(402, detail="Payment required"),
        code="HTTP_402",
        message="Payment required",
        fault="auth",
        retry="no",
    ),
    Case(
        name="blocked by the proxy",
        call=f"POST {API}/leads",
        status=403,
        answer=NGINX.format("403 Forbidden"),
        code="HTTP_403",
        message="403 Forbidden",
        fault="auth",
        retry="no",
    ),
    Case(
        name="409 without body",
        call=f"POST {API}/leads",
        status=409,
        code="HTTP_409",
        message="Conflict",
        fault="ours",
        retry="no",
    ),
    Case(
        name="too many reads",
        call=f"GET {API}/leads",
        status=429,
        answer=NGINX.format("429 Too Many Requests"),
        code="HTTP_429",
        message="429 Too Many Requests",
        fault="limit",
        retry="after",
    ),
    Case(
        name="too many reads with Retry-After",
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
    Case(
        name="too many writes",
        call=f"POST {API}/leads",
        status=429,
        answer=NGINX.format("429 Too Many Requests"),
        code="HTTP_429",
        message="429 Too Many Requests",
        fault="limit",
        retry="ambiguous",
    ),
    Case(
        name="gateway at a write",
        call=f"POST {API}/leads",
        status=504,
        answer=NGINX.format("504 Gateway Time-out"),
        code="HTTP_504",
        message="504 Gateway Time-out",
        fault="vendor",
        retry="ambiguous",
    ),
    Case(
        name="gateway at a read",
        call=f"GET {API}/leads",
        status=502,
        code="HTTP_502",
        message="Bad Gateway",
        fault="vendor",
        retry="safe",
    ),
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
        name="calls with errors",
        call=f"POST {API}/calls",
        request=[{"phone": "77000000001"}, {"phone": "77000000002"}],
        answer={
            "_total_items": 1,
            "errors": [{"request_id": "1", "title": "No card with this phone"}],
            "_embedded": {"calls": [{"id": 4000001}]},
        },
        code="PARTIAL_FAILURE",
        message="1 of 2 calls not added: [1] No card with this phone",
        fault="ours",
        retry="no",
        action="create_calls",
    ),
    Case(
        name="calls left out without a word",
        call=f"POST {API}/calls",
        request=[{}, {}, {}],
        answer={"errors": [], "_embedded": {"calls": [{"id": 4000001}]}},
        code="PARTIAL_FAILURE",
        message="2 of 3 calls not added",
        fault="ours",
        retry="no",
    ),
    Case(
        name="all calls added",
        call=f"POST {API}/calls",
        request=[{}],
        answer={"errors": [], "_embedded": {"calls": [{"id": 1}]}},
    ),
    Case(
        name="legacy errors under 200",
        call=f"POST {ACCOUNT}/api/v2/calls",
        answer={"_embedded": {"items": [], "errors": [{"msg": "phone not found"}]}},
        code="PARTIAL_FAILURE",
        message="1 items failed: phone not found",
        fault="ours",
        retry="no",
        action="legacy_create_calls",
    ),
    Case(
        name="private API",
        call=f"POST {ACCOUNT}/private/api/auth.php?type=json",
        status=401,
        answer={"response": {"auth": False, "error": "Wrong login or password", "error_code": "110"}},
        code="110",
        message="Wrong login or password",
        fault="auth",
        retry="no",
        action="legacy_auth",
    ),
    Case(
        name="refresh",
        call=f"POST {TOKEN}",
        request={"grant_type": "refresh_token", "refresh_token": "def50200"},
        answer={"token_type": "Bearer", "expires_in": 86400},
        entity=("account", "example.amocrm.ru"),
        action="refresh_token",
    ),
    Case(
        name="exchange of a code",
        call=f"POST {TOKEN}",
        request={"grant_type": "authorization_code"},
        entity=("account", "example.amocrm.ru"),
        action="exchange_code",
    ),
    Case(
        name="grant refused",
        call=f"POST {TOKEN}",
        request={"grant_type": "refresh_token"},
        status=400,
        answer=problem(400, hint="Cannot decrypt the refresh token", detail="The refresh token is invalid."),
        code="HTTP_400",
        message="Cannot decrypt the refresh token",
        fault="auth",
        retry="no",
        entity=("account", "example.amocrm.ru"),
    ),
    Case(
        name="account moved",
        call=f"POST {TOKEN}",
        request={"grant_type": "refresh_token"},
        status=404,
        answer=problem(404, detail="Account not found"),
        code="HTTP_404",
        message="Account not found",
        fault="auth",
        retry="no",
        entity=("account", "example.amocrm.ru"),
    ),
    Case(
        name="refresh that may have happened",
        call=f"POST {TOKEN}",
        request={"grant_type": "refresh_token"},
        status=502,
        code="HTTP_502",
        message="Bad Gateway",
        fault="vendor",
        retry="ambiguous",
        entity=("account", "example.amocrm.ru"),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_answer_is_understood(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    ("call", "action"),
    [
        (f"POST {API}/leads", "create_leads"),
        (f"PATCH {API}/leads", "update_leads"),
        (f"GET {API}/leads", "list_leads"),
        (f"GET {API}/leads/123", "get_lead"),
        (f"PATCH {API}/leads/123", "update_lead"),
        (f"GET {API}/companies/5/", "get_company"),
        (f"POST {API}/leads/123/notes", "create_notes"),
        (f"GET {API}/contacts/123/notes/77", "get_note"),
        (f"POST {API}/leads/123/link", "link_entities"),
        (f"POST {API}/leads/123/unlink", "unlink_entities"),
        (f"GET {API}/leads/123/links", "list_links"),
        (f"GET {API}/leads/unsorted", "list_unsorted"),
        (f"POST {API}/leads/unsorted/sip", "create_unsorted_sip"),
        (f"POST {API}/leads/unsorted/a1b2c3/accept", "accept_unsorted"),
        (f"DELETE {API}/leads/unsorted/a1b2c3/decline", "decline_unsorted"),
        (f"GET {API}/leads/pipelines", "list_pipelines"),
        (f"GET {API}/leads/pipelines/3/statuses", "list_statuses"),
        (f"GET {API}/leads/loss_reasons", "list_loss_reasons"),
        (f"GET {API}/leads/custom_fields/groups", "list_groups"),
        (f"POST {API}/leads/tags", "create_tags"),
        (f"POST {API}/customers/5/bonus_points", "create_bonus_points"),
        (f"GET {API}/users/77", "get_user"),
        (f"GET {API}/catalogs/5/elements", "list_elements"),
        (f"GET {API}/events", "list_events"),
        (f"POST {API}/chats/templates", "create_templates"),
        (f"POST {API}/webhooks", "create_webhook"),
        (f"GET {ACCOUNT}/oauth2/account/current/subdomain", "get_account_domain"),
        (f"POST {ACCOUNT}/oauth2/exchange_api_key", "exchange_api_key"),
        (f"POST {ACCOUNT}/api/v2/leads", "legacy_create_leads"),
        (f"POST {ACCOUNT}/private/api/v2/json/leads/set", "legacy_leads_set"),
        (f"POST {ACCOUNT}/ajax/leads/detail/7", "legacy_leads_detail"),
        ("GET https://drive-a.amocrm.ru/v1.0/files", "list_files"),
        ("GET https://api-a.kommo.com/api/v4/sources/9", "get_source"),
    ],
)
def test_call_has_its_action(call: str, action: str) -> None:
    meaning = understand(call)

    assert (meaning.service_name, meaning.action) == ("amocrm", action)


def test_task_that_is_marked_done_is_completed() -> None:
    meaning = understand(f"PATCH {API}/tasks/5", request={"is_completed": True, "result": {"text": "done"}})

    assert (meaning.action, meaning.entity) == ("complete_task", ("task", "5"))


def test_created_lead_is_the_entity_if_it_is_the_only_one() -> None:
    one = {"_embedded": {"leads": [{"id": 2000001, "request_id": "0"}]}}
    two = {"_embedded": {"leads": [{"id": 2000001}, {"id": 2000002}]}}

    assert understand(f"POST {API}/leads", answer=one).entity == ("lead", "2000001")
    assert understand(f"POST {API}/leads", answer=two).entity is None


def test_validation_of_a_single_object_names_no_item() -> None:
    answer = {"validation-errors": [{"errors": [{"code": "NotSupportedChoice", "path": "price", "detail": "not valid"}]}]}

    outcome = understand("PATCH https://example.amocrm.ru/api/v4/leads/1", status=400, answer=answer).outcome

    assert (outcome.error_code, outcome.error_message) == ("NotSupportedChoice", "price: not valid")


def test_errors_that_are_one_text_are_told() -> None:
    outcome = understand("POST https://example.amocrm.ru/api/v4/leads", answer={"errors": "limit of the tariff"}).outcome

    assert (outcome.error_code, outcome.error_message) == ("PARTIAL_FAILURE", "1 items failed: limit of the tariff")
