"""What the server refuses, as one tree; `problems` makes an answer of each.

Refusal
├── NotSignedIn          401  nobody we know
│   ├── TokenRefused     401  a token that is expired, forged or broken
│   └── LinkRefused      401  a one-time link that is unknown, used or expired
├── NotAllowed           403  somebody we know, who may not do this
├── OriginRefused        403  a request that another site's page sent
└── ParameterRefused     400  an unknown, repeated or impossible parameter
"""

from typing import ClassVar

from integration_monitor.errors import IntegrationMonitorError


class Refusal(IntegrationMonitorError):
    """A request that is refused. `code` is stable; `detail` and `hint` are for people."""

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]
    #: the next step, where the refusal itself does not name a better one
    default_hint: ClassVar[str]

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


class ParameterRefused(Refusal):
    """A parameter is unknown, repeated or has an impossible value."""

    code = "bad_parameter"
    status = 400
    title = "Bad parameter"
    default_hint = "The parameters of each endpoint are listed at /schema."

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(f"`{parameter}`: {detail}")
        self.parameter = parameter
