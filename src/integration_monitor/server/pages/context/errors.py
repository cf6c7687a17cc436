"""What the page of one kind of failures is given: error.html. And what an error means, wherever it is told."""

import uuid
from collections.abc import Sequence
from datetime import datetime

import msgspec

from integration_monitor.server.pages.context.shared import Drawing, Frame


class ErrorWords(msgspec.Struct, kw_only=True, frozen=True):
    """What an error code means, in the reader's language."""

    #: in a sentence, as the service's description says it
    means: str
    #: what to do about it; None where nobody said it
    remedy: str | None


class HurtRow(msgspec.Struct, kw_only=True, frozen=True):
    """One entity that failures were about."""

    entity_type: str | None
    #: the vendor's own id where it is known, else our UUID
    entity_id: str
    #: failures about it
    count: int
    #: when the last of them began
    last_at: datetime
    #: to everything that was sent about it; None without a type
    entity_href: str | None


class ExampleRow(msgspec.Struct, kw_only=True, frozen=True):
    """One failure of the kind."""

    #: which one it is: last, middle, first, or only
    place: str
    id: uuid.UUID
    created_at: datetime
    #: its words, up to 500 characters
    message: str
    #: to the same page with the record beside it
    href: str


class ErrorPage(msgspec.Struct, kw_only=True, frozen=True):
    """Everything that error.html shows."""

    frame: Frame
    #: whether the reader's role may not see records
    is_refused: bool
    #: to all kinds of failures of the same time
    errors_href: str
    #: None where the window holds no failure of the kind, or the reader may not see it
    story: "ErrorStoryShown | None"


class ErrorStoryShown(msgspec.Struct, kw_only=True, frozen=True):
    """One kind of failures, as the page tells it."""

    service_name: str
    #: the service's colour
    tone: str
    action: str
    error_code: str | None
    fault: str
    #: the vendor's words, the last time
    message: str
    #: None where nobody said what it means
    explanation: ErrorWords | None
    #: failures
    count: int
    entity_count: int
    #: whether there may be more entities than that
    is_entity_count_least: bool
    #: failures about none
    without_entity_count: int
    #: that can be repeated at once or later without doing anything twice
    safe_count: int
    first_seen_at: datetime
    last_seen_at: datetime
    #: from when on failures were read, where time ran out before the window's beginning
    read_from: datetime | None
    timeline: Drawing
    #: most failures first
    entities: Sequence[HurtRow]
    #: newest first
    examples: Sequence[ExampleRow]
    #: to its records
    href: str
    #: this page, for somebody else: the window as it is now
    shared_href: str
