"""Telegram: every answer that its documents tell of, and which action a call is."""

import pytest

from integration_monitor.record import Json
from tests.unit.exchanges import Case, check, understand
from tests.unit.vendors.telegram import BOT, CHAT, TOKEN, VENDOR, error


@pytest.mark.parametrize("case", VENDOR.cases, ids=str)
def test_answer_is_understood(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    ("url", "action"),
    [
        (f"{BOT}/getMe", "test_connection"),
        (f"{BOT}/GETME", "test_connection"),
        (f"{BOT}/sendmessage", "send_message"),
        (f"{BOT}/test/sendMessage", "send_message"),
        (f"{BOT}/sendMediaGroup", "send_media_group"),
        (f"{BOT}/answerCallbackQuery", "answer_callback_query"),
        (f"{BOT}/sendsomethingnew", "sendsomethingnew"),
        (f"{BOT}/x1234567890", "POST /{id}"),
        (f"https://api.telegram.org/bot{TOKEN.replace(':', '%3A')}/sendMessage", "send_message"),
        (f"http://localhost:8081/bot{TOKEN}/sendMessage", "send_message"),
        (f"https://proxy.example.org/tg/bot{TOKEN}/deleteMessages", "delete_messages"),
        (f"https://api.telegram.org/file/bot{TOKEN}/photos/file_1.png", "download_file"),
        ("https://api.telegram.org/bot123:short/sendMessage", "send_message"),
    ],
)
def test_method_is_the_action(url: str, action: str) -> None:
    meaning = understand(f"POST {url}", answer={"ok": True, "result": True})

    assert (meaning.service_name, meaning.action) == ("telegram", action)


@pytest.mark.parametrize(
    "parts",
    [
        {"request": {"chat_id": "@shop"}},
        {"request": {"chat_id": "@shop", "text": "from a form"}},
    ],
)
def test_chat_is_the_entity(parts: dict[str, Json]) -> None:
    assert understand(f"POST {BOT}/sendMessage", **parts).entity == ("chat", "@shop")


def test_chat_in_the_query_is_the_entity() -> None:
    assert understand(f"GET {BOT}/sendMessage?chat_id=-100&text=x").entity == ("chat", "-100")


def test_long_poll_is_recorded_only_if_it_failed() -> None:
    quiet = understand(f"POST {BOT}/getUpdates", answer={"ok": True, "result": []})
    failed = understand(f"POST {BOT}/getUpdates", status=409, answer=error(409, "Conflict"))

    assert (quiet.is_recorded, failed.is_recorded) == (False, True)


@pytest.mark.parametrize(("given", "after_s"), [(10**400, 604_800.0), (-5, 0.0)])
def test_a_wait_that_nobody_means_is_bounded(given: int, after_s: float) -> None:
    answer = error(429, "Too Many Requests", parameters={"retry_after": given})

    outcome = understand(f"POST {BOT}/sendMessage", request=CHAT, status=429, answer=answer).outcome

    assert outcome.retry is not None
    assert (outcome.retry.advice, outcome.retry.after_s) == ("after", after_s)
