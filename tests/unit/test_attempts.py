"""What is refused is counted by address, for a time, and in bounded memory."""

from typing import Any

import pytest
from litestar.connection import ASGIConnection

from integration_monitor.server import attempts
from integration_monitor.server.attempts import ATTEMPTS_MAX, Attempts, address_of
from integration_monitor.server.refusals import LinkRefused, TooManyAttempts

ADDRESS = "192.0.2.1"


def used_up() -> Attempts:
    refused = Attempts()
    for _ in range(ATTEMPTS_MAX):
        refused.note(ADDRESS)
    return refused


def test_attempts_beyond_the_bound_are_told_when_to_come_again() -> None:
    refused = used_up()

    with pytest.raises(TooManyAttempts) as told:
        refused.note(ADDRESS)

    assert 0 < (told.value.retry_after_s or 0) <= attempts.WINDOW_S
    refused.note("192.0.2.2")


def test_refusal_in_a_block_counts_and_success_does_not() -> None:
    refused = Attempts()
    for _ in range(2 * ATTEMPTS_MAX):
        with refused.counted(ADDRESS):
            pass
    for _ in range(ATTEMPTS_MAX):
        with pytest.raises(LinkRefused), refused.counted(ADDRESS):
            raise LinkRefused("It is unknown.")

    with pytest.raises(TooManyAttempts), refused.counted(ADDRESS):
        raise AssertionError("nobody gets here")


def test_window_that_is_over_gives_all_attempts_back(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = used_up()
    monkeypatch.setattr(attempts, "WINDOW_S", -1.0)

    refused.check(ADDRESS)

    monkeypatch.undo()
    refused.check(ADDRESS)


def test_addresses_beyond_the_bound_push_out_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "ADDRESSES_MAX", 100)
    refused = used_up()

    for number in range(99):
        refused.note(f"198.51.100.{number}")
    with pytest.raises(TooManyAttempts):
        refused.check(ADDRESS)
    refused.note("203.0.113.1")

    refused.check(ADDRESS)
    assert len(refused._refused) == 100


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (("192.0.2.1", 5), "192.0.2.1"),
        (("::ffff:192.0.2.1", 5), "192.0.2.1"),
        (("2001:db8:1:2:3:4:5:6", 5), "2001:db8:1:2::/64"),
        (("2001:db8:1:2::9", 5), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 5), "fe80::/64"),
        (("testclient", 5), "testclient"),
        (None, ""),
    ],
)
def test_address_is_that_of_one_client(client: tuple[str, int] | None, address: str) -> None:
    scope: Any = {"type": "http", "client": client, "headers": []}
    connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)

    assert address_of(connection) == address
