"""Under `integration-monitor run`: the servers that Python applications run in, as they are, and how they end."""

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

import integration_monitor
from tests.acceptance.monitored import Monitored, each_once, monitored_programs, times
from tests.acceptance.programs import until

# Debian's uWSGI has Debian's Python in it, which takes no virtual environment that another Python has made: so the paths, and not `--virtualenv`.
UWSGI_PATHS = " ".join(
    f"--pythonpath {path}" for path in (sysconfig.get_path("purelib"), Path(integration_monitor.__file__).parents[1])
)
UWSGI = "integration-monitor run -- uwsgi --plugin python3 --http-socket 127.0.0.1:0 --module app --master --die-on-term"
UWSGI_ADDRESS = r"bound to TCP address (127\.0\.0\.1:\d+)"

WSGI = """
import os
from calls import call

call("loaded")
os.write(1, b"loaded\\n")

def application(environment, start_response):
    call(environment["PATH_INFO"].strip("/"))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
"""

FASTAPI = """
import os
from contextlib import asynccontextmanager
from calls import call
from fastapi import FastAPI

@asynccontextmanager
async def lifespan(app):
    call("begin")
    os.write(1, b"begun\\n")
    yield
    call("end")

app = FastAPI(lifespan=lifespan)

@app.get("/{name}")
def get(name: str):
    call(name)
    return name
"""

CELERY = """
import os
from calls import call
from celery import Celery

app = Celery("app", broker="filesystem://", broker_transport_options={
    "data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control"})
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=1)

@app.task
def work(name):
    call(name)
    print(f"done {name}", flush=True)
"""


@pytest.fixture
def monitored(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Monitored]:
    with monitored_programs(tmp_path, database_url, monkeypatch) as programs:
        yield programs


@pytest.mark.parametrize("workers", [1, 2])
def test_uvicorn_writes_everything_before_its_signal_ends_it(monitored: Monitored, workers: int) -> None:
    monitored.write("app.py", FASTAPI)

    with monitored.serving(f"integration-monitor run -- uvicorn app:app --port 0 --workers {workers}") as server:
        until(lambda: server.program.output.count("begun\n") == workers, "all workers")
        for name in ("a", "b", "c"):
            server.get(f"/{name}")
        server.program.terminate()

    assert monitored.recorded() == each_once("a", "b", "c") + times(workers, "begin", "end")


@pytest.mark.parametrize(
    ("options", "loads"),
    [("--workers 2", 2), ("--workers 2 --preload", 1), ("--workers 2 --worker-class gevent", 2), ("--threads 2", 1)],
    ids=["prefork", "preload", "gevent", "threads"],
)
def test_gunicorn_writes_everything_before_it_ends(monitored: Monitored, options: str, loads: int) -> None:
    monitored.write("app.py", WSGI)

    with monitored.serving(f"integration-monitor run -- gunicorn app:application --bind 127.0.0.1:0 {options}") as server:
        until(lambda: server.program.output.count("loaded\n") == loads, "all workers")
        for name in ("a", "b", "c", "d"):
            server.get(f"/{name}")
        exit_code = server.program.terminate()

    assert exit_code == 0
    assert "integration_monitor" not in server.program.output
    assert monitored.recorded() == each_once("a", "b", "c", "d") + times(loads, "loaded")


@pytest.mark.parametrize(
    ("options", "loads"),
    [("", 1), ("--lazy-apps", 2), ("--enable-threads", 1), ("--enable-threads --py-call-osafterfork", 1)],
    ids=["no-threads", "lazy", "threads", "fork-hooks"],
)
def test_uwsgi_writes_everything(monitored: Monitored, options: str, loads: int) -> None:
    monitored.write("app.py", WSGI)
    needs_uwsgi()

    with monitored.serving(f"{UWSGI} {UWSGI_PATHS} --processes 2 {options}", address=UWSGI_ADDRESS) as server:
        until(lambda: server.program.output.count("loaded\n") == loads, "all workers")
        for name in ("a", "b", "c", "d"):
            server.get(f"/{name}")
        # uWSGI ends its workers in the middle of whatever they do; these lines are the last thing of a request.
        for name in ("a", "b", "c", "d"):
            server.program.wait_for(f"(GET /{name}) =>")
        server.program.terminate()

    assert monitored.recorded() == each_once("a", "b", "c", "d") + times(loads, "loaded")
    assert server.program.output.count("integration_monitor: ") == ("--enable-threads" not in options)


def test_uwsgi_without_threads_writes_after_each_request(monitored: Monitored) -> None:
    monitored.write("app.py", WSGI)
    needs_uwsgi()

    with monitored.serving(f"{UWSGI} {UWSGI_PATHS}", address=UWSGI_ADDRESS) as server:
        server.program.wait_for("(spawned uWSGI worker)")
        # Before it has ended, and although a batch may wait for minutes.
        assert monitored.recorded() == each_once("loaded")
        server.get("/a")
        # On a slow machine it takes the next request to go on with what the first one had to leave.
        until(lambda: monitored.recorded()["a"] == 1 or not server.get("/next"), "the record of the first request")

    assert monitored.recorded()["loaded"] == monitored.recorded()["a"] == 1


def test_children_of_celery_write_before_they_end(monitored: Monitored) -> None:
    monitored.write("app.py", CELERY)
    monitored.write("send.py", "from app import work; work.delay('a'); work.delay('b'); work.delay('c')")
    sent = monitored.shell.run("mkdir queue control; python send.py")
    # Some children end because they have done their share, the others because the worker ends.
    command = "integration-monitor run -- celery --app app worker --concurrency 2 --max-tasks-per-child 2 --without-mingle"

    with monitored.shell.start(command) as program:
        until(lambda: program.output.count("done ") == 3, "all tasks")
        exit_code = program.terminate()

    assert (sent.returncode, sent.stderr, exit_code) == (0, "", 0)
    assert monitored.recorded() == each_once("a", "b", "c")


def needs_uwsgi() -> None:
    if shutil.which("uwsgi") is None:
        pytest.skip("uWSGI is not installed: apt-get install uwsgi-core uwsgi-plugin-python3")
    version = "import sys; print(*sys.version_info[:2])"
    debian = subprocess.run(["/usr/bin/python3", "-c", version], capture_output=True, text=True, check=False).stdout.split()
    if debian != [str(part) for part in sys.version_info[:2]]:
        pytest.skip(
            f"the Python in Debian's uWSGI is {'.'.join(debian)}, for which the libraries of this environment are not built"
        )
