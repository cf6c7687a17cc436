"""The writer where the disk, the store or the operator misbehaves: nothing piles up, nothing spins, nothing is lost without being counted."""

import errno
import fcntl
import os
import shutil
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from integration_monitor.batch import Batch
from integration_monitor.errors import RecordsRefused, SpoolError
from integration_monitor.guard import Guard
from integration_monitor.record import IntegrationLog
from integration_monitor.settings import Settings
from integration_monitor.writer import delivery, depot, entry
from integration_monitor.writer.entry import pack
from integration_monitor.writer.folder import Folder, folder_of
from integration_monitor.writer.lifecycle import Writer
from integration_monitor.writer.queue import Marker
from integration_monitor.writer.spool import Locks, Spool
from tests.integration.spools import PATIENCE_S, TableSink, Writers, assert_nothing_is_missing, make_record, take_all


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[Writers]:
    made = Writers(tmp_path)
    yield made
    made.end()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def spool(writer: Writer[IntegrationLog], *records: IntegrationLog) -> None:
    """The records are on disk when it returns: the store is away."""
    expected = writer.stats().spooled + len(records)
    take_all(writer, *records)
    wait_until(lambda: writer.stats().spooled == expected)


def test_a_file_system_without_locks_leaves_no_folders_behind(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    folder = writers.folder
    monkeypatch.setattr(fcntl, "flock", refuse)
    files_before = len(list(Path("/proc/self/fd").iterdir())) if sys.platform == "linux" else 0

    for _ in range(3):
        with pytest.raises(SpoolError, match="No locks available"):
            folder.claim(make_record().id, 1)

    assert [path.name for path in folder.path.iterdir()] == ["destination"]
    if sys.platform == "linux":
        assert len(list(Path("/proc/self/fd").iterdir())) == files_before


def test_a_link_in_place_of_the_folder_is_not_followed(writers: Writers, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    folder = folder_of(writers.settings())
    folder.path.parent.mkdir(parents=True)
    folder.path.symlink_to(elsewhere)

    with pytest.raises(SpoolError, match="is no folder"):
        folder.claim(make_record().id, 1)

    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("durability", ["buffered", "journal"])
def test_a_spool_that_is_removed_under_its_process_is_begun_anew(writers: Writers, durability: str) -> None:
    writers.sink.is_away = True
    writer = writers.make(durability=durability)
    spool(writer, make_record("removed 1"), make_record("removed 2"))
    home = writers.segments()[0].parent
    shutil.rmtree(writers.spool_dir)
    writers.sink.is_away = False

    # What was open already can still be read.
    assert writer.flush(PATIENCE_S)
    wait_until(lambda: writer._depot.own is None or writer._depot.own.home.path != home)
    writers.sink.is_away = True
    spool(writer, make_record("on disk again"))
    assert len(writers.segments()) == 1
    writers.sink.is_away = False
    assert writer.flush(PATIENCE_S)

    stats = writer.stats()
    assert "on disk again" in writers.sink.actions
    assert stats.written + stats.dropped.get("spool_damaged", 0) == 3
    assert_nothing_is_missing(stats)


def test_a_segment_that_is_removed_before_it_was_read_is_lost_and_counted(tmp_path: Path) -> None:
    locks = Locks()
    home = Folder(tmp_path / "spools", "nowhere").claim(make_record().id, 1)
    spool = Spool(home, locks=locks)
    spool.append([entry.pack(make_record())])
    for path in home.path.glob("*.sqlite*"):
        path.unlink()

    assert spool.read(records_max=10, bytes_max=1000) is None
    assert [(loss.reason, loss.records_count) for loss in spool.take_losses()] == [("spool_damaged", 1)]
    spool.close()


def test_calls_that_begin_and_never_end_do_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integration_monitor.writer.spool.BEGUN_MAX", 3)
    spool = Spool(Folder(tmp_path / "spools", "nowhere").claim(make_record().id, 1), locks=Locks())

    for _ in range(10):
        spool.append([entry.pack(make_record(), entry.Kind.BEGUN)])

    assert len(spool._begun) == 3
    spool.close()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to see which files are open")
def test_while_the_store_is_away_only_the_last_segment_is_open(tmp_path: Path) -> None:
    home = folder_of(Settings(spool_dir=str(tmp_path))).claim(uuid.uuid4(), 0)
    own = Spool(home, locks=Locks(), segment_bytes_max=2_000)
    for _ in range(20):
        own.append([pack(make_record(request_payload={"text": "x" * 500}))])

    own.tidy(is_away=True)
    *complete, last = home.segments()
    open_files = {os.path.realpath(file) for file in Path("/proc/self/fd").iterdir()}
    read = own.read(records_max=100, bytes_max=1_000_000)
    own.close()

    assert len(complete) >= 3
    assert str(last) in open_files
    assert open_files.isdisjoint(map(str, complete))
    assert read is not None
    assert read.segment.path == complete[0]


def test_a_disk_that_cannot_be_read_does_not_keep_new_records_from_the_store(
    writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    writers.sink.is_away = True
    writer = writers.make()
    spool(writer, make_record("old"))

    def refuse(*_arguments: object, **_options: object) -> None:
        raise SpoolError("the disk hangs")

    with monkeypatch.context() as patch:
        patch.setattr("integration_monitor.writer.segment.Segment.read", refuse)
        writers.sink.is_away = False

        def is_written() -> bool:
            take_all(writer, make_record("new"))
            return "new" in writers.sink.actions

        wait_until(is_written)
        assert "old" not in writers.sink.actions
    assert writer.flush(PATIENCE_S)

    assert "old" in writers.sink.actions
    assert_nothing_is_missing(writer.stats())


def test_an_entry_that_cannot_be_unpacked_costs_nothing_but_itself(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    writers.sink.is_away = True
    writer = writers.make()
    spool(writer, make_record("good 1"), make_record("deep"), make_record("good 2"))
    unpack = entry._decoder.decode

    class Decoder:
        """The stack ends in it, as for a payload that was packed where there was a little more left of it."""

        def decode(self, body: bytes) -> IntegrationLog:
            record = unpack(body)
            if record.action == "deep":
                raise RecursionError("maximum recursion depth exceeded")
            return record

    monkeypatch.setattr(entry, "_decoder", Decoder())
    writers.sink.is_away = False

    assert writer.flush(PATIENCE_S)
    assert {"good 1", "good 2"} <= set(writers.sink.actions)
    assert writer.stats().dropped == {"spool_damaged": 1}
    assert_nothing_is_missing(writer.stats())


def test_a_heartbeat_that_is_refused_is_not_repeated_at_once(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    class Sink(TableSink):
        beats_count = 0

        def write(self, batch: Batch) -> None:
            if not batch.records:
                self.beats_count += 1
                raise RecordsRefused("the report")
            super().write(batch)

    monkeypatch.setattr(delivery, "HEARTBEAT_S", 0.2)
    sink = Sink()
    writer = writers.make(sink=sink, durability="off")
    take_all(writer, make_record())
    assert writer.flush(PATIENCE_S)
    wait_until(lambda: sink.beats_count >= 2)
    began_at, count = time.monotonic(), sink.beats_count
    wait_until(lambda: sink.beats_count >= count + 3)

    # Without a pause thousands would fit in.
    assert sink.beats_count - count <= (time.monotonic() - began_at) / 0.2 + 1


def test_flushes_that_were_given_up_leave_nothing(writers: Writers) -> None:
    writers.sink.is_away = True
    writer = writers.make(durability="off")
    take_all(writer, make_record())

    for _ in range(20):
        assert not writer.flush(0.01)

    writer._worker.hurry()
    wait_until(lambda: not writer._worker._markers)
    assert not any(isinstance(item, Marker) for item in writer._queue._items)
    assert not writer._queue.has_marker
    writers.sink.is_away = False
    assert writer.flush(PATIENCE_S)


def test_many_calls_in_flight_are_written_in_batches(writers: Writers) -> None:
    running = [make_record(f"call {number}", status="pending") for number in range(25)]
    writer: Writer[Any] = Writer(
        record=lambda record: record,
        record_unfinished=lambda record: record,
        running=lambda: running,
        open_sink=lambda: writers.sink,
        settings=writers.settings(batch_records_max=10, pending_after_s=0.0),
        guard=Guard(),
    )
    try:
        writer.begun(running[0])
        wait_until(lambda: len(writers.sink.rows) == 25)
    finally:
        writer.shutdown()

    assert max(len(batch.records) for batch in writers.sink.batches) == 10


def test_the_age_of_what_the_worker_holds_is_known(writers: Writers) -> None:
    writers.sink.is_away = True
    writer = writers.make(durability="off")
    take_all(writer, make_record())
    wait_until(lambda: writer._queue.oldest_at() is None)

    assert writer.stats().queue_records == 1
    assert writer.stats().oldest_unsent_s is not None

    writers.sink.is_away = False
    assert writer.flush(PATIENCE_S)
    assert writer.stats().oldest_unsent_s is None


def test_two_threads_that_fork_at_once_leave_no_lock_closed(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depot, "FORK_WAIT_S", 0.05)
    writer = writers.make()
    one = writer._depot
    one.hold()  # a fork that takes long

    def hold_in_vain() -> None:
        one.hold()
        one.release()

    other = threading.Thread(target=hold_in_vain)
    other.start()
    other.join(PATIENCE_S)
    assert one.release()

    def take_locks() -> None:
        with one.locks.write, one.locks.read:
            is_open.set()

    is_open = threading.Event()
    threading.Thread(target=take_locks, daemon=True).start()
    assert is_open.wait(PATIENCE_S)
