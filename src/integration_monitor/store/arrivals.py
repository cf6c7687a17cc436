"""In which order records arrive, as the live stream is told of it. Times are aware, in UTC."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from integration_monitor.record import IntegrationLog

#: Behind every arrival of a look.
LAST_NUMBER: Final = 2**63 - 1

#: PostgreSQL's bigint.
Number: TypeAlias = Annotated[int, Meta(ge=0, le=LAST_NUMBER)]
#: The whole key of a record.
RecordKey: TypeAlias = tuple[uuid.UUID, datetime]


class ArrivalPosition(msgspec.Struct, kw_only=True, frozen=True, array_like=True):
    """Up to where a reader has been told: everything of earlier looks, and of this one up to this number."""

    #: counts the times that watching began anew
    watch: Number
    look: Number
    number: Number


class Looked(msgspec.Struct, kw_only=True, frozen=True):
    """What there is to be read."""

    watch: int
    #: the last look; 0 before the first
    looks: int
    #: the last look that is not kept any more; 0 where all are
    looks_removed: int

    @property
    def end(self) -> ArrivalPosition:
        """Behind everything that has arrived."""
        return ArrivalPosition(watch=self.watch, look=self.looks, number=LAST_NUMBER)

    def holds(self, position: ArrivalPosition) -> bool:
        """Whether everything behind a position can still be read."""
        is_kept = position.look > self.looks_removed or (position.look == self.looks_removed and position.number == LAST_NUMBER)
        return position.watch == self.watch and is_kept and position.look <= self.looks


class Arrival(msgspec.Struct, kw_only=True, frozen=True):
    """A record that was written, or a statement that wrote too many to be told one by one."""

    look: int
    number: int
    #: None for such a statement
    record_id: uuid.UUID | None
    created_at: datetime | None
    #: whether it was inserted; else it was changed
    is_new: bool

    @property
    def key(self) -> RecordKey | None:
        """That of the record."""
        return None if self.record_id is None or self.created_at is None else (self.record_id, self.created_at)


class ArrivalsRead(msgspec.Struct, kw_only=True, frozen=True):
    """A stretch of what has arrived, as one reader may see it."""

    #: in the order of arrival
    arrivals: Sequence[Arrival]
    #: those of their records that fit the reader's filter and that the role may see, as they are now
    records: Mapping[RecordKey, IntegrationLog]
