"""A record as it lies in the spool: packed, with a checksum. What is spooled is redacted already."""

import dataclasses
import enum
import json
import uuid
import zlib

import msgspec

from integration_monitor.errors import SpoolDamaged
from integration_monitor.record import IntegrationLog

# MessagePack never begins a map of 14 fields with this byte, and JSON always does.
_JSON_BEGIN = b"{"


class Kind(enum.IntEnum):
    """What is to become of an entry."""

    #: to be inserted
    RECORD = 0
    #: to be updated: the row may have been written before as pending
    FINISHED = 1
    #: of a call that has begun, in journal mode: to be closed as ABANDONED when the process dies before its end
    BEGUN = 2
    #: a call that had begun came to nothing that is worth a record; only its id counts
    VOID = 3
    #: as FINISHED, of a call that came to nothing after it had been written as pending: it was counted as ignored
    CLOSING = 4


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    kind: Kind
    record_id: uuid.UUID
    #: when the operation began, in milliseconds since the epoch
    at_ms: int
    #: the record, packed
    body: bytes


def pack(record: IntegrationLog, kind: Kind = Kind.RECORD) -> Entry:
    """An entry of a record.

    Errors:
        TypeError, ValueError, RecursionError: a payload is not JSON, or nested too deeply.
    """
    try:
        body = msgspec.msgpack.encode(record)
    except (UnicodeEncodeError, OverflowError):
        # Lone surrogates and integers beyond 64 bits: slower, and exact.
        body = json.dumps(msgspec.to_builtins(record, str_keys=True)).encode("ascii")
    return Entry(kind=kind, record_id=record.id, at_ms=int(record.created_at.timestamp() * 1000), body=body)


def void(record: IntegrationLog) -> Entry:
    """The entry that takes back the one of a call that had begun."""
    return Entry(kind=Kind.VOID, record_id=record.id, at_ms=int(record.created_at.timestamp() * 1000), body=b"")


def unpack(body: bytes) -> IntegrationLog:
    """The record of an entry.

    Errors:
        SpoolDamaged: it is none.
    """
    try:
        if body[:1] == _JSON_BEGIN:
            return msgspec.convert(json.loads(body), IntegrationLog)
        return _decoder.decode(body)
    # What was packed near the end of the stack needs a little more of it here.
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise SpoolDamaged(f"an entry of the spool is no record: {error}") from error


def checksum(body: bytes) -> int:
    """SQLite notices a page that makes no sense, and not one whose text has changed."""
    return zlib.crc32(body)


_decoder = msgspec.msgpack.Decoder(IntegrationLog)
