"""What is looked over as octets, both bodies in one go, is judged as by the thorough way."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from integration_monitor.record import Json
from integration_monitor.recorder import Recorder
from integration_monitor.redaction import Redactor
from integration_monitor.redaction.cards import has_card, is_card_possible, without_cards
from integration_monitor.redaction.names import reference_name
from integration_monitor.redaction.shapes import octets_of, text_of
from integration_monitor.redaction.vocabulary import Vocabulary
from integration_monitor.settings import Settings
from tests.unit.exchanges import REGISTRY
from tests.unit.generated_calls import HOSTS, NAMES, SHAPED, planted_calls, warm_up
from tests.unit.test_recorder import attempt
from tests.unit.test_recorder import operation as operation_of
from tests.unit.test_redaction_quick import BODIES, ThoroughRecorder, told

SERVICES = ["amocrm", "mobizon", "resend", "telegram", "whapi", "api.example.org"]
# Beside ordinary text what other alphabets have in place of ASCII: spaces, and letters that become ASCII in lower case.
PIECES = SHAPED | st.sampled_from(
    [
        *(
            "заказ",
            "é",
            "\u00a0",
            "\u2003",
            "\u0130",
            "\u212a",
            "\uff34",
            "\U0001f600",
            " ",
            "\n",
            ":",
            "://",
            "@",
            "=",
            "'",
            "</p>",
        ),
        *(
            "Bearer",
            "BEARER",
            "Basic",
            "bearer\u00a0",
            "abc123def",
            "https://",
            "user:FAKE@shop.example.org",
            "-----BEGIN PRIVATE KEY-----",
        ),
        *(
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "378282246310005",
            "41111111",
            "xoxb-FAKEFAKE00",
            "AKIAFAKEFAKEFAKEFAKE",
            "gh",
        ),
        *("/bot1:", "def50", "kz" + "0" * 40, "_live_", "sk-", "re_", "whsec_", "token", "value", "content"),
    ]
)
TEXTS = st.lists(PIECES, max_size=8).map("".join) | st.lists(PIECES, max_size=8).map(" ".join)


def vocabulary_of(service_name: str) -> Vocabulary:
    return Redactor().vocabulary(REGISTRY.named(service_name))


@given(st.sampled_from(SERVICES), TEXTS)
def test_octets_are_suspect_wherever_a_shape_is_found_in_the_text(service_name: str, text: str) -> None:
    shapes = vocabulary_of(service_name).shapes
    is_found = shapes.replace(text) != text

    assert shapes.is_possible(octets_of(text.encode())) or not is_found


@given(TEXTS)
def test_octets_hold_the_same_cards_as_the_text(text: str) -> None:
    octets = octets_of(text.encode())

    assert (is_card_possible(octets) and has_card(octets)) == (without_cards(text, "CARD") != text)


@given(st.text())
def test_octets_are_read_back_as_the_text(text: str) -> None:
    plain = text.encode("utf-8", "replace")

    assert text_of(octets_of(plain)) == plain.decode()


@given(st.sampled_from(SERVICES), st.sampled_from(NAMES) | st.text("aektopsvx_- .[]2Код", max_size=12))
@example("amocrm", "refresh token")
def test_name_is_judged_alike_the_second_time(service_name: str, name: str) -> None:
    vocabulary = vocabulary_of(service_name)

    first = vocabulary.judge(name)

    assert vocabulary.judge(name) == first
    assert first is not None or not name.isascii() or reference_name(name) is None


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(HOSTS)), BODIES, BODIES)
def test_both_ways_give_the_same_record_of_few_fields_that_are_known(host: str, request: Json, answer: Json) -> None:
    one = attempt(HOSTS[host])
    one.request_body = json.dumps({"data": request}, ensure_ascii=False).encode("utf-8", "replace")
    one.response_body = json.dumps({"data": answer}, ensure_ascii=False).encode("utf-8", "replace")
    operation = operation_of(one)
    quick, thorough = Recorder(Settings(), registry=REGISTRY), ThoroughRecorder(Settings())
    for recorder in (quick, thorough):
        warm_up(recorder, HOSTS[host])

    assert told(quick(operation)) == told(thorough(operation))


@settings(max_examples=100, deadline=None)
@given(planted_calls())
def test_both_ways_give_the_same_record_where_calls_came_before(planted: tuple[str, Any, dict[str, Any]]) -> None:
    _, operation, _ = planted
    quick, thorough = Recorder(Settings(), registry=REGISTRY), ThoroughRecorder(Settings())
    for recorder in (quick, thorough):
        warm_up(recorder, operation.attempts[0].url)

    assert told(quick(operation)) == told(thorough(operation))


@pytest.mark.parametrize("place", ["request", "answer"])
@pytest.mark.parametrize("secret", ["пароль-от-магазина", "FAKE-\U0001f600-FAKE", "FAKE FAKE"])
def test_secret_of_the_settings_is_found_in_either_body(secret: str, place: str) -> None:
    recorder = Recorder(Settings(secrets={"shop.key": secret}), registry=REGISTRY)
    warm_up(recorder, HOSTS["undescribed"])
    one = attempt(HOSTS["undescribed"], request={"text": "ordinary"}, answer={"text": "ordinary"})
    body = json.dumps({"text": f"so: {secret}!"}, ensure_ascii=False).encode()
    if place == "request":
        one.request_body = body
    else:
        one.response_body = body

    record = recorder(operation_of(one))

    assert record is not None
    payloads = [record.request_payload["body"], record.response_payload["body"]]
    assert sorted(payload["text"] for payload in payloads) == ["ordinary", "so: ${shop.key}!"]


def test_names_of_texts_are_not_remembered_without_bound() -> None:
    vocabulary = vocabulary_of("api.example.org")

    for number in range(12_000):
        vocabulary.judge(f"Name {number}")

    assert len(vocabulary._nameless) <= 5_000
