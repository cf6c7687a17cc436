"""What overview.html is given."""

import uuid
from collections.abc import Sequence
from datetime import datetime

import msgspec

from integration_monitor.monitoring.health import State
from integration_monitor.server.pages.context.shared import Drawing, Frame, Link, LogRow


class Bar(msgspec.Struct, kw_only=True, frozen=True):
    """One bucket of a sparkline; both heights in units of its drawing, which is `drawings.SPARK_HEIGHT` high."""

    #: calls that did not fail
    succeeded: float
    #: calls that failed
    failed: float


class Numbers(msgspec.Struct, kw_only=True, frozen=True):
    """The figures of a service, or of one of its actions, in the window."""

    #: whatever their status
    total_requests: int
    failed_count: int
    #: of a hundred; None without calls
    failure_rate_percent: float | None
    #: by how many points it differs from that of the window before; None where one of both had no calls
    change_points: float | None
    #: half of the calls took at most so long; None where nothing was timed
    p50_ms: int | None
    #: 95 % of them
    p95_ms: int | None
    #: 99 % of them
    p99_ms: int | None


class ServiceCard(msgspec.Struct, kw_only=True, frozen=True):
    """One service: how it is now, and its figures in the window."""

    service_name: str
    #: its colour, see `colours`
    tone: str
    #: judged on the last minutes, whatever the window
    state: State
    #: to the page about it
    href: str
    numbers: Numbers
    #: to the minute, of the last two days; to the day before; None where there is none in 30 days
    last_failed_at: datetime | None
    #: what the vendor said at the newest failure that the page lists; None where it lists none of this service
    last_words: str | None
    #: when its probe last ran, in the same way
    last_probe_at: datetime | None
    #: whether that probe succeeded
    is_probe_good: bool
    #: calls over time, one bar a bucket, oldest first
    bars: Sequence[Bar]


class ActionRow(msgspec.Struct, kw_only=True, frozen=True):
    """One action of one service."""

    service_name: str
    #: the service's colour
    tone: str
    action: str
    #: to its records
    href: str | None
    numbers: Numbers
    #: of a hundred: its calls against those of the busiest action, for a bar
    share_percent: float


class IncidentRow(msgspec.Struct, kw_only=True, frozen=True):
    """Something that is wrong and has not ended."""

    id: uuid.UUID
    #: the service that it is about; empty where it is the writers
    subject: str
    #: how bad it was at worst: `store.incidents.Severity`
    severity: str
    #: how its service is by now, where that is better than the worst; else None
    better: State | None
    #: in words: to English readers as it was told, to others of what is known of its beginning
    summary: str
    since_at: datetime
    #: who has taken it on; None where nobody has
    acknowledged_by: str | None
    #: to the page about the service, or about the monitor
    href: str
    #: the endpoint that takes it on
    take_href: str


class OverviewPage(msgspec.Struct, kw_only=True, frozen=True):
    """Everything that overview.html shows."""

    frame: Frame
    #: whether any call was recorded in the last 30 days
    has_records: bool
    #: the worst state of all services
    state: State
    #: names of the services that are down
    down: Sequence[str]
    #: names of the services that are degraded
    degraded: Sequence[str]
    #: of all services in the window
    numbers: Numbers
    #: what is wrong and has not ended, the oldest first
    incidents: Sequence[IncidentRow]
    #: whether the reader may take one on
    may_acknowledge: bool
    #: whether something was lost on its way into the table; None where the reader may not know
    is_losing: bool | None
    #: one card a service, by name: cards do not change places while someone reads
    services: Sequence[ServiceCard]
    #: by what failures are stacked: service or fault
    stacks: Sequence[Link]
    #: failed calls over time
    errors: Drawing
    #: half, 95 and 99 percent of the calls of all services over time
    durations: Drawing
    #: one row an action, by service and then the busiest first
    actions: Sequence[ActionRow]
    #: the newest failures of the window; None where the reader's role may not see records
    failures: Sequence[LogRow] | None
    #: to all of them
    failures_href: str
