"""A copy, as JSON, of what the application gives: what it changes later is not recorded."""

from typing import Any

import msgspec

from integration_monitor.record import Json

# A Decimal as text would no longer be a number to whoever reads the column.
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_ENCODER_OF_ANYTHING = msgspec.json.Encoder(decimal_format="number", enc_hook=str)

# Python's values weigh between once (a long text) and eight times (many short fields) what their JSON does (tracemalloc).
WEIGHT_OF_JSON = 4

# Enough to recognise an object that cannot become JSON.
TEXT_CHARACTERS_MAX = 2_000


def copy_as_json(payload: object) -> tuple[Json, int]:
    """The payload as JSON values, and what they weigh in bytes, near enough. What PostgreSQL cannot keep in a text (NUL, lone surrogates) becomes U+FFFD.

    Errors:
        TypeError: something in it has no form in JSON.
        ValueError: it is nested too deep.
    """
    return _copy(payload, _ENCODER)


def copy_anything(payload: object) -> tuple[Json, int]:
    """As `copy_as_json`, but never raises: an object without a form in JSON becomes its text."""
    try:
        return _copy(payload, _ENCODER_OF_ANYTHING)
    except Exception:  # noqa: BLE001 -- the payload's own code runs here: anything may come
        text = text_of(payload)
        return text, len(text) * WEIGHT_OF_JSON


def clean_text(text: str) -> str:
    """The text as PostgreSQL can keep it."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _copy(payload: object, encoder: msgspec.json.Encoder) -> tuple[Json, int]:
    try:
        try:
            encoded = encoder.encode(payload)
        except UnicodeEncodeError:
            encoded = encoder.encode(_clean(payload))
        copy = msgspec.json.decode(encoded)
        # The escape may also be a text about escapes, where cleaning changes nothing.
        return (_clean(copy) if rb"\u0000" in encoded else copy), len(encoded) * WEIGHT_OF_JSON
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {_clean(key): _clean(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    return value


def text_of(payload: object) -> str:
    """What `str` makes of it, or its type's name where that raises."""
    try:
        return clean_text(str(payload)[:TEXT_CHARACTERS_MAX])
    except Exception:  # noqa: BLE001 -- __str__ is the application's code: anything may come
        return type(payload).__name__
