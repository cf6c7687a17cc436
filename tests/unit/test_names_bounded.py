"""Actions and error codes never grow with identifiers: statistics group by them."""

import base64
import string
import uuid
from datetime import date
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.recorder import Recorder
from integration_monitor.services.folding import folded_action, folded_name
from integration_monitor.services.outcome import vendor_code
from integration_monitor.settings import Settings

DAYS = st.dates(min_value=date(1990, 1, 1), max_value=date(2090, 1, 1))


def has_kinds(token: str) -> bool:
    """Of random letters and digits, those that are no word by chance."""
    return any(map(str.isdigit, token[3:-3])) and any(map(str.isalpha, token))


TOKENS = st.text(string.ascii_letters + string.digits, min_size=24, max_size=40).filter(has_kinds)
HASHES = st.binary(min_size=16, max_size=32).map(bytes.hex).filter(has_kinds)
IDENTIFIERS = st.one_of(
    st.integers(10**6, 10**18).map(str),
    st.uuids().map(str),
    st.uuids().map(lambda one: one.hex).filter(has_kinds),
    HASHES,
    TOKENS,
    DAYS.map(date.isoformat),
)
IN_PATHS = st.one_of(
    IDENTIFIERS,
    st.integers(0, 10**6).map(str),
    st.builds("{}@{}.test".format, st.text(string.ascii_lowercase, min_size=1, max_size=9), st.sampled_from(["shop", "mail"])),
    st.text("абвгдежзийклмнопрстуфхцчшщъыьэюя-", min_size=2, max_size=20),
    st.text("абвгдежз", min_size=2, max_size=20).map(quote),
    st.binary(min_size=18, max_size=30).map(lambda data: base64.urlsafe_b64encode(data).decode()).filter(has_kinds),
    st.builds("{}_{}".format, st.sampled_from(["order", "lead"]), st.integers(10**4, 10**12)),
)
WORDS = st.sampled_from(["v1", "orders", "leads", "api", "oauth2", "line-items", "sendMessage", "contacts"])


@given(st.lists(WORDS, min_size=1, max_size=3), IN_PATHS, st.lists(WORDS, max_size=2))
def test_action_of_an_undescribed_host_holds_no_identifier(before: list[str], identifier: str, behind: list[str]) -> None:
    action = folded_action("GET", "/".join(["", *before, identifier, *behind]))

    assert action == "GET /" + "/".join([*before, "{id}", *behind])


@given(
    IDENTIFIERS, st.sampled_from(["", "order_", "lead-", "ERR.", "NOT_FOUND:"]), st.sampled_from(["", "_not_found", "-failed"])
)
def test_vendors_code_with_an_identifier_is_none(identifier: str, before: str, behind: str) -> None:
    assert vendor_code(f"{before}{identifier}{behind}") is None


@pytest.mark.parametrize(
    "code",
    [
        *("ORA-00942", "AADSTS50011", "invalid_request_error", "rate_limit_exceeded", "E11000", "0x80070005", "42P01", "-32601"),
        *(
            "validation.required",
            "InvalidParameterValueException",
            "insufficient_quota",
            "SQLSTATE[23505]"[:8],
            "30007",
            "TLS1.3",
        ),
        *("NotSupportedChoice", "ERR_HTTP2_STREAM_ERROR", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "SELF_SIGNED_CERT_IN_CHAIN"),
    ],
)
def test_vendors_own_code_stays(code: str) -> None:
    assert vendor_code(code) == code


@given(
    IDENTIFIERS | st.builds("{}@shop.test".format, st.text(string.ascii_lowercase, min_size=1, max_size=9)),
    st.sampled_from(["sync_lead ", "sync_lead:", "lead_", "import-"]),
)
def test_names_that_the_application_gives_are_folded(identifier: str, before: str) -> None:
    one = Attempt()
    one.fail(f"{before}{identifier}", "told")
    one.duration_ms = 1
    operation = Operation(lambda _: None, service_name="crm", action=f"{before}{identifier}")
    operation.add(one)
    operation.duration_ms = 1

    record = Recorder(Settings())(operation)

    assert record is not None
    assert record.error_code is not None
    assert identifier not in record.action + record.error_code
    assert record.action == record.error_code
    # What stands before the sign of an address may be a part of it.
    assert record.action.startswith(before.rstrip(" :_-")) or "@" in identifier
    assert len(record.action) <= len(before) + len("{id}-{id}-{id}-{id}-{id}")


@pytest.mark.parametrize("token", ["0000AAAAAAAAAAAAAAAAAAAG", "aaaaaaaaaaaa0aaaaaaaaaaa", "Abcdefghijkl0000Mnopqrst"])
def test_a_token_that_looks_like_few_words_is_folded(token: str) -> None:
    assert folded_name(f"sync_lead {token}") == "sync_lead {id}"


@pytest.mark.parametrize(
    "name", ["SendEmail2FAVerificationCode", "SyncLeadsFromAmoCRMv4ToWarehouse", "SomeVeryLongActionNameStep2"]
)
def test_a_long_name_with_a_digit_stays(name: str) -> None:
    assert folded_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "sync_lead",
        "charge_card",
        "import_2024",
        "step 12 of 20",
        "GET /v1/orders/{id}",
        "отправка счёта",
        "HTTP_503",
        "notify_manager",
    ],
)
def test_ordinary_name_stays(name: str) -> None:
    assert folded_name(name) == name


def test_uuid_in_a_name_is_one_identifier() -> None:
    assert folded_name(f"sync {uuid.UUID(int=7)} now") == "sync {id} now"
