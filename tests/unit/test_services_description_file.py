"""A description in TOML: what it says is what the service does, and what it cannot mean is refused with file and key."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from integration_monitor.errors import ServiceDescriptionError, SettingsError
from integration_monitor.record import Json
from integration_monitor.redaction import Redactor
from integration_monitor.services.description import EntityPlace, Probe, Route, Service
from integration_monitor.services.description_file import FILE_BYTES_MAX, read_file
from integration_monitor.services.exchange import SUCCESS, Outcome, Retry
from integration_monitor.services.outcome import failure
from tests.unit.descriptions import described, read, registry_of, write
from tests.unit.exchanges import REGISTRY, exchange

CALL = "POST https://api.shop.test/v1/orders"


def outcome(text: str, **parts: Any) -> Outcome:
    """What a description says of an answer."""
    action = parts.pop("action", "create_order")
    return read(described(text), exchange(parts.pop("call", CALL), **parts), action).outcome


def table(text: str) -> str:
    return f"[outcome]\n{text}"


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("name = 1", "name", "Expected `str`"),
        ('name = "Big Shop"', "name", "a name in lower case"),
        ('hosts = ["https://a.test/"]', "hosts[0]", "'https://a.test/': it must be a host in lower case"),
        ('hosts = ["a.test", "A.test"]', "hosts[1]", "a host in lower case"),
        ('hosts = "a.test"', "hosts", "Expected `array`"),
        ("hosts = []", "hosts", "without `hosts` and `path_pattern` no call belongs to it"),
        ("host = 1", "host", "there is no such key"),
        ('path_pattern = "(a+)+b"', "path_pattern", "a group is repeated"),
        ('routes = [{ path = "/a" }]', "routes[0].action", "it is missing"),
        ('routes = [{ path = "/a", action = "a" }, { path = "a", action = "b" }]', "routes[1].path", "a path such as"),
        ('routes = [{ path = "/{id}.json", action = "a" }]', "routes[0].path", "whole segments"),
        ('routes = [{ path = "/a?b=1", action = "a" }]', "routes[0].path", "a path such as"),
        ('routes = [{ path = "/{x}/{x}", action = "a" }]', "routes[0].path", "two placeholders have the same name"),
        ('routes = [{ path = "/a", action = "send mail" }]', "routes[0].action", "without spaces"),
        (f'routes = [{{ path = "/a", action = "{"a" * 81}" }}]', "routes[0].action", "length <= 80"),
        ('routes = [{ path = "/a", action = "a", method = "GET" }]', "routes[0].method", "there is no such key"),
        ('routes = [{ path = "/a", action = "a", methods = ["get"] }]', "routes[0].methods[0]", "upper case"),
        ('routes = [{ path = "/a", action = "a", withheld = ["body"] }]', "routes[0].withheld[0]", "Invalid enum value 'body'"),
        ('routes = [{ path = "/a", action = "a", is_recorded = "no" }]', "routes[0].is_recorded", "Expected `bool`"),
        (
            'routes = [{ path = "/a/{x}", action = "a" }, { path = "/a/{y}", action = "b" }]',
            "routes[1].path",
            r"routes\[0\] takes the same requests",
        ),
        (
            'routes = [{ path = "/a/{x}", action = "a", entities = [{ type = "x", source = "path", field = "id" }] }]',
            "routes[0].entities[0].field",
            "no placeholder 'id'",
        ),
        (
            'routes = [{ path = "/a", action = "a", entities = [{ type = "x", source = "body" }] }]',
            "routes[0].entities[0].source",
            "Invalid enum value",
        ),
        ('routes = [{ path = "/a", action = "a", secrets = { code = "Code" } }]', "routes[0].secrets.code", "in lower case"),
        ('resources = [{ path = "/a", one = "a" }]', "resources[0].many", "it is missing"),
        (
            'resources = [{ path = "/a", one = "a", many = "as", verbs = ["drop"] }]',
            "resources[0].verbs[0]",
            "Invalid enum value",
        ),
        (
            'routes = [{ path = "/a", methods = ["GET"], action = "x" }]\nresources = [{ path = "/a", one = "a", many = "as" }]',
            "resources[0].path",
            "takes the same requests",
        ),
        ('entities = [{ type = "a", source = "path", field = "id" }]', "entities[0].source", "only an entity of a route"),
        ("[secrets.names]\na = 1", "secrets.names.a", "Expected `str`"),
        ('[secrets.names]\nok = "fine"\n"x-key" = "X Key"', "secrets.names.x-key", "in lower case"),
        ('[[secrets.shapes]]\nname = "a"\npattern = "a"', "secrets.shapes[0].marks", "tried on every text"),
        ('[[secrets.shapes]]\nname = "a"\nrun_chars_min = 8\npattern = "a"', "secrets.shapes[0].run_chars_min", ">= 16"),
        ('[[secrets.shapes]]\nname = "a"\nmarks = ["a"]\npattern = "a"', "secrets.shapes[0].marks[0]", "length >= 3"),
        (
            "[[secrets.shapes]]\nname = 'a'\nmarks = ['key_']\npattern = 'key_('",
            "secrets.shapes[0].pattern",
            "no regular expression",
        ),
        (table('failed_when = [{ field = "ok" }]'), "outcome.failed_when[0]", "`field` goes with `is` or with `is_present`"),
        (table("failed_when = [{ is = 1 }]"), "outcome.failed_when[0]", "`field` goes with"),
        (table('failed_when = [{ field = "ok", is = 1, is_present = true }]'), "outcome.failed_when[0]", "both"),
        (table("succeeded_when = [{}]"), "outcome.succeeded_when[0]", "it states no condition"),
        (table('failed_when = [{ field = "a b", is = 1 }]'), "outcome.failed_when[0].field", "a field such as error.code"),
        (table("failed_when = [{ statuses = [99] }]"), "outcome.failed_when[0].statuses[0]", ">= 100"),
        (table('rules = [{ codes = ["a"], fault = "theirs" }]'), "outcome.rules[0].fault", "Invalid enum value 'theirs'"),
        (table('rules = [{ codes = ["a"] }]'), "outcome.rules[0]", "it says nothing"),
        (table('rules = [{ fault = "auth" }]'), "outcome.rules[0]", "it states no condition"),
        (table('rules = [{ codes = ["a"], is_success = true, fault = "auth" }]'), "outcome.rules[0]", "a success has no fault"),
        (table('error_code = "code"'), "outcome.error_code", "there is no such key"),
        (table('error_code_header = "X-Code"'), "outcome.error_code_header", "in lower case"),
        ('[repeatable]\nmethods = ["delete"]', "repeatable.methods[0]", "upper case"),
        ('[[rate_limits]]\nleft = "x"', "rate_limits[0].left", "there is no such key"),
        ('[probe]\nurl = "api.shop.test"', "probe.url", "a URL"),
        ('[probe]\nurl = "https://a.test/${key}"', "probe.credentials", "`key` is used and not named"),
        ('[probe]\nurl = "https://a.test/"\ncredentials = { key = "KEY" }', "probe.credentials", "`key` is named and not used"),
        ('[probe]\nurl = "https://a.test/"\ncredentials = { key = "MY KEY" }', "probe.credentials.key", "environment variable"),
        ('extends = "nobody"', "extends", "there is no service 'nobody' to extend"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_file_and_key(text: str, key: str, reason: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)

    with pytest.raises(ServiceDescriptionError, match=reason) as refused:
        read_file(path)

    assert (refused.value.file, refused.value.key) == (str(path), key)
    assert str(refused.value).startswith(f"{path}: {key}: ")
    assert isinstance(refused.value, SettingsError)
    assert (refused.value.name, refused.value.source) == ("services_dir", str(path))


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda path: path.write_text("name = \n", "utf-8"), r"is no TOML: .*\(at line 1, column 8\)"),
        (lambda path: path.write_bytes(b'name = "\xff"'), "is no TOML: .*utf-8"),
        (lambda path: path.write_bytes(b"#" * (FILE_BYTES_MAX + 1)), "larger than"),
        (lambda path: path.mkdir(), "cannot be read: "),
        (lambda path: None, "cannot be read: No such file"),
    ],
    ids=["syntax", "bytes", "size", "folder", "nothing"],
)
def test_file_that_cannot_be_read_is_refused(prepare: Callable[[Path], object], reason: str, tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    prepare(path)

    with pytest.raises(ServiceDescriptionError, match=reason) as refused:
        read_file(path)

    assert (refused.value.file, refused.value.key) == (str(path), None)


def test_route_says_everything_that_a_route_in_python_can() -> None:
    service = described("""
        [[routes]]
        methods = ["POST", "PUT"]
        path = "/v1/orders/{order:number}/pay"
        action = "pay_order"
        entities = [
            { type = "payment", source = "response", field = "payment.id", when = { field = "kind", is = "card" } },
            { type = "order", source = "path", field = "order" },
            { type = "account", source = "host" },
        ]
        when = { field = "mode", is = true }
        secrets = { pin = "customer_pin" }
        withheld = ["request"]
        response_fields_kept = ["status"]
        is_recorded = false
    """)

    assert service.routes == (
        Route(
            methods=frozenset({"POST", "PUT"}),
            path="/v1/orders/{order:number}/pay",
            action="pay_order",
            entities=(
                EntityPlace(type="payment", source="response", field="payment.id", when=("kind", "card")),
                EntityPlace(type="order", source="path", field="order"),
                EntityPlace(type="account", source="host"),
            ),
            when=("mode", "True"),
            secrets={"pin": "customer_pin"},
            withheld=frozenset({"request"}),
            response_fields_kept=frozenset({"status"}),
            is_recorded=False,
        ),
    )


@pytest.mark.parametrize(
    ("call", "action", "entity"),
    [
        ("POST", "create_order", ("order", "9")),
        ("GET", "list_orders", None),
        ("GET /7", "get_order", ("order", "7")),
        ("PATCH /7", "update_order", ("order", "7")),
        ("DELETE /7", "delete_order", ("order", "7")),
        ("POST /7/refund", "refund_order", ("order", "7")),
        ("GET /7/refund", "GET /v1/orders/{id}/refund", None),
    ],
)
def test_resource_has_the_usual_routes(call: str, action: str, entity: tuple[str, str] | None, tmp_path: Path) -> None:
    text = 'resources = [{ path = "/v1/orders", one = "order", many = "orders", also = ["refund"], id = "data.id" }]'
    registry = registry_of(text, tmp_path)
    method, _, rest = call.partition(" ")

    meaning = registry.understand(exchange(f"{method} https://api.shop.test/v1/orders{rest}", answer={"data": {"id": 9}}))

    assert (meaning.service_name, meaning.action, meaning.entity) == ("shop", action, entity)


def test_service_is_known_by_host_by_subdomain_and_by_path(tmp_path: Path) -> None:
    text = """hosts = ["api.shop.test", "*.shop.example"]\npath_pattern = '^/shop-api/v[0-9]{1,2}/'"""
    registry = registry_of(text, tmp_path)

    found = {
        address: registry.find(exchange(f"GET https://{address}")).name
        for address in ("api.shop.test/", "eu.shop.example/", "10.0.0.7/shop-api/v2/x", "10.0.0.7/other", "shop.test/")
    }

    assert list(found.values()) == ["shop", "shop", "shop", "10.0.0.7", "shop.test"]


FAILED_WHEN = table('failed_when = [{ field = "ok", is = false }]\nerror_codes = ["error.code"]\nerror_messages = ["error.text"]')
SUCCEEDED_WHEN = table('succeeded_when = [{ field = "result", is = ["OK", 1] }]\nerror_codes = ["result"]')


@pytest.mark.parametrize(
    ("text", "parts", "expected"),
    [
        (FAILED_WHEN, {"answer": {"ok": True}}, None),
        (FAILED_WHEN, {"answer": {"ok": 0}}, None),
        (FAILED_WHEN, {"answer": None}, None),
        (FAILED_WHEN, {"answer": {"ok": False, "error": {"code": 7, "text": "no"}}}, ("7", "no", "unclassified", "no")),
        (FAILED_WHEN, {"answer": {"ok": False, "message": "sorry"}}, ("NOT_DONE", "sorry", "unclassified", "no")),
        (FAILED_WHEN, {"answer": {"ok": False}}, ("NOT_DONE", "the answer says that it failed", "unclassified", "no")),
        (FAILED_WHEN, {"status": 404, "answer": {"error": {"text": "gone"}}}, ("HTTP_404", "gone", "ours", "no")),
        (FAILED_WHEN, {"status": 503}, ("HTTP_503", "Service Unavailable", "vendor", "ambiguous")),
        (table('failed_when = [{ field = "errors", is_present = true }]'), {"answer": {"errors": []}}, None),
        (
            table('failed_when = [{ field = "errors", is_present = true }]'),
            {"answer": {"errors": ["bad"]}},
            ("NOT_DONE", "bad", "unclassified", "no"),
        ),
        (table('failed_when = [{ field = "id", is_present = false }]'), {"answer": {"id": 5}}, None),
        (
            table('failed_when = [{ field = "id", is_present = false, actions = ["create_*"] }]'),
            {"answer": {}, "action": "create_order"},
            ("NOT_DONE", "the answer says that it failed", "unclassified", "no"),
        ),
        (
            table('failed_when = [{ field = "id", is_present = false, actions = ["create_*"] }]'),
            {"answer": {}, "action": "get_order"},
            None,
        ),
        (
            table("failed_when = [{ statuses = [204] }]"),
            {"status": 204},
            ("NOT_DONE", "the answer says that it failed", "unclassified", "no"),
        ),
        (
            table('failed_when = [{ field = ".", is = "ERROR" }]'),
            {"answer": "ERROR"},
            ("NOT_DONE", "ERROR", "unclassified", "no"),
        ),
        (SUCCEEDED_WHEN, {"answer": {"result": "OK"}}, None),
        (SUCCEEDED_WHEN, {"answer": {"result": 1}}, None),
        (
            SUCCEEDED_WHEN,
            {"answer": {"result": "DENIED"}},
            ("DENIED", "the answer says that it failed", "unclassified", "no"),
        ),
        (
            SUCCEEDED_WHEN,
            {"answer": {"result": True}},
            ("NOT_DONE", "the answer says that it failed", "unclassified", "no"),
        ),
        (SUCCEEDED_WHEN, {"answer": "<title>Sign in</title>"}, ("INVALID_RESPONSE", "Sign in", "vendor", "ambiguous")),
        (SUCCEEDED_WHEN, {"answer": '{"result": "O'}, None),
        (SUCCEEDED_WHEN, {"answer": ""}, None),
        (SUCCEEDED_WHEN, {"answer": None, "status": 204}, None),
        (
            table('error_code_header = "x-error"'),
            {"status": 400, "answer_headers": {"x-error": "E17"}},
            ("E17", "Bad Request", "ours", "no"),
        ),
        (
            table('error_codes = ["a", "b"]\nerror_details = ["b", "c.d", "e"]'),
            {"status": 400, "answer": {"a": "order 12345678", "b": "B1", "message": "wrong", "c": {"d": 5}}},
            ("B1", "wrong (b: B1, d: 5)", "ours", "no"),
        ),
    ],
)
def test_answer_is_read_as_the_file_says(text: str, parts: dict[str, Json], expected: tuple[str, ...] | None) -> None:
    found = outcome(text, **parts)

    if expected is None:
        assert found.is_success
        return
    assert found.retry is not None
    assert (found.error_code, found.error_message, found.fault, found.retry.advice) == expected


RULES = table("""
error_codes = ["code"]
rules = [
    { codes = ["KEY_*", "BLOCKED"], fault = "auth" },
    { codes = ["LATER"], retry = "after" },
    { codes = ["AGAIN"], fault = "vendor", retry = "safe", note = "they say so" },
    { messages = ["No Such Phone"], fault = "recipient" },
    { field = "limit", is_present = true, fault = "limit" },
    { statuses = [404], actions = ["check_*"], is_success = true, note = "not registered" },
    { statuses = [418], fault = "vendor" },
]
""")


@pytest.mark.parametrize(
    ("parts", "fault", "retry", "note"),
    [
        ({"status": 400, "answer": {"code": "KEY_GONE"}}, "auth", Retry(advice="no"), None),
        ({"status": 503, "answer": {"code": "BLOCKED"}}, "auth", Retry(advice="no"), None),
        ({"status": 400, "answer": {"code": "BLOCKED_TOO"}}, "ours", Retry(advice="no"), None),
        (
            {"status": 409, "answer": {"code": "LATER"}, "answer_headers": {"retry-after": "3"}},
            "ours",
            Retry(advice="after", after_s=3),
            None,
        ),
        ({"status": 409, "answer": {"code": "AGAIN"}}, "vendor", Retry(advice="safe"), "they say so"),
        ({"status": 400, "answer": {"message": "there is no such phone"}}, "recipient", Retry(advice="no"), None),
        ({"status": 400, "answer": {"limit": 5}}, "limit", Retry(advice="after"), None),
        ({"status": 404, "action": "check_phone"}, None, None, "not registered"),
        ({"status": 404, "action": "get_phone"}, "ours", Retry(advice="no"), None),
        ({"status": 418}, "vendor", Retry(advice="ambiguous"), None),
        ({"status": 418, "call": "GET https://api.shop.test/"}, "vendor", Retry(advice="safe"), None),
    ],
)
def test_first_rule_that_is_about_a_failure_counts(
    parts: dict[str, Json], fault: str | None, retry: Retry | None, note: str | None
) -> None:
    found = outcome(RULES, **parts)

    assert (found.fault, found.retry, found.note) == (fault, retry, note)
    assert found.is_success == (fault is None)


@pytest.mark.parametrize(
    ("text", "parts", "retry"),
    [
        ('retry_after_field = "wait"', {"answer": {"wait": 1.5}}, Retry(advice="after", after_s=1.5)),
        ('retry_after_field = "wait"', {"answer": {"wait": "soon"}}, Retry(advice="after")),
        ('retry_after_field = "wait"', {"answer": {"wait": float("nan")}}, Retry(advice="after")),
        ('retry_after_ms_header = "x-ms"', {"answer_headers": {"x-ms": "1500"}}, Retry(advice="after", after_s=1.5)),
        ('retry_after_ms_header = "x-ms"', {"answer_headers": {"retry-after": "4"}}, Retry(advice="after", after_s=4)),
        ('retry_header = "x-again"', {"answer_headers": {"x-again": "false"}}, Retry(advice="no")),
        ('retry_header = "x-again"', {"answer_headers": {"x-again": "maybe"}}, Retry(advice="after")),
    ],
)
def test_wait_is_read_from_where_the_vendor_puts_it(text: str, parts: dict[str, Json], retry: Retry) -> None:
    assert outcome(table(text), status=429, **parts).retry == retry


def test_vendors_word_makes_only_a_harmless_request_safe() -> None:
    text = table('retry_header = "x-again"\n[repeatable]\nheaders = ["idempotency-key"]')
    parts: dict[str, Json] = {"status": 409, "answer_headers": {"x-again": "true"}}

    assert outcome(text, **parts).retry == Retry(advice="no")
    assert outcome(text, headers={"idempotency-key": "1"}, **parts).retry == Retry(advice="safe")


@pytest.mark.parametrize(
    ("call", "action", "headers", "is_repeatable"),
    [
        ("POST", "create_order", {}, False),
        ("POST", "create_order", {"idempotency-key": "1"}, True),
        ("POST", "create_order", {"idempotency-key": ""}, False),
        ("POST", "search_orders", {}, True),
        ("DELETE", "delete_order", {}, True),
        ("GET", "get_order", {}, True),
    ],
)
def test_repeatable_is_what_reads_and_what_the_file_names(
    call: str, action: str, headers: dict[str, str], is_repeatable: bool
) -> None:
    service = described('[repeatable]\nactions = ["search_*"]\nmethods = ["DELETE"]\nheaders = ["idempotency-key"]')

    assert service.is_repeatable(exchange(f"{call} https://api.shop.test/", headers=headers), action) == is_repeatable


@pytest.mark.parametrize(("method", "action", "is_repeatable"), [("GET", "post_order", False), ("GET", "search_orders", True)])
def test_get_of_an_api_of_procedures_is_not_safe_by_itself(method: str, action: str, is_repeatable: bool) -> None:
    service = described('[repeatable]\nis_get_safe = false\nactions = ["search_*"]')

    assert service.is_repeatable(exchange(f"{method} https://api.shop.test/"), action) == is_repeatable


STREAM = {"content-type": "text/event-stream"}
IN_STREAM = table('failed_when = [{ field = "error", is_present = true }]\nerror_codes = ["error.code"]')


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ('data: {"text": "an error"}\n\ndata: [DONE]\n\n', None),
        ('data: {"text": "a"}\n\nevent: x\ndata: {"error": {"code": "E1"}}\n\n', "E1"),
        ('data: {"text": "a"}\r\n\r\ndata: {"error":\r\ndata: {"code": "E2"}}\r\n\r\n', "E2"),
        ('data: {"error": {"code": "E3"', None),
        (": a comment\n\ndata: " + "[" * 5000, None),
    ],
)
def test_error_inside_of_a_stream_is_found(answer: str, code: str | None) -> None:
    found = outcome(IN_STREAM, answer=answer, answer_headers=STREAM)

    assert (found.is_success, found.error_code) == (code is None, code)


def test_stream_is_not_expected_to_be_json() -> None:
    assert outcome(SUCCEEDED_WHEN, answer="data: 1\n\n", answer_headers=STREAM).is_success


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-limit": "10", "x-left": "9", "x-reset": "6m0s"}, (10, 9, "2026-01-01T00:06:00Z")),
        ({"x-limit": "10", "x-left": "9", "x-reset": "1h2m3.5s"}, (10, 9, "2026-01-01T01:02:04Z")),
        ({"x-limit": "10", "x-left": "9", "x-reset": "1700ms"}, (10, 9, "2026-01-01T00:00:02Z")),
        ({"x-limit": "10", "x-left": "9", "x-reset": "30"}, (10, 9, "2026-01-01T00:00:30Z")),
        ({"x-limit": "10", "x-left": "9", "x-reset": "soon"}, (10, 9, None)),
        ({"x-limit": "10", "x-left": "9", "y-limit": "10", "y-left": "1"}, (10, 1, None)),
        ({"y-left": "1"}, (None, 1, None)),
        ({"date": "today"}, None),
    ],
)
def test_budget_nearest_to_its_end_is_told(
    headers: dict[str, str], expected: tuple[int | None, int | None, str | None] | None
) -> None:
    service = described("""
        [[rate_limits]]
        limit = "x-limit"
        remaining = "x-left"
        reset = "x-reset"
        [[rate_limits]]
        limit = "y-limit"
        remaining = "y-left"
    """)
    answer = msgspec.structs.replace(
        exchange(CALL, answer_headers=headers), answered_at=datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    )

    found = service.read_rate_limit(answer)

    assert (found and (found.limit, found.remaining, found.reset_at)) == expected


def test_probe_is_what_the_file_says() -> None:
    service = described("""
        [probe]
        method = "HEAD"
        url = "https://${shop}.shop.test/v1/me"
        headers = { authorization = "Bearer ${token}" }
        credentials = { shop = "SHOP_NAME", token = "SHOP_TOKEN" }
        statuses = [200, 204]
    """)

    assert service.probe == Probe(
        method="HEAD",
        url="https://${shop}.shop.test/v1/me",
        headers={"authorization": "Bearer ${token}"},
        credentials={"shop": "SHOP_NAME", "token": "SHOP_TOKEN"},
        statuses=frozenset({200, 204}),
    )


def test_secrets_are_known_by_name_mark_and_length() -> None:
    service = described("""
        [secrets]
        names = { x-shop = "key" }
        shapes = [
            { name = "ticket", marks = ["tick-"], pattern = "tick-(?P<id>[0-9]{1,4})-[a-z]{4,}" },
            { name = "session", run_chars_min = 32, pattern = "[a-f0-9]{32}" },
        ]
    """)
    redactor = Redactor()

    text = redactor.text(f"tick-17-fakeplanted and {'fa4e' * 8} and tick-tock", service)
    headers = redactor.headers({"x-shop": "FAKEPLANTED00000"}, service)

    assert text == "${shop.ticket:17} and ${shop.session} and tick-tock"
    assert headers == {"x-shop": "${shop.key}"}


def base() -> Service:
    """A service in Python, which reads answers in its own way."""
    text = """
        name = "base"
        hosts = ["api.base.test"]
        routes = [
            { path = "/items", methods = ["GET"], action = "list_items" },
            { path = "/items/{id}", methods = ["PUT", "PATCH"], action = "update_item" },
            { path = "/ping", action = "ping" },
        ]
        [secrets.names]
        code = "base_code"
    """
    return dataclasses.replace(
        described(text),
        read=lambda exchange, _action: (
            SUCCESS if exchange.status_code == 200 else failure("BASE", "base words", "ours", Retry(advice="ambiguous"))
        ),
    )


def test_extension_of_the_same_name_adds_to_everything() -> None:
    text = """
        name = "base"
        extends = "base"
        hosts = ["proxy.internal"]
        routes = [
            { path = "/items/{key}", methods = ["PATCH"], action = "patch_item" },
            { path = "/ping", action = "knock" },
        ]
        [secrets.names]
        pin = "pin"
        [outcome]
        failed_when = [{ field = "ok", is = false }]
        rules = [{ codes = ["BASE"], actions = ["ping"], fault = "vendor" }]
    """

    service = described(text, {"base": base()})

    assert service.hosts == ("proxy.internal", "api.base.test")
    assert [(sorted(route.methods), route.path, route.action) for route in service.routes] == [
        (["PATCH"], "/items/{key}", "patch_item"),
        ([], "/ping", "knock"),
        (["GET"], "/items", "list_items"),
        (["PUT"], "/items/{id}", "update_item"),
    ]
    assert service.secrets.names == {"code": "base_code", "pin": "pin"}
    answers = {
        "refused": read(service, exchange(CALL, answer={"ok": False})).outcome.error_code,
        "done": read(service, exchange(CALL, answer={"ok": True})).outcome.error_code,
        "base": read(service, exchange(CALL, status=400)).outcome,
        "ruled": read(service, exchange(CALL, status=400), "ping").outcome.fault,
    }
    assert answers == {
        "refused": "NOT_DONE",
        "done": None,
        "base": failure("BASE", "base words", "ours", Retry(advice="ambiguous")),
        "ruled": "vendor",
    }


def test_extension_of_another_name_has_hosts_of_its_own() -> None:
    service = described('name = "other"\nextends = "base"\nhosts = ["api.other.test"]', {"base": base()})

    assert (service.name, service.hosts) == ("other", ("api.other.test",))
    assert [route.action for route in service.routes] == ["list_items", "update_item", "ping"]


def test_extension_of_another_name_without_hosts_is_refused() -> None:
    with pytest.raises(ServiceDescriptionError, match="no call belongs to it"):
        described('name = "other"\nextends = "base"\nhosts = []', {"base": base()})


def test_function_in_python_takes_the_place_of_what_a_file_cannot_say(tmp_path: Path) -> None:
    path = write(tmp_path, 'routes = [{ path = "/a", action = "a" }]')

    service = dataclasses.replace(read_file(path), read=lambda _exchange, _action: failure("MINE", "mine", "vendor"))

    assert read(service, exchange(CALL)).outcome.error_code == "MINE"
    assert [route.action for route in service.routes] == ["a"]


@pytest.mark.parametrize("answer", [None, "", "x", 5, [], [[]], {"ok": {}}, {"error": [1]}, {"code": {"a": None}}, float("nan")])
@pytest.mark.parametrize("status", [200, 204, 302, 400, 429, 500])
@pytest.mark.parametrize("name", ["stripe", "slack", "openai"])
def test_no_answer_can_break_the_reading(answer: Json, status: int, name: str) -> None:
    service = REGISTRY.named(name)

    found = read(service, exchange(CALL, answer=answer, status=status), "create_response").outcome

    assert found.is_success == (found.error_code is None) == (found.fault is None)
