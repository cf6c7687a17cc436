"""The spools on this machine, for people and for the command line: what lies there, whose it is, and how it is delivered without a writer."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from integration_monitor.batch import Report
from integration_monitor.errors import SpoolError
from integration_monitor.settings import Settings
from integration_monitor.writer.connection import Connection
from integration_monitor.writer.counts import Counts
from integration_monitor.writer.dead_letters import FILE_NAME
from integration_monitor.writer.depot import Depot
from integration_monitor.writer.drain import Drain
from integration_monitor.writer.folder import Folder, folders, segment_bytes, segments_in
from integration_monitor.writer.identity import identity_of_process
from integration_monitor.writer.segment import Segment
from integration_monitor.writer.sink import Sink
from integration_monitor.writer.spool import Locks

# A spool that cannot be read now, since the disk hangs or is not ours, is left to the next time.
TRIES_MAX = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """The spool of one process."""

    #: where its records go, without user and password
    destination: str
    path: Path
    #: whether its process is alive
    is_owned: bool
    #: records that wait, as far as the files can be read
    records_count: int
    bytes_used: int
    #: of which time the records are, in milliseconds since the epoch; None where none waits
    first_at_ms: int | None
    last_at_ms: int | None
    #: segments that cannot be read
    damaged_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """What `deliver` did."""

    records_count: int
    spools_count: int
    #: records that could not be read, and are lost
    lost_count: int
    #: why it ended early; None where nothing is left
    error: Exception | None


def list_holdings(settings: Settings) -> list[Holding]:
    """The spools of all processes and destinations, oldest first in each destination.

    Errors:
        SpoolError: there is no folder to keep them in.
    """
    return [_look(folder, path) for folder in folders(settings) for path in folder.homes()]


def list_dead_letters(settings: Settings) -> list[tuple[Path, int]]:
    """The files of what stores refused, and their sizes in bytes. Errors as of `list_holdings`."""
    found = (path for folder in folders(settings) for path in sorted(folder.path.glob(f"{FILE_NAME}*")))
    return [(path, path.stat().st_size) for path in found]


def deliver(settings: Settings, open_sink: Callable[[], Sink], tell: Callable[[int], None] = lambda _count: None) -> Delivered:
    """Brings what dead processes left to the store of the settings, at a pace that leaves a slow store half of its time.

    tell:
        Called with the number of records delivered so far.
    """
    counts = Counts()
    identity = identity_of_process()
    depot = Depot(settings, counts, writer_id=identity.writer_id)
    depot.is_on = True
    connection = Connection(open_sink, counts)

    def report(**_changes: int) -> Report:
        return identity.report(counts, is_final=True)

    drain = Drain(depot=depot, connection=connection, counts=counts, report=report, settings=settings)
    spools_count = tries_count = 0
    while tries_count < TRIES_MAX and (depot.adopted is not None or drain.adopt()):
        is_delivered = drain.run()
        tries_count = 0 if is_delivered or depot.adopted is None else tries_count + 1
        spools_count += depot.adopted is None
        tell(drain.delivered_count)
        if connection.is_away:
            break
        time.sleep(max(0.0, drain.due_at - time.monotonic()))
    depot.close()
    connection.close()
    return Delivered(
        records_count=drain.delivered_count,
        spools_count=spools_count,
        lost_count=depot.lost_count,
        error=connection.failure if connection.is_away else None,
    )


def _look(folder: Folder, path: Path) -> Holding:
    """What lies in a home; one that nobody owns is held meanwhile, so that nobody takes it over under our eyes."""
    home = folder.adopt(path)
    locks = Locks()
    records_count = bytes_used = damaged_count = 0
    times: list[int] = []
    try:
        for place in segments_in(path):
            bytes_used += segment_bytes(place)
            segment = Segment(place, write_lock=locks.write, read_lock=locks.read)
            try:
                extent = segment.extent()
            except SpoolError:
                damaged_count += 1
            else:
                records_count += extent.records_count
                times += [at for at in (extent.first_at_ms, extent.last_at_ms) if at is not None]
            finally:
                segment.close()
    finally:
        if home is not None:
            home.release()
    return Holding(
        destination=folder.destination,
        path=path,
        is_owned=home is None,
        records_count=records_count,
        bytes_used=bytes_used,
        first_at_ms=min(times, default=None),
        last_at_ms=max(times, default=None),
        damaged_count=damaged_count,
    )
