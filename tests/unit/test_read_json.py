"""Reading a payload raises nothing, whoever wrote it."""

import msgspec
import pytest

from integration_monitor.store.postgres.pool import NESTING_MAX, read_json


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "текст", [1, [2]], {"a": {"b": None}}, 10**30])
def test_json_is_read(value: object) -> None:
    assert read_json(msgspec.json.encode(value)) == value


@pytest.mark.parametrize(
    "raw",
    [
        b"1" * 5000,
        b"1" * 400 + b".5",
        b"[" * (NESTING_MAX + 1) + b"]" * (NESTING_MAX + 1),
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b'"' + b"\xff",
    ],
)
def test_what_cannot_be_read_is_text(raw: bytes) -> None:
    shown = read_json(raw)

    assert shown["unreadable"] is True
    msgspec.json.encode(shown)


def test_many_shallow_lists_are_no_nesting() -> None:
    value: list[list[int]] = [[]] * (NESTING_MAX * 2)

    assert read_json(msgspec.json.encode(value)) == value


def test_nesting_up_to_the_limit_is_read() -> None:
    raw = b"[" * NESTING_MAX + b"]" * NESTING_MAX

    assert isinstance(read_json(raw), list)
