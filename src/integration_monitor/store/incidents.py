"""What is kept of incidents and of the messages about them. Times are aware, in UTC."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from integration_monitor.record import Fault

#: service_state: the rule of health; writers are looked at together, whichever processes they are
Kind = Literal["service_state", "service_silent", "probe_failed", "writers_lost", "writers_lagging"]
Severity = Literal["degraded", "down", "silent", "failed", "lost", "lagging"]
Phase = Literal["began", "ended"]
NotificationState = Literal["waiting", "sent", "superseded", "given_up"]
#: what the watch remembers from one look to the next
ObservationKind = Literal["round", "probe", "losses"]


class OpenIncident(msgspec.Struct, kw_only=True, frozen=True):
    """An incident that has not ended, or a suspicion: that is one which nobody was told of yet."""

    id: uuid.UUID
    kind: Kind
    #: the service; empty for writers
    subject: str
    #: the worst so far
    severity: Severity
    summary: str
    #: of the beginning: whom it hurt, what the vendor said
    facts: Mapping[str, Any]
    #: when it was first observed
    suspected_at: datetime
    #: when it was last looked at
    observed_at: datetime
    #: since when it was wrong, as far as records tell
    since_at: datetime
    #: when it had held for long enough; None for a suspicion
    began_at: datetime | None
    #: since when it is not wrong any more; None while it is
    calm_at: datetime | None
    #: since when it is clearly better; None while it is not
    well_at: datetime | None
    ended_at: datetime | None = None


class Harm(msgspec.Struct, kw_only=True, frozen=True):
    """Whom the failures of a service hurt, and what the vendor said. Nothing of a payload but ids of entities."""

    #: at most FAILED_MAX are looked at
    failed_count: int
    entity_count: int
    first_failed_at: datetime | None
    last_failed_at: datetime | None
    #: `send_message 7`, most failures first
    actions: Sequence[str]
    #: `lead 123`, latest first
    entities: Sequence[str]
    #: the most frequent one, the words of its latest failure, and how many have it
    error_code: str | None
    error_message: str | None
    error_count: int
    #: the most frequent one
    fault: Fault | None


class Notified(msgspec.Struct, kw_only=True, frozen=True):
    """Whom the beginning of an incident was told."""

    target: str
    #: it waits, and was never tried
    is_untold: bool
    due_at: datetime


class NewNotification(msgspec.Struct, kw_only=True, frozen=True):
    """A message that is to be sent."""

    incident_id: uuid.UUID
    phase: Phase
    target: str
    title: str
    body: str
    created_at: datetime
    #: not before
    due_at: datetime


class DueNotification(msgspec.Struct, kw_only=True, frozen=True):
    """A message that is to be sent now, by whoever got it."""

    id: uuid.UUID
    incident_id: uuid.UUID
    phase: Phase
    target: str
    title: str
    body: str
    #: this one included
    attempts: int
    created_at: datetime


class WatchedWriter(msgspec.Struct, kw_only=True, frozen=True):
    """A process that lags or has lost something."""

    writer_id: uuid.UUID
    host: str
    pid: int
    heartbeat_at: datetime
    #: records on its disk
    spooled: int
    #: records in its memory; 0 of one that is over
    waiting: int
    #: dropped, dead-lettered, and of one that is over what is nowhere
    lost: int


class CallsOfBucket(msgspec.Struct, kw_only=True, frozen=True):
    """Calls of a service in an hour or in a minute; there is no row without."""

    service_name: str
    is_minute: bool
    bucket: datetime
    calls: int


class NotificationTold(msgspec.Struct, kw_only=True, frozen=True):
    """What became of a message."""

    phase: Annotated[Phase, Meta(description="What it tells.")]
    target: Annotated[str, Meta(description="Whom: the scheme of the Apprise URL and a digest of it.")]
    state: Annotated[
        NotificationState,
        Meta(
            description="`waiting` (quiet hours, or the last attempt failed), `sent`, `superseded` (told with the end, after quiet hours) "
            "or `given_up` (not delivered within a day)."
        ),
    ]
    attempts: Annotated[int, Meta(description="How often it was tried.")]
    settled_at: Annotated[datetime | None, Meta(description="When it was no longer waiting, UTC.")]
    due_at: Annotated[datetime, Meta(description="While it waits: when it is tried next, UTC.")]
    error: Annotated[str | None, Meta(description="Why the last attempt failed.")]


class Incident(msgspec.Struct, kw_only=True, frozen=True):
    """Something that was wrong for long enough to be told."""

    id: Annotated[uuid.UUID, Meta(description="Names it, also in messages.")]
    kind: Annotated[
        Kind,
        Meta(
            description="What is wrong: the state of a service, its silence, its probe, or processes that lose or hold back records."
        ),
    ]
    service_name: Annotated[str | None, Meta(description="The service; null for writers.")]
    severity: Annotated[Severity, Meta(description="The worst it was.")]
    summary: Annotated[str, Meta(description="What is wrong, in a sentence; of an ended one as it was last.")]
    facts: Annotated[Mapping[str, Any], Meta(description="Whom it hurt and what the vendor said, when it began.")]
    since_at: Annotated[datetime, Meta(description="Since when it was wrong, as far as records tell, UTC.")]
    began_at: Annotated[datetime, Meta(description="When it had held for long enough to be told, UTC.")]
    ended_at: Annotated[datetime | None, Meta(description="When it had been better for long enough, UTC; null while it is open.")]
    acknowledged_at: Annotated[datetime | None, Meta(description="When somebody said that they look after it, UTC.")]
    acknowledged_by: Annotated[str | None, Meta(description="Who said so.")]
    notifications: Annotated[Sequence[NotificationTold], Meta(description="The messages about it.")]


class IncidentPosition(msgspec.Struct, kw_only=True, frozen=True, array_like=True):
    """Where a page of incidents ended: the key of its last row."""

    began_at: datetime
    id: uuid.UUID


class Acknowledgement(msgspec.Struct, kw_only=True, frozen=True):
    """Who looks after an incident: whoever said so first."""

    acknowledged_at: Annotated[datetime, Meta(description="When they said so, UTC.")]
    acknowledged_by: Annotated[str, Meta(description="Who they are.")]
