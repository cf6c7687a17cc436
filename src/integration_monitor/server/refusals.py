"""What the server refuses, as one tree; `problems` makes an answer of each.

Refusal
├── NotSignedIn          401  nobody we know
│   ├── TokenRefused     401  a token that is forged or broken
│   │   └── TokenExpired 401  a token that was right once
│   ├── KeyRefused       401  an API key that is unknown or revoked
│   └── LinkRefused      401  a one-time link that is unknown, used or expired
├── NotAllowed           403  somebody we know, who may not do this
├── OriginRefused        403  a request that another site's page sent
├── ParameterRefused     400  an unknown, repeated or impossible parameter
├── BodyRefused          400  a body that cannot be read
│   ├── EncodingRefused  415  a body in an encoding that is not known here
│   ├── BodyTooLarge     413  a body, packed or unpacked, beyond the bound
│   └── BodyTooSlow      408  a body that did not come in time
├── RecordsRefusedAll    422  records of which none can be stored
├── RecordMissing        404  a record that is not there
├── GroupMissing         404  a kind of failures that a window does not hold
├── IncidentMissing      404  an incident that is not there
├── CallMissing          404  a record that holds no call over HTTP
├── Busy                 429  more at once than is held in memory
├── TooManyWatchers      429  as many live streams as one server has
├── TooManyAttempts      429  an address from which too much was refused
└── KeysUnavailable      503  an issuer whose keys cannot be read
"""

from collections.abc import Sequence
from typing import ClassVar, Final

from msgspec import Struct

from integration_monitor.errors import IntegrationMonitorError

# Of a value that is refused so much is repeated.
_SHOWN_LENGTH_MAX: Final = 60


def shown(value: str) -> str:
    """A value as a refusal repeats it."""
    return repr(value if len(value) <= _SHOWN_LENGTH_MAX else f"{value[:_SHOWN_LENGTH_MAX]}…")


class Refusal(IntegrationMonitorError):
    """A request that is refused. `code` is stable; `detail` and `hint` are for people."""

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]
    #: the next step, where the refusal itself does not name a better one
    default_hint: ClassVar[str]
    #: seconds after which the same request may be taken; None where waiting does not help
    retry_after_s: int | None = None

    def __init__(self, detail: str, *, hint: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint or self.default_hint


class NotSignedIn(Refusal):
    """The request carries nothing that says who sent it."""

    code = "not_signed_in"
    status = 401
    title = "Not signed in"
    default_hint = "Send `Authorization: Bearer <token>`; `integration-monitor token` issues one."


class TokenRefused(NotSignedIn):
    """A token or a session that does not count (any more)."""

    code = "token_refused"
    title = "The token is not accepted"
    default_hint = "Ask for a new token; `integration-monitor token` issues one."


class TokenExpired(TokenRefused):
    """A token or a session that was right once: whoever sends it guesses nothing."""


class KeyRefused(TokenRefused):
    """An API key that opens nothing (any more)."""

    code = "key_refused"
    title = "The key is not accepted"
    default_hint = "`integration-monitor keys list` shows the keys there are; `keys create` makes one."


class LinkRefused(NotSignedIn):
    """A one-time link that opens nothing (any more)."""

    code = "link_refused"
    title = "The sign-in link is not accepted"
    default_hint = "A link works once. `integration-monitor serve` prints a new one, or sign in with a token."


class NotAllowed(Refusal):
    """The caller is known and may not do this."""

    code = "not_allowed"
    status = 403
    title = "Not allowed"
    default_hint = "Use a token of a role that has this right."


class OriginRefused(Refusal):
    """A page of another site sent the request."""

    code = "origin_refused"
    status = 403
    title = "Sent by another site"
    default_hint = "Behind a proxy, set `public_url` to the address that browsers use."


class BodyRefused(Refusal):
    """The body cannot be read."""

    code = "bad_body"
    status = 400
    title = "The body cannot be read"
    default_hint = "Send one JSON object, an array of them, or one a line (NDJSON)."


class EncodingRefused(BodyRefused):
    """The body is in an encoding that is not known here."""

    code = "bad_encoding"
    status = 415
    title = "Unknown encoding"
    default_hint = "Send the body as it is, or with `Content-Encoding: gzip` or `zstd`."


class BodyTooLarge(BodyRefused):
    """The body, packed or unpacked, is beyond the bound."""

    code = "too_large"
    status = 413
    title = "Too large"
    default_hint = "Send fewer records at once."


class BodyTooSlow(BodyRefused):
    """The body did not come in time."""

    code = "too_slow"
    status = 408
    title = "Too slow"
    default_hint = "Send the body at once; fewer records at a time on a slow network."


class RecordsRefusedAll(Refusal):
    """None of the records can be stored.

    refused:
        Which, and why: at most so many as one answer tells.
    """

    code = "records_refused"
    status = 422
    title = "No record can be stored"
    default_hint = "`refused` says what is wrong with each."

    def __init__(self, detail: str, *, refused: Sequence[Struct]) -> None:
        super().__init__(detail)
        self.refused = refused


class RecordMissing(Refusal):
    """There is no such record, or the caller may not see it."""

    code = "record_missing"
    status = 404
    title = "No such record"
    default_hint = "Records are kept for the time of retention; `logs` lists those there are."


class GroupMissing(Refusal):
    """The window holds no failure of this kind, or none that the caller may see."""

    code = "group_missing"
    status = 404
    title = "No such failures"
    default_hint = "Give a longer window by `from`; `errors` lists the kinds there are."


class IncidentMissing(Refusal):
    """There is no such incident."""

    code = "incident_missing"
    status = 404
    title = "No such incident"
    default_hint = "Incidents are kept for a year after their end; `incidents` lists those there are."


class CallMissing(Refusal):
    """The record holds no call over HTTP that could be repeated."""

    code = "call_missing"
    status = 404
    title = "No call to repeat"
    default_hint = "Only records of calls over HTTP, with their method and address, can be repeated."


class Busy(Refusal):
    """More is under way than is held in memory."""

    code = "busy"
    status = 429
    title = "Too much at once"
    default_hint = "Send the same again after the seconds in Retry-After."
    retry_after_s = 1


class TooManyWatchers(Refusal):
    """As many live streams are open as one server has."""

    code = "too_many_watchers"
    status = 429
    title = "Too many live streams"
    default_hint = "Come back after the seconds in Retry-After; until then `logs` tells what is new."
    retry_after_s = 10


class TooManyAttempts(Refusal):
    """From this address too much was refused of late.

    retry_after_s:
        When its attempts are counted anew.
    """

    code = "too_many_attempts"
    status = 429
    title = "Too many attempts"
    default_hint = "Wait for the seconds in Retry-After, and check the token or key that is sent."

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class KeysUnavailable(Refusal):
    """The issuer of a token cannot be asked for its keys."""

    code = "keys_unavailable"
    status = 503
    title = "The issuer's keys are not available"
    default_hint = "Try again in some seconds. Whether the address in the setting `jwks` answers, the server's log tells."
    retry_after_s = 10


class ParameterRefused(Refusal):
    """A parameter is unknown, repeated or has an impossible value."""

    code = "bad_parameter"
    status = 400
    title = "Bad parameter"
    default_hint = "The parameters of each endpoint are listed at /schema."

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(f"`{parameter}`: {detail}")
        self.parameter = parameter
