"""One line in an application of each framework, which runs as it would in production."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.monitored import Monitored, each_once, monitored_programs, times
from tests.acceptance.programs import until

DJANGO = """
from calls import call
from django.http import HttpResponse
from django.urls import path

def get(request, name):
    call(name)
    return HttpResponse(name)

urlpatterns = [path("<str:name>", get)]
"""

DJANGO_SETTINGS = """
import os

SECRET_KEY = "PLANTED-0000000000"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["integration_monitor.contrib.django"]
"""

DJANGO_WSGI = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "project_settings"
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""

FASTAPI = """
from contextlib import asynccontextmanager
import integration_monitor as im
from calls import call
from fastapi import FastAPI

im.instrument()

@asynccontextmanager
async def lifespan(app):
    yield
    call("end")

app = FastAPI(lifespan=lifespan)

@app.get("/{name}")
def get(name: str) -> str:
    call(name)
    return name
"""

LITESTAR = """
import integration_monitor as im
from calls import call
from litestar import Litestar, get

im.instrument()

@get("/{name:str}", sync_to_thread=True)
def answer(name: str) -> str:
    call(name)
    return name

app = Litestar([answer], on_shutdown=[lambda: call("end")])
"""

CELERY = """
import integration_monitor as im
from calls import call
from celery import Celery

im.instrument()

app = Celery("app", broker="filesystem://", broker_transport_options={
    "data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control"})
app.conf.update(task_ignore_result=True)

@app.task
def work(name):
    call(name)
    print(f"done {name}", flush=True)
"""


@pytest.fixture
def monitored(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Monitored]:
    with monitored_programs(tmp_path, database_url, monkeypatch) as programs:
        yield programs


def write_django(monitored: Monitored, settings: str = "") -> None:
    monitored.write("urls.py", DJANGO)
    monitored.write("project_settings.py", DJANGO_SETTINGS + settings)
    monitored.write("project.py", DJANGO_WSGI)


def test_a_django_application_under_gunicorn_needs_its_name_in_installed_apps(monitored: Monitored) -> None:
    write_django(monitored)

    with monitored.serving("gunicorn project:application --bind 127.0.0.1:0") as server:
        for name in ("a", "b"):
            server.get(f"/{name}")
        exit_code = server.program.terminate()

    assert exit_code == 0
    assert monitored.recorded() == each_once("a", "b")


def test_settings_of_django_come_before_the_environment(monitored: Monitored) -> None:
    # The environment's batch waits for longer than any test.
    write_django(monitored, 'INTEGRATION_MONITOR = {"batch_age_s": 0.01}')

    with monitored.serving("gunicorn project:application --bind 127.0.0.1:0") as server:
        server.get("/a")
        until(lambda: monitored.recorded() == each_once("a"), "the record of a running server")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ('INTEGRATION_MONITOR = {"queue_records_max": 0}', "INTEGRATION_MONITOR['queue_records_max']: "),
        ('INTEGRATION_MONITOR = {"queue": 1}', "INTEGRATION_MONITOR['queue']: argument: there is no setting 'queue'"),
        ('INTEGRATION_MONITOR = {"database_url": "mysql://user:PLANTED@host/x"}', "INTEGRATION_MONITOR['database_url']: "),
        ('INTEGRATION_MONITOR = "postgresql://"', "INTEGRATION_MONITOR must be a dictionary of settings, not str"),
        ('os.environ["INTEGRATION_MONITOR_DATABASE_URL"] = ""', "database_url: there is no database URL"),
    ],
)
def test_django_does_not_start_with_wrong_settings(monitored: Monitored, settings: str, message: str) -> None:
    write_django(monitored, settings)

    done = monitored.shell.run("DJANGO_SETTINGS_MODULE=project_settings python -m django check")

    [said] = [line for line in done.stderr.splitlines() if line.startswith("django.core.exceptions.ImproperlyConfigured: ")]
    assert done.returncode != 0
    assert message in said
    assert "PLANTED" not in said


@pytest.mark.parametrize("code", [FASTAPI, LITESTAR], ids=["fastapi", "litestar"])
def test_an_asgi_application_under_uvicorn_needs_instrument_alone(monitored: Monitored, code: str) -> None:
    monitored.write("app.py", code)

    with monitored.serving("uvicorn app:app --port 0") as server:
        for name in ("a", "b"):
            server.get(f"/{name}")
        server.program.terminate()

    assert monitored.recorded() == each_once("a", "b", "end")


def test_a_worker_of_celery_needs_instrument_alone(monitored: Monitored) -> None:
    monitored.write("app.py", CELERY)
    monitored.write("send.py", "from app import work; work.delay('a'); work.delay('b')")
    monitored.shell.run("mkdir queue control; python send.py")

    with monitored.shell.start("celery --app app worker --concurrency 2 --without-mingle") as program:
        until(lambda: program.output.count("done ") == 2, "both tasks")
        exit_code = program.terminate()

    assert exit_code == 0
    assert monitored.recorded() == times(1, "a", "b")
