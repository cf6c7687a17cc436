"""`amocrm-api`, unmodified, against the simulator: it hides more than the others do, and its rows tell the truth all the same.

A 400 is returned and not raised, a 402 is a ValueError, of a 403 and a 429 only the number is left, and tokens are refreshed outside its session.
After each test the whole text of every row is searched for the tokens.
"""

import warnings
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
import requests

import integration_monitor as im
from integration_monitor.guard import RAISE_VARIABLE
from integration_monitor.simulators.server import SimulatedVendors
from tests.acceptance.test_vendor_sdks import PATIENCE_S, Expected, Recorded, assert_failed

with warnings.catch_warnings():
    # The library is of 2023 and uses what has been deprecated since.
    warnings.simplefilter("ignore")
    from amocrm.v2 import exceptions  # type: ignore[import-untyped]
    from amocrm.v2.interaction import BaseInteraction, GenericInteraction  # type: ignore[import-untyped]
    from amocrm.v2.tokens import MemoryTokensStorage, TokenManager  # type: ignore[import-untyped]

CLIENT_SECRET = "PLANTEDclientsecret3f8e21c07b9a6d35"
KEY = "a key that signs nothing but these tokens"
ACCESS_TOKEN = jwt.encode({"exp": 4_000_000_000}, KEY)
EXPIRED_TOKEN = jwt.encode({"exp": 1_000_000_000}, KEY)
REFRESH_TOKEN = "def50200PLANTED7c4be1902fd83a65"
REFRESH_TOKEN_USED = "def50200USED9c4be1902fd83a6577"
FRAGMENT_CHARS = 16

Client = Callable[..., TokenManager]


@pytest.fixture(scope="module")
def vendors() -> Iterator[SimulatedVendors]:
    with SimulatedVendors() as vendors:
        yield vendors


@pytest.fixture(autouse=True)
def _reach_the_simulator(vendors: SimulatedVendors, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's host is fixed: its requests are turned round below requests, as a proxy would do it."""
    send = requests.adapters.HTTPAdapter.send

    def send_there(adapter: Any, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        there = request.copy()
        url = urlsplit(request.url or "")
        there.url = f"{vendors.base_urls['amocrm']}{url.path}?{url.query}"
        # What goes to the simulator is the test's own doing.
        with im.suppress():
            return send(adapter, there, **kwargs)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send_there)


@pytest.fixture
def recorded(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    """What the calls of the test become. At its end everything is searched for tokens."""
    monkeypatch.setenv(RAISE_VARIABLE, "1")
    recorded = Recorded(database_url)
    im.instrument(database_url, shutdown_timeout_s=PATIENCE_S)
    yield recorded
    rows = recorded.rows()
    im.uninstrument()
    assert rows != []
    assert [leaks(row["whole"]) for row in rows] == [[]] * len(rows)


def leaks(text: str) -> list[str]:
    """All pieces of tokens and of the client's secret in a text."""
    secrets = (ACCESS_TOKEN, EXPIRED_TOKEN, REFRESH_TOKEN, REFRESH_TOKEN_USED, CLIENT_SECRET)
    pieces = {secret[at : at + FRAGMENT_CHARS] for secret in secrets for at in range(len(secret) - FRAGMENT_CHARS + 1)}
    return sorted(piece for piece in pieces if piece in text)


@pytest.fixture
def tokens() -> Client:
    def tokens(access_token: str = ACCESS_TOKEN, refresh_token: str = REFRESH_TOKEN) -> TokenManager:
        storage = MemoryTokensStorage()
        storage.save_tokens(access_token, refresh_token)
        manager = TokenManager()
        manager("client-id", CLIENT_SECRET, "example", "https://app.example.org/oauth", storage)
        return manager

    return tokens


def marked(mark: str) -> str:
    """An access token that the simulator refuses: its signature, which the library does not look at, holds the mark."""
    return f"{ACCESS_TOKEN.rpartition('.')[0]}.{mark}{'A' * (-len(mark) % 4)}"


def leads(manager: TokenManager) -> GenericInteraction:
    return GenericInteraction(manager, path="leads")


def test_400_that_raises_nothing_is_a_failure(tokens: Client, recorded: Recorded) -> None:
    answer, status = BaseInteraction(tokens()).request("post", "leads", data=[{"name": "Order 1001 [validation]"}])

    row = recorded.row()
    assert (status, answer["title"]) == (400, "Bad Request")
    assert (row["service_name"], row["action"]) == ("amocrm", "create_leads")
    assert_failed(
        row, Expected(code="NotSupportedChoice", fault="ours", status_code=400, message="custom_fields_values.0.field_id")
    )
    assert row["error_message"].endswith("(1 other code)")
    assert row["request_payload"]["url"].startswith("https://example.amocrm.ru/api/v4/leads")


@pytest.mark.parametrize(
    ("mark", "error", "expected"),
    [
        ("[forbidden]", exceptions.PermissionsDenyException, Expected(code="244", fault="auth", status_code=403, message="244")),
        (
            "[too many]",
            exceptions.AmoApiException,
            Expected(code="HTTP_429", fault="limit", retry="ambiguous", status_code=429, message="429 Too Many Requests"),
        ),
        (
            "[gateway]",
            exceptions.AmoApiException,
            Expected(code="HTTP_504", fault="vendor", retry="ambiguous", status_code=504, message="504 Gateway Time-out"),
        ),
        (
            "[dropped]",
            exceptions.AmoApiException,
            Expected(code="CONNECTION_FAILED", fault="network", retry="ambiguous"),
        ),
    ],
)
def test_refused_lead_is_a_failure(
    mark: str, error: type[Exception], expected: Expected, tokens: Client, recorded: Recorded
) -> None:
    with pytest.raises(error):
        leads(tokens()).create({"name": f"Order 1001 {mark}"})

    assert_failed(recorded.row(), expected)


@pytest.mark.parametrize(
    ("mark", "error", "expected"),
    [
        ("UNPAID", ValueError, Expected(code="HTTP_402", fault="auth", status_code=402, message="The account is not paid")),
        ("BLOCKED", exceptions.PermissionsDenyException, Expected(code="HTTP_403", fault="auth", status_code=403)),
        (
            "REVOKED",
            exceptions.UnAuthorizedException,
            Expected(code="HTTP_401", fault="auth", status_code=401, message="revoked"),
        ),
    ],
)
def test_account_that_is_refused_is_a_failure_of_the_account(
    mark: str, error: type[Exception], expected: Expected, tokens: Client, recorded: Recorded
) -> None:
    with pytest.raises(error):
        leads(tokens(marked(mark))).get(2000001)

    row = recorded.row()
    assert row["related_entity_id"] == im.entity_uuid("lead", 2000001)
    assert_failed(row, expected)


def test_call_that_was_left_out_is_a_partial_failure(tokens: Client, recorded: Recorded) -> None:
    sent = [{"phone": "77000000001", "direction": "inbound"}, {"phone": "77000000000", "direction": "inbound"}]

    _answer, status = BaseInteraction(tokens()).request("post", "calls", data=sent)

    assert status == 200
    assert_failed(
        recorded.row(), Expected(code="PARTIAL_FAILURE", fault="ours", status_code=200, message="1 of 2 calls not added")
    )


def test_lead_that_is_not_there_is_an_answer(tokens: Client, recorded: Recorded) -> None:
    with pytest.raises(exceptions.NotFound):
        leads(tokens()).get(4040001)

    row = recorded.row()
    assert (row["action"], row["status"], row["response_payload"]["note"]) == ("get_lead", "success", "no content")


def test_refresh_outside_the_session_is_a_row(tokens: Client, recorded: Recorded) -> None:
    leads(tokens(EXPIRED_TOKEN)).get(2000001)

    refresh, read = recorded.rows()
    assert [(row["action"], row["status"]) for row in (refresh, read)] == [("refresh_token", "success"), ("get_lead", "success")]
    assert refresh["request_payload"]["body"]["refresh_token"] == "${amocrm.refresh_token}"
    assert refresh["response_payload"]["body"]["expires_in"] == 86_400


def test_refresh_token_that_was_used_is_a_failure_of_the_account(tokens: Client, recorded: Recorded) -> None:
    with pytest.raises(Exception, match="Token has been revoked"):
        leads(tokens(EXPIRED_TOKEN, REFRESH_TOKEN_USED)).get(2000001)

    row = recorded.row()
    assert row["action"] == "refresh_token"
    assert_failed(row, Expected(code="HTTP_401", fault="auth", status_code=401, message="Token has been revoked"))
