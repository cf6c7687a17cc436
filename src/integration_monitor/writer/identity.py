"""Who writes: one identity a process, and a fork is another process."""

import dataclasses
import os
import socket
import uuid
from datetime import datetime

from integration_monitor.batch import Report
from integration_monitor.record import new_id, now
from integration_monitor.writer.counts import Counts


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    writer_id: uuid.UUID
    host: str
    pid: int
    started_at: datetime

    def report(self, counts: Counts, *, taken: int = 0, written: int = 0, spooled: int = 0, is_final: bool = False) -> Report:
        """What the writer tells about itself, as it is once so many more records are taken, written or in the spool."""
        with counts.lock:
            return Report(
                writer_id=self.writer_id,
                host=self.host,
                pid=self.pid,
                started_at=self.started_at,
                taken=counts.taken + taken,
                written=counts.written + written,
                ignored=counts.ignored,
                spooled=max(0, counts.spooled + spooled),
                dropped=counts.dropped(),
                dead_lettered=counts.dead_lettered,
                is_final=is_final,
            )


def identity_of_process() -> Identity:
    started_at = now()
    return Identity(writer_id=new_id(started_at), host=socket.gethostname(), pid=os.getpid(), started_at=started_at)
