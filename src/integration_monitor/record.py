"""The one shape of a record, from capture to the JSON API, and its identifiers."""

import contextlib
import dataclasses
import functools
import hashlib
import os
import time
import uuid
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

Status = Literal["success", "failed", "pending", "retrying"]
Fault = Literal["ours", "auth", "limit", "recipient", "vendor", "network", "unclassified"]
#: What a failure without an answer was; the words are error codes of the glossary.
NoAnswerCode = Literal["TIMEOUT", "CONNECTION_FAILED", "DNS_FAILURE", "TLS_ERROR", "CANCELLED", "INVALID_RESPONSE", "NOT_DONE"]
Json = Any  # what msgspec decodes from JSON: None, bool, int, float, str, list, dict with str keys

# The namespace in which vendors' entity ids become UUIDs. It must never change: stored rows hold its results.
ENTITY_NAMESPACE = uuid.UUID("6f1f43a5-2d3b-5c1e-9a57-0d8f3b1c7e42")

#: The service and the action of what was given no name and made no request.
UNNAMED = "unknown"

# A UUID has 32 hexadecimal digits, however it is written: what is shorter is none.
_UUID_CHARS_MIN = 32

_NEITHER_VERSION_NOR_VARIANT = ~(0xF << 76 | 0x3 << 62)
_VERSION_7_AND_VARIANT = 0x7 << 76 | 0x2 << 62


class IntegrationLog(msgspec.Struct, kw_only=True, frozen=True):
    """One operation: one thing the application wanted from a service. The 14 columns of `public.integration_logs`."""

    #: UUIDv7 for records made by the SDK, whose time is `created_at`
    id: uuid.UUID
    #: the service, such as `amocrm`; a host without a description gives its own name
    service_name: str
    #: what was wanted of the service, such as `send_email`; never holds identifiers
    action: str
    status: Status
    #: what the call was about, such as `lead`
    related_entity_type: str | None = None
    #: a UUID as given, or `entity_uuid(type, id)` of a vendor's own id
    related_entity_id: uuid.UUID | None = None
    #: {method, url, headers, body, entity?, trace_id?} for HTTP, else what the application gave
    request_payload: Json = None
    #: {status_code, headers, body, ttfb_ms, fault?, retry?, rate_limit?, attempts?} for HTTP
    response_payload: Json = None
    #: the vendor's words, or ours where the vendor said nothing
    error_message: str | None = None
    #: the vendor's code, else `HTTP_<status>`, else one of the codes of the glossary
    error_code: str | None = None
    #: wall time in milliseconds, from the start of the operation to the last byte of its answer
    duration_ms: int | None = None
    #: attempts that repeated an earlier, failed one
    retry_count: int = 0
    #: when the operation began, by the clock of the recording process, in UTC
    created_at: datetime
    #: when the row was last written, in UTC
    updated_at: datetime


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class NoAnswer:
    """Why no complete answer came to a request."""

    code: NoAnswerCode
    #: the exception's class and text, not yet redacted
    message: str
    #: whether the request had certainly not been sent, so that repeating it does no harm
    is_unsent: bool = False


def new_id(at: datetime) -> uuid.UUID:
    """A UUIDv7 (RFC 9562) whose time is `at`, in milliseconds; the rest is random."""
    return new_id_at(int(at.timestamp() * 1000))


def new_id_at(milliseconds: int) -> uuid.UUID:
    """As `new_id`, of milliseconds since the epoch."""
    # Never of `random`: applications seed it, and two processes would give the same ids.
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(os.urandom(10), "big")
    return uuid.UUID(int=value & _NEITHER_VERSION_NOR_VARIANT | _VERSION_7_AND_VARIANT)


def derived_id(milliseconds: int, name: bytes) -> uuid.UUID:
    """As `new_id_at`, of what names the record: the same name at the same time is the same record, however often it is sent."""
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(hashlib.sha256(name).digest()[:10], "big")
    return uuid.UUID(int=value & _NEITHER_VERSION_NOR_VARIANT | _VERSION_7_AND_VARIANT)


def entity_uuid(entity_type: str, entity_id: object) -> uuid.UUID:
    """The value of `related_entity_id` for an entity: a UUID stays itself, any other id is mapped by UUIDv5.

    Every query applies the same mapping, so a vendor's id can be searched as it is.
    """
    if isinstance(entity_id, uuid.UUID):
        return entity_id
    text = str(entity_id)
    if len(text) >= _UUID_CHARS_MIN:
        with contextlib.suppress(ValueError):
            return uuid.UUID(text)
    return _mapped(f"{entity_type}:{text}")


@functools.lru_cache(maxsize=4096)
def _mapped(name: str) -> uuid.UUID:
    """As `uuid.uuid5`, in half the time; most calls are about what an earlier one was about."""
    digest = hashlib.sha1(ENTITY_NAMESPACE.bytes + name.encode("utf-8", "replace"), usedforsecurity=False).digest()
    return uuid.UUID(bytes=digest[:16], version=5)


def now() -> datetime:
    """The present time, aware, in UTC."""
    return datetime.fromtimestamp(time.time(), UTC)
