"""The quick way to a record gives what the thorough one gives."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integration_monitor.body import parse_pairs
from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.record import IntegrationLog, Json
from integration_monitor.recorder import Recorder
from integration_monitor.recorder.payloads import Cleaner, Parts
from integration_monitor.recorder.readings import Request
from integration_monitor.redaction import Redactor, plain_octets
from integration_monitor.redaction.headers import HEADERS_MAX
from integration_monitor.redaction.headers import NAMES_MAX as HEADER_NAMES_MAX
from integration_monitor.redaction.known_names import NAMES_MAX, KnownNames
from integration_monitor.redaction.vocabulary import SECRETS_MAX
from integration_monitor.services.undescribed import describe
from integration_monitor.settings import Settings
from tests.unit.exchanges import REGISTRY
from tests.unit.generated_calls import HARMLESS, HOSTS, NAMES, planted_calls, warm_up, wide
from tests.unit.test_recorder import attempt
from tests.unit.test_recorder import operation as operation_of


class ThoroughCleaner(Cleaner):
    """Searches every part by itself, whatever it is."""

    def quick(self, request: Request, texts: list[str]) -> Parts | None:
        return None


class ThoroughRecorder(Recorder):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, registry=REGISTRY)
        self._cleaner = ThoroughCleaner(self._redactor, body_bytes_max=settings.body_bytes_max)


def told(record: IntegrationLog | None) -> dict[str, Json]:
    """Everything but when it was written."""
    assert record is not None
    return {**msgspec.to_builtins(record), "updated_at": None}


@settings(max_examples=300, deadline=None)
@given(planted_calls())
def test_both_ways_give_the_same_record_of_a_call_with_a_secret(planted: tuple[str, Operation, dict[str, Any]]) -> None:
    _, operation, _ = planted

    assert told(Recorder(Settings(), registry=REGISTRY)(operation)) == told(ThoroughRecorder(Settings())(operation))


WORDS = st.sampled_from(
    [
        *(
            "заказ",
            "order",
            "token",
            "pass",
            "key:",
            "=",
            "Bearer",
            "abc123",
            "re_",
            "https://",
            "@",
            "%41",
            "%",
            "\\n",
            "\\u0074",
            '"',
        ),
        *(
            "'",
            "<b>",
            "</p>",
            "value",
            "name",
            "{",
            "}",
            "10:30",
            "4111 1111 1111 1111",
            "\0",
            "_live_",
            "-",
            "authorization",
            ",",
        ),
    ]
)
TEXTS = st.lists(WORDS, max_size=8).map(" ".join) | st.lists(WORDS, max_size=8).map("".join)
KEYS = st.sampled_from([*NAMES, "id", "name", "value", "text", "to ken", "a.p.i.k.e.y", "pass_word", "имя", "API Key", "tokens"])
BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(HOSTS)), BODIES, BODIES, TEXTS)
def test_both_ways_give_the_same_record_of_any_call(host: str, request: Json, answer: Json, header: str) -> None:
    one = attempt(HOSTS[host], request=request, answer=answer)
    one.response_headers = {"Content-Type": "application/json", "X-Anything": header}
    operation = operation_of(one)

    assert told(Recorder(Settings(), registry=REGISTRY)(operation)) == told(ThoroughRecorder(Settings())(operation))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(HOSTS)), BODIES, BODIES, st.sampled_from([(", ", ": "), (",", ":")]))
def test_both_ways_give_the_same_record_where_names_are_known(
    host: str, request: Json, answer: Json, separators: tuple[str, str]
) -> None:
    one = attempt(HOSTS[host])
    one.request_body = json.dumps(wide(request), ensure_ascii=False, separators=separators).encode("utf-8", "replace")
    one.response_body = json.dumps(wide(answer), ensure_ascii=False, separators=separators).encode("utf-8", "replace")
    operation = operation_of(one)
    quick, thorough = Recorder(Settings(), registry=REGISTRY), ThoroughRecorder(Settings())
    for recorder in (quick, thorough):
        warm_up(recorder, HOSTS[host])

    assert told(quick(operation)) == told(thorough(operation))


def test_body_whose_names_are_known_is_not_gone_through() -> None:
    recorder = Recorder(Settings(), registry=REGISTRY)
    warm_up(recorder, HOSTS["undescribed"])
    vocabulary = recorder._redactor.vocabulary(describe("api.example.org"))
    body = wide({"text": "Ваш заказ готов: ждём вас с 10:30, https://shop.example.org/o/7", "items": [{"name": "a", "value": 1}]})
    content = json.dumps(body, ensure_ascii=False).encode()

    assert vocabulary.known_names.decode(content) == body
    assert plain_octets([content], vocabulary) is not None


@pytest.mark.parametrize(
    "data",
    [
        {"name": "password", "value": "Zq7FAKEFAKE"},
        {"value": "Zq7FAKEFAKE", "name": "X-Api-Key"},
        {"text": "password: Zq7FAKEFAKE1"},
        {"text": "see https://example.org/?token=Zq7FAKEFAKE"},
        {"text": "{'api_key': 'Zq7FAKEFAKE'}"},
        {"text": "[('api_key', 'Zq7FAKEFAKE')]"},
        {"text": "<password>Zq7FAKEFAKE</password>"},
        {"text": "<input name='token' value='Zq7FAKEFAKE'>"},
        {"text": "https://user:Zq7FAKEFAKE@example.org/"},
        {"text": "re_Zq7FAKEFAKE"},
        {"text": "a%20b?token%3DZq7FAKEFAKE"},
        {"password": "Zq7FAKEFAKE"},
        {"text": 'quoted " token=Zq7FAKEFAKE'},
        [[[{"password": "Zq7FAKEFAKE"}]]],
    ],
)
def test_secret_is_found_where_all_names_of_fields_are_known(data: Json) -> None:
    recorder = Recorder(Settings(), registry=REGISTRY)
    warm_up(recorder, HOSTS["undescribed"])

    record = recorder(operation_of(wide_attempt(HOSTS["undescribed"], wide(data))))

    assert "Zq7FAKEFAKE" not in str(told(record))


def test_names_that_are_ids_are_not_learned_without_bound() -> None:
    known_names = Recorder(Settings(), registry=REGISTRY)._redactor.vocabulary(describe("api.example.org")).known_names

    for number in range(5_000):
        known_names._harmless.add(f"id{number}")
        known_names.learn()

    assert 0 < len(known_names._known) <= NAMES_MAX


@given(BODIES)
def test_body_decoded_by_names_is_the_same(body: Json) -> None:
    known_names = KnownNames({*HARMLESS, *NAMES, "to ken", "a.p.i.k.e.y", "pass_word", "API Key", "tokens"})
    for _ in range(4):
        known_names.learn()
    content = msgspec.json.encode(body)

    value = known_names.decode(content)

    assert value is None or msgspec.json.encode(value) == msgspec.json.encode(msgspec.json.decode(content))


def wide_attempt(url: str, body: Json) -> Attempt:
    made = attempt(url, answer={"ok": True})
    made.request_body = json.dumps(body, ensure_ascii=False).encode()
    return made


def test_percent_sign_elsewhere_does_not_hide_an_encoded_secret() -> None:
    recorder = Recorder(Settings(secrets={"shop.key": "FAKE+FAKE/FAKE="}))

    record = recorder(operation_of(attempt("https://api.example.org/x/FAKE%2BFAKE%2FFAKE=/y", request={"a": "100 % off"})))

    assert record is not None
    assert record.request_payload["url"] == "https://api.example.org/x/${shop.key}/y"


def test_ordinary_calls_take_the_quick_way() -> None:
    recorder = Recorder(Settings(), registry=REGISTRY)
    ways: list[bool] = []

    class NotingCleaner(Cleaner):
        def quick(self, request: Request, texts: list[str]) -> Parts | None:
            parts = super().quick(request, texts)
            ways.append(parts is not None)
            return parts

    recorder._cleaner = NotingCleaner(recorder._redactor, body_bytes_max=65_536)
    for url in (*HOSTS.values(), "https://api.example.org/v1/orders/77?expand=items"):
        for number in range(3):
            body = {"id": number, "text": f"Ваш заказ {number} готов, ждём вас с 10:00", "items": [{"sku": "A-1", "price": 10.5}]}
            recorder(operation_of(attempt(url, request=body, answer={"ok": True, "sent": True, "code": 0, "result": body})))

    # At the first call with a token in its URL, the token is not known yet.
    assert [ways[at : at + 3][1:] for at in range(0, len(ways), 3)] == [[True, True]] * (len(HOSTS) + 1)


def test_secret_that_is_learned_later_is_found_in_what_was_remembered_before() -> None:
    redactor, service = Redactor(), describe("api.example.org")
    secret = "Zq7FAKEFAKEFAKEFAKE01"
    headers = [(b"x-session-hint", f"h-{secret}".encode())]
    body = {f"field {secret}": "x", "other": 1}
    assert redactor.headers(headers, service) == {"x-session-hint": f"h-{secret}"}
    assert redactor.body(body, service, direction="request") == body

    redactor.headers([(b"authorization", f"Bearer {secret}".encode())], service)

    assert secret not in str(redactor.headers(headers, service))
    assert secret not in str(redactor.body(body, service, direction="request"))


def test_secret_that_came_with_its_header_is_found_in_the_headers_before_it() -> None:
    redactor, service = Redactor(), describe("api.example.org")
    secret = "Zq7FAKEFAKEFAKEFAKE01"
    hint = (b"x-hint", f"h-{secret}".encode())
    redactor.headers([hint], service)

    cleaned = redactor.headers([hint, (b"authorization", f"Bearer {secret}".encode())], service)

    assert secret not in str(cleaned)


def test_header_that_comes_twice_is_joined_and_stays_secret() -> None:
    redactor, service = Redactor(), describe("api.example.org")
    headers = [
        ("Set-Cookie", "a=FAKE1"),
        ("Set-Cookie", ""),
        ("X-A", "1"),
        ("x-a", "2"),
        ("X-Key-Token", "t1"),
        ("X-Key-Token", "t2"),
    ]

    for _ in range(2):
        assert redactor.headers(headers, service) == {
            "set-cookie": "${api.example.org.set_cookie}",
            "x-a": "1, 2",
            "x-key-token": "${api.example.org.key_token}",
        }


def test_headers_are_bounded_and_forgotten_ones_are_still_cleaned() -> None:
    redactor, service = Redactor(), describe("api.example.org")

    for number in range(3_000):
        cleaned = redactor.headers(
            [(b"X-Request-Id", f"id-{number}".encode()), (b"X-Api-Key", f"key-{number:09}".encode())], service
        )
        assert cleaned == {"x-request-id": f"id-{number}", "x-api-key": "${api.example.org.api_key}"}

    assert len(redactor.vocabulary(service).memory.headers) < 100
    assert len(redactor.header_reader(service)._layouts) == 1


def test_values_of_headers_may_be_anything() -> None:
    redactor, service = Redactor(), describe("api.example.org")
    headers = {"X-List": ["a", "b"], "X-Bytes": bytearray(b"c"), "X-Api-Key": ["hunter2"], "X-Text": "d"}

    for _ in range(2):
        assert redactor.headers(headers, service) == {
            "x-list": "['a', 'b']",
            "x-bytes": "c",
            "x-api-key": "${api.example.org.api_key}",
            "x-text": "d",
        }


def test_headers_of_ever_new_names_are_bounded() -> None:
    redactor, service = Redactor(), describe("api.example.org")

    for number in range(600):
        headers = {f"X-{number}-{index}": f"v{index}" for index in range(10)} | {f"X-{number}-Token": f"key-{number:09}"}
        cleaned = redactor.headers(headers, service)
        assert cleaned[f"x-{number}-token"].startswith("${")

    memory = redactor.vocabulary(service).memory
    assert len(memory.headers) <= HEADERS_MAX
    assert len(memory.concealed) + len(memory.concealed_names) <= 2 * HEADERS_MAX
    assert len(redactor.header_reader(service)._names) <= HEADER_NAMES_MAX


def test_header_stays_secret_when_a_new_one_makes_its_value_forgotten() -> None:
    redactor, service = Redactor(), describe("api.example.org")

    for number in range(3 * SECRETS_MAX):
        new = ("X-Csrf-Token", f"FAKE-FAKE-FAKE-{number:04}")
        cleaned = redactor.headers([("Via", "a"), ("Via", "b"), new, ("X-Api-Key", "FAKE-FAKE-KEY-0001")], service)

        assert cleaned["x-api-key"] == "${api.example.org.api_key}"


def test_headers_that_come_again_are_read_as_a_whole() -> None:
    redactor, service = Redactor(), describe("api.example.org")
    reader = redactor.header_reader(service)
    headers = [
        (b"Host", b"api.example.org"),
        (b"Authorization", b"Bearer FAKE-FAKE-FAKE-1"),
        (b"Content-Length", b"100"),
        (b"Date", b"Mon, 02 Mar 2026 10:00:01 GMT"),
    ]
    for _ in range(2):
        reader.read(headers, [])
    reader._read_new = lambda *_: pytest.fail("each header was looked at")  # type: ignore[method-assign]
    headers[2:] = [(b"Content-Length", b"101"), (b"Date", b"Mon, 02 Mar 2026 10:00:02 GMT")]

    texts: list[str] = []
    sent, stored = reader.read(headers, texts)

    assert sent["authorization"] == "Bearer FAKE-FAKE-FAKE-1"
    assert stored == {
        "host": "api.example.org",
        "authorization": "Bearer ${api.example.org.authorization}",
        "content-length": "101",
        "date": "Mon, 02 Mar 2026 10:00:02 GMT",
    }
    assert texts == []


@pytest.mark.parametrize("name", ["Date", "Content-Length", "X-Request-Id"])
def test_secret_in_a_header_that_changes_is_found(name: str) -> None:
    redactor, service = Redactor(), describe("api.example.org")
    for number in range(40):
        value = {"Date": f"Mon, 02 Mar 2026 10:00:{number:02} GMT", "Content-Length": str(number)}.get(name, f"id-{number}")
        redactor.headers([("Host", "api.example.org"), (name, value)], service)

    cleaned = redactor.headers([("Host", "api.example.org"), (name, "token=Zq7FAKEFAKE")], service)

    assert "Zq7FAKEFAKE" not in str(cleaned)


@given(
    st.lists(
        st.tuples(st.text(st.characters(codec="utf-8"), max_size=5), st.text("ab+%/=&яё\U0001f600 ", max_size=6)), max_size=5
    ).map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs))
    | st.text("a=&+%20DяF", max_size=20)
)
def test_pairs_are_those_of_the_standard_library(query: str) -> None:
    from urllib.parse import parse_qsl  # noqa: PLC0415 -- what it is compared with

    assert parse_pairs(query) == parse_qsl(query, keep_blank_values=True)
