"""One HTTP exchange, parsed: what a service description reads, and what it says of it."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from integration_monitor.record import Fault, Json, NoAnswer


# One is made of every call: a frozen dataclass would take ten times as long.
class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A request and what came back. Headers have lower-case names; bodies are parsed as far as they can be."""

    #: upper case
    method: str
    #: http or https
    scheme: str
    #: lower case, without port
    host: str
    #: as in the URL, or the scheme's own
    port: int
    #: with the leading slash, as sent
    path: str
    #: decoded pairs in order
    query: Sequence[tuple[str, str]]
    request_headers: Mapping[str, str]
    #: JSON as JSON, a form as an object, text as text, else None
    request_body: Json = None
    #: None where no answer came
    status_code: int | None = None
    response_headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    #: as request_body
    response_body: Json = None
    #: False where whoever reported the call saw no bodies: then only the status is judged
    is_body_seen: bool = True
    no_answer: NoAnswer | None = None
    #: when the answer's headers came, in seconds since the epoch: what they say of the future is told from then
    answered_at: float = msgspec.field(default_factory=time.time)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """Whether the same request may be sent again."""

    #: safe: it cannot do harm; after: once `after_s` have passed; ambiguous: it may have happened; no: it would fail again
    advice: Literal["safe", "after", "ambiguous", "no"]
    #: seconds to wait, where the vendor said so
    after_s: float | None = None


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """What the answer's headers say of the budget."""

    limit: int | None = None
    remaining: int | None = None
    #: ISO 8601, UTC
    reset_at: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """Whether the vendor did what was asked, by its own semantics."""

    is_success: bool
    error_code: str | None = None
    error_message: str | None = None
    fault: Fault | None = None
    retry: Retry | None = None
    #: a remark on a success, such as "no content"; kept in response_payload.note
    note: str | None = None
    #: False where only the HTTP status was seen, and this service's answers tell more; then response_payload.evidence is `http_status`
    is_verified: bool = True


SUCCESS = Outcome(is_success=True)


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """What a call was and what became of it: everything a record says beside its payloads and times."""

    service_name: str
    action: str
    #: (type, id as the vendor gives it)
    entity: tuple[str, str] | None
    outcome: Outcome
    rate_limit: RateLimit | None = None
    #: False where only a failure is worth a record (Telegram's long poll)
    is_recorded: bool = True
