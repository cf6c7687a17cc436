"""Processes that are killed with SIGKILL, or fork, or run under gevent: what they took is in the store once. With real processes and files."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration_monitor.record import IntegrationLog
from tests.integration.spools import PATIENCE_S, Writers, make_record, take_all
from tests.integration.test_writer_spool import wait_until

ROOT = Path(__file__).parents[2]

# What each program has: a writer whose items are records, or calls that begin and end.
PROGRAM = """
import multiprocessing, os, signal, sys, threading, time, uuid
from pathlib import Path
from integration_monitor.errors import StoreUnavailable
from integration_monitor.guard import Guard
from integration_monitor.record import IntegrationLog, new_id, now
from integration_monitor.writer.lifecycle import Writer
from tests.integration.spools import TableSink, Writers, assert_nothing_is_missing, make_record

writers = Writers(Path(sys.argv[1]))

class Call:
    def __init__(self, action):
        self.action = action
        self.id = None
        self.started_monotonic = time.perf_counter()

def record_unfinished(call):
    at = now()
    call.id = call.id or new_id(at)
    return make_record(call.action, id=call.id, status="pending")

def record(item):
    if isinstance(item, IntegrationLog):
        return item
    return make_record(item.action, **({"id": item.id} if item.id else {}))

running = set()

def make_writer(sink=None, **settings):
    return Writer(
        record=record,
        record_unfinished=record_unfinished,
        running=lambda: tuple(running),
        open_sink=lambda: sink or TableSink(is_away=True),
        settings=writers.settings(**settings),
        guard=Guard(),
    )

def tell(*words):
    print(*words, flush=True)
"""


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[Writers]:
    made = Writers(tmp_path)
    yield made
    made.end()


def start(tmp_path: Path, program: str, before: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", before + PROGRAM + textwrap.dedent(program), str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def run(tmp_path: Path, program: str, before: str = "") -> None:
    process = start(tmp_path, program, before)
    _output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors


def kill_after(process: subprocess.Popen[str], lines_count: int) -> list[str]:
    """What the process told before it was killed, which happens when it has told so many lines."""
    assert process.stdout is not None
    told = [process.stdout.readline().strip() for _ in range(lines_count)]
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    _nothing, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == -signal.SIGKILL, errors
    # The last line may have been cut by the kill.
    return told + rest.split("\n")[:-1]


def take_over(writers: Writers) -> dict[str, list[IntegrationLog]]:
    """What is in the store once another process has taken over the spools, by action."""
    writer = writers.make()
    take_all(writer, make_record("heir"))
    assert writer.flush(PATIENCE_S)
    if writers.segments():
        wait_until(writers.sink, lambda: not writers.segments() or any(one.is_final for one in writers.sink.reports.values()))
    assert writer.shutdown(PATIENCE_S)
    assert writers.segments() == []
    found: dict[str, list[IntegrationLog]] = {}
    for record in writers.sink.rows.values():
        found.setdefault(record.action, []).append(record)
    assert len(found.pop("heir")) == 1
    return found


@pytest.mark.parametrize("lines_count", [1, 50, 700])
def test_in_journal_mode_a_killed_process_loses_no_record(tmp_path: Path, writers: Writers, lines_count: int) -> None:
    process = start(
        tmp_path,
        """
        writer = make_writer(durability="journal")
        for number in range(1_000_000):
            writer.take(make_record(f"n{number}"), 100)
            tell(f"n{number}")
        """,
    )

    returned = kill_after(process, lines_count)
    found = take_over(writers)

    assert set(returned) <= set(found)
    # The kill may have come between the record and the line that tells of it.
    assert len(found) - len(returned) in {0, 1, 2}
    assert {len(records) for records in found.values()} == {1}


def test_in_journal_mode_calls_in_flight_are_closed_as_abandoned(tmp_path: Path, writers: Writers) -> None:
    process = start(
        tmp_path,
        """
        writer = make_writer(durability="journal")
        for number in range(30):
            call = Call(f"ended{number}")
            writer.begun(call)
            writer.take(call, 100)
        in_flight = [Call("in flight"), Call("in flight, too")]
        for call in in_flight:
            writer.begun(call)
        tell("ready")
        time.sleep(60)
        """,
    )

    kill_after(process, 1)
    found = take_over(writers)

    assert len(found) == 32
    assert {record.status for action, (record,) in found.items() if action.startswith("ended")} == {"success"}
    abandoned = [record for action, (record,) in found.items() if action.startswith("in flight")]
    assert [(record.status, record.error_code) for record in abandoned] == [("failed", "ABANDONED")] * 2


def test_in_journal_mode_a_call_that_outlives_its_segment_is_still_known(tmp_path: Path, writers: Writers) -> None:
    process = start(
        tmp_path,
        """
        writer = make_writer(TableSink(), durability="journal", spool_bytes_max=4_000_000)
        long = Call("long")
        writer.begun(long)
        for number in range(500):
            writer.take(make_record("short", request_payload={"text": "x" * 2_000}), 100)
            if number % 50 == 0:
                assert writer.flush(20)
        assert writer.flush(20)
        tell(writer.stats().written)
        time.sleep(60)
        """,
    )

    assert kill_after(process, 1)[0] == "500"
    found = take_over(writers)

    assert found["long"][0].error_code == "ABANDONED"


def test_when_records_are_buffered_a_killed_process_loses_what_was_not_on_disk_yet_and_nothing_else(
    tmp_path: Path, writers: Writers
) -> None:
    process = start(
        tmp_path,
        """
        writer = make_writer()
        for number in range(1_000_000):
            writer.take(make_record(f"n{number}"), 100)
            if number % 100 == 99:
                while writer.stats().queue_records:
                    writer.flush(0.01)
                tell(f"n{number}")
        """,
    )

    told = kill_after(process, 8)
    safe_count = int(told[-1][1:]) + 1
    found = take_over(writers)

    assert {f"n{number}" for number in range(safe_count)} <= set(found)
    assert {len(records) for records in found.values()} == {1}


def test_a_killed_process_with_a_store_has_each_record_once(tmp_path: Path, writers: Writers) -> None:
    """The record that was delivered and not yet noted as delivered comes twice, and is one row."""
    process = start(
        tmp_path,
        """
        import msgspec
        class FileSink(TableSink):
            def write(self, batch):
                with open(sys.argv[1] + "/delivered", "ab") as file:
                    file.writelines(msgspec.json.encode(record) + b"\\n" for record in (*batch.records, *batch.finished))
                tell("delivered")
        writer = make_writer(FileSink(), durability="journal", batch_records_max=10, batch_age_s=0.001)
        for number in range(1_000_000):
            writer.take(make_record(f"n{number}"), 100)
        """,
    )

    kill_after(process, 20)
    import msgspec  # noqa: PLC0415

    lines = (tmp_path / "delivered").read_bytes().split(b"\n")[:-1]
    delivered = [msgspec.json.decode(line, type=IntegrationLog) for line in lines]
    for record in delivered:
        writers.sink.rows.setdefault(record.id, record)
    found = take_over(writers)

    numbers = sorted(int(action[1:]) for action in found)
    assert len(delivered) >= 20
    assert numbers == list(range(len(numbers)))
    assert {len(records) for records in found.values()} == {1}


def test_each_process_of_a_fork_has_a_spool_of_its_own(tmp_path: Path, writers: Writers) -> None:
    run(
        tmp_path,
        """
        writer = make_writer()
        writer.take(make_record("parent-before"), 100)
        assert not writer.flush(0.2)
        parent = set(writers.folder.homes())
        child = os.fork()
        if child == 0:
            assert writer.stats().taken == 0
            writer.take(make_record("child"), 100)
            assert not writer.flush(0.2)
            assert len(set(writers.folder.homes()) - parent) == 1
            sys.exit(0)
        _, status = os.waitpid(child, 0)
        assert status == 0, status
        writer.take(make_record("parent-after"), 100)
        """,
    )

    found = take_over_all(writers, 2)

    assert found == ["child", "parent-after", "parent-before"]


def take_over_all(writers: Writers, spools_count: int) -> list[str]:
    writer = writers.make()
    take_all(writer, make_record("heir"))
    wait_until(writers.sink, lambda: sum(one.is_final for one in writers.sink.reports.values()) == spools_count)
    assert writer.shutdown(PATIENCE_S)
    return sorted(action for action in writers.sink.actions if action != "heir")


def test_a_child_does_not_hold_the_spool_of_its_dead_parent(tmp_path: Path, writers: Writers) -> None:
    process = start(
        tmp_path,
        """
        writer = make_writer(durability="journal")
        writer.take(make_record("parent"), 100)
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
        tell(child)
        time.sleep(60)
        """,
    )
    assert process.stdout is not None
    child = int(process.stdout.readline())
    try:
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_S)

        assert list(take_over(writers)) == ["parent"]
    finally:
        os.kill(child, signal.SIGKILL)
        process.communicate(timeout=PATIENCE_S)


@pytest.mark.parametrize("durability", ["buffered", "journal"])
def test_forks_while_threads_are_on_the_disk_hang_nobody_and_lose_nothing(
    tmp_path: Path, writers: Writers, durability: str
) -> None:
    run(
        tmp_path,
        f"""
        writer = make_writer(durability={durability!r}, batch_age_s=0.001)
        is_over = threading.Event()
        taken = []
        def take_all_the_time():
            while not is_over.is_set():
                writer.take(make_record("parent"), 100)
                taken.append(1)
                time.sleep(0.0005)
        threads = [threading.Thread(target=take_all_the_time) for _ in range(2)]
        for thread in threads:
            thread.start()
        for number in range(15):
            child = os.fork()
            if child == 0:
                signal.alarm(20)
                writer.take(make_record("child"), 100)
                writer.flush(0.05)
                writer.shutdown(5)
                os._exit(0 if writer.stats().spooled == 1 else 1)
            _, status = os.waitpid(child, 0)
            assert status == 0, status
        is_over.set()
        for thread in threads:
            thread.join()
        writer.shutdown()
        assert_nothing_is_missing(writer.stats())
        assert writer.stats().spooled == len(taken), (writer.stats(), len(taken))
        Path(sys.argv[1], "taken").write_text(str(len(taken)))
        """,
    )

    actions = take_over_all(writers, 16)

    assert actions.count("child") == 15
    assert actions.count("parent") == int((tmp_path / "taken").read_text())


def test_a_signal_handler_may_make_calls_in_the_middle_of_the_journal(tmp_path: Path, writers: Writers) -> None:
    run(
        tmp_path,
        """
        writer = make_writer(durability="journal")
        handled = []
        def handle(*_):
            writer.take(make_record("handler"), 100)
            handled.append(1)
        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.0007, 0.0007)
        count = 0
        while len(handled) < 200:
            call = Call("main")
            writer.begun(call)
            writer.take(call, 100)
            count += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        writer.flush(0.05)
        assert_nothing_is_missing(writer.stats())
        assert writer.stats().taken == count + len(handled)
        writer.shutdown()
        assert writer.stats().spooled == count + len(handled), writer.stats()
        """,
    )

    found = take_over(writers)

    assert len(found["handler"]) >= 200


PATCH = "import gevent.monkey; gevent.monkey.patch_all()\n"


@pytest.mark.parametrize(
    ("before", "middle"),
    [(PATCH, ""), ("", PATCH), ("", "writer.take(make_record('first'), 100)\n        " + PATCH)],
    ids=["patched before the import", "patched after the writer is made", "patched after its thread has started"],
)
@pytest.mark.parametrize("durability", ["buffered", "journal"])
def test_under_gevent_records_are_written_and_greenlets_go_on(
    tmp_path: Path, writers: Writers, before: str, middle: str, durability: str
) -> None:
    run(
        tmp_path,
        f"""
        sink = TableSink()
        writer = make_writer(sink, durability={durability!r})
        {middle}
        import gevent
        turns = []
        def turn():
            while len(sink.rows) < 20:
                turns.append(1)
                gevent.sleep(0.001)
        def take():
            for number in range(20):
                writer.take(make_record(f"n{{number}}"), 100)
                gevent.sleep(0.002)
        greenlets = [gevent.spawn(turn), gevent.spawn(take)]
        gevent.joinall(greenlets, timeout=20, raise_error=True)
        assert len(sink.rows) >= 20, writer.stats()
        assert len(turns) > 5, len(turns)
        assert writer.flush(20)
        assert writer.shutdown(20)
        """,
        before,
    )


def test_a_call_that_takes_long_is_written_as_pending_and_finished_later(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        sink = TableSink()
        writer = make_writer(sink, pending_after_s=0.05)
        is_pending, is_finished = threading.Event(), threading.Event()
        def see(batch):
            for record in batch.records:
                assert batch.report is not None
                if record.action == "long" and record.status == "pending":
                    is_pending.set()
            if batch.finished:
                is_finished.set()
        sink.listeners.append(see)
        long, lost = Call("long"), Call("short")
        running.update([long, lost])
        writer.begun(long)
        running.discard(lost)
        writer.take(lost, 100)
        assert is_pending.wait(20), writer.stats()
        (row,) = [row for row in sink.rows.values() if row.action == "long"]
        assert (row.status, row.id) == ("pending", long.id)
        running.discard(long)
        writer.take(long, 100)
        assert is_finished.wait(20)
        assert writer.flush(20)
        assert sink.rows[long.id].status == "success"
        assert len(sink.rows) == 2
        assert (writer.stats().taken, writer.stats().written) == (2, 2)
        assert writer.shutdown(20)
        assert [report.is_final for report in sink.reports.values()] == [True]
        """,
    )
