"""Makes records that PostgreSQL takes of those that it refuses, and says in each what was changed.

Only a refused batch comes here: most records are good, and looking each of them through would cost as much as storing it.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from integration_monitor.record import IntegrationLog, Json
from integration_monitor.store.postgres.encoding import PAYLOAD_BYTES_MAX, TIME_MAX, TIME_MIN

# An entry of a B-tree holds 2,704 bytes; two such texts share one, and a character has up to four bytes.
INDEXED_CHARACTERS_MAX = 300
# A text that is longer than this is no message, and no body that the SDK keeps (64 KiB).
TEXT_CHARACTERS_MAX = 1_000_000
# Deeper payloads are hostile or broken, and the reading side shows them as text (pool.NESTING_MAX). PostgreSQL's stack ends at some 6,000.
NESTING_MAX = 200
# PostgreSQL's numeric holds 131,072 digits, and Python reads no more than 4,300.
DIGITS_MAX = 1_000
# What is kept of a payload or a text that is too long: as much as of a body.
PREVIEW_BYTES_MAX = 64 * 1024
INTEGER_MAX = 2**31 - 1

# U+FFFD, replacement character: PostgreSQL stores no NUL, neither in text nor in jsonb.
_REPLACEMENT: Final = "\ufffd"
_INDEXED: Final = ("service_name", "action", "status", "related_entity_type", "error_code")
_INTEGERS: Final = ("duration_ms", "retry_count")
_TIMES: Final = ("created_at", "updated_at")
_PAYLOADS: Final = ("request_payload", "response_payload")

Note = Callable[[str], None]


def acceptable(record: IntegrationLog) -> IntegrationLog:
    """The record in a form that PostgreSQL can hold: the same for the same record, so that it may be sent again.

    What was changed stands in `response_payload.changed`, a list of sentences. A payload that is no object moves into `body` for that.
    What no rule makes acceptable, such as an unknown status, stays as it is.
    """
    changed: dict[str, None] = {}  # each once, in order

    def noting(name: str) -> Note:
        return lambda what: changed.update({f"{name}: {what}": None})

    fields: dict[str, Any] = {}
    for name in _PAYLOADS:
        fields[name] = _payload(getattr(record, name), noting(name))
    for name in _INDEXED:
        fields[name] = _indexed(getattr(record, name), noting(name))
    if record.error_message is not None:
        fields["error_message"] = _clean(record.error_message, noting("error_message"))
    for name in _INTEGERS:
        fields[name] = _integer(getattr(record, name), noting(name))
    for name in _TIMES:
        fields[name] = _moment(getattr(record, name), noting(name))
    if changed:
        answer = fields["response_payload"]
        answer = {} if answer is None else answer if isinstance(answer, dict) else {"body": answer}
        fields["response_payload"] = {**answer, "changed": list(changed)}
    for name in _PAYLOADS:
        if fields[name] is not None:
            # The standard library writes integers of any size, as msgspec does not.
            fields[name] = msgspec.Raw(json.dumps(fields[name], ensure_ascii=False, allow_nan=False).encode())
    return msgspec.structs.replace(record, **fields)


def _payload(value: Json, note: Note) -> Json:
    if value is None:
        return None
    plain = _plain(value, NESTING_MAX, note)
    encoded = json.dumps(plain, ensure_ascii=False, allow_nan=False).encode()
    if len(encoded) <= PAYLOAD_BYTES_MAX:
        return plain
    note("cut, since it was too long")
    return {"truncated": True, "size": len(encoded), "preview": encoded[:PREVIEW_BYTES_MAX].decode("utf-8", "ignore")}


def _plain(value: Any, levels: int, note: Note) -> Json:
    """The value as JSON that PostgreSQL can hold, no deeper than `levels`."""
    if isinstance(value, dict | list | tuple | set | frozenset):
        return _nested(value, levels, note)
    if isinstance(value, str):
        return _clean(str(value), note)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _number(value, note)
    return _other(value, levels, note)


def _nested(value: Any, levels: int, note: Note) -> Json:
    if levels == 0:
        note(f"cut below {NESTING_MAX} levels")
        return "…"
    if isinstance(value, dict):
        return {_key(key, note): _plain(item, levels - 1, note) for key, item in value.items()}
    return [_plain(item, levels - 1, note) for item in value]


def _other(value: Any, levels: int, note: Note) -> Json:
    """What msgspec knows and JSON does not: dataclasses, dates, encoded JSON."""
    if isinstance(value, msgspec.Raw):
        data = bytes(value)
        try:
            return _plain(json.loads(data), levels, note)
        except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
            note(f"not readable as JSON ({type(error).__name__}), kept as text")
            return _clean(data[:PREVIEW_BYTES_MAX].decode("utf-8", "replace"), note)
    try:
        builtin = msgspec.to_builtins(value, str_keys=True)
    except Exception:  # noqa: BLE001 -- the application's own classes: anything may come
        note(f"{type(value).__name__} has no form in JSON")
        return f"<{type(value).__name__}>"
    return _plain(builtin, levels, note)


def _key(key: Any, note: Note) -> str:
    if isinstance(key, str):
        return _clean(str(key), note)
    if isinstance(key, bool | int | float) or key is None:
        return str(key)
    text = _plain(key, 0, note)
    return text if isinstance(text, str) else type(key).__name__


def _number(value: float, note: Note) -> Json:
    if isinstance(value, float):
        if value - value == 0:
            return value
        note(f"{value} replaced by null")
        return None
    # A digit has more than three bits.
    if value.bit_length() <= DIGITS_MAX * 3:
        return int(value)
    note("a number with too many digits replaced by text")
    return f"{'-' if value < 0 else ''}a number of {value.bit_length()} bits"


def _clean(text: str, note: Note) -> str:
    if len(text) > TEXT_CHARACTERS_MAX:
        note(f"a text of {len(text)} characters cut")
        text = text[:PREVIEW_BYTES_MAX] + "…"
    if "\0" in text:
        note("NUL replaced")
        text = text.replace("\0", _REPLACEMENT)
    cleaned = text.encode("utf-8", "replace").decode()
    if cleaned != text:
        note("lone surrogate replaced")
    return cleaned


def _indexed(value: str | None, note: Note) -> str | None:
    if value is None:
        return None
    if len(value) > INDEXED_CHARACTERS_MAX:
        note(f"shortened from {len(value)} characters")
        value = value[: INDEXED_CHARACTERS_MAX - 1] + "…"
    return _clean(value, note)


def _integer(value: int | None, note: Note) -> int | None:
    if value is None or -INTEGER_MAX <= value <= INTEGER_MAX:
        return value
    note("more than the column holds, replaced by the most it does")
    return INTEGER_MAX if value > 0 else -INTEGER_MAX


def _moment(value: datetime, note: Note) -> datetime:
    if value.tzinfo is None:
        note("had no time zone, taken as UTC")
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        note(f"{value.isoformat()} lies outside the years 1 to 9999")
        return TIME_MAX if value.year > 1 else TIME_MIN
