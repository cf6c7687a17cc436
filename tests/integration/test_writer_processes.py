"""Forks and the end of the process, with real processes. Each program appends what reaches its sink to a file, with the process's id."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PROGRAM = """
import multiprocessing, os, signal, sys, threading, time
from integration_monitor.errors import StoreUnavailable
from integration_monitor.guard import Guard
from integration_monitor.record import IntegrationLog, new_id, now
from integration_monitor.settings import Settings
from integration_monitor.writer.lifecycle import Writer

PATH = sys.argv[1]

class FileSink:
    def __init__(self):
        self.process_id = os.getpid()
    def write(self, batch):
        assert self.process_id == os.getpid(), "a sink of another process"
        with open(PATH, "a") as file:
            file.writelines(f"{os.getpid()} {record.action}\\n" for record in batch.records)
    def maintain(self):
        pass
    def close(self):
        pass

class AwaySink(FileSink):
    def write(self, batch):
        raise StoreUnavailable("gone")

def record(action):
    at = now()
    return IntegrationLog(id=new_id(at), service_name="test", action=action, status="success", created_at=at, updated_at=at)

def make_writer(sink=FileSink, **settings):
    return Writer(record=record, open_sink=sink, settings=Settings(**{"batch_age_s": 600.0, "durability": "off", **settings}), guard=Guard())
"""

# A hang is what these tests are about; a process that does not hang ends within a second.
PATIENCE_S = 60


def run(tmp_path: Path, program: str) -> tuple[subprocess.CompletedProcess[str], list[tuple[int, str]]]:
    """The finished process, and (process id, action) of what was written."""
    path = tmp_path / "written"
    path.touch()
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM + textwrap.dedent(program), str(path)],
        timeout=PATIENCE_S,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    lines = [line.split() for line in path.read_text().splitlines()]
    return finished, [(int(process_id), action) for process_id, action in lines]


def actions(written: list[tuple[int, str]]) -> list[str]:
    return sorted(action for _process_id, action in written)


ENDINGS = {
    "return": "",
    "sys.exit": "sys.exit(0)",
    "thread": "threading.Thread(target=lambda: (time.sleep(0.05), writer.take('b', 10))).start()",
}


@pytest.mark.parametrize(("ending", "expected"), [("return", ["a"]), ("sys.exit", ["a"]), ("thread", ["a", "b"])])
def test_what_waits_is_written_when_the_interpreter_exits(tmp_path: Path, ending: str, expected: list[str]) -> None:
    program = f"writer = make_writer()\nwriter.take('a', 10)\n{ENDINGS[ending]}\n"

    _finished, written = run(tmp_path, program)

    assert actions(written) == expected


def test_the_exit_is_bounded_when_the_store_is_away(tmp_path: Path) -> None:
    finished, written = run(
        tmp_path,
        """
        writer = make_writer(AwaySink, shutdown_timeout_s=0.1)
        writer.take("a", 10)
        """,
    )

    assert written == []
    assert "lost 1 records (shutdown 1)" in finished.stderr


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@needs_fork
def test_after_a_fork_parent_and_child_write_each_their_own_once(tmp_path: Path) -> None:
    _finished, written = run(
        tmp_path,
        """
        writer = make_writer()
        writer.take("parent-before", 10)
        child = os.fork()
        if child == 0:
            writer.take("child", 10)
            assert writer.stats().taken == 1
            sys.exit(0)
        writer.take("parent-after", 10)
        _, status = os.waitpid(child, 0)
        assert status == 0, status
        """,
    )

    assert actions(written) == ["child", "parent-after", "parent-before"]
    by_action = {action: process_id for process_id, action in written}
    assert by_action["parent-before"] == by_action["parent-after"] != by_action["child"]


@needs_fork
def test_a_child_that_takes_nothing_has_no_thread(tmp_path: Path) -> None:
    _finished, written = run(
        tmp_path,
        """
        writer = make_writer()
        writer.take("parent", 10)
        child = os.fork()
        if child == 0:
            os._exit(threading.active_count() - 1)
        _, status = os.waitpid(child, 0)
        assert status == 0, status
        """,
    )

    assert actions(written) == ["parent"]


@needs_fork
def test_a_fork_while_other_threads_take_items_hangs_nobody(tmp_path: Path) -> None:
    _finished, written = run(
        tmp_path,
        """
        writer = make_writer(batch_age_s=0.001)
        is_over = threading.Event()
        taken = []
        def take_all_the_time():
            while not is_over.is_set():
                if writer.stats().queue_records < 1000:
                    writer.take("parent", 10)
                    taken.append(1)
        threads = [threading.Thread(target=take_all_the_time) for _ in range(3)]
        for thread in threads:
            thread.start()
        for number in range(20):
            child = os.fork()
            if child == 0:
                writer.take(f"child-{number}", 10)
                os._exit(0 if writer.flush(20) else 1)
            _, status = os.waitpid(child, 0)
            assert status == 0, status
        is_over.set()
        for thread in threads:
            thread.join()
        assert writer.flush(20)
        assert writer.stats().written == len(taken), writer.stats()
        """,
    )

    children = [action for action in actions(written) if action != "parent"]
    assert children == sorted(f"child-{number}" for number in range(20))


@needs_fork
def test_a_fork_that_comes_while_the_writer_is_made_waits_until_nobody_is_on_the_disk(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        from integration_monitor.deferred import DeferredWriter
        is_making, is_forking, is_forked = (threading.Event() for _ in range(3))
        made = []
        def make():
            is_making.set()
            assert is_forking.wait(20)
            made.append(make_writer(durability="journal", spool_dir=PATH + "-spool"))
            # As somebody who is inside SQLite for long.
            made[0]._depot.locks.write.acquire()
            return made[0]
        def take():
            writer.take("parent", 10)
            assert is_forked.wait(20)
            made[0]._depot.locks.write.release()
        writer = DeferredWriter(make, Guard())
        # What is registered last runs first.
        os.register_at_fork(before=is_forking.set)
        thread = threading.Thread(target=take)
        thread.start()
        assert is_making.wait(20)
        child = os.fork()
        if child == 0:
            os._exit(0 if not made[0]._has_disk else 1)
        is_forked.set()
        thread.join()
        _, status = os.waitpid(child, 0)
        assert status == 0, "the child uses a SQLite whose inner locks may be closed for ever"
        assert writer.flush(20)
        """,
    )


@needs_fork
def test_a_child_of_multiprocessing_writes_before_it_ends(tmp_path: Path) -> None:
    _finished, written = run(
        tmp_path,
        """
        writer = make_writer()
        writer.take("parent", 10)
        def work():
            writer.take("child", 10)
        process = multiprocessing.get_context("fork").Process(target=work)
        process.start()
        process.join()
        assert process.exitcode == 0
        """,
    )

    assert actions(written) == ["child", "parent"]


def test_a_signal_handler_may_take_items_in_the_middle_of_taking_items(tmp_path: Path) -> None:
    _finished, written = run(
        tmp_path,
        """
        writer = make_writer()
        handled = []
        def handle(*_):
            writer.take("handler", 10)
            handled.append(1)
        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        count = 0
        while len(handled) < 50:
            writer.take("main", 10)
            count += 1
            if writer.stats().queue_records > 5000:
                writer.flush(20)
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert writer.flush(20)
        assert writer.stats().written == count + len(handled), writer.stats()
        """,
    )

    assert actions(written).count("handler") >= 50
