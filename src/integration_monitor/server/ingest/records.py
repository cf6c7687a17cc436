"""An object that somebody sent becomes a record; what is wrong with it is said by field."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from integration_monitor.capture.log import build_record
from integration_monitor.capture.payload import copy_as_json
from integration_monitor.record import IntegrationLog, Json
from integration_monitor.server.ingest.items import ItemProblem

FIELDS: Final = IntegrationLog.__struct_fields__
_REQUIRED: Final = ("service_name", "action", "status")
_DEFAULTS: Final[Mapping[str, Json]] = {"retry_count": 0}
_FIRST_OF_RECORD: Final[Mapping[str, Json]] = {name: _DEFAULTS.get(name) for name in FIELDS}

_TEXT: Final = "Send a text."
_WHOLE: Final = "Send a whole number from 0 to 2147483647, or leave it out."
_TIME: Final = "Send ISO 8601 with a time zone, such as 2026-11-22T10:00:00Z, or leave it out."
_PAYLOAD: Final = "Send JSON that is nested less deep."
#: What to do about each field, whatever is wrong with it.
_REMEDIES: Final[Mapping[str, str]] = {
    "id": "Send a UUID, best a UUIDv7, or leave it out; a record that has one may be sent again.",
    "service_name": "Send the name of the service, such as `amocrm`.",
    "action": "Send what was wanted of the service, such as `send_email`.",
    "status": "Send success, failed, pending or retrying.",
    "related_entity_type": "Send what the call was about, such as `lead`, or leave it out.",
    "related_entity_id": "Send a UUID, or the service's own id (text or a whole number) with related_entity_type.",
    "request_payload": _PAYLOAD,
    "response_payload": _PAYLOAD,
    "error_message": _TEXT,
    "error_code": _TEXT,
    "duration_ms": _WHOLE,
    "retry_count": _WHOLE,
    "created_at": _TIME,
    "updated_at": _TIME,
}


def to_record(item: Json, *, is_plain: bool = False) -> IntegrationLog:
    """The record of an object with some of the 14 fields. Null counts as not given.

    is_plain:
        As of `Item`.

    Errors:
        ItemProblem
    """
    if not isinstance(item, dict):
        raise ItemProblem(None, "it is no JSON object", "Send an object with the fields of a record.", value=item)
    unknown = next((name for name in item if name not in _FIRST_OF_RECORD), None)
    if unknown is not None:
        raise ItemProblem(unknown[:100], "there is no such field", f"The fields are: {', '.join(FIELDS)}.", value=item[unknown])
    fields = {**_FIRST_OF_RECORD, **{name: value for name, value in item.items() if value is not None}}
    for name in _REQUIRED:
        if fields[name] is None:
            raise ItemProblem(name, "it is missing", _REMEDIES[name])
    for name, convert in _CONVERSIONS.items():
        if fields[name] is not None:
            fields[name] = convert(name, fields[name])
    try:
        record, _size_bytes = build_record(fields, copy=_keep if is_plain else copy_as_json)
    except (TypeError, ValueError) as error:
        # Its messages begin with the field.
        name = str(error).partition(" ")[0]
        name = name if name in _REMEDIES else "record"
        raise ItemProblem(name, str(error), _REMEDIES.get(name, "Correct it."), value=fields.get(name)) from error
    return record


def _keep(payload: Json) -> tuple[Json, int]:
    """In place of a copy. What it weighs is not asked for: the door counts the bytes of the body."""
    return payload, 0


def _text(name: str, value: Json) -> str:
    if not isinstance(value, str):
        raise ItemProblem(name, "it must be a text", _REMEDIES[name], value=value)
    return value


def _code(name: str, value: Json) -> str:
    """Vendors' codes are often numbers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(name, value)


def _entity_id(name: str, value: Json) -> str | int:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ItemProblem(name, "it must be a text or a whole number", _REMEDIES[name], value=value)
    return value


def _whole(name: str, value: Json) -> int:
    """Clocks of other languages give fractions of milliseconds: these are rounded."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ItemProblem(name, "it must be a number", _REMEDIES[name], value=value)
    return round(value)


def _time(name: str, value: Json) -> datetime:
    try:
        moment = msgspec.convert(_text(name, value), datetime)
    except msgspec.ValidationError as error:
        raise ItemProblem(name, "it is no time of ISO 8601", _REMEDIES[name], value=value) from error
    if moment.tzinfo is None:
        raise ItemProblem(name, "it has no time zone", _REMEDIES[name], value=value)
    return moment


_CONVERSIONS: Final[Mapping[str, Callable[[str, Json], Any]]] = {
    **dict.fromkeys(("id", "service_name", "action", "status", "related_entity_type", "error_message"), _text),
    "error_code": _code,
    "related_entity_id": _entity_id,
    "duration_ms": _whole,
    "retry_count": _whole,
    "created_at": _time,
    "updated_at": _time,
}
