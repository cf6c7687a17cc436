"""The calls of amoCRM's API v4 and OAuth, and the actions they are recorded as.

An action follows one rule: POST on a collection creates, PATCH updates, GET lists; on one of it GET, PATCH and DELETE get, update and delete.
Source: the services of the vendor's library amocrm/amocrm-api-php 1.16.0, `src/AmoCRM/EntitiesServices/`.
"""

from collections.abc import Iterator

from integration_monitor.services.description import EntityPlace, Route, in_path, in_request, in_response, route

API = "/api/v4"
ENTITIES = {"leads": "lead", "contacts": "contact", "companies": "company", "customers": "customer"}
#: calls that hand out tokens
TOKEN_ACTIONS = frozenset({"refresh_token", "exchange_code", "get_token", "exchange_api_key"})

_TOKEN_PATH = "/oauth2/access_token"  # noqa: S105 (a path)
# The whole token answer is secret but for these; the others are those of a problem (RFC 9457).
_TOKEN_FIELDS_KEPT = frozenset({"token_type", "expires_in", "hint", "title", "type", "status", "detail"})

# Collections that belong to the account: path → (plural, singular) in actions.
_COLLECTIONS = {
    "leads/loss_reasons": ("loss_reasons", "loss_reason"),
    "leads/pipelines": ("pipelines", "pipeline"),
    "customers/transactions": ("transactions", "transaction"),
    "customers/statuses": ("statuses", "status"),
    "customers/segments": ("segments", "segment"),
    "tasks": ("tasks", "task"),
    "events": ("events", "event"),
    "users": ("users", "user"),
    "roles": ("roles", "role"),
    "catalogs": ("catalogs", "catalog"),
    "products": ("products", "product"),
    "sources": ("sources", "source"),
    "short_links": ("short_links", "short_link"),
    "talks": ("talks", "talk"),
    "chats/templates": ("templates", "template"),
    "website_buttons": ("website_buttons", "website_button"),
    "currencies": ("currencies", "currency"),
}


def routes() -> Iterator[Route]:
    yield route("GET", f"{API}/account", "test_connection", in_response("account", "id"))
    for plural, singular in ENTITIES.items():
        yield from _entity_routes(plural, singular)
    for path, (plural, singular) in _COLLECTIONS.items():
        yield from _collection_routes(f"{API}/{path}", plural, singular)
    yield route("POST", f"{API}/leads/complex", "create_leads_complex", in_response("lead", "0.id"))
    yield from _unsorted_routes()
    yield from _part_routes()
    for spelling in ("True", "true", "1"):
        yield route("PATCH", f"{API}/tasks/{{id:number}}", "complete_task", in_path("task"), when=("is_completed", spelling))
    yield route("POST", f"{API}/talks/{{id:number}}/close", "close_talk", in_path("talk"))
    yield route("POST", f"{API}/calls", "create_calls")
    yield route("GET", f"{API}/widgets", "list_widgets")
    for method, action in (("GET", "get_widget"), ("POST", "install_widget"), ("DELETE", "uninstall_widget")):
        yield route(method, f"{API}/widgets/{{code}}", action, in_path("widget", "code"))
    hook = {"destination": "webhook_url"}
    yield route("GET", f"{API}/webhooks", "list_webhooks", secrets=hook)
    yield route("POST", f"{API}/webhooks", "create_webhook", in_response("webhook", "id"), secrets=hook)
    yield route("DELETE", f"{API}/webhooks", "delete_webhook", secrets=hook)
    yield from _oauth_routes()


def _collection_routes(path: str, plural: str, singular: str, *entities: EntityPlace) -> Iterator[Route]:
    """Create, update and list a collection; get, update and delete one of it."""
    created = entities or (in_response(singular, f"_embedded.{plural}.[].id"),)
    one = entities or (in_path(singular),)
    yield route("POST", path, f"create_{plural}", *created)
    yield route("PATCH", path, f"update_{plural}", *(entities or (*created, in_request(singular, "[].id"))))
    yield route("GET", path, f"list_{plural}", *entities)
    yield route("GET", f"{path}/{{id:number}}", f"get_{singular}", *one)
    yield route("PATCH", f"{path}/{{id:number}}", f"update_{singular}", *one)
    yield route("DELETE", f"{path}/{{id:number}}", f"delete_{singular}", *one)


def _entity_routes(plural: str, singular: str) -> Iterator[Route]:
    path = f"{API}/{plural}"
    owner = in_path(singular, "owner")
    yield from _collection_routes(path, plural, singular)
    yield from _collection_routes(f"{path}/notes", "notes", "note", in_request(singular, "[].entity_id"))
    yield from _collection_routes(f"{path}/{{owner:number}}/notes", "notes", "note", owner)
    yield from _collection_routes(f"{path}/tags", "tags", "tag")
    yield from _collection_routes(f"{path}/custom_fields", "custom_fields", "custom_field")
    yield from _collection_routes(f"{path}/custom_fields/groups", "groups", "group")
    yield route("POST", f"{path}/{{owner:number}}/link", "link_entities", owner)
    yield route("POST", f"{path}/{{owner:number}}/unlink", "unlink_entities", owner)
    yield route("GET", f"{path}/{{owner:number}}/links", "list_links", owner)
    yield route("GET", f"{path}/links", "list_links")
    yield route("POST", f"{path}/link", "link_entities", in_request(singular, "[].entity_id"))
    yield route("POST", f"{path}/unlink", "unlink_entities", in_request(singular, "[].entity_id"))
    yield from _collection_routes(f"{path}/{{owner:number}}/files", "files", "file", owner)
    yield route("PUT", f"{path}/{{owner:number}}/files", "update_files", owner)
    yield route("DELETE", f"{path}/{{owner:number}}/files", "delete_files", owner)


def _part_routes() -> Iterator[Route]:
    """What belongs to one pipeline, customer or catalog."""
    pipeline, customer, catalog = in_path("pipeline", "owner"), in_path("customer", "owner"), in_path("catalog", "owner")
    yield from _collection_routes(f"{API}/leads/pipelines/{{owner:number}}/statuses", "statuses", "status", pipeline)
    yield from _collection_routes(f"{API}/customers/{{owner:number}}/transactions", "transactions", "transaction", customer)
    yield route("GET", f"{API}/customers/{{owner:number}}/bonus_points", "list_bonus_points", customer)
    yield route("POST", f"{API}/customers/{{owner:number}}/bonus_points", "create_bonus_points", customer)
    path = f"{API}/catalogs/{{owner:number}}"
    yield from _collection_routes(f"{path}/elements", "elements", "element", catalog)
    yield from _collection_routes(f"{path}/custom_fields", "custom_fields", "custom_field", catalog)


def _unsorted_routes() -> Iterator[Route]:
    path = f"{API}/leads/unsorted"
    one = in_path("unsorted", "uid")
    yield route("GET", path, "list_unsorted")
    yield route("GET", f"{path}/summary", "get_unsorted_summary")
    for kind in ("forms", "sip"):
        yield route("POST", f"{path}/{kind}", f"create_unsorted_{kind}", in_response("unsorted", "_embedded.unsorted.[].uid"))
    yield route("GET", f"{path}/{{uid}}", "get_unsorted", one)
    yield route("POST", f"{path}/{{uid}}/accept", "accept_unsorted", one)
    yield route("DELETE", f"{path}/{{uid}}/decline", "decline_unsorted", one)
    yield route("POST", f"{path}/{{uid}}/link", "link_unsorted", one)


def _oauth_routes() -> Iterator[Route]:
    account = EntityPlace(type="account", source="host")
    secrets = {"code": "authorization_code"}
    for grant, action in (("refresh_token", "refresh_token"), ("authorization_code", "exchange_code")):
        yield route(
            "POST",
            _TOKEN_PATH,
            action,
            account,
            when=("grant_type", grant),
            secrets=secrets,
            response_fields_kept=_TOKEN_FIELDS_KEPT,
        )
    yield route("", _TOKEN_PATH, "get_token", account, secrets=secrets, response_fields_kept=_TOKEN_FIELDS_KEPT)
    for path in ("/oauth2/account/subdomain", "/oauth2/account/current/subdomain"):
        yield route("GET", path, "get_account_domain")
    yield route(
        "POST",
        "/oauth2/exchange_api_key",
        "exchange_api_key",
        account,
        secrets={**secrets, "login": "login"},
        response_fields_kept=_TOKEN_FIELDS_KEPT,
    )
