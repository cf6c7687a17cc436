"""What a writer hands to a sink in one go. Both know these words, and not each other."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from integration_monitor.record import IntegrationLog


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a writer tells about itself: its row in `integration_monitor.writers`. Counts are since the writer began."""

    #: one per process, and per fork
    writer_id: uuid.UUID
    host: str
    pid: int
    started_at: datetime
    #: items that were offered
    taken: int
    #: records that are in the store, including those of the batch that the report comes with
    written: int
    #: items that are not worth a record
    ignored: int
    #: records in the spool now, not yet written
    spooled: int
    #: items that were lost, by reason
    dropped: Mapping[str, int]
    #: records that the store refused, kept in a file
    dead_lettered: int
    #: whether the process ends in order: nothing more will come
    is_final: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What is written in one transaction. Without records, but with a report, it is a heartbeat."""

    #: to be inserted; one that is there already (same id) is skipped. A batch that holds a pending or retrying one always has a report
    records: Sequence[IntegrationLog]
    #: were written before as pending or retrying: the row is updated; inserted where there is none
    finished: Sequence[IntegrationLog] = ()
    #: written in the same transaction
    report: Report | None = None
