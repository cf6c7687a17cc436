"""aiogram, unmodified and pointed at the simulator: it sends everything as multipart forms through aiohttp.

After each test the whole text of every row is searched for the bot's token.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    RestartingTelegram,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramRetryAfter,
)
from aiogram.types import BufferedInputFile, Message

import integration_monitor as im
from integration_monitor.guard import RAISE_VARIABLE
from integration_monitor.simulators.server import SimulatedVendors
from tests.acceptance.test_vendor_sdks import (
    BOT_ID,
    PATIENCE_S,
    TELEGRAM_TIMEOUT_S,
    TELEGRAM_TOKEN,
    Expected,
    Recorded,
    assert_failed,
    leaks,
)

Talk = Callable[[Bot], Awaitable[Any]]
Converse = Callable[[Talk], Any]


@pytest.fixture(scope="module")
def vendors() -> Iterator[SimulatedVendors]:
    with SimulatedVendors() as vendors:
        yield vendors


@pytest.fixture
def recorded(database_url: str, vendors: SimulatedVendors, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    """What the calls of the test become. At its end everything is searched for secrets."""
    monkeypatch.setenv(RAISE_VARIABLE, "1")
    recorded = Recorded(database_url)
    im.instrument(database_url, service_hosts=vendors.service_hosts, shutdown_timeout_s=PATIENCE_S)
    yield recorded
    rows = recorded.rows()
    im.uninstrument()
    assert rows != []
    assert [leaks(row["whole"]) for row in rows] == [[]] * len(rows)


@pytest.fixture
def converse(vendors: SimulatedVendors) -> Converse:
    """Runs a conversation of a bot, and gives its result."""

    def converse(talk: Talk) -> Any:
        async def whole() -> Any:
            server = TelegramAPIServer.from_base(vendors.base_urls["telegram"])
            bot = Bot(TELEGRAM_TOKEN, session=AiohttpSession(api=server, timeout=TELEGRAM_TIMEOUT_S))
            try:
                return await talk(bot)
            finally:
                await bot.session.close()

        return asyncio.run(whole())

    return converse


def message_to(chat: int) -> Talk:
    def talk(bot: Bot) -> Awaitable[Message]:
        return bot.send_message(chat, "Your order is ready")

    return talk


def test_sent_message_is_a_row(converse: Converse, recorded: Recorded) -> None:
    message = converse(message_to(1000000001))

    row = recorded.row()
    assert (row["service_name"], row["action"], row["status"], row["error_code"]) == ("telegram", "send_message", "success", None)
    assert (row["related_entity_type"], row["related_entity_id"]) == ("chat", im.entity_uuid("chat", 1000000001))
    request, response = row["request_payload"], row["response_payload"]
    assert f"/bot${{telegram.token:{BOT_ID}}}/sendMessage" in request["url"]
    assert (request["body"]["chat_id"], request["body"]["text"]) == ("1000000001", "Your order is ready")
    assert response["body"]["result"]["message_id"] == message.message_id


def test_sent_file_is_told_by_name_and_digest_and_not_stored(converse: Converse, recorded: Recorded) -> None:
    converse(lambda bot: bot.send_document(1000000001, BufferedInputFile(b"%PDF-1.7", "invoice.pdf"), caption="Invoice"))

    row = recorded.row()
    body = row["request_payload"]["body"]
    assert (row["action"], row["status"], body["caption"]) == ("send_document", "success", "Invoice")
    digest = hashlib.sha256(b"%PDF-1.7").hexdigest()
    assert {"filename": "invoice.pdf", "binary": True, "size": 8, "sha256": digest} in body.values()


@pytest.mark.parametrize(
    ("chat", "error", "expected"),
    [
        (400001, TelegramBadRequest, Expected(code="400", fault="ours", status_code=400, message="chat not found")),
        (400004, TelegramMigrateToChat, Expected(code="400", fault="ours", status_code=400, message="supergroup")),
        (403001, TelegramForbiddenError, Expected(code="403", fault="recipient", status_code=403, message="blocked")),
        (429007, TelegramRetryAfter, Expected(code="429", fault="limit", retry="after", status_code=429)),
        (500001, RestartingTelegram, Expected(code="500", fault="vendor", retry="ambiguous", status_code=500)),
        # Of a page of the gateway aiogram says only that it is no JSON.
        (502001, ClientDecodeError, Expected(code="HTTP_502", fault="vendor", retry="ambiguous", status_code=502)),
        (408001, TelegramNetworkError, Expected(code="TIMEOUT", fault="network", retry="ambiguous")),
        (499001, TelegramNetworkError, Expected(code="CONNECTION_FAILED", fault="network", retry="ambiguous")),
    ],
    ids=["no chat", "migrated", "blocked", "flood", "restart", "gateway", "timed out", "dropped"],
)
def test_refused_message_is_a_failure(
    chat: int, error: type[AiogramError], expected: Expected, converse: Converse, recorded: Recorded
) -> None:
    with pytest.raises(error) as caught:
        converse(message_to(chat))

    row = recorded.row()
    # The row tells the status, which none of the library's exceptions does.
    assert not hasattr(caught.value, "status")
    assert not hasattr(caught.value, "error_code")
    assert (row["service_name"], row["action"]) == ("telegram", "send_message")
    assert_failed(row, expected)
    assert row["related_entity_id"] == im.entity_uuid("chat", chat)


def test_bot_that_starts_tests_its_connection(converse: Converse, recorded: Recorded) -> None:
    converse(lambda bot: bot.get_me())

    row = recorded.row()
    assert (row["action"], row["status"]) == ("test_connection", "success")
