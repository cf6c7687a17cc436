"""Who asks, and what each role may."""

import dataclasses
from typing import Final, Literal, get_args

from integration_monitor.store.answers import Role

#: statistics: counts, durations and states; records: whole records with their payloads
Right = Literal["statistics", "records"]

ROLES: Final[frozenset[str]] = frozenset(get_args(Role))

# What a role may is decided by the database; this table only spares it questions that it would refuse.
_RIGHTS: Final[dict[Role, frozenset[Right]]] = {
    "service_role": frozenset({"statistics", "records"}),
    "authenticated": frozenset({"statistics", "records"}),
    "integration_monitor_statistics": frozenset({"statistics"}),
}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Whoever sent a request."""

    #: the database role of every question asked for them
    role: Role
    #: for people to read: the token's e-mail address or subject, else the role
    name: str
    #: token: `Authorization: Bearer`; cookie: a session of the dashboard
    via: Literal["token", "cookie"]

    def may(self, right: Right) -> bool:
        """Whether the role has this right."""
        return right in _RIGHTS[self.role]
