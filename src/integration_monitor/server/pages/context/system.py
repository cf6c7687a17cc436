"""What system.html is given."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from integration_monitor.server.pages.context.shared import Frame
from integration_monitor.store.page_answers import LossRow, PartitionRow, SystemFacts, SystemSettings, WriterRow


class WriterLine(msgspec.Struct, kw_only=True, frozen=True):
    """A process that writes."""

    #: what the database knows of it
    row: WriterRow
    #: alive, ended (in order), or silent (for so long that what it left is closed)
    state: str
    #: taken and nowhere: of a process that is no more
    gap_count: int


class Version(msgspec.Struct, kw_only=True, frozen=True):
    """A program, and which one of it."""

    name: str
    version: str


class SystemPage(msgspec.Struct, kw_only=True, frozen=True):
    """Everything that system.html shows; all but the frame and the versions None where the reader's role may not ask."""

    frame: Frame
    #: those that live first
    writers: Sequence[WriterLine] | None
    #: processes that are not listed
    writers_more: int
    #: how many live
    live_count: int
    #: records that wait in spools
    spooled_count: int
    #: items that are nowhere
    gap_count: int
    losses: Sequence[LossRow] | None
    partitions: Sequence[PartitionRow] | None
    #: of all partitions, in bytes
    partitions_bytes: int
    facts: SystemFacts | None
    settings: SystemSettings | None
    #: whether statistics tell what the records tell; None where there was nothing to compare
    is_equal: bool | None
    #: how many records were compared, and between which times
    compared_count: int
    compared_since: datetime
    compared_until: datetime
    versions: Sequence[Version]
