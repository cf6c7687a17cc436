"""A record that the application makes itself: `log()`. What is wrong with it is said at once, naming the field."""

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, get_args

from integration_monitor.capture.payload import clean_text, copy_as_json
from integration_monitor.record import IntegrationLog, Json, Status, entity_uuid, new_id, now

# The columns duration_ms and retry_count are integers of four bytes.
INTEGER_MAX = 2**31 - 1

# What a record weighs beside its payloads (tracemalloc).
RECORD_OVERHEAD_BYTES = 512

_STATUSES: tuple[str, ...] = get_args(Status)

# RFC 9562: the version whose first 48 bits are milliseconds.
_VERSION_WITH_TIME = 7


def build_record(
    fields: Mapping[str, Any], *, copy: Callable[[object], tuple[Json, int]] = copy_as_json
) -> tuple[IntegrationLog, int]:
    """The record of some of the 14 fields, and what it weighs in bytes. Payloads are copied.

    copy:
        As `copy_as_json`; whoever gives payloads that are JSON already, and nobody else's, need not copy them.

    Errors:
        TypeError: a field has a wrong type, or a payload holds what has no form in JSON.
        ValueError: a field has a value that the table cannot hold.
    """
    record_id = _optional_id(fields["id"])
    created_at = _moment("created_at", fields["created_at"])
    if created_at is None and record_id is not None and record_id.version == _VERSION_WITH_TIME:
        # So that the same id is the same record, however often it is logged.
        created_at = datetime.fromtimestamp((record_id.int >> 80) / 1000, UTC)
    created_at = created_at or _now_in_milliseconds()
    entity_type, entity_id, entity = _entity(fields["related_entity_type"], fields["related_entity_id"])
    request_payload, request_bytes = _payload("request_payload", fields["request_payload"], copy)
    response_payload, response_bytes = _payload("response_payload", fields["response_payload"], copy)
    error_message = _optional_text("error_message", fields["error_message"])
    record = IntegrationLog(
        id=record_id or new_id(created_at),
        service_name=_name("service_name", fields["service_name"]),
        action=_name("action", fields["action"]),
        status=_status(fields["status"]),
        related_entity_type=entity_type,
        related_entity_id=entity_id,
        request_payload=_with_entity(request_payload, entity),
        response_payload=response_payload,
        error_message=error_message,
        error_code=_optional_text("error_code", fields["error_code"]),
        duration_ms=None if fields["duration_ms"] is None else _count("duration_ms", fields["duration_ms"]),
        retry_count=_count("retry_count", fields["retry_count"]),
        created_at=created_at,
        updated_at=_moment("updated_at", fields["updated_at"]) or now(),
    )
    return record, RECORD_OVERHEAD_BYTES + request_bytes + response_bytes + len(error_message or "")


def _wrong_type(name: str, wanted: str, value: object) -> TypeError:
    return TypeError(f"{name} must be {wanted}, not {type(value).__name__}")


def _name(name: str, value: object) -> str:
    text = _text(name, value)
    if not text.strip():
        raise ValueError(f"{name} must not be empty")
    return text


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong_type(name, "a str", value)
    return clean_text(str(value))


def _optional_text(name: str, value: object) -> str | None:
    return None if value is None else _text(name, value)


def _status(value: object) -> Status:
    text = _text("status", value)
    for status in _STATUSES:
        if text == status:
            return status  # type: ignore[return-value]  # the statuses come from the type itself
    raise ValueError(f"status must be one of {', '.join(_STATUSES)}, not {text!r}")


def _count(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong_type(name, "a whole number (int)", value)
    if not 0 <= value <= INTEGER_MAX:
        raise ValueError(f"{name} must be between 0 and {INTEGER_MAX}, not {value}")
    return value


def _moment(name: str, value: object) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise _wrong_type(name, "a datetime", value)
    if value.utcoffset() is None:
        raise ValueError(f"{name} has no time zone: make it aware, for example with datetime.now(UTC)")
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{name} lies outside the years 1 to 9999 in UTC: {value.isoformat()}") from error


def _now_in_milliseconds() -> datetime:
    """The present time as far as an id can hold it, so that it can be read back from there."""
    moment = now()
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _optional_id(value: object) -> uuid.UUID | None:
    if value is None or isinstance(value, uuid.UUID):
        return value
    if not isinstance(value, str):
        raise _wrong_type("id", "a uuid.UUID", value)
    try:
        return uuid.UUID(value)
    except ValueError as error:
        raise ValueError(f"id must be a UUID, not {value!r}") from error


def _entity(entity_type: object, entity_id: object) -> tuple[str | None, uuid.UUID | None, dict[str, str] | None]:
    """The two columns, and the entity as it is kept in the payload where its id is the vendor's own."""
    type_text = _optional_text("related_entity_type", entity_type)
    if entity_id is None:
        return type_text, None, None
    if not isinstance(entity_id, uuid.UUID | str | int) or isinstance(entity_id, bool):
        raise _wrong_type("related_entity_id", "a uuid.UUID, a str or an int", entity_id)
    id_text = clean_text(str(entity_id))
    mapped = entity_uuid(type_text or "", id_text)
    if mapped.version == _MAPPED_VERSION and str(mapped) != id_text.lower():
        if type_text is None:
            raise ValueError(f"related_entity_type is needed to tell what {id_text!r} in related_entity_id is")
        return type_text, mapped, {"type": type_text, "id": id_text}
    return type_text, mapped, None


# entity_uuid() maps with UUIDv5; an id that is a UUID already stays itself.
_MAPPED_VERSION = 5


def _payload(name: str, value: object, copy: Callable[[object], tuple[Json, int]]) -> tuple[Json, int]:
    if value is None:
        return None, 0
    try:
        return copy(value)
    except TypeError as error:
        raise TypeError(f"{name} must be JSON: {error}") from error
    except ValueError as error:
        raise ValueError(f"{name} must be JSON: {error}") from error


def _with_entity(payload: Json, entity: dict[str, str] | None) -> Json:
    """The payload with the entity's id as it was given, unless the application put an entity there itself."""
    if entity is None:
        return payload
    if payload is None:
        return {"entity": entity}
    return {"entity": entity, **payload} if isinstance(payload, dict) else {"body": payload, "entity": entity}
