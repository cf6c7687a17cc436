"""Records as PostgreSQL's binary protocol carries them: rows of COPY, or arrays for `unnest`.

Written by hand, since psycopg's own adapters take longer for a record than PostgreSQL does to store it. Each field is its length in
four bytes and its value; COPY and arrays agree in this. Source: https://www.postgresql.org/docs/current/sql-copy.html (binary format),
and the `recv` functions of the types.
"""

import itertools
import struct
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias
from uuid import UUID

import msgspec
from psycopg.adapt import Dumper
from psycopg.pq import Format

from integration_monitor.record import IntegrationLog, Json

#: What COPY wants before a row (the number of its fields), and the encoded fields of a record, in the order of the columns.
Row: TypeAlias = tuple[bytes, ...]

# Far beyond what the SDK keeps of a body (64 KiB); storing such a payload takes a second, and ten times as much takes too long.
PAYLOAD_BYTES_MAX = 8 * 1024 * 1024

# The columns and the OIDs of their types (pg_type.dat).
_COLUMNS: Final = {
    "id": 2950,
    "service_name": 25,
    "action": 25,
    "status": 25,
    "related_entity_type": 25,
    "related_entity_id": 2950,
    "request_payload": 3802,
    "response_payload": 3802,
    "error_message": 25,
    "error_code": 25,
    "duration_ms": 23,
    "retry_count": 23,
    "created_at": 1184,
    "updated_at": 1184,
}
assert tuple(_COLUMNS) == IntegrationLog.__struct_fields__

COPY_BEGIN: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_END: Final = b"\xff\xff"
_COPY_ROW: Final = struct.pack("!h", len(_COLUMNS))

_NULL: Final = struct.pack("!i", -1)
_UUID: Final = struct.pack("!i", 16)
_length = struct.Struct("!i").pack
_integer = struct.Struct("!ii").pack
_time = struct.Struct("!iq").pack
_jsonb = struct.Struct("!ib").pack
# The version of jsonb's format, in the byte before the text.
_JSONB_VERSION: Final = 1
_json = msgspec.json.Encoder().encode

# PostgreSQL counts microseconds from here.
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_DAY_US: Final = 86_400_000_000
# PostgreSQL knows later years, and Python cannot read them.
TIME_MIN: Final = datetime.min.replace(tzinfo=UTC)
TIME_MAX: Final = datetime.max.replace(tzinfo=UTC)
_FIRST_US: Final = (TIME_MIN - _EPOCH).days * _DAY_US
_END_US: Final = ((TIME_MAX - _EPOCH).days + 1) * _DAY_US


def encode(record: IntegrationLog) -> Row:
    """The fields of a record. Takes some 5 µs with payloads of 0.6 KB.

    Errors:
        Exception: a value has no such form, as it is; `acceptable()` makes one that has.
    """
    return (
        _COPY_ROW,
        _UUID + record.id.bytes,
        _text(record.service_name),
        _text(record.action),
        _text(record.status),
        _text(record.related_entity_type),
        _uuid(record.related_entity_id),
        _payload(record.request_payload),
        _payload(record.response_payload),
        _text(record.error_message),
        _text(record.error_code),
        _NULL if record.duration_ms is None else _integer(4, record.duration_ms),
        _NULL if record.retry_count is None else _integer(4, record.retry_count),
        _moment(record.created_at),
        _moment(record.updated_at),
    )


def copy_rows(rows: Iterable[Row]) -> bytes:
    """The rows in COPY's binary format, between COPY_BEGIN and COPY_END."""
    return b"".join(itertools.chain.from_iterable(rows))


def arrays(rows: Sequence[Row]) -> dict[str, "EncodedArray"]:
    """The rows as one array a column, by its name: parameters of a statement, with the placeholder `%(name)b`."""
    columns: Iterator[tuple[bytes, ...]] = zip(*rows, strict=True)
    next(columns)  # COPY's own
    return {
        # One dimension, nulls allowed, the type of the elements, their number, the first of them is number 1.
        name: EncodedArray(struct.pack("!iiIii", 1, 1, oid, len(rows), 1) + b"".join(fields))
        for (name, oid), fields in zip(_COLUMNS.items(), columns, strict=True)
    }


class EncodedArray(bytes):
    """An array in PostgreSQL's binary format."""

    __slots__ = ()


class EncodedArrayDumper(Dumper):
    """Sends an `EncodedArray` as it is. The statement names the type with a cast."""

    format = Format.BINARY
    oid = 0

    def dump(self, obj: EncodedArray) -> EncodedArray:
        return obj


def tells_its_time(record: IntegrationLog) -> bool:
    """Whether the id is a UUIDv7 of the record's own created_at, so that the same id always comes with the same time."""
    moment, number = record.created_at, record.id.int
    return moment.tzinfo is not None and number >> 80 == _milliseconds(moment) and number >> 76 & 0xF == _VERSION_WITH_TIME


# RFC 9562: the version whose first 48 bits are milliseconds.
_VERSION_WITH_TIME: Final = 7
_UNIX_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _milliseconds(moment: datetime) -> int:
    age = moment - _UNIX_EPOCH
    return age.days * 86_400_000 + age.seconds * 1000 + age.microseconds // 1000


def _text(value: str | None) -> bytes:
    if value is None:
        return _NULL
    encoded = value.encode()
    return _length(len(encoded)) + encoded


def _uuid(value: UUID | None) -> bytes:
    return _NULL if value is None else _UUID + value.bytes


def _moment(value: datetime) -> bytes:
    since = value - _EPOCH  # without a time zone this raises
    moment_us = since.days * _DAY_US + since.seconds * 1_000_000 + since.microseconds
    if not _FIRST_US <= moment_us < _END_US:
        raise OverflowError("beyond the years 1 to 9999 in UTC")
    return _time(8, moment_us)


def _payload(value: Json) -> bytes:
    if value is None:
        return _NULL
    encoded = _json(value)
    if len(encoded) > PAYLOAD_BYTES_MAX:
        raise ValueError(f"a payload of {len(encoded)} bytes")
    if b"null" in encoded and holds_nan(value):
        raise ValueError("JSON knows no NaN and no infinity, and msgspec makes null of them")
    return _jsonb(len(encoded) + 1, _JSONB_VERSION) + encoded


def holds_nan(payload: Json) -> bool:
    """Whether a number in it is not finite. Only for what msgspec could encode: it has no cycles."""
    values = [payload]
    for value in values:  # it grows on the way
        if isinstance(value, float):
            if value - value != 0:
                return True
        elif isinstance(value, dict):
            values.extend(value.values())
        elif isinstance(value, list | tuple):
            values.extend(value)
    return False
