"""The operations of Whapi.Cloud's channel API, and the actions they are recorded as.

An action is the `operationId` of the vendor's OpenAPI document 1.8.7 in snake_case, where the house has no name of its own for it: the sends
(`send_message`), contacts, settings and the login do. Sources: that document, and the clients purelines/whapi-sdk and
Whapi-Cloud/whapi-mcp that are generated from it.
"""

from collections.abc import Iterator

from integration_monitor.services.description import Route, in_path, in_request, in_response, route

_SENT = in_response("message", "message.id")
_MESSAGE = in_path("message", "message")
_CONTACT = in_path("contact", "contact")
_GROUP = in_path("group", "group")
_CHAT = in_path("chat", "chat")
_NEWSLETTER = in_path("newsletter", "newsletter")
_COMMUNITY = in_path("community", "community")
_PRODUCT = in_path("product", "product")
_COLLECTION = in_path("collection", "collection")
_LABEL = in_path("label", "label")

# What the last segment of POST /messages/… sends.
_SENDS = (
    *("image", "video", "short", "gif", "audio", "voice", "document", "sticker", "location", "live_location"),
    *("contact", "contact_list", "poll", "interactive", "carousel", "link_preview", "story"),
)


def routes() -> Iterator[Route]:
    yield route("GET", "/health", "test_connection", in_response("channel", "channel_id"))
    yield route("GET", "/limits", "get_limits")
    yield from _message_routes()
    yield from _story_routes()
    yield from _contact_routes()
    yield from _group_routes()
    yield from _community_routes()
    yield from _newsletter_routes()
    yield from _business_routes()
    yield from _channel_routes()
    yield from _chat_routes()
    yield from _media_routes()


def _message_routes() -> Iterator[Route]:
    yield route("POST", "/messages/text", "send_message", _SENT)
    for kind in _SENDS:
        yield route("POST", f"/messages/{kind}", f"send_{kind}", _SENT)
    yield route("POST", "/messages/media/{kind}", "send_media", _SENT)
    yield route("GET", "/messages/list", "list_messages")
    yield route("GET", "/messages/list/{chat}", "list_messages", _CHAT)
    yield route("GET", "/messages/{message}", "get_message", _MESSAGE)
    yield route("POST", "/messages/{message}", "forward_message", _MESSAGE)
    yield route("PUT", "/messages/{message}", "mark_message_read", _MESSAGE)
    yield route("DELETE", "/messages/{message}", "delete_message", _MESSAGE)
    for mark, put, delete in (
        ("reaction", "react_to_message", "remove_reaction"),
        ("star", "star_message", "unstar_message"),
        ("pin", "pin_message", "unpin_message"),
    ):
        yield route("PUT POST", f"/messages/{{message}}/{mark}", put, _MESSAGE)
        yield route("DELETE", f"/messages/{{message}}/{mark}", delete, _MESSAGE)
    yield route("GET", "/statuses/{message}", "get_message_statuses", _MESSAGE)


def _story_routes() -> Iterator[Route]:
    for kind in ("text", "media", "audio"):
        yield route("POST", f"/messages/story/{kind}", "send_story", _SENT)
        yield route("POST", f"/stories/send/{kind}", "send_story", _SENT)
    yield route("POST", "/stories", "send_story", _SENT)
    yield route("GET", "/stories", "get_stories")
    yield route("GET", "/stories/{message}", "get_story", _MESSAGE)
    yield route("PUT", "/stories/{message}", "copy_story", _MESSAGE)


def _contact_routes() -> Iterator[Route]:
    yield route("POST", "/contacts", "check_phones")
    yield route("GET", "/contacts", "list_contacts")
    yield route("PUT", "/contacts", "add_contact")
    yield route("HEAD", "/contacts/{contact}", "check_phone", _CONTACT)
    yield route("GET", "/contacts/{contact}", "get_contact", _CONTACT)
    yield route("PATCH", "/contacts/{contact}", "edit_contact", _CONTACT)
    yield route("DELETE", "/contacts/{contact}", "delete_contact", _CONTACT)
    yield route("POST", "/contacts/{contact}", "send_contact", _CONTACT)
    yield route("GET", "/contacts/{contact}/profile", "get_contact_profile", _CONTACT)
    yield route("GET", "/contacts/lids", "get_lid_by_ids")
    yield route("GET", "/contacts/lids/{contact}", "get_lid_by_id", _CONTACT)
    yield route("GET", "/blacklist", "get_black_list")
    yield route("PUT", "/blacklist/{contact}", "blacklist_add", _CONTACT)
    yield route("DELETE", "/blacklist/{contact}", "blacklist_remove", _CONTACT)
    entry = in_path("contact", "entry")
    yield route("GET", "/presences/{entry}", "get_presence", entry)
    yield route("POST", "/presences/{entry}", "subscribe_presence", entry)
    yield route("PUT", "/presences/{entry}", "send_presence", entry)
    yield route("PUT", "/presences/me", "send_me_presence")


def _group_routes() -> Iterator[Route]:
    yield route("GET", "/groups", "list_groups")
    yield route("POST", "/groups", "create_group", in_response("group", "group_id"), in_response("group", "id"))
    yield route("PUT", "/groups", "accept_group_invite", in_response("group", "group_id"))
    yield route("GET", "/groups/link/{invite}", "get_group_metadata_by_invite_code", in_response("group", "id"))
    yield route("POST", "/groups/link/{invite}", "send_group_invite", _SENT)
    yield route("GET", "/groups/{group}", "get_group", _GROUP)
    yield route("PUT", "/groups/{group}", "update_group_info", _GROUP)
    yield route("PATCH", "/groups/{group}", "update_group_setting", _GROUP)
    yield route("DELETE", "/groups/{group}", "leave_group", _GROUP)
    for method, part, action in (
        ("POST", "participants", "add_group_participant"),
        ("DELETE", "participants", "remove_group_participant"),
        ("PATCH", "admins", "promote_to_group_admin"),
        ("DELETE", "admins", "demote_group_admin"),
        ("GET", "applications", "get_group_applications_list"),
        ("POST", "applications", "approve_group_applications_list"),
        ("DELETE", "applications", "reject_group_applications_list"),
        ("GET", "icon", "get_group_icon"),
        ("PUT", "icon", "set_group_icon"),
        ("DELETE", "icon", "delete_group_icon"),
        ("GET", "invite", "get_group_invite"),
        ("DELETE", "invite", "revoke_group_invite"),
    ):
        yield route(method, f"/groups/{{group}}/{part}", action, _GROUP)


def _community_routes() -> Iterator[Route]:
    one = "/communities/{community}"
    yield route("GET", "/communities", "get_communities")
    yield route("POST", "/communities", "create_community", in_response("community", "id"))
    yield route("POST", "/communities/event", "create_event")
    for method, part, action in (
        ("GET", "", "get_community"),
        ("POST", "", "create_group_in_community"),
        ("DELETE", "", "deactivate_community"),
        ("POST", "/createGroup", "create_group_in_community"),
        ("PATCH", "/settings", "change_community_settings"),
        ("POST", "/participants", "add_community_participant"),
        ("DELETE", "/participants", "remove_community_participant"),
        ("PATCH", "/admins", "promote_community_participant"),
        ("DELETE", "/admins", "demote_community_participant"),
        ("GET", "/subgroups", "get_community_sub_groups"),
        ("GET", "/subGroups", "get_community_sub_groups"),
        ("DELETE", "/link", "revoke_community_invite"),
        ("DELETE", "/revokeInviteUrl", "revoke_community_invite"),
        ("PUT", "/{group}", "link_group_to_community"),
        ("DELETE", "/{group}", "unlink_group_from_community"),
        ("POST", "/{group}/join", "join_in_community_group"),
    ):
        yield route(method, f"{one}{part}", action, _COMMUNITY)


def _newsletter_routes() -> Iterator[Route]:
    yield route("GET", "/newsletters", "get_newsletters")
    yield route("POST", "/newsletters", "create_newsletter", in_response("newsletter", "id"))
    yield route("GET", "/newsletters/find", "find_newsletter")
    yield route("GET", "/newsletters/recommended", "recommended_newsletter")
    yield route("GET", "/newsletters/link/{invite}", "get_newsletter_by_invite_code", in_response("newsletter", "id"))
    yield route("POST", "/newsletters/link/{invite}", "send_newsletter_invite", _SENT)
    yield route("POST", "/newsletters/invite/{invite}/subscription", "subscribe_newsletter_invite")
    yield route("DELETE", "/newsletters/invite/{invite}/subscription", "unsubscribe_newsletter_invite")
    for method, part, action in (
        ("GET", "", "get_newsletter"),
        ("PATCH", "", "edit_newsletter"),
        ("DELETE", "", "delete_newsletter"),
        ("GET", "/messages", "get_messages_newsletter"),
        ("POST", "/subscription", "subscribe_newsletter"),
        ("DELETE", "/subscription", "unsubscribe_newsletter"),
        ("POST", "/tracking", "tracking_newsletter"),
        ("POST", "/invite/{contact}", "create_newsletter_admin_invite"),
        ("DELETE", "/invite/{contact}", "revoke_newsletter_admin_invite"),
        ("PUT", "/admins/{contact}", "accept_newsletter_admin_request"),
        ("DELETE", "/admins/{contact}", "demote_newsletter_admin"),
    ):
        yield route(method, f"/newsletters/{{newsletter}}{part}", action, _NEWSLETTER)


def _business_routes() -> Iterator[Route]:
    yield route("GET", "/business", "get_business_profile")
    yield route("POST", "/business", "edit_business_profile")
    yield route("GET", "/business/{contact}/products", "get_contact_products", _CONTACT)
    yield route("POST", "/business/catalogs/{contact}", "send_catalog", _SENT, _CONTACT)
    yield route("GET", "/business/orders/{order}", "get_order_items", in_path("order", "order"))
    yield route("GET", "/business/products", "get_products")
    yield route("POST", "/business/products", "create_product", in_response("product", "id"))
    yield route("GET", "/business/products/{product}", "get_product", _PRODUCT)
    yield route("POST", "/business/products/{product}", "send_product", _SENT, _PRODUCT)
    yield route("PATCH", "/business/products/{product}", "update_product", _PRODUCT)
    yield route("DELETE", "/business/products/{product}", "delete_product", _PRODUCT)
    yield route("GET", "/business/collections", "get_collections_list")
    yield route("POST", "/business/collections", "create_collection", in_response("collection", "id"))
    yield route("GET", "/business/collections/{collection}", "get_collection", _COLLECTION)
    yield route("PATCH", "/business/collections/{collection}", "edit_collection", _COLLECTION)
    yield route("DELETE", "/business/collections/{collection}", "delete_collection", _COLLECTION)
    yield route("GET", "/labels", "get_labels")
    yield route("POST", "/labels", "create_label", in_request("label", "id"))
    yield route("GET", "/labels/{label}", "get_label_associations", _LABEL)
    yield route("DELETE", "/labels/{label}", "delete_label", _LABEL)
    yield route("POST", "/labels/{label}/{association}", "add_label_association", _LABEL)
    yield route("DELETE", "/labels/{label}/{association}", "delete_label_association", _LABEL)


def _channel_routes() -> Iterator[Route]:
    """Settings hold proxies with passwords and the headers of webhooks; a login lets anyone link the account."""
    secrets = {"proxy": "proxy", "mobile_proxy": "proxy", "headers": "webhook_headers", "url": "webhook_url"}
    yield route("GET", "/settings", "get_settings", secrets=secrets)
    yield route("PATCH", "/settings", "update_settings", secrets=secrets)
    yield route("DELETE", "/settings", "reset_settings", secrets=secrets)
    yield route("GET", "/settings/events", "get_allowed_events")
    yield route("POST", "/settings/webhook_test", "test_webhook", secrets=secrets)
    both = frozenset({"request", "response"})
    for path in ("/users/login", "/users/login/{kind}"):
        yield route("", path, "login_channel", withheld=both)
    yield route("POST", "/users/logout", "logout_channel")
    yield route("GET", "/users/profile", "get_profile")
    yield route("PATCH", "/users/profile", "update_profile")
    yield route("PUT", "/status", "change_status")
    call = in_path("call", "call")
    yield route("POST", "/calls", "create_call_event", in_response("call", "id"))
    yield route("POST", "/calls/group_link", "create_group_call_link")
    yield route("DELETE", "/calls/{call}", "reject_call", call)
    yield route("POST", "/calls/{call}/reject", "reject_call", call)


def _chat_routes() -> Iterator[Route]:
    yield route("GET", "/chats", "get_chats")
    for method, action in (("GET", "get"), ("DELETE", "delete"), ("POST", "archive"), ("PATCH", "patch")):
        yield route(method, "/chats/{chat}", f"{action}_chat", _CHAT)


def _media_routes() -> Iterator[Route]:
    yield route("POST", "/media", "upload_media", in_response("media", "media.0.id"))
    yield route("GET", "/media", "list_media")
    yield route("GET", "/media/{media}", "get_media", in_path("media", "media"))
    yield route("DELETE", "/media/{media}", "delete_media", in_path("media", "media"))
