"""The vendors' own SDKs, unmodified and pointed at the simulators: every call is a row that tells the truth, and no secret is in any.

After each test the whole text of every row, and everything that we logged, is searched for every secret that was used.
"""

import asyncio
import contextlib
import dataclasses
import logging
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

import psycopg
import pytest
import resend
import telegram
from psycopg.rows import dict_row
from telegram.request import HTTPXRequest

import integration_monitor as im
from integration_monitor.guard import RAISE_VARIABLE
from integration_monitor.simulators.server import SimulatedVendors
from tests.conftest import WHEEL, Server, Variant

RESEND_KEY = "re_PLANTEDkey_4f8e21c07b9a6d35"
RESEND_KEY_REVOKED = "re_revoked_PLANTED_91c2e7a04d"
RESEND_KEY_SENDING = "re_send_PLANTED_5b3f80e6c1a97"
BOT_ID = "123456789"
TELEGRAM_TOKEN = f"{BOT_ID}:AAPLANTEDtoken_f3Kq81LmZx07VwTb52Rn"
TELEGRAM_TOKEN_REVOKED = "401456789:AAPLANTEDtoken_c9Hs42PdYe65JuGa18Ok"
# A slip: too short for a token, yet most of one.
TELEGRAM_TOKEN_MALFORMED = f"{BOT_ID}:AAPLANTEDslip_6Wd0"
WEBHOOK_URL = "https://shop.example.org/hooks/PLANTEDpath_8d7f6e5a4b3c"
WEBHOOK_SECRET = "PLANTEDwebhook-secret-2b4d6f8a"
DATABASE_PASSWORD = "PLANTEDpassword-7e5c3a1f"
# What the simulators give out: a new API key, a webhook's signing secret, the token of a managed bot.
GIVEN_OUT = (
    "re_FAKEnew1_0000000000000000000000",
    "whsec_FAKEfakeFAKEfakeFAKEfake0000",
    "987654321:AAFAKEmanagedFAKEmanagedFAKEmanaged0",
)
SECRETS = (
    *(RESEND_KEY, RESEND_KEY_REVOKED, RESEND_KEY_SENDING, TELEGRAM_TOKEN, TELEGRAM_TOKEN_REVOKED, TELEGRAM_TOKEN_MALFORMED),
    *(WEBHOOK_URL.rpartition("/")[2], WEBHOOK_SECRET, DATABASE_PASSWORD, *GIVEN_OUT),
)
# A shorter piece of a secret helps nobody.
FRAGMENT_CHARS = 12

# How long a vendor that does not answer is waited for: an answer of a simulator takes milliseconds, also on a busy machine.
RESEND_TIMEOUT_S = 4
TELEGRAM_TIMEOUT_S = 4.0
PATIENCE_S = 30
NOWHERE = "127.0.0.1:1"


def leaks(text: str) -> list[str]:
    """All pieces of secrets in a text."""
    pieces = {secret[at : at + FRAGMENT_CHARS] for secret in SECRETS for at in range(len(secret) - FRAGMENT_CHARS + 1)}
    return sorted(piece for piece in pieces if piece in text)


class Recorded:
    """The table that is recorded into."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url

    def empty(self) -> None:
        with psycopg.connect(self._database_url) as connection:
            connection.execute("delete from public.integration_logs")

    def rows(self) -> list[dict[str, Any]]:
        """Everything recorded so far, oldest first; `whole` is the text of all columns."""
        assert im.flush(PATIENCE_S)
        query = "select *, logs::text as whole from public.integration_logs as logs order by created_at, id"
        with psycopg.connect(self._database_url, row_factory=dict_row) as connection:
            return connection.execute(query).fetchall()

    def row(self) -> dict[str, Any]:
        [row] = self.rows()
        return row


@pytest.fixture(scope="module")
def vendors() -> Iterator[SimulatedVendors]:
    with SimulatedVendors() as vendors:
        yield vendors


@pytest.fixture(scope="module")
def shared_database_url(servers: Callable[[Variant], Server]) -> Iterator[str]:
    """One database for all tests here: each begins with an empty table."""
    server = servers(WHEEL)
    name = server.create_database(is_migrated=True)
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture(autouse=True)
def recorded(
    shared_database_url: str, vendors: SimulatedVendors, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[Recorded]:
    """What the calls of the test become. At its end everything is searched for secrets."""
    monkeypatch.setenv(RAISE_VARIABLE, "1")
    recorded = Recorded(shared_database_url)
    recorded.empty()
    with caplog.at_level(logging.DEBUG, "integration_monitor"):
        im.instrument(shared_database_url, service_hosts=vendors.service_hosts, shutdown_timeout_s=PATIENCE_S)
        try:
            yield recorded
            rows = recorded.rows()
        finally:
            im.uninstrument()
    assert [leaks(row["whole"]) for row in rows] == [[]] * len(rows)
    assert leaks("\n".join(one.getMessage() for one in caplog.records if one.name.startswith("integration_monitor"))) == []


@pytest.fixture(autouse=True)
def _resend(vendors: SimulatedVendors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resend, "api_url", vendors.base_urls["resend"])
    monkeypatch.setattr(resend, "api_key", RESEND_KEY)
    monkeypatch.setattr(resend, "default_http_client", resend.RequestsClient(timeout=RESEND_TIMEOUT_S))
    monkeypatch.setattr(resend, "default_async_http_client", resend.HTTPXClient(timeout=RESEND_TIMEOUT_S))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Expected:
    """What a failure's row says."""

    code: str
    fault: str
    retry: str = "no"
    #: None where no answer came
    status_code: int | None = None
    #: a part of it
    message: str = ""


def assert_failed(row: dict[str, Any], expected: Expected) -> None:
    response = row["response_payload"]
    assert row["status"] == "failed"
    assert (row["error_code"], response["fault"], response["retry"]) == (expected.code, expected.fault, expected.retry)
    assert response.get("status_code") == expected.status_code
    assert expected.message in row["error_message"]


# Resend: synchronously through requests, asynchronously through httpx.

Send = Callable[[resend.Emails.SendParams], Any]


def send_now(email: resend.Emails.SendParams) -> Any:
    return resend.Emails.send(email)


def send_async(email: resend.Emails.SendParams) -> Any:
    return asyncio.run(resend.Emails.send_async(email))


either_way = pytest.mark.parametrize("send", [send_now, send_async], ids=["requests", "httpx"])


def email_to(recipient: str) -> resend.Emails.SendParams:
    return {
        "from": "Shop <shop@mail.example.org>",
        "to": [f"{recipient}@customer.test"],
        "subject": "Order 1001",
        "html": "<p>It is on its way.</p>",
    }


DROPPED = Expected(code="CONNECTION_FAILED", fault="network", retry="ambiguous")
TIMED_OUT = Expected(code="TIMEOUT", fault="network", retry="ambiguous")
REVOKED = Expected(code="validation_error", fault="auth", status_code=400, message="API key is invalid")


@either_way
def test_sent_email_is_a_row(send: Send, recorded: Recorded) -> None:
    answer = send(email_to("anna"))

    row = recorded.row()
    assert (row["service_name"], row["action"], row["status"], row["error_code"]) == ("resend", "send_email", "success", None)
    assert (row["related_entity_type"], row["related_entity_id"]) == ("email", uuid.UUID(answer["id"]))
    assert row["request_payload"]["headers"]["authorization"] == "Bearer ${resend.api_key}"
    assert row["request_payload"]["body"] == email_to("anna")
    assert row["response_payload"]["body"] == {"id": answer["id"]}


@either_way
@pytest.mark.parametrize(
    ("recipient", "expected"),
    [
        ("invalid", Expected(code="validation_error", fault="recipient", status_code=422, message="Invalid `to` field")),
        ("ratelimited", Expected(code="rate_limit_exceeded", fault="limit", retry="after", status_code=429)),
        ("broken", Expected(code="application_error", fault="vendor", retry="ambiguous", status_code=500)),
        ("cdn", Expected(code="HTTP_502", fault="vendor", retry="ambiguous", status_code=502, message="502 Bad Gateway")),
        ("dropped", DROPPED),
        ("timeout", TIMED_OUT),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refused_email_is_a_failure(send: Send, recipient: str, expected: Expected, recorded: Recorded) -> None:
    with pytest.raises(resend.exceptions.ResendError) as caught:
        send(email_to(recipient))

    row = recorded.row()
    assert (row["service_name"], row["action"], row["related_entity_id"]) == ("resend", "send_email", None)
    assert_failed(row, expected)
    # The SDK says 500 where nothing came: the row knows better.
    assert int(caught.value.code) == (expected.status_code or 500)


@either_way
def test_revoked_key_is_a_failure_of_the_account(send: Send, recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resend, "api_key", RESEND_KEY_REVOKED)

    with pytest.raises(resend.exceptions.ResendError):
        send(email_to("anna"))

    assert_failed(recorded.row(), REVOKED)


def test_email_without_a_field_is_our_failure(recorded: Recorded) -> None:
    with pytest.raises(resend.exceptions.ResendError):
        resend.Emails.send({"from": "shop@mail.example.org", "to": "anna@customer.test", "subject": ""})

    assert_failed(recorded.row(), Expected(code="missing_required_field", fault="ours", status_code=422))


def test_email_with_an_idempotency_key_may_be_repeated(recorded: Recorded) -> None:
    with pytest.raises(resend.exceptions.ResendError):
        resend.Emails.send(email_to("dropped"), {"idempotency_key": "order-1001"})

    assert_failed(recorded.row(), dataclasses.replace(DROPPED, retry="safe"))


def test_key_that_may_only_send_passes_the_test_of_the_connection(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resend, "api_key", RESEND_KEY_SENDING)

    with pytest.raises(resend.exceptions.ResendError):
        resend.Domains.list()

    row = recorded.row()
    assert (row["action"], row["status"]) == ("test_connection", "success")
    assert row["response_payload"]["status_code"] == 401


def test_vendor_that_cannot_be_reached_is_a_failure_of_the_network(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resend, "api_url", f"http://{NOWHERE}")

    with pytest.raises(resend.exceptions.ResendError):
        resend.Emails.send(email_to("anna"))

    # Nobody was told that this host stands for Resend.
    assert recorded.row()["service_name"] == NOWHERE.partition(":")[0]
    assert_failed(recorded.row(), dataclasses.replace(DROPPED, retry="safe"))


def test_keys_that_resend_gives_out_are_not_kept(recorded: Recorded) -> None:
    key = resend.ApiKeys.create({"name": "new"})
    webhook = resend.Webhooks.create({"endpoint": "https://shop.example.org/resend", "events": ["email.sent"]})

    assert {key["token"], webhook["signing_secret"]} <= set(GIVEN_OUT)
    assert [row["action"] for row in recorded.rows()] == ["create_api_key", "create_webhook"]


# Telegram: python-telegram-bot, through httpx.

Talk = Callable[[telegram.Bot], Awaitable[Any]]


@pytest.fixture
def converse(vendors: SimulatedVendors, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs a conversation of a bot, and gives its result."""
    # Without it the SDK warns at every flood of what a later version will do.
    monkeypatch.setenv("PTB_TIMEDELTA", "1")

    def converse(talk: Talk, *, token: str = TELEGRAM_TOKEN, address: str = vendors.base_urls["telegram"]) -> Any:
        async def whole() -> Any:
            request = HTTPXRequest(read_timeout=TELEGRAM_TIMEOUT_S)
            bot = telegram.Bot(token, base_url=f"{address}/bot", request=request)
            try:
                return await talk(bot)
            finally:
                await bot.shutdown()
                await request.shutdown()

        return asyncio.run(whole())

    return converse


def message_to(chat: int) -> Talk:
    def talk(bot: telegram.Bot) -> Coroutine[Any, Any, telegram.Message]:
        return bot.send_message(chat, "Your order is ready")

    return talk


def test_sent_message_is_a_row(converse: Callable[..., Any], recorded: Recorded) -> None:
    message = converse(message_to(1000000001))

    row = recorded.row()
    assert (row["service_name"], row["action"], row["status"], row["error_code"]) == ("telegram", "send_message", "success", None)
    assert (row["related_entity_type"], row["related_entity_id"]) == ("chat", im.entity_uuid("chat", 1000000001))
    assert row["request_payload"]["entity"] == {"type": "chat", "id": "1000000001"}
    assert f"/bot${{telegram.token:{BOT_ID}}}/sendMessage" in row["request_payload"]["url"]
    assert row["response_payload"]["body"]["result"]["message_id"] == message.message_id


@pytest.mark.parametrize(
    ("chat", "error", "expected"),
    [
        (
            403001,
            telegram.error.Forbidden,
            Expected(code="403", fault="recipient", status_code=403, message="blocked by the user"),
        ),
        (429007, telegram.error.RetryAfter, Expected(code="429", fault="limit", retry="after", status_code=429)),
        (400001, telegram.error.BadRequest, Expected(code="400", fault="ours", status_code=400, message="chat not found")),
        (400004, telegram.error.ChatMigrated, Expected(code="400", fault="ours", status_code=400, message="supergroup")),
        (500001, telegram.error.NetworkError, Expected(code="500", fault="vendor", retry="ambiguous", status_code=500)),
        (502001, telegram.error.NetworkError, Expected(code="HTTP_502", fault="vendor", retry="ambiguous", status_code=502)),
        (499001, telegram.error.NetworkError, DROPPED),
        (408001, telegram.error.TimedOut, TIMED_OUT),
    ],
    ids=["blocked", "flood", "no chat", "migrated", "restart", "gateway", "dropped", "timed out"],
)
def test_refused_message_is_a_failure(
    chat: int, error: type[telegram.error.TelegramError], expected: Expected, converse: Callable[..., Any], recorded: Recorded
) -> None:
    with pytest.raises(error):
        converse(message_to(chat))

    row = recorded.row()
    assert (row["service_name"], row["action"]) == ("telegram", "send_message")
    assert (row["related_entity_type"], row["related_entity_id"]) == ("chat", im.entity_uuid("chat", chat))
    assert_failed(row, expected)


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (TELEGRAM_TOKEN_REVOKED, Expected(code="401", fault="auth", status_code=401, message="Unauthorized")),
        (TELEGRAM_TOKEN_MALFORMED, Expected(code="404", fault="auth", status_code=404, message="Not Found")),
    ],
    ids=["revoked", "malformed"],
)
def test_wrong_token_is_a_failure_of_the_account(
    token: str, expected: Expected, converse: Callable[..., Any], recorded: Recorded
) -> None:
    async def greet(bot: telegram.Bot) -> None:
        # The SDK puts the token into its exception, which leaves the operation.
        with im.operation("telegram", "greet", entity=("student", 7)):
            await bot.initialize()

    with pytest.raises(telegram.error.InvalidToken, match=token):
        converse(greet, token=token)

    row = recorded.row()
    assert (row["service_name"], row["action"], row["related_entity_type"]) == ("telegram", "greet", "student")
    assert_failed(row, expected)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(TELEGRAM_TOKEN, id="good"),
        pytest.param(TELEGRAM_TOKEN_REVOKED, id="revoked"),
        pytest.param(TELEGRAM_TOKEN_MALFORMED, id="malformed"),
    ],
)
def test_token_in_the_applications_own_words_is_not_kept(token: str, converse: Callable[..., Any], recorded: Recorded) -> None:
    async def greet(bot: telegram.Bot) -> None:
        with im.operation("telegram", "greet") as operation:
            with contextlib.suppress(telegram.error.InvalidToken):
                await bot.initialize()
            operation.fail("BOT_NOT_READY", f"The token `{bot.token}` was rejected by the server.")

    converse(greet, token=token)

    row = recorded.row()
    assert row["error_code"] == "BOT_NOT_READY"
    assert row["error_message"] == f"The token `${{telegram.token:{token.partition(':')[0]}}}` was rejected by the server."


def test_bot_that_starts_tests_its_connection(converse: Callable[..., Any], recorded: Recorded) -> None:
    converse(lambda bot: bot.get_me())

    row = recorded.row()
    assert (row["action"], row["status"]) == ("test_connection", "success")
    assert row["request_payload"]["entity"] == {"type": "bot", "id": BOT_ID}


def test_message_that_was_sent_again_is_one_row(converse: Callable[..., Any], recorded: Recorded) -> None:
    async def remind(bot: telegram.Bot) -> None:
        with im.operation("telegram", "remind", entity=("student", 7)):
            try:
                await bot.send_message(429001, "Lesson at 18:00")
            except telegram.error.RetryAfter:
                await bot.send_message(1000000001, "Lesson at 18:00")

    converse(remind)

    row = recorded.row()
    assert (row["action"], row["status"], row["retry_count"]) == ("remind", "success", 1)
    assert [attempt["error_code"] for attempt in row["response_payload"]["attempts"]] == ["429", None]


def test_secrets_of_a_webhook_are_not_kept(converse: Callable[..., Any], recorded: Recorded) -> None:
    async def hook(bot: telegram.Bot) -> None:
        await bot.set_webhook(WEBHOOK_URL, secret_token=WEBHOOK_SECRET)
        await bot.get_webhook_info()

    converse(hook)

    assert [row["action"] for row in recorded.rows()] == ["set_webhook", "get_webhook_info"]


def test_token_that_telegram_gives_out_is_not_kept(converse: Callable[..., Any], recorded: Recorded) -> None:
    token = converse(lambda bot: bot.get_managed_bot_token(987654321))

    assert token in GIVEN_OUT
    assert recorded.row()["action"] == "get_managed_bot_token"


def test_bot_api_that_cannot_be_reached_is_known_by_its_path(converse: Callable[..., Any], recorded: Recorded) -> None:
    with pytest.raises(telegram.error.NetworkError):
        converse(message_to(1000000001), address=f"http://{NOWHERE}")

    row = recorded.row()
    assert (row["service_name"], row["action"]) == ("telegram", "send_message")
    assert_failed(row, dataclasses.replace(DROPPED, retry="safe"))


# The search itself, and what is logged.


def test_search_finds_pieces_of_secrets() -> None:
    assert leaks(f"…{RESEND_KEY[5:17]}…") == [RESEND_KEY[5:17]]
    assert leaks(f"…{RESEND_KEY[5:16]}…") == []


def test_lost_records_are_logged_without_secrets(converse: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    im.uninstrument()
    im.instrument(f"postgresql://nobody:{DATABASE_PASSWORD}@{NOWHERE}/nothing", shutdown_timeout_s=0.2, durability="off")

    with pytest.raises(telegram.error.NetworkError):
        converse(message_to(1), address=f"http://{NOWHERE}")
    im.shutdown()

    logged = [one.getMessage() for one in caplog.records if one.name.startswith("integration_monitor")]
    assert logged != []
    assert leaks("\n".join(logged)) == []
