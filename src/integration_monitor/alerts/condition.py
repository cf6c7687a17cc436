"""What a rule says of one thing right now."""

import dataclasses
from datetime import datetime
from typing import Literal

from integration_monitor.store.incidents import Kind, Severity

#: trouble: wrong; lasting: wrong by what is older, which begins nothing and keeps open what began; well: clearly better, so that it can
#: end; between: neither begins nor ends soon
Level = Literal["trouble", "lasting", "between", "well"]

#: From the mildest on: an incident keeps the worst it was.
SEVERITIES: tuple[Severity, ...] = ("degraded", "lagging", "silent", "failed", "lost", "down")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """One thing, as a rule sees it."""

    kind: Kind
    #: the service; empty for writers
    subject: str
    level: Level
    #: of trouble: how bad
    severity: Severity = "degraded"
    #: a sentence without its full stop: what is wrong, or why it no longer is
    summary: str
    #: since when it is wrong, where the rule knows
    since_at: datetime | None = None
    #: the vendor's words, where the rule knows them and records need not be asked
    error_code: str | None = None
    error_message: str | None = None
    fault: str | None = None
