"""Resend: every answer that its documents tell of, and which action a call is."""

import pytest

from tests.unit.exchanges import Case, check, understand
from tests.unit.vendors.resend import API, VENDOR


@pytest.mark.parametrize("case", VENDOR.cases, ids=str)
def test_answer_is_understood(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    ("call", "action", "entity"),
    [
        (f"GET {API}/emails", "list_emails", None),
        (f"GET {API}/emails/e1", "get_email", ("email", "e1")),
        (f"GET {API}/emails/metrics", "get_email_metrics", None),
        (f"POST {API}/emails/e1/cancel", "cancel_email", ("email", "e1")),
        (f"GET {API}/emails/e1/attachments/a1", "get_attachment", ("email", "e1")),
        (f"GET {API}/emails/receiving", "list_received_emails", None),
        (f"POST {API}/domains/d1/verify", "verify_domain", ("domain", "d1")),
        (f"DELETE {API}/api-keys/k1", "delete_api_key", ("api_key", "k1")),
        (f"GET {API}/contacts/anna%40customer.test", "get_contact", ("contact", "anna@customer.test")),
        (f"POST {API}/contacts/imports", "import_contacts", None),
        (f"POST {API}/broadcasts/b1/send", "send_broadcast", ("broadcast", "b1")),
        (f"POST {API}/automations/a1/stop", "stop_automation", ("automation", "a1")),
        (f"POST {API}/suppressions/batch/add", "add_suppressions", None),
        (f"POST {API}/webhooks/w1/signing-secret/rotate", "rotate_webhook_secret", ("webhook", "w1")),
        (f"POST {API}/inboxes/i1/threads/t1/emails/e1/reply", "reply_thread_email", ("thread", "t1")),
        (f"GET {API}/inboxes/i1/threads/search", "search_threads", ("inbox", "i1")),
        (f"PATCH {API}/inboxes/i1/drafts/d1", "update_draft", ("draft", "d1")),
        (f"GET {API}/logs/l1", "get_log", ("log", "l1")),
        (f"GET {API}/audiences/a1/contacts/c1", "get_contact", ("contact", "c1")),
        (f"GET {API}/something/0b9f6a1e-0000-4000-8000-000000000001", "GET /something/{id}", None),
    ],
)
def test_call_has_its_action_and_entity(call: str, action: str, entity: tuple[str, str] | None) -> None:
    meaning = understand(call)

    assert (meaning.action, meaning.entity) == (action, entity)
