"""What the templates are given: one frozen type a page, with a word on every field."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from integration_monitor.monitoring.health import State
from integration_monitor.store.answers import Step


class Window(msgspec.Struct, kw_only=True, frozen=True):
    """A span of time that the page can show."""

    #: as in the address: `24h`
    key: Literal["24h", "30d"]
    #: as in a sentence, after "the last"
    words: str
    #: the width of one bucket of its charts
    step: Step


class Bar(msgspec.Struct, kw_only=True, frozen=True):
    """One bucket of a sparkline; both heights in units of its drawing, which is `drawings.SPARK_HEIGHT` high."""

    #: calls that did not fail
    succeeded: float
    #: calls that failed
    failed: float


class ServiceCard(msgspec.Struct, kw_only=True, frozen=True):
    """One service: how it is now, and its figures in the window."""

    service_name: str
    #: its colour, see `colours`
    slot: int
    #: judged on the last minutes, whatever the window
    state: State
    #: whatever their status
    total_requests: int
    #: those still in progress are neither succeeded nor failed
    success_count: int
    failed_count: int
    #: of a hundred; None without calls
    failure_rate_percent: float | None
    #: milliseconds; None where nothing was timed
    avg_duration_ms: float | None
    #: the newest failure among those listed on the page; None where there is none or the reader may not see them
    last_failure_at: datetime | None
    #: calls over time, one bar a bucket, oldest first
    bars: Sequence[Bar]


class Legend(msgspec.Struct, kw_only=True, frozen=True):
    """One name of a chart."""

    name: str
    #: its colour, see `colours`
    slot: int


class Drawing(msgspec.Struct, kw_only=True, frozen=True):
    """One chart, as data for the browser and as a table for readers."""

    name: Literal["errors", "calls", "durations"]
    #: whether there is nothing to draw
    is_empty: bool
    #: what frontend/src/charts.js draws, as JSON text
    json: str
    #: the services drawn, in the order of the columns
    legend: Sequence[Legend]
    #: what the table's cells are, for the filter that writes them
    unit: Literal["count", "duration"]
    #: the table behind the chart: (bucket or service, one cell a column), newest bucket first
    rows: Sequence[tuple[datetime | str, Sequence[float | None]]]


class FailureRow(msgspec.Struct, kw_only=True, frozen=True):
    """One failed operation in the list."""

    id: uuid.UUID
    created_at: datetime
    service_name: str
    #: the service's colour, see `colours`
    slot: int
    action: str
    error_code: str | None
    error_message: str | None
    #: what the call was about, such as `lead`
    entity_type: str | None
    #: the vendor's own id where it is known, else our UUID
    entity_id: str | None
    #: whose fault it was, as `record.Fault` or another writer says it
    fault: str | None
    #: wall time in milliseconds
    duration_ms: int | None


class DashboardPage(msgspec.Struct, kw_only=True, frozen=True):
    """Everything that dashboard.html shows."""

    #: the time window that is shown
    window: Window
    #: all windows, for the switch
    windows: Sequence[Window]
    #: when the questions were asked
    asked_at: datetime
    #: how often the browser asks again, in seconds
    refresh_s: int
    #: whether any call was recorded in the last 30 days
    has_records: bool
    #: the worst state of all services
    state: State
    #: names of the services that are down
    down: Sequence[str]
    #: names of the services that are degraded
    degraded: Sequence[str]
    #: calls of all services in the window
    total_requests: int
    #: of them failed
    failed_count: int
    #: of a hundred; None without calls
    failure_rate_percent: float | None
    #: one card a service, by name: cards do not change places while someone reads
    services: Sequence[ServiceCard]
    #: failed calls over time, stacked by service
    errors: Drawing
    #: calls of each service, succeeded and failed
    calls: Drawing
    #: average response time of each service over time
    durations: Drawing
    #: the newest failures, whatever the window; None where the reader's role may not see records
    failures: Sequence[FailureRow] | None


class Payload(msgspec.Struct, kw_only=True, frozen=True):
    """One payload as text."""

    text: str
    #: characters that are not shown
    cut_characters: int


class FailurePage(msgspec.Struct, kw_only=True, frozen=True):
    """Everything that failure.html shows of one failed operation."""

    id: uuid.UUID
    created_at: datetime
    updated_at: datetime
    service_name: str
    action: str
    error_code: str | None
    #: in full, up to `failure.TEXT_CHARACTERS_MAX`
    error_message: Payload | None
    #: attempts that repeated an earlier one
    retry_count: int
    #: whether a repetition is safe, as the service's description says it
    retry: str | None
    #: None where the record has none
    request: Payload | None
    #: None where the record has none
    response: Payload | None
