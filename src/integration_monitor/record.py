"""The one shape of a record, from capture to the JSON API, and its identifiers."""

import dataclasses
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
    milliseconds = int(at.timestamp() * 1000)
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76  # version
    value = value & ~(0x3 << 62) | 0x2 << 62  # variant
    return uuid.UUID(int=value)


def entity_uuid(entity_type: str, entity_id: object) -> uuid.UUID:
    """The value of `related_entity_id` for an entity: a UUID stays itself, any other id is mapped by UUIDv5.

    Every query applies the same mapping, so a vendor's id can be searched as it is.
    """
    if isinstance(entity_id, uuid.UUID):
        return entity_id
    text = str(entity_id)
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.uuid5(ENTITY_NAMESPACE, f"{entity_type}:{text}")


def now() -> datetime:
    """The present time, aware, in UTC."""
    return datetime.fromtimestamp(time.time(), UTC)
