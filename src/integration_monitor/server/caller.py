"""Who asks, and what each role may."""

import dataclasses
from typing import Final, Literal, get_args

from integration_monitor.store.answers import Role

#: statistics: counts, durations and states; records: whole records with their payloads; ingest: to send records; acknowledge: to say that
#: one looks after an incident
Right = Literal["statistics", "records", "ingest", "acknowledge"]

ROLES: Final[frozenset[str]] = frozenset(get_args(Role))

# What a role may is decided by the database; this table only spares it questions that it would refuse.
_RIGHTS: Final[dict[Role, frozenset[Right]]] = {
    "service_role": frozenset({"statistics", "records", "ingest", "acknowledge"}),
    "authenticated": frozenset({"statistics", "records", "acknowledge"}),
    "integration_monitor_statistics": frozenset({"statistics"}),
}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Whoever sent a request."""

    #: the database role of every question asked for them
    role: Role
    #: for people to read: the token's e-mail address or subject, else the role
    name: str
    #: token: `Authorization: Bearer`; cookie: a session of the dashboard; key: an API key
    via: Literal["token", "cookie", "key"]
    #: what an API key narrows the rights of its role to; None where they are the role's
    rights: frozenset[Right] | None = None
    #: the one service that an API key is for; None for all
    service: str | None = None

    def may(self, right: Right) -> bool:
        """Whether the role has this right, and the key that was sent leaves it."""
        return right in (_RIGHTS[self.role] if self.rights is None else self.rights)
