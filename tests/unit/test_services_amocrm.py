"""amoCRM: every answer that its documents tell of, and which action a call is."""

import pytest

from tests.unit.exchanges import Case, check, understand
from tests.unit.vendors.amocrm import ACCOUNT, API, VENDOR


@pytest.mark.parametrize("case", VENDOR.cases, ids=str)
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
        (f"POST {API}/customers/5/transactions", "create_transactions"),
        (f"GET {API}/customers/segments", "list_segments"),
        (f"POST {API}/talks/5/close", "close_talk"),
        (f"DELETE {API}/widgets/my_widget", "uninstall_widget"),
        (f"PUT {API}/leads/5/files", "update_files"),
        (f"GET {API}/leads/links", "list_links"),
        (f"GET {API}/customers/mode", "list_mode"),
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


@pytest.mark.parametrize(
    ("call", "entity"),
    [
        (f"GET {API}/users/77", ("user", "77")),
        (f"POST {API}/customers/5/bonus_points", ("customer", "5")),
        (f"GET {API}/catalogs/5/elements/9", ("catalog", "5")),
        (f"POST {API}/leads/5/notes", ("lead", "5")),
        (f"PATCH {API}/leads/pipelines/3/statuses/142", ("pipeline", "3")),
        (f"GET {API}/widgets/my_widget", ("widget", "my_widget")),
        (f"POST {API}/leads/unsorted/a1b2c3/accept", ("unsorted", "a1b2c3")),
        (f"GET {API}/events", None),
    ],
)
def test_call_has_its_entity(call: str, entity: tuple[str, str] | None) -> None:
    assert understand(call).entity == entity


def test_task_that_is_marked_done_is_completed() -> None:
    meaning = understand(f"PATCH {API}/tasks/5", request={"is_completed": True, "result": {"text": "done"}})

    assert (meaning.action, meaning.entity) == ("complete_task", ("task", "5"))


def test_created_leads_are_no_entity_where_there_are_several() -> None:
    two = {"_embedded": {"leads": [{"id": 2000001}, {"id": 2000002}]}}

    assert understand(f"POST {API}/leads", answer=two).entity is None
