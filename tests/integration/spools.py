"""Parts of the spool's tests: records, a store in memory that can be away, and writers that keep their spool in a folder of the test's own."""

import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from integration_monitor.batch import Batch, Report
from integration_monitor.errors import RecordsRefused, StoreUnavailable
from integration_monitor.guard import Guard
from integration_monitor.record import IntegrationLog, new_id, now
from integration_monitor.settings import Settings
from integration_monitor.writer.counts import Stats
from integration_monitor.writer.folder import Folder, folder_of
from integration_monitor.writer.lifecycle import Writer

# Long enough that a machine under any load gets there; what is waited for comes at once.
PATIENCE_S = 30


def make_record(action: str = "send_message", **fields: Any) -> IntegrationLog:
    at = now()
    values = {"id": new_id(at), "service_name": "test", "status": "success", "created_at": at, "updated_at": at, **fields}
    return IntegrationLog(action=action, **values)


class TableSink:
    """A store in memory with the rules of the real one: a batch is all or nothing, and one id is one row."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.is_away = is_away
        self.rows: dict[uuid.UUID, IntegrationLog] = {}
        #: the last report of each writer
        self.reports: dict[uuid.UUID, Report] = {}
        self.batches: list[Batch] = []
        #: actions that are never taken
        self.refused: set[str] = set()
        self.is_tried = threading.Event()
        self.may_write = threading.Event()
        self.may_write.set()
        #: called with each batch that is written
        self.listeners: list[Callable[[Batch], None]] = []

    def write(self, batch: Batch) -> None:
        self.is_tried.set()
        assert self.may_write.wait(PATIENCE_S)
        if self.is_away:
            raise StoreUnavailable("gone")
        if any(record.action in self.refused for record in (*batch.records, *batch.finished)):
            raise RecordsRefused("poison")
        for record in batch.records:
            self.rows.setdefault(record.id, record)
        for record in batch.finished:
            self.rows[record.id] = record
        if batch.report is not None:
            self.reports[batch.report.writer_id] = batch.report
        self.batches.append(batch)
        for listener in self.listeners:
            listener(batch)

    def maintain(self) -> None:
        pass

    def close(self) -> None:
        pass

    @property
    def actions(self) -> list[str]:
        """Of all rows, in the order in which they came."""
        return [record.action for record in self.rows.values()]


class Writers:
    """Makes writers of records to one store, and ends them."""

    def __init__(self, folder: Path) -> None:
        self.spool_dir = folder / "spool"
        self.sink = TableSink()
        self._made: list[Writer[IntegrationLog]] = []

    def make(self, *, sink: TableSink | None = None, **settings: Any) -> Writer[IntegrationLog]:
        to = sink or self.sink
        writer: Writer[IntegrationLog] = Writer(
            record=lambda record: record, open_sink=lambda: to, settings=self.settings(**settings), guard=Guard()
        )
        self._made.append(writer)
        return writer

    def settings(self, **settings: Any) -> Settings:
        return Settings(**{"batch_age_s": 0.01, "spool_dir": str(self.spool_dir), "shutdown_timeout_s": 5.0, **settings})

    @property
    def folder(self) -> Folder:
        return folder_of(self.settings())

    def segments(self) -> list[Path]:
        paths = sorted(self.spool_dir.glob("*/")) if self.spool_dir.is_dir() else []
        return [path for folder in paths for path in Folder(folder, "any").segments()]

    def end(self) -> None:
        self.sink.may_write.set()
        for writer in self._made:
            writer.shutdown()


def take_all(writer: Writer[IntegrationLog], *records: IntegrationLog) -> None:
    for record in records:
        writer.take(record, 100)


def records_of(actions: Sequence[str]) -> Iterator[IntegrationLog]:
    return (make_record(action) for action in actions)


def assert_nothing_is_missing(stats: Stats) -> None:
    """The invariant of the counts."""
    known = stats.written + stats.ignored + sum(stats.dropped.values()) + stats.dead_lettered + stats.spooled
    assert stats.taken == known + stats.queue_records, stats


LONG_AGO = datetime(2024, 5, 6, tzinfo=UTC)
