"""The quick way to a record gives what the thorough one gives."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from integration_monitor.body import parse_pairs
from integration_monitor.capture.operation import Operation
from integration_monitor.record import IntegrationLog, Json
from integration_monitor.recorder import Recorder
from integration_monitor.recorder.payloads import Cleaner, Parts
from integration_monitor.recorder.readings import Request
from integration_monitor.redaction import Redactor
from integration_monitor.services.undescribed import describe
from integration_monitor.settings import Settings
from tests.unit.generated_calls import HOSTS, NAMES, planted_calls
from tests.unit.test_recorder import attempt
from tests.unit.test_recorder import operation as operation_of


class ThoroughCleaner(Cleaner):
    """Searches every part by itself, whatever it is."""

    def quick(self, request: Request, texts: list[str]) -> Parts | None:
        return None


class ThoroughRecorder(Recorder):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._cleaner = ThoroughCleaner(self._redactor, body_bytes_max=settings.body_bytes_max)


def told(record: IntegrationLog | None) -> dict[str, Json]:
    """Everything but when it was written."""
    assert record is not None
    return {**msgspec.to_builtins(record), "updated_at": None}


@settings(max_examples=300, deadline=None)
@given(planted_calls())
def test_both_ways_give_the_same_record_of_a_call_with_a_secret(planted: tuple[str, Operation, dict[str, Any]]) -> None:
    _, operation, _ = planted

    assert told(Recorder(Settings())(operation)) == told(ThoroughRecorder(Settings())(operation))


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

    assert told(Recorder(Settings())(operation)) == told(ThoroughRecorder(Settings())(operation))


def test_percent_sign_elsewhere_does_not_hide_an_encoded_secret() -> None:
    recorder = Recorder(Settings(secrets={"shop.key": "FAKE+FAKE/FAKE="}))

    record = recorder(operation_of(attempt("https://api.example.org/x/FAKE%2BFAKE%2FFAKE=/y", request={"a": "100 % off"})))

    assert record is not None
    assert record.request_payload["url"] == "https://api.example.org/x/${shop.key}/y"


def test_ordinary_calls_take_the_quick_way() -> None:
    recorder = Recorder(Settings())
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


@given(
    st.lists(
        st.tuples(st.text(st.characters(codec="utf-8"), max_size=5), st.text("ab+%/=&яё\U0001f600 ", max_size=6)), max_size=5
    ).map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs))
    | st.text("a=&+%20DяF", max_size=20)
)
def test_pairs_are_those_of_the_standard_library(query: str) -> None:
    from urllib.parse import parse_qsl  # noqa: PLC0415 -- what it is compared with

    assert parse_pairs(query) == parse_qsl(query, keep_blank_values=True)
