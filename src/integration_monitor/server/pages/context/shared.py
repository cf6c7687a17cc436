"""What more than one page shows."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec


class Link(msgspec.Struct, kw_only=True, frozen=True):
    """One choice of a switch."""

    #: names it: a page, a window, a language, a service
    key: str
    #: as a reader reads it, where it is not the template that says it
    name: str = ""
    #: where it leads
    href: str
    #: whether it is what is shown
    is_current: bool


class Frame(msgspec.Struct, kw_only=True, frozen=True):
    """What stands around a page."""

    #: which page it is, as its route is named
    name: str
    #: its own address with everything that it shows, without the server's name
    address: str
    #: the same without parameters
    path: str
    #: the parameters besides the window, for forms: (name, value)
    kept: Sequence[tuple[str, str]]
    #: the pages, in the order in which they are looked at
    pages: Sequence[Link]
    #: the spans of time that it can show; empty where it has none
    windows: Sequence[Link]
    #: which of them it shows: a key of the switch, or `any`
    window_key: str
    #: begin and end of a window that is none of these; None where it is one
    span: tuple[datetime, datetime] | None
    #: begin and end of what is shown, as a form's fields take them, in the reader's zone
    form_span: tuple[str, str]
    #: the languages, and which one it is in
    languages: Sequence[Link]
    #: the reader's time zone, by its IANA name
    zone: str
    #: when the questions were asked
    asked_at: datetime
    #: how often the browser asks again, in seconds
    refresh_s: int


class Legend(msgspec.Struct, kw_only=True, frozen=True):
    """One name of a chart."""

    name: str
    #: its colour: a custom property of frontend/src/styles/tokens.css
    tone: str


class Cell(msgspec.Struct, kw_only=True, frozen=True):
    """One figure of a chart's table."""

    #: None where there is none
    value: float | None
    #: to the records behind it; None where there are none, or the reader may not see them
    href: str | None = None


class ChartRow(msgspec.Struct, kw_only=True, frozen=True):
    """One row of a chart's table."""

    #: the bucket, or what else the row is about
    head: datetime | str
    #: to the same page, zoomed to this bucket; None where it cannot be
    href: str | None
    #: one a column
    cells: Sequence[Cell]


class Drawing(msgspec.Struct, kw_only=True, frozen=True):
    """One chart, as data for the browser and as a table for readers."""

    #: names it on its page
    name: str
    #: whether there is nothing to draw
    is_empty: bool
    #: what frontend/src/charts.js draws, as JSON text
    json: str
    #: what is drawn, in the order of the columns
    legend: Sequence[Legend]
    #: what the figures are, for the filter that writes them
    unit: Literal["count", "duration"]
    #: how the head of a row is told
    precision: str
    #: the table behind the chart, newest bucket first
    rows: Sequence[ChartRow]


class LogRow(msgspec.Struct, kw_only=True, frozen=True):
    """One operation in a list."""

    id: uuid.UUID
    created_at: datetime
    service_name: str
    #: the service's colour, see `colours`
    tone: str
    action: str
    #: how it stands: `record.Status`
    status: str
    error_code: str | None
    error_message: str | None
    #: what the call was about, such as `lead`
    entity_type: str | None
    #: the vendor's own id where it is known, else our UUID
    entity_id: str | None
    #: to everything that was sent about it; None without an entity
    entity_href: str | None
    #: whose fault it was, as `record.Fault`; None where another writer says something else
    fault: str | None
    #: whether only the HTTP status was seen, though this service's answers tell more
    is_unverified: bool
    #: wall time in milliseconds
    duration_ms: int | None
    #: to the same page with this record beside it
    href: str
