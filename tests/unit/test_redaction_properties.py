"""Planted secrets never survive, whatever they are planted in."""

import json
import string

from hypothesis import given
from hypothesis import strategies as st

from integration_monitor.record import Json
from integration_monitor.redaction import Redactor
from tests.unit.exchanges import REGISTRY, exchange

CALLS = [
    "POST https://example.amocrm.ru/api/v4/leads",
    "POST https://api.resend.com/emails",
    "POST https://api.telegram.org/bot1/sendMessage",
    "POST https://api.mobizon.kz/service/message/sendsmsmessage",
    "POST https://gate.whapi.cloud/messages/text",
    "POST https://api.example.org/v1/orders",
]
SERVICES = {service.name: service for service in (REGISTRY.find(exchange(call)) for call in CALLS)}
NAMES_OF_SERVICES = st.sampled_from(sorted(SERVICES))
LETTERS = string.ascii_letters + string.digits


def of(alphabet: str, size: int) -> st.SearchStrategy[str]:
    return st.text(alphabet=alphabet, min_size=size, max_size=size)


SHAPED = (
    st.builds("{}:AA{}".format, st.integers(10**6, 10**10), of(LETTERS + "_-", 33))
    | of(LETTERS, 24).map("re_{}".format)
    | of(LETTERS, 32).map("whsec_{}".format)
    | st.builds("eyJ{}.eyJ{}.{}".format, of(LETTERS, 12), of(LETTERS, 20), of(LETTERS + "_-", 43))
)
# Each string in a string doubles the backslashes of those within.
TEXT_CHARS_MAX = 1000
# Marked, so that it cannot be found by chance.
NAMED = of(LETTERS, 20).map("Zq7{}".format)
NAMES = st.sampled_from(
    [
        *("authorization", "Authorization", "api_key", "apiKey", "X-API-KEY", "token", "access_token", "refresh-token"),
        *("client_secret", "password", "PASSWD", "secret", "signing_secret", "private_key", "cookie", "params[apikey]"),
    ]
)
HARMLESS = st.sampled_from(["id", "name", "text", "data", "tokens_used", "items", "html", "token_type", "0"])
# What stands before and behind a secret in a text.
AROUND = st.sampled_from(
    ["", " ", "\n", '"', "'", "(", ")", ",", ";", "<b>", "https://x.org/", "?a=", "&b=", "Error: ", "\t", "|", "«"]
)


def containers(leaves: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3)
            | st.dictionaries(HARMLESS, inner, min_size=1, max_size=3)
            | inner.map(json.dumps).filter(lambda text: len(text) < TEXT_CHARS_MAX)
        ),
        max_leaves=5,
    )


@st.composite
def shaped_bodies(draw: st.DrawFn) -> tuple[str, Json]:
    """A secret with a shape, and a structure that holds it in texts and keys."""
    secret = draw(SHAPED)
    text = st.builds("{}{}{}".format, AROUND, st.just(secret), AROUND)
    leaf = text | st.builds(lambda key: {key: 1}, st.just(secret))
    return secret, draw(containers(leaf))


@st.composite
def named_bodies(draw: st.DrawFn) -> tuple[str, Json]:
    """A secret without a shape, and a structure that holds it behind its name."""
    secret = draw(NAMED)
    leaf = (
        st.builds(lambda name: {name: secret}, NAMES)
        | st.builds(lambda name: {name: [secret]}, NAMES)
        | st.builds(lambda name: f"{name}={secret}", NAMES)
        | st.builds(lambda name: f"https://x.org/y?{name}={secret}&z=1", NAMES)
        | st.builds(lambda name: f"'{name}': '{secret}'", NAMES)
        | st.builds(lambda name: {"name": name, "value": secret}, NAMES)
    )
    return secret, draw(containers(leaf))


@given(NAMES_OF_SERVICES, shaped_bodies() | named_bodies(), st.sampled_from(["request", "response"]))
def test_no_body_keeps_a_planted_secret(service_name: str, planted: tuple[str, Json], direction: Json) -> None:
    secret, body = planted

    cleaned = Redactor().body(body, SERVICES[service_name], direction=direction)

    assert secret not in json.dumps(cleaned, ensure_ascii=False)
    assert Redactor().body(cleaned, SERVICES[service_name], direction=direction) == cleaned


@given(NAMES_OF_SERVICES, SHAPED, AROUND, AROUND)
def test_no_text_url_or_header_keeps_a_planted_secret(service_name: str, secret: str, before: str, behind: str) -> None:
    redactor = Redactor()
    text = f"{before}{secret}{behind}"

    parts = [
        redactor.text(text, SERVICES[service_name]),
        redactor.url(f"https://x.org/{secret}/y?q={secret}#f={secret}", SERVICES[service_name]),
        redactor.headers({"x-anything": text}, SERVICES[service_name]),
        redactor.headers({"authorization": f"Bearer {secret}"}, SERVICES[service_name]),
    ]

    assert secret not in json.dumps(parts, ensure_ascii=False)


@given(NAMES_OF_SERVICES, NAMED)
def test_secret_without_a_shape_is_known_from_its_header(service_name: str, secret: str) -> None:
    redactor = Redactor()

    parts = [
        redactor.headers({"Authorization": f"Bearer {secret}"}, SERVICES[service_name]),
        redactor.url(f"https://x.org/{secret}/y", SERVICES[service_name]),
        redactor.body({"echo": [f"you sent {secret}"], secret: 1}, SERVICES[service_name], direction="response"),
        redactor.text(f"no such token: {secret}", SERVICES[service_name]),
    ]

    assert secret not in json.dumps(parts)


@given(
    NAMES_OF_SERVICES,
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=10,
    ),
)
def test_any_structure_can_be_stored_afterwards(service_name: str, body: Json) -> None:
    cleaned = Redactor().body(body, SERVICES[service_name], direction="request")

    text = json.dumps(cleaned, ensure_ascii=False)
    text.encode()
    assert "\\u0000" not in text
