"""Servers of several processes under load, restarted and ended; and programs that start processes in every way there is."""

import subprocess
import textwrap
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from tests.acceptance.programs import Program, until
from tests.crash.company import Play, beside_others
from tests.crash.ledger import count_notes

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
        connection.request("GET", f"/calls/{key}")
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
    call(f"parent-{sys.argv[1]}")
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
    """A folder of programs whose calls are noted, run under `integration-monitor run`.

    The end of a process waits for the store for a few seconds only: on a busy machine what is left is on disk, for `scene.drain()`.
    """

    def __init__(self, play: Play) -> None:
        self.notes = play.scene.note_folder("notes")
        self._shell = play.scene.shell("programs")
        # gunicorn keeps a socket in the user's home.
        self._variables = f"NOTES={self.notes} VENDOR={play.vendor.address} HOME={play.scene.folder}"
        self.write("calls.py", CALLS)

    def write(self, name: str, code: str) -> None:
        (self._shell.folder / name).write_text(textwrap.dedent(code), "utf-8")

    def run(self, script: str) -> "subprocess.CompletedProcess[str]":
        """Runs a script of POSIX shell."""
        return self._shell.run(f"export {self._variables}; {script}")

    def start(self, command: str) -> Program:
        """Starts one command under `integration-monitor run`."""
        return self._shell.start(f"env {self._variables} integration-monitor run -- {command}")

    def wait_for_calls(self, count: int) -> None:
        """Until so many calls more have returned."""
        wanted_count = count_notes(self.notes, "returned") + count
        until(lambda: count_notes(self.notes, "returned") >= wanted_count, f"{count} more calls")


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


@beside_others
def test_gunicorn_under_load_loses_nothing_by_reloading_and_ending(play: Play) -> None:
    programs, scene, rounds = Programs(play), play.scene, play.rounds
    programs.write("app.py", WSGI)

    with programs.start("gunicorn app:application --workers 4 --bind 127.0.0.1:0") as program:
        address = program.wait_for(r"(http://127\.0\.0\.1:\d+)")
        with load(address):
            programs.wait_for_calls(100)
            for number in range(rounds):
                program.reload()
                wait_for_workers(program, 4 * (number + 2))
                programs.wait_for_calls(100)
            exit_code = program.terminate()
    scene.drain()

    account = play.report(f"gunicorn, 4 workers, SIGHUP {rounds} times, SIGTERM", scene.account(), durability="buffered")
    assert exit_code == 0, program.output
    assert account.is_exact, account
    assert account.in_flight <= account.written
    assert scene.spools() == []


def wait_for_workers(program: Program, count: int) -> None:
    """Until so many have loaded the application, since the beginning."""
    until(lambda: program.output.count("loaded\n") >= count, "new workers")


@beside_others
def test_celery_loses_nothing_by_a_warm_shutdown(play: Play) -> None:
    programs, scene, rounds = Programs(play), play.scene, play.rounds
    programs.write("app.py", CELERY)
    programs.write("send.py", f"from app import work\nfor number in range({400 * rounds}): work.delay(f'task-{{number}}')")
    sent = programs.run("mkdir queue control; python send.py")
    assert sent.returncode == 0, sent.stderr

    for _ in range(rounds):
        with programs.start("celery --app app worker --concurrency 4 --without-mingle") as program:
            programs.wait_for_calls(100)
            exit_code = program.terminate()
        assert exit_code == 0, program.output
    scene.drain()

    account = play.report(f"Celery, 4 processes, SIGTERM {rounds} times", scene.account(), durability="buffered")
    assert account.is_exact, account
    assert account.tried == account.written
    assert scene.spools() == []


@beside_others
def test_children_of_multiprocessing_lose_nothing(play: Play) -> None:
    programs, scene = Programs(play), play.scene
    count = 100 * play.rounds
    methods = ("spawn", "forkserver", "fork") if play.rounds > 1 else ("spawn",)
    programs.write("program.py", SPAWN)

    for method in methods:
        done = programs.run(f"exec integration-monitor run -- python program.py {method} {count}")
        assert (done.returncode, done.stderr) == (0, "")
    scene.drain()

    account = play.report(f"multiprocessing, {', '.join(methods)}", scene.account(), durability="buffered")
    assert account.is_exact, account
    assert len(account.written) == len(methods) * (count + 1)
    assert scene.spools() == []


@beside_others
def test_forks_while_other_threads_log_lose_nothing_in_journal_mode(play: Play) -> None:
    programs, scene = Programs(play), play.scene
    programs.write("program.py", FORKS)

    # Some programs with some forks each: the first one comes while the writer is made.
    for _ in range(2 * play.rounds):
        done = programs.run(f"exec python program.py {FORKS_COUNT}")
        assert (done.returncode, done.stderr) == (0, "")
    scene.drain()

    forks_count = 2 * play.rounds * FORKS_COUNT
    account = play.report(f"{forks_count} forks while 4 threads log", scene.account(), durability="journal")
    assert account.is_exact, account
    assert len(account.written) >= 5 * forks_count
    assert scene.spools() == []
