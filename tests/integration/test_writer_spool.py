"""Records on disk while the store is away: with real files, and a store in memory."""

import os
import stat
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from integration_monitor.guard import RAISE_VARIABLE
from integration_monitor.record import IntegrationLog
from integration_monitor.writer.destination import destination_of
from integration_monitor.writer.entry import Kind, pack, unpack
from integration_monitor.writer.lifecycle import THREAD_NAME
from integration_monitor.writer.worker import Worker
from tests.integration.spools import (
    LONG_AGO,
    PATIENCE_S,
    TableSink,
    Writers,
    assert_nothing_is_missing,
    make_record,
    records_of,
    take_all,
)


@pytest.fixture(autouse=True)
def _raise_internal_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RAISE_VARIABLE, "1")


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[Writers]:
    made = Writers(tmp_path)
    yield made
    made.end()


def leave_behind(writers: Writers, *records: IntegrationLog, **settings: object) -> None:
    """What a process leaves that ended while the store was away."""
    writer = writers.make(sink=TableSink(is_away=True), **settings)
    take_all(writer, *records)
    assert writer.shutdown(PATIENCE_S)
    assert writer.stats().spooled == len(records)


def test_what_cannot_be_written_waits_on_disk_and_is_written_when_the_store_is_back(writers: Writers) -> None:
    writers.sink.is_away = True
    writer = writers.make()

    take_all(writer, *records_of("abc"))
    assert not writer.flush(0.2)
    assert (writer.stats().spooled, writer.stats().queue_records) == (3, 0)
    assert writer.stats().oldest_unsent_s is not None
    writers.sink.is_away = False
    assert writer.flush(PATIENCE_S)

    assert writers.sink.actions == ["a", "b", "c"]
    stats = writer.stats()
    assert (stats.taken, stats.written, stats.spooled, stats.dropped) == (3, 3, 0, {})
    assert stats.oldest_unsent_s is None


def test_far_more_than_memory_holds_waits_on_disk(writers: Writers) -> None:
    writers.sink.is_away = True
    writer = writers.make(queue_records_max=100, batch_records_max=50)

    for _ in range(20):
        take_all(writer, *records_of("x" * 50))
        assert not writer.flush(0.01) or True
        while writer.stats().queue_records > 50:
            writer.flush(0.01)
    writers.sink.is_away = False
    assert writer.flush(PATIENCE_S)

    assert len(writers.sink.rows) == writer.stats().written == 1_000
    assert_nothing_is_missing(writer.stats())


def test_at_the_end_of_the_process_what_waits_stays_on_disk_for_the_next_one(writers: Writers) -> None:
    leave_behind(writers, *records_of("abc"))

    writer = writers.make()
    take_all(writer, make_record("new"))
    wait_until(writers.sink, lambda: len(writers.sink.rows) == 4)

    assert sorted(writers.sink.actions) == ["a", "b", "c", "new"]
    # Of the new process's own only one.
    assert writer.flush(PATIENCE_S)
    assert writer.stats().taken == writer.stats().written == 1


def wait_until(sink: TableSink, is_so: object) -> None:
    """Until it is so, looked at after each batch."""
    done = threading.Event()
    sink.listeners.append(lambda _batch: done.set() if is_so() else None)  # type: ignore[operator]
    if not is_so():  # type: ignore[operator]
        assert done.wait(PATIENCE_S), (sink.actions, sink.reports)


def test_the_row_of_a_dead_writer_is_brought_up_to_date_by_whoever_takes_over(writers: Writers) -> None:
    leave_behind(writers, *records_of("abc"))

    writer = writers.make()
    take_all(writer, make_record("new"))
    wait_until(writers.sink, lambda: any(report.is_final for report in writers.sink.reports.values()))

    (report,) = [report for report in writers.sink.reports.values() if report.is_final]
    assert (report.taken, report.written, report.spooled, dict(report.dropped)) == (3, 3, 0, {})
    assert writer.shutdown(PATIENCE_S)
    assert writers.segments() == []


def test_an_emptied_spool_leaves_no_files(writers: Writers) -> None:
    writers.sink.is_away = True
    writer = writers.make()
    take_all(writer, *records_of("ab"))
    assert not writer.flush(0.1)
    assert writers.segments() != []

    writers.sink.is_away = False
    assert writer.flush(PATIENCE_S)
    assert writer.shutdown()

    assert writers.segments() == []
    assert writers.folder.homes() == []


def test_files_are_for_their_owner_alone(writers: Writers) -> None:
    leave_behind(writers, make_record())

    paths = [writers.folder.path, *writers.folder.path.rglob("*")]
    modes = {path.relative_to(writers.spool_dir): stat.S_IMODE(path.stat().st_mode) for path in paths}

    assert len(modes) > 3
    assert {mode for path, mode in modes.items() if (writers.spool_dir / path).is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if (writers.spool_dir / path).is_file()} == {0o600}


def test_the_spool_of_a_living_process_is_left_alone(writers: Writers) -> None:
    away = TableSink(is_away=True)
    owner = writers.make(sink=away)
    take_all(owner, make_record("mine"))
    assert not owner.flush(0.1)

    other = writers.make()
    take_all(other, make_record("other"))
    assert other.flush(PATIENCE_S)
    assert other.shutdown(PATIENCE_S)

    assert writers.sink.actions == ["other"]
    assert owner.stats().spooled == 1


def test_what_is_meant_for_one_database_never_goes_to_another(writers: Writers) -> None:
    leave_behind(writers, make_record("secret"), database_url="postgresql://user:FAKE@one.example.com/app")

    writer = writers.make(database_url="postgresql://user:FAKE@two.example.com/app")
    take_all(writer, make_record("new"))
    assert writer.flush(PATIENCE_S)
    assert writer.shutdown(PATIENCE_S)

    assert writers.sink.actions == ["new"]
    assert len(writers.segments()) == 1


def test_the_destination_knows_neither_user_nor_password(writers: Writers) -> None:
    first = writers.settings(database_url="postgresql://user:FAKE@db.example.com:6543/app?sslmode=require")
    second = writers.settings(database_url="postgres://other:FAKE2@db.example.com:6543/app")

    assert destination_of(first) == destination_of(second) == "postgres://db.example.com:6543/app"
    assert destination_of(writers.settings(database_url="postgresql:///app?host=/run&user=me")) == "postgres:///app host=/run"


def test_beyond_the_bound_the_oldest_are_dropped_counted_and_told(writers: Writers, caplog: pytest.LogCaptureFixture) -> None:
    writers.sink.is_away = True
    writer = writers.make(spool_bytes_max=400_000, batch_records_max=10)
    count = 400
    payload = {"text": "x" * 2_000}

    for number in range(count):
        record = make_record(
            f"n{number}", request_payload=payload, created_at=LONG_AGO + timedelta(minutes=number), updated_at=LONG_AGO
        )
        take_all(writer, record)
        while writer.stats().queue_records > 50:
            writer.flush(0.01)
    writer.flush(0.2)
    dropped = writer.stats().dropped["spool_full"]
    assert sum(path.stat().st_size for path in writers.spool_dir.rglob("*") if path.is_file()) < 900_000
    writers.sink.is_away = False
    assert writer.flush(PATIENCE_S)
    assert writer.shutdown(PATIENCE_S)

    told = [record for record in writers.sink.rows.values() if record.action == "records_dropped"]
    kept = [action for action in writers.sink.actions if action != "records_dropped"]
    assert 0 < dropped < count
    assert kept == [f"n{number}" for number in range(dropped, count)]
    assert_nothing_is_missing(writer.stats())
    assert {record.service_name for record in told} == {"integration-monitor"}
    assert sum(record.response_payload["records"]["spool_full"] for record in told) == dropped
    assert told[0].response_payload["from"] == "2024-05-06T00:00:00Z"
    assert "records on disk (spool_full)" in caplog.text


def test_what_the_store_refuses_goes_to_a_file_with_the_reason(writers: Writers) -> None:
    writers.sink.refused = {"poison"}
    writer = writers.make()

    take_all(writer, *records_of(["a", "poison", "b"]))
    assert writer.flush(PATIENCE_S)

    stats = writer.stats()
    assert (stats.written, stats.dead_lettered, stats.dropped) == (2, 1, {})
    assert_nothing_is_missing(stats)
    (letter,) = [msgspec.json.decode(line) for line in (writers.folder.path / "dead-letters.jsonl").read_bytes().splitlines()]
    assert letter["record"]["action"] == "poison"
    assert letter["reason"] == "RecordsRefused: poison"


def test_what_the_store_refuses_of_the_spool_goes_to_the_same_file(writers: Writers) -> None:
    writers.sink.is_away = True
    writers.sink.refused = {"poison"}
    writer = writers.make()

    take_all(writer, *records_of(["a", "poison", "b"]))
    assert not writer.flush(0.1)
    writers.sink.is_away = False
    assert writer.flush(PATIENCE_S)

    assert writers.sink.actions == ["a", "b"]
    stats = writer.stats()
    assert (stats.written, stats.dead_lettered, stats.spooled) == (2, 1, 0)


@pytest.mark.parametrize("place", ["first page", "middle", "cut off", "one entry"])
def test_a_damaged_segment_costs_at_most_itself_and_is_counted(writers: Writers, place: str) -> None:
    settings: dict[str, Any] = {"spool_bytes_max": 8_000_000, "batch_records_max": 50}
    writers.sink.is_away = True
    dead = writers.make(sink=writers.sink, **settings)
    payload = {"text": "x" * 5_000}
    for number in range(600):
        take_all(dead, make_record(f"n{number}", request_payload=payload))
        while dead.stats().queue_records > 50:
            dead.flush(0.01)
    assert dead.shutdown(PATIENCE_S)
    assert dead.stats().spooled == 600
    victim, *others = writers.segments()
    assert len(others) >= 2
    damage(victim, place)

    writers.sink.is_away = False
    heir = writers.make(**settings)
    take_all(heir, make_record("heir"))
    wait_until(writers.sink, lambda: any(report.is_final for report in writers.sink.reports.values()))

    (report,) = [report for report in writers.sink.reports.values() if report.is_final]
    saved = {action for action in writers.sink.actions if action.startswith("n")}
    lost = 600 - len(saved)
    assert report.taken == 600
    assert report.written == len(saved)
    assert report.dropped == {"spool_damaged": lost}
    # 8 MB in eight segments of 1 MB, with 5 KB a record.
    assert 1 <= lost <= (1 if place == "one entry" else 250)
    assert "n599" in saved
    assert writers.segments() == []


def damage(path: Path, place: str) -> None:
    # The log beside the file goes into it first, so that the file alone is what is read.
    import sqlite3  # noqa: PLC0415

    connection = sqlite3.connect(path)
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()
    size = path.stat().st_size
    if place == "cut off":
        os.truncate(path, size // 2)
        return
    with path.open("r+b") as file:
        if place == "first page":
            file.write(b"\xff" * 4_096)
        elif place == "middle":
            file.seek(size // 2 // 4_096 * 4_096)
            file.write(b"\xff" * 8 * 4_096)
        else:
            # A text that has changed inside a record makes sense to SQLite.
            content = path.read_bytes()
            file.seek(content.index(b"x" * 1_000) + 500)
            file.write(b"y")


def test_a_folder_that_cannot_be_written_to_is_said_and_records_wait_in_memory(
    writers: Writers, caplog: pytest.LogCaptureFixture
) -> None:
    # Root may write to any folder, and into no file as if it were one.
    writers.spool_dir.write_text("not a folder")
    writers.sink.is_away = True
    writer = writers.make()

    take_all(writer, *records_of("ab"))
    assert not writer.flush(0.2)
    assert (writer.stats().queue_records, writer.stats().spooled) == (2, 0)
    writers.sink.is_away = False
    assert writer.flush(PATIENCE_S)

    assert writers.sink.actions == ["a", "b"]
    assert "cannot use its spool" in caplog.text


def test_a_folder_of_another_user_is_not_used(writers: Writers, caplog: pytest.LogCaptureFixture) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    writers.folder.ensure()
    os.chown(writers.folder.path, 12345, 12345)
    writers.sink.is_away = True
    writer = writers.make()

    take_all(writer, make_record())
    assert not writer.flush(0.2)

    assert (writer.stats().queue_records, writer.stats().spooled) == (1, 0)
    assert "belongs to another user" in caplog.text


def test_durability_off_keeps_nothing_on_disk(writers: Writers) -> None:
    writers.sink.is_away = True
    writers.sink.refused = {"poison"}
    writer = writers.make(durability="off")

    take_all(writer, *records_of("ab"))
    assert not writer.flush(0.1)
    assert not writer.shutdown(0.1)

    assert writer.stats().dropped == {"shutdown": 2}
    assert not writers.spool_dir.exists()


def test_a_store_that_hangs_at_the_end_leaves_everything_on_disk(writers: Writers) -> None:
    writers.sink.may_write.clear()
    writer = writers.make(batch_records_max=2)
    take_all(writer, *records_of("abcde"))
    assert writers.sink.is_tried.wait(PATIENCE_S)
    (thread,) = [thread for thread in threading.enumerate() if thread.name == THREAD_NAME]

    assert writer.shutdown(2)
    stats = writer.stats()
    writers.sink.may_write.set()
    thread.join(PATIENCE_S)

    assert (stats.spooled, stats.queue_records, stats.dropped) == (5, 0, {})
    assert_nothing_is_missing(writer.stats())
    heir = writers.make()
    take_all(heir, make_record("heir"))
    wait_until(writers.sink, lambda: len(writers.sink.rows) == 6)
    # The store took two of them after all, and has each once.
    assert sorted(writers.sink.actions) == ["a", "b", "c", "d", "e", "heir"]


@pytest.mark.parametrize("is_away", [False, True], ids=["store there", "store away"])
@pytest.mark.parametrize("durability", ["buffered", "journal", "off"])
def test_the_worker_sleeps_whenever_it_has_nothing_to_do(
    writers: Writers, monkeypatch: pytest.MonkeyPatch, durability: str, is_away: bool
) -> None:
    rounds: list[int] = []
    work = Worker._work

    def count_and_work(worker: Worker[IntegrationLog]) -> bool:
        rounds.append(1)
        return work(worker)

    monkeypatch.setattr(Worker, "_work", count_and_work)
    writers.sink.is_away = is_away
    writer = writers.make(durability=durability, batch_age_s=0.25)

    for record in records_of("x" * 20):
        writer.take(record, 100)
        time.sleep(0.02)
    time.sleep(0.3)

    # One that does not sleep makes tens of thousands; on a slow machine it is fewer, and never more.
    assert 0 < len(rounds) < 100
    assert_nothing_is_missing(writer.stats())


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {"text": "Привет 🙂", "list": [1, -2.5, None, True], "nested": {"deep": [{}]}},
        {"nul": "a\x00b"},
        {"lone surrogate": "\ud800 \udfff"},
        {"big": 2**80, "negative": -(2**70)},
    ],
)
def test_a_record_comes_back_from_disk_as_it_was(payload: object) -> None:
    record = make_record(
        "send",
        status="failed",
        request_payload=payload,
        response_payload=payload,
        related_entity_id=uuid.uuid4(),
        related_entity_type="lead",
        error_message="не вышло",
        error_code="X",
        duration_ms=5,
        retry_count=2,
    )

    entry = pack(record, Kind.FINISHED)

    assert unpack(entry.body) == record
    assert (entry.kind, entry.record_id) == (Kind.FINISHED, record.id)


def test_a_disk_that_is_full_is_waited_for_and_nothing_is_lost(tmp_path: Path) -> None:
    """RLIMIT_FSIZE stands for a full disk: the kernel refuses to let a file grow."""
    program = """
import resource, sys
from pathlib import Path
from tests.integration.spools import Writers, make_record, take_all, assert_nothing_is_missing
from integration_monitor.writer import depot
depot.RETRY_S = 0.05
writers = Writers(Path(sys.argv[1]))
writers.sink.is_away = True
writer = writers.make()
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
for number in range(200):
    take_all(writer, make_record(f"n{number}", request_payload={"text": "x" * 5_000}))
    if number % 10 == 0:
        writer.flush(0.01)
writer.flush(0.3)
full = writer.stats()
assert full.spooled > 0 and full.queue_records > 0 and not full.dropped, full
assert_nothing_is_missing(full)
writers.sink.is_away = False
assert writer.flush(20), writer.stats()
assert len(writers.sink.rows) == 200, len(writers.sink.rows)
assert writer.stats().written == 200 and not writer.stats().dropped, writer.stats()
writer.shutdown()
"""
    finished = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )

    assert finished.returncode == 0, finished.stderr
    assert "cannot use its spool" in finished.stderr
