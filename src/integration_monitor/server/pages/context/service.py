"""What service.html is given."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from integration_monitor.monitoring.health import State
from integration_monitor.server.pages.context.overview import ActionRow, Numbers
from integration_monitor.server.pages.context.shared import Drawing, Frame, Link, LogRow


class CodeRow(msgspec.Struct, kw_only=True, frozen=True):
    """Failures with one error code."""

    #: empty where the records have none
    error_code: str
    fault: str
    count: int
    #: of a hundred: of all failures of the service in the window
    share_percent: float
    #: to its records; None where the reader may not see them
    href: str | None


class HeatRow(msgspec.Struct, kw_only=True, frozen=True):
    """One band of durations over time."""

    #: the shortest duration of the band in milliseconds
    least_ms: int
    #: calls, one a bucket, oldest first
    counts: Sequence[int]
    #: the same in five steps of darkness, 0 to 5, by the logarithm of the count
    levels: Sequence[int]


class Heat(msgspec.Struct, kw_only=True, frozen=True):
    """How long calls took over time."""

    #: longest durations first
    rows: Sequence[HeatRow]
    #: beginnings of the buckets, oldest first
    buckets: Sequence[datetime]
    #: how a bucket is told
    precision: str
    #: calls of the darkest cell
    most: int


class Probe(msgspec.Struct, kw_only=True, frozen=True):
    """One run of the service's probe."""

    at: datetime
    is_good: bool
    #: wall time in milliseconds
    duration_ms: int | None
    #: what was said when it failed
    words: str | None
    #: to the same page with the record beside it
    href: str


class Budget(msgspec.Struct, kw_only=True, frozen=True):
    """What is left of a rate limit, as the vendor last said it."""

    #: when it was said
    at: datetime
    #: calls that are left
    remaining: float
    #: calls that are allowed; None where the vendor does not say
    limit: float | None
    #: of a hundred; None without a limit
    left_percent: float | None
    #: when it is whole again; None where the vendor does not say
    reset_at: datetime | None


class ServicePage(msgspec.Struct, kw_only=True, frozen=True):
    """Everything that service.html shows."""

    frame: Frame
    #: all services, and which one is shown
    services: Sequence[Link]
    #: empty where there is none
    service_name: str
    #: its colour
    tone: str
    state: State
    numbers: Numbers
    #: calls over time, succeeded and failed
    calls: Drawing
    #: failures over time by error code
    errors: Drawing
    #: half, 95 and 99 percent over time
    durations: Drawing
    heat: Heat
    actions: Sequence[ActionRow]
    #: most frequent first
    codes: Sequence[CodeRow]
    #: newest first; None where the reader's role may not see records
    probes: Sequence[Probe] | None
    #: None where the vendor says nothing of it, or the reader's role may not see records
    budget: Budget | None
    #: what is left over time, by the records that tell it
    budgets: Drawing
    #: its newest failures; None where the reader's role may not see records
    failures: Sequence[LogRow] | None
    failures_href: str
    #: what to send to the vendor's support
    report_href: str
