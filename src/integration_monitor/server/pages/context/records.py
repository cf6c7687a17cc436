"""What the pages about records are given: logs.html, errors.html, entity.html and the record beside a list."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from integration_monitor.server.pages.context.errors import ErrorWords
from integration_monitor.server.pages.context.shared import Drawing, Frame, LogRow
from integration_monitor.server.pages.filters import Chip


class LogsPage(msgspec.Struct, kw_only=True, frozen=True):
    """Everything that logs.html shows."""

    frame: Frame
    #: the conditions that are set, by the name of their parameter
    values: Mapping[str, str]
    chips: Sequence[Chip]
    #: names of services to choose from
    service_names: Sequence[str]
    #: None where the reader's role may not see records
    logs: Sequence[LogRow] | None
    #: to the records before these; None where there are none
    older_href: str | None
    #: to the newest; None where these are
    newest_href: str | None
    #: where the stream of new rows is; None where the list is of older ones
    live_href: str | None
    #: whether the search for a text was narrowed to its last days
    is_narrowed: bool
    #: whether the search gave up for want of time, and goes on with the older ones
    is_partial: bool


class ErrorRow(msgspec.Struct, kw_only=True, frozen=True):
    """Failures of one kind."""

    #: names it, today and tomorrow
    key: str
    service_name: str
    #: the service's colour
    tone: str
    action: str
    error_code: str | None
    #: the vendor's words without what differs from call to call
    shape: str
    #: the vendor's words, the last time
    sample_message: str
    #: None where nobody said what it means
    explanation: ErrorWords | None
    fault: str
    count: int
    #: of a hundred: against the most frequent kind, for a bar
    share_percent: float
    #: different customers, leads or users that were hurt
    entity_count: int
    #: that can be repeated at once or later without doing anything twice
    safe_count: int
    first_seen_at: datetime
    last_seen_at: datetime
    #: to its own page
    page_href: str
    #: to its records
    href: str
    #: to the same page with the last of them beside it
    sample_href: str
    #: the last of them
    sample_id: uuid.UUID


class ErrorsPage(msgspec.Struct, kw_only=True, frozen=True):
    """Everything that errors.html shows."""

    frame: Frame
    values: Mapping[str, str]
    chips: Sequence[Chip]
    service_names: Sequence[str]
    #: whether the groups are still to be asked for: what is shown at once is drawn without them
    is_pending: bool
    #: most hurtful first; None where the reader's role may not see records, or while they are pending
    groups: Sequence[ErrorRow] | None
    #: from when on failures were read for them; None where that is the whole window
    read_since: datetime | None
    #: to the groups behind these; None where there are none
    more_href: str | None
    #: failures over time, by fault
    errors: Drawing


class EntityPage(msgspec.Struct, kw_only=True, frozen=True):
    """Everything that entity.html shows."""

    frame: Frame
    #: what was asked for; empty where nothing was
    entity_type: str
    entity_id: str
    #: in the order of time; None where the reader's role may not see records, or nothing was asked for
    logs: Sequence[LogRow] | None
    #: whether the reader's role may not see records
    is_refused: bool
    #: to those behind these; None where there are none
    more_href: str | None


class Payload(msgspec.Struct, kw_only=True, frozen=True):
    """One payload as text."""

    text: str
    #: characters that are not shown
    cut_characters: int


class AttemptRow(msgspec.Struct, kw_only=True, frozen=True):
    """One request made for an operation."""

    #: from one
    number: int
    #: what came back, in a word: a status, or an error code
    result: str
    #: wall time in milliseconds; None where it is not told
    duration_ms: float | None


class RecordPanel(msgspec.Struct, kw_only=True, frozen=True):
    """Everything that record.html shows of one operation."""

    id: uuid.UUID
    created_at: datetime
    updated_at: datetime
    service_name: str
    tone: str
    action: str
    status: str
    error_code: str | None
    #: in full, up to `record.TEXT_CHARACTERS_MAX`
    error_message: Payload | None
    #: None where it did not fail, or nobody said what it means
    explanation: ErrorWords | None
    fault: str | None
    duration_ms: int | None
    #: milliseconds to the headers; None where they were not timed
    ttfb_ms: float | None
    #: attempts that repeated an earlier one
    retry_count: int
    #: whether a repetition is safe, as the service's description says it
    retry: str | None
    #: whether only the HTTP status was seen, though this service's answers tell more
    is_unverified: bool
    #: joins it to a trace elsewhere
    trace_id: str | None
    #: to the trace; None where the settings name no place for traces
    trace_href: str | None
    entity_type: str | None
    entity_id: str | None
    #: to everything that was sent about it; None without an entity
    entity_href: str | None
    #: None where they are not listed
    attempts: Sequence[AttemptRow]
    #: a command that sends it again, secrets as variables; None where it was no call
    curl: str | None
    #: None where the record has none
    request: Payload | None
    #: None where the record has none
    response: Payload | None
