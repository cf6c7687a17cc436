"""Servers of several processes under load, restarted and ended; and programs that start processes in every way there is."""

import textwrap
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.programs import Program, until
from tests.crash.conftest import ROUNDS, Report
from tests.crash.ledger import count_notes
from tests.crash.scene import Scene
from tests.crash.vendor import Vendor

CLIENTS_COUNT = 8
FORKS_COUNT = 10

CALLS = """
import http.client, os
from pathlib import Path
from tests.crash.noting import Notes

notes = Notes(Path(os.environ["NOTES"]))

def call(key):
    connection = http.client.HTTPConnection(os.environ["VENDOR"], timeout=60)
    with notes.call(key):
        connection.request("GET", f"/work/{key}")
        connection.getresponse().read()
    connection.close()
"""

WSGI = """
import itertools, os
from calls import call

numbers = itertools.count()
os.write(1, b"loaded\\n")

def application(environment, start_response):
    call(f"{os.getpid()}-{next(numbers)}")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"done"]
"""

CELERY = """
from calls import call
from celery import Celery

app = Celery("app", broker="filesystem://", broker_transport_options={
    "data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control"})
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=1)

@app.task
def work(key):
    call(key)
"""

SPAWN = """
import multiprocessing, os, sys
from calls import call

def work(number):
    call(f"{os.getpid()}-{number}")

if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(4, maxtasksperchild=25) as pool:
        pool.map(work, range(int(sys.argv[2])), chunksize=5)
        pool.close()
        pool.join()
    call("parent")
"""

# Forks in the middle of what other threads are at. A child ends by `os._exit`, as those of many frameworks do: what it has not flushed
# would be lost, were it not for the journal.
FORKS = """
import os, sys, threading, time
import integration_monitor as im
from integration_monitor.record import new_id, now
from calls import notes

im.instrument(durability="journal")
is_over = threading.Event()

def log(count):
    for _ in range(count):
        key = new_id(now())
        with notes.call(str(key)):
            im.log(id=key, service_name="crash", action="fork", status="success")

def log_on():
    while not is_over.is_set():
        log(1)
        time.sleep(0.001)

def fork_on():
    for _ in range(int(sys.argv[1])):
        child = os.fork()
        if child == 0:
            log(5)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert status == 0, status
    is_over.set()

threads = [threading.Thread(target=log_on) for _ in range(4)] + [threading.Thread(target=fork_on)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


class Programs:
    """A folder of programs whose calls are noted, run under `integration-monitor run`."""

    def __init__(self, scene: Scene, notes: Path) -> None:
        self.notes = notes
        self.shell = scene.shell("programs")
        self.write("calls.py", CALLS)

    def write(self, name: str, code: str) -> None:
        (self.shell.folder / name).write_text(textwrap.dedent(code), "utf-8")

    def wait_for_calls(self, count: int) -> None:
        """Until so many calls more have returned."""
        wanted_count = count_notes(self.notes, "returned") + count
        until(lambda: count_notes(self.notes, "returned") >= wanted_count, f"{count} more calls")


@pytest.fixture
def programs(scene: Scene, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> Programs:
    notes = scene.note_folder("notes")
    monkeypatch.setenv("NOTES", str(notes))
    monkeypatch.setenv("VENDOR", vendor.address)
    # gunicorn keeps a socket in the user's home.
    monkeypatch.setenv("HOME", str(scene.folder))
    return Programs(scene, notes)


@contextmanager
def load(address: str) -> Iterator[list[str]]:
    """Clients that ask all the time, until the block ends. Gives the requests that came to nothing."""
    is_over = threading.Event()
    failed: list[str] = []

    def ask() -> None:
        while not is_over.is_set():
            try:
                with urllib.request.urlopen(address, timeout=60) as answer:
                    answer.read()
            except (OSError, urllib.error.URLError) as error:
                failed.append(str(error))
                is_over.wait(0.05)

    threads = [threading.Thread(target=ask) for _ in range(CLIENTS_COUNT)]
    for thread in threads:
        thread.start()
    try:
        yield failed
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def test_gunicorn_under_load_loses_nothing_by_reloading_and_ending(
    programs: Programs, scene: Scene, report: Report, rounds: int
) -> None:
    programs.write("app.py", WSGI)

    with programs.shell.start("integration-monitor run -- gunicorn app:application --workers 4 --bind 127.0.0.1:0") as program:
        address = program.wait_for(r"(http://127\.0\.0\.1:\d+)")
        with load(address):
            programs.wait_for_calls(200)
            for number in range(rounds):
                program.reload()
                wait_for_workers(program, 4 * (number + 2))
                programs.wait_for_calls(200)
            exit_code = program.terminate()

    account = report(f"gunicorn, 4 workers, SIGHUP {rounds} times, SIGTERM", scene.account())
    assert exit_code == 0, program.output
    assert account.is_exact, account
    assert account.in_flight <= account.written
    assert scene.spools() == []


def wait_for_workers(program: Program, count: int) -> None:
    """Until so many have loaded the application, since the beginning."""
    until(lambda: program.output.count("loaded\n") >= count, "new workers")


def test_celery_loses_nothing_by_a_warm_shutdown(programs: Programs, scene: Scene, report: Report, rounds: int) -> None:
    programs.write("app.py", CELERY)
    programs.write("send.py", f"from app import work\nfor number in range({400 * rounds}): work.delay(f'task-{{number}}')")
    sent = programs.shell.run("mkdir queue control; python send.py")
    assert sent.returncode == 0, sent.stderr

    for _ in range(rounds):
        with programs.shell.start(
            "integration-monitor run -- celery --app app worker --concurrency 4 --without-mingle"
        ) as program:
            programs.wait_for_calls(100)
            exit_code = program.terminate()
        assert exit_code == 0, program.output

    account = report(f"Celery, 4 processes, SIGTERM {rounds} times", scene.account())
    assert account.is_exact, account
    assert account.tried == account.written
    assert scene.spools() == []


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"] if ROUNDS > 1 else ["spawn"])
def test_children_of_multiprocessing_lose_nothing(
    programs: Programs, scene: Scene, report: Report, rounds: int, method: str
) -> None:
    count = 100 * rounds
    programs.write("program.py", SPAWN)

    done = programs.shell.run(f"integration-monitor run -- python program.py {method} {count}")

    assert (done.returncode, done.stderr) == (0, "")
    account = report(f"multiprocessing, {method}", scene.account())
    assert account.is_exact, account
    assert len(account.written) == count + 1
    assert scene.spools() == []


def test_forks_while_other_threads_log_lose_nothing_in_journal_mode(
    programs: Programs, scene: Scene, report: Report, rounds: int
) -> None:
    programs.write("program.py", FORKS)

    # Some programs with some forks each: the first one comes while the writer is made.
    for _ in range(2 * rounds):
        done = programs.shell.run(f"exec python program.py {FORKS_COUNT}")
        assert (done.returncode, done.stderr) == (0, "")
    scene.drain()

    forks_count = 2 * rounds * FORKS_COUNT
    account = report(f"{forks_count} forks while 4 threads log, journal", scene.account())
    assert account.is_exact, account
    assert len(account.written) >= 5 * forks_count
    assert scene.spools() == []
