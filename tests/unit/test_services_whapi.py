"""Whapi: every answer that its documents tell of, and which action a call is."""

import pytest

from tests.unit.exchanges import Case, check, understand
from tests.unit.vendors.whapi import API, VENDOR


@pytest.mark.parametrize("case", VENDOR.cases, ids=str)
def test_answer_is_understood(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    ("call", "action", "entity"),
    [
        (f"POST {API}/messages/image", "send_image", None),
        (f"POST {API}/messages/media/image", "send_media", None),
        (f"POST {API}/stories/send/text", "send_story", None),
        (f"GET {API}/messages/list/77000000001@s.whatsapp.net", "list_messages", ("chat", "77000000001@s.whatsapp.net")),
        (f"POST {API}/messages/M1", "forward_message", ("message", "M1")),
        (f"PUT {API}/messages/M1", "mark_message_read", ("message", "M1")),
        (f"PUT {API}/messages/M1/reaction", "react_to_message", ("message", "M1")),
        (f"GET {API}/statuses/M1", "get_message_statuses", ("message", "M1")),
        (f"PATCH {API}/settings", "update_settings", None),
        (f"GET {API}/users/login/77000000001", "login_channel", None),
        (f"PATCH {API}/chats/77000000001@s.whatsapp.net", "patch_chat", ("chat", "77000000001@s.whatsapp.net")),
        (f"GET {API}/newsletters/120363025486@newsletter", "get_newsletter", ("newsletter", "120363025486@newsletter")),
        (f"GET {API}/newsletters/find", "find_newsletter", None),
        (f"POST {API}/newsletters/N1/subscription", "subscribe_newsletter", ("newsletter", "N1")),
        (f"DELETE {API}/newsletters/invite/Code1/subscription", "unsubscribe_newsletter_invite", None),
        (f"PUT {API}/newsletters/N1/admins/77000000001", "accept_newsletter_admin_request", ("newsletter", "N1")),
        (f"PATCH {API}/groups/77@g.us/admins", "promote_to_group_admin", ("group", "77@g.us")),
        (f"PUT {API}/groups", "accept_group_invite", None),
        (f"POST {API}/groups/link/Code1", "send_group_invite", None),
        (f"PUT {API}/communities/C1/77@g.us", "link_group_to_community", ("community", "C1")),
        (f"DELETE {API}/communities/C1/participants", "remove_community_participant", ("community", "C1")),
        (f"GET {API}/business/77000000001/products", "get_contact_products", ("contact", "77000000001")),
        (f"POST {API}/business/products/P1", "send_product", ("product", "P1")),
        (f"GET {API}/business/orders/O1", "get_order_items", ("order", "O1")),
        (f"POST {API}/labels/5/77000000001", "add_label_association", ("label", "5")),
        (f"PUT {API}/blacklist/77000000001", "blacklist_add", ("contact", "77000000001")),
        (f"PUT {API}/presences/me", "send_me_presence", None),
        (f"PUT {API}/presences/77000000001", "send_presence", ("contact", "77000000001")),
        (f"DELETE {API}/calls/K1", "reject_call", ("call", "K1")),
        (f"GET {API}/contacts/lids/77000000001", "get_lid_by_id", ("contact", "77000000001")),
        (f"GET {API}/stories/S1", "get_story", ("message", "S1")),
    ],
)
def test_call_has_its_action_and_entity(call: str, action: str, entity: tuple[str, str] | None) -> None:
    meaning = understand(call)

    assert (meaning.action, meaning.entity) == (action, entity)


def test_partner_api_is_a_service_of_its_own() -> None:
    assert understand("GET https://manager.whapi.cloud/channels/list").service_name == "whapi_partner"
