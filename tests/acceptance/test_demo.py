"""`integration-monitor demo`, as a process of its own: what it shows, and that nothing of it stays behind."""

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from integration_monitor.store.cluster import Cluster
from integration_monitor.store.embedded import EMBEDDED, find_binaries, resolve
from integration_monitor.store.postgres.migrator import migrate
from tests.acceptance.programs import Program, Shell, processes_of, until

SERVICES = {"amocrm", "mobizon", "resend", "telegram", "whapi"}
HEALTH = "/api/admin/integrations/monitoring/health"
APPLICATION = "integration_monitor.demo.application"
# A live call went to a simulator; the past shows the vendors' own addresses.
IS_LIVE = "starts_with(request_payload ->> 'url', 'http://127.0.0.1:')"
LIVE_SERVICES = f"select distinct service_name from public.integration_logs where {IS_LIVE}"
STRAYS = "select count(*) from only integration_monitor.integration_logs_default"
PAST = f"select count(*), max(created_at) from public.integration_logs where not {IS_LIVE} and created_at <= %s"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Life:
    """A demo from its start to Ctrl-C."""

    #: of the health endpoint, asked by whoever signed in with the printed link
    services: set[str]
    #: services whose calls were recorded after the start
    live_services: set[str]
    #: records of the past, and when the newest of them was made
    past: tuple[int, datetime]
    #: records that found no partition of their own
    strays: int
    exit_code: int
    #: both streams
    output: str
    #: command lines of what runs afterwards
    left_behind: list[str]


@contextlib.contextmanager
def data_folder() -> Iterator[Path]:
    # Not pytest's own folder: PostgreSQL runs as another user, who must be able to reach it.
    with tempfile.TemporaryDirectory(prefix="integration-monitor-demo-") as name:
        Path(name).chmod(0o755)
        yield Path(name)
        if cluster_of(Path(name)).is_answering():
            cluster_of(Path(name)).stop()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """The data folder of nearly all demos here: the past is invented once."""
    with data_folder() as folder:
        yield folder


@pytest.fixture
def empty_folder() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def first_life(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Life:
    """Until all five services were called live."""
    with demo(folder, tmp_path_factory.mktemp("shell")) as program:
        services = services_shown(sign_in_link(program))
        until(lambda: len(ask(folder, LIVE_SERVICES)) == len(SERVICES), "live calls of all services")
        live_services = {name for (name,) in ask(folder, LIVE_SERVICES)}
        [past] = ask(folder, PAST, datetime.now(UTC))
        [(strays,)] = ask(folder, STRAYS)
        exit_code = program.interrupt()
    return Life(
        services=services,
        live_services=live_services,
        past=past,
        strays=strays,
        exit_code=exit_code,
        output=program.output,
        left_behind=processes_of(folder),
    )


@contextlib.contextmanager
def demo(folder: Path, shell_folder: Path) -> Iterator[Program]:
    with Shell(shell_folder, data_dir=str(folder)).start("integration-monitor demo --port 0") as program:
        yield program


def sign_in_link(program: Program) -> str:
    return program.wait_for(r"Sign in .*: (http\S+)")


def services_shown(link: str) -> set[str]:
    """The services of the health endpoint, to a browser that opens the link."""
    with httpx.Client(base_url=link.partition("/sign-in/")[0]) as client:
        assert client.get(link).status_code == 303
        return {row["service_name"] for row in client.get(HEALTH).raise_for_status().json()["data"]}


def cluster_of(folder: Path) -> Cluster:
    return Cluster(folder / "demo" / "postgresql", binaries=find_binaries())


def ask(folder: Path, query: str, *parameters: object) -> list[Any]:
    """The rows of a query to the demo's database, while it runs."""
    with psycopg.connect(cluster_of(folder).url()) as connection:
        return connection.execute(query.encode(), parameters).fetchall()


def test_printed_link_shows_all_five_services(first_life: Life) -> None:
    assert first_life.services == SERVICES


def test_calls_of_all_five_services_go_on_live(first_life: Life) -> None:
    assert first_life.live_services == SERVICES


def test_the_past_lies_in_partitions_of_its_own(first_life: Life) -> None:
    assert first_life.past[0] > 1_000
    assert first_life.strays == 0


def test_ctrl_c_ends_everything(first_life: Life) -> None:
    assert first_life.exit_code == 0
    assert "Traceback" not in first_life.output
    assert first_life.left_behind == []


def test_demo_goes_on_where_the_last_one_ended(first_life: Life, folder: Path, tmp_path: Path) -> None:
    with demo(folder, tmp_path) as program:
        services = services_shown(sign_in_link(program))
        past = ask(folder, PAST, first_life.past[1])
        exit_code = program.interrupt()

    assert services == SERVICES
    assert past == [first_life.past]
    assert exit_code == 0
    assert processes_of(folder) == []


@pytest.mark.usefixtures("first_life")
def test_application_ends_with_a_demo_that_was_killed(folder: Path, tmp_path: Path) -> None:
    with demo(folder, tmp_path) as program:
        sign_in_link(program)
        has_run = any(APPLICATION in command for command in processes_of(folder))

        program.kill()

    assert has_run
    until(lambda: not any(APPLICATION in command for command in processes_of(folder)), "the application's end")


def test_database_of_another_version_is_told_with_its_remedy(empty_folder: Path, tmp_path: Path) -> None:
    with resolve(EMBEDDED, empty_folder / "demo") as database:
        migrate(database.url)
        with psycopg.connect(database.url) as connection:
            connection.execute("update integration_monitor.migrations set checksum = 'of another version'")

    told = Shell(tmp_path, data_dir=str(empty_folder)).run("integration-monitor demo --port 0")

    assert told.returncode == 1
    assert f"remove {empty_folder / 'demo'} and start the demo again" in " ".join(told.stderr.split())
    assert "Traceback" not in told.stderr
    assert processes_of(empty_folder) == []


def test_ctrl_c_while_the_database_starts_leaves_nothing(empty_folder: Path, tmp_path: Path) -> None:
    with demo(empty_folder, tmp_path) as program:
        until(cluster_of(empty_folder).log_path.exists, "the start of the database")

        program.interrupt()

    assert processes_of(empty_folder) == []
