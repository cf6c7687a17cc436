import asyncio
import logging

import pytest

from integration_monitor.guard import LOG_INTERVAL_S, RAISE_VARIABLE, Guard


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _spare_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(RAISE_VARIABLE, raising=False)


def fail(guard: Guard, error: BaseException) -> None:
    with guard:
        raise error


def test_an_error_of_ours_ends_at_the_guard_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    guard = Guard()

    fail(guard, ValueError("bot123:secret"))

    assert guard.errors_count == 1
    assert "ValueError" in caplog.text
    assert "test_guard.py" in caplog.text


def test_the_text_of_an_error_is_not_logged_since_it_may_quote_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    fail(Guard(), ValueError("bot123:secret"))

    assert "secret" not in caplog.text


def test_a_defect_of_every_call_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    guard = Guard(clock=clock)

    fail(guard, ValueError())
    fail(guard, ValueError())
    clock.now += LOG_INTERVAL_S
    fail(guard, ValueError())

    assert guard.errors_count == 3
    assert len(caplog.records) == 2


def test_a_log_handler_that_raises_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    def handle(_record: logging.LogRecord) -> None:
        raise RuntimeError("the handler is broken")

    monkeypatch.setattr(logging.getLogger("integration_monitor"), "handle", handle)

    fail(Guard(), ValueError())


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), asyncio.CancelledError()])
def test_what_ends_the_program_or_a_task_passes(error: BaseException) -> None:
    with pytest.raises(type(error)) as raised:
        fail(Guard(), error)

    assert raised.value is error


def test_under_the_switch_errors_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RAISE_VARIABLE, "1")

    with pytest.raises(ValueError, match="ours"):
        fail(Guard(), ValueError("ours"))
