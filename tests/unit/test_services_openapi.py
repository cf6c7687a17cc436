"""An OpenAPI document becomes a description that can be read, and says which route is which action on what."""

import json
import tomllib
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from integration_monitor.record import Json
from integration_monitor.services.description_file import build, parse_text
from integration_monitor.services.forms import HOSTS_MAX
from integration_monitor.services.openapi import ImportRefused, import_document
from integration_monitor.services.toml_text import document, inline

SHOP_30 = """
openapi: 3.0.3
info: {title: Shop API, version: "7"}
servers:
  - url: https://api.shop.test/v2
  - url: https://{region}.shop.example/v2/
    variables: {region: {enum: [eu, us], default: eu}}
  - url: https://{tenant}.tenants.shop.test/v2
    variables: {tenant: {default: demo}}
components:
  parameters:
    Order: {name: orderId, in: path, required: true, schema: {type: integer}}
  securitySchemes:
    bearerAuth: {type: http, scheme: bearer}
    shopKey: {type: apiKey, in: header, name: X-Shop-Key}
    session: {type: apiKey, in: cookie, name: SID}
paths:
  /orders:
    get: {operationId: listOrders}
    post: {operationId: orders/create-one}
  /orders/{orderId}:
    parameters: [{$ref: "#/components/parameters/Order"}]
    get: {operationId: getOrder}
    delete: {operationId: GetOrder}
  /orders/{orderId}/lines/{id}:
    get: {operationId: getOrderLine}
  /orders/{order_id}:
    get: {operationId: getOrderAgain}
  /categories/{id}/items:
    get: {}
  /reports/{format}:
    get: {operationId: "2fa.report"}
  /files/{name}.json:
    get: {operationId: getFile}
"""
SHOP_31 = {
    "openapi": "3.1.0",
    "info": {"title": "Shop API", "version": "8"},
    "servers": [{"url": "https://api.shop.test"}],
    "paths": {
        "/v1/users/{user-id}": {"put": {"operationId": "UpdateUserByID", "servers": [{"url": "https://users.shop.test"}]}},
        "/v1/users/{user-id}/notes": {"get": {"operationId": "x" * 90}, "post": {"operationId": "x" * 90}},
    },
    "webhooks": {"created": {"post": {"operationId": "onCreated"}}},
}


def routes(api: Json, **options: Any) -> dict[str, tuple[str, str | None]]:
    """`GET /v1/x` → (action, entity) of what a document becomes, read as a description."""
    imported = import_document(api, name="shop", **options)
    service = build(parse_text(imported.text.encode(), file="shop.toml"), {}, file="shop.toml")
    assert imported.routes_count == len(service.routes)
    return {
        f"{' '.join(route.methods)} {route.path}": (
            route.action,
            next((f"{entity.type} {entity.source}.{entity.field}" for entity in route.entities), None),
        )
        for route in service.routes
    }


def test_yaml_document_of_30_becomes_routes_with_actions_and_entities() -> None:
    assert routes(yaml.safe_load(SHOP_30)) == {
        "GET /v2/orders": ("list_orders", None),
        "POST /v2/orders": ("orders_create_one", None),
        # A reference says that it is a whole number.
        "GET /v2/orders/{order_id:number}": ("get_order", "order path.order_id"),
        "DELETE /v2/orders/{order_id:number}": ("get_order_2", "order path.order_id"),
        "GET /v2/orders/{order_id}/lines/{id}": ("get_order_line", "line path.id"),
        "GET /v2/orders/{order_id}": ("get_order_again", "order path.order_id"),
        "GET /v2/categories/{id}/items": ("get_categories_by_id_items", "category path.id"),
        "GET /v2/reports/{format}": ("get_2_fa_report", None),
        "GET /v2/files/{name}": ("get_file", None),
    }


def test_json_document_of_31_becomes_the_same_kind_of_routes() -> None:
    found = routes(json.loads(json.dumps(SHOP_31)))

    assert found["PUT /v1/users/{user_id}"] == ("update_user_by_id", "user path.user_id")
    assert found["GET /v1/users/{user_id}/notes"] == ("x" * 64, "user path.user_id")
    assert found["POST /v1/users/{user_id}/notes"] == ("x" * 62 + "_2", "user path.user_id")
    assert len(found) == 3


def test_hosts_are_those_of_all_servers() -> None:
    values = tomllib.loads(import_document(yaml.safe_load(SHOP_30), name="shop").text)
    newer = tomllib.loads(import_document(SHOP_31, name="shop").text)

    assert values["hosts"] == ["api.shop.test", "eu.shop.example", "us.shop.example", "*.tenants.shop.test"]
    assert newer["hosts"] == ["api.shop.test", "users.shop.test"]


def test_headers_with_credentials_are_named() -> None:
    values = tomllib.loads(import_document(yaml.safe_load(SHOP_30), name="shop").text)

    assert values["secrets"]["names"] == {"authorization": "bearer_auth", "x-shop-key": "shop_key", "cookie": "session"}


def test_route_that_takes_the_requests_of_another_is_left_out_and_told() -> None:
    api = {
        "openapi": "3.0.0",
        "servers": [{"url": "https://api.shop.test"}],
        "paths": {"/jobs/{id}:start": {"post": {}}, "/jobs/{id}:stop": {"post": {}}},
    }

    imported = import_document(api, name="shop")

    assert imported.routes_count == 1
    assert imported.left_out == ("POST /jobs/{id}: another route takes the same requests",)


@pytest.mark.parametrize(
    ("api", "reason"),
    [
        ([], "no key `openapi`"),
        ({"swagger": "2.0", "paths": {}}, r"Swagger 2\.0, convert it first"),
        ({"openapi": "3.0.0", "paths": {"/a": {"get": {}}}}, "give one with --host"),
        ({"openapi": "3.0.0", "servers": [{"url": "/v1"}], "paths": {"/a": {"get": {}}}}, "give one with --host"),
        ({"openapi": "3.0.0", "servers": [{"url": "https://a.test"}]}, "it describes no paths"),
    ],
)
def test_document_that_says_too_little_is_refused(api: Json, reason: str) -> None:
    with pytest.raises(ImportRefused, match=reason):
        import_document(api, name="shop")


def test_host_that_is_given_takes_the_path_of_the_document() -> None:
    api = {"openapi": "3.0.0", "servers": [{"url": "/v1"}], "paths": {"/a": {"get": {"operationId": "getA"}}}}

    assert routes(api, hosts=("api.shop.test",)) == {"GET /v1/a": ("get_a", None)}


SEGMENTS = st.sampled_from(["orders", "{id}", "{order-id}", "{a}{b}", "v1", "{x}.json", "me", "Straße", "a b", "{}", "{1}"])
OPERATIONS = st.dictionaries(
    st.sampled_from(["get", "post", "put", "parameters", "x-own"]),
    st.fixed_dictionaries({}, optional={"operationId": st.text(max_size=100), "parameters": st.lists(st.none(), max_size=2)})
    | st.none(),
    max_size=3,
)


@given(
    paths=st.dictionaries(st.lists(SEGMENTS, max_size=5).map(lambda segments: "/" + "/".join(segments)), OPERATIONS, max_size=6),
    server=st.sampled_from(["https://api.shop.test/v1", "https://{x}.shop.test", "https://api.shop.test/{version}", "//", ""]),
)
def test_whatever_is_imported_can_be_read(paths: dict[str, Json], server: str) -> None:
    api = {"openapi": "3.1.0", "info": None, "servers": [{"url": server}], "paths": paths}

    try:
        imported = import_document(api, name="shop", hosts=("api.shop.test",))
    except ImportRefused:
        return

    service = build(parse_text(imported.text.encode(), file="shop.toml"), {}, file="shop.toml")
    assert len({route.action for route in service.routes}) <= len(service.routes) == imported.routes_count


TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_value_that_is_written_is_read_again(value: Json) -> None:
    assert tomllib.loads(f"value = {inline(value)}\n") == {"value": value}


def test_document_is_written_with_its_tables_last() -> None:
    text = document({"table": {"a": 1}, "name": "x", "rows": [{"a": [1]}, {"b": {}}]}, comment="One.\n\nTwo.")

    assert text == '# One.\n#\n# Two.\nname = "x"\n\nrows = [\n  { a = [1] },\n  { b = {} },\n]\n\n[table]\na = 1\n'


def imported_routes(api: Json) -> list[dict[str, Any]]:
    """The routes of a description that can be read."""
    text = import_document(api, name="shop").text
    build(parse_text(text.encode(), file="shop.toml"), {}, file="shop.toml")
    return list(tomllib.loads(text)["routes"])


def api_of(paths: Json, **more: Json) -> Json:
    return {"openapi": "3.1.0", "servers": [{"url": "https://api.shop.test"}], "paths": paths, **more}


@pytest.mark.parametrize("path", ["/orders?action=pay", "/orders#pay", "/a b?", "/" + "/".join("x" * 90 for _ in range(6))])
def test_odd_path_is_left_out_and_told(path: str) -> None:
    api = api_of({path: {"get": {}}, "/orders": {"get": {"operationId": "listOrders"}}})

    imported = import_document(api, name="shop")

    assert [route["path"] for route in imported_routes(api)] == ["/orders"]
    [told] = imported.left_out
    assert told.endswith("no path that a description can have")


def test_path_item_may_be_a_reference() -> None:
    items = {"order": {"get": {"operationId": "getOrder"}}}

    routes = imported_routes(api_of({"/orders/{id}": {"$ref": "#/components/pathItems/order"}}, components={"pathItems": items}))

    assert [route["action"] for route in routes] == ["get_order"]


def test_server_that_is_no_address_is_left_out() -> None:
    api = api_of({"/a": {"get": {}}})
    api["servers"] += [{"url": "http://[::1"}, {"url": "https://-a-.shop.test"}, {"url": None}, 5]

    assert tomllib.loads(import_document(api, name="shop").text)["hosts"] == ["api.shop.test"]


def test_more_hosts_than_a_description_may_have_are_left_out() -> None:
    api = api_of({"/a": {"get": {}}})
    api["servers"] = [{"url": f"https://h{number}.shop.test"} for number in range(HOSTS_MAX + 10)]

    assert imported_routes(api)
    assert len(tomllib.loads(import_document(api, name="shop").text)["hosts"]) == HOSTS_MAX


def test_one_name_may_stand_in_a_path_any_number_of_times() -> None:
    [route] = imported_routes(api_of({"/{id}" * 60: {"get": {}}}))

    assert route["path"].startswith("/{id}/{id_2}/{id_3}/")
    with pytest.raises(ImportRefused):
        imported_routes(api_of({"/{id}" * 120: {"get": {}}}))
