"""Databases for tests: real servers, started once a session, and a database of its own for each test.

database_url              migrated, on the PostgreSQL of the wheel, as a superuser: what most tests need
empty_database_url        the same, not migrated
each_database_url         migrated; the test runs once for each `Variant`: both versions, as superuser and as ordinary owner
each_empty_database_url   the same, not migrated
"""

import contextlib
import dataclasses
import itertools
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from xdist.scheduler import LoadFileScheduling

from integration_monitor.store.cluster import Cluster
from integration_monitor.store.embedded import find_binaries
from integration_monitor.store.postgres.migrator import migrate

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
OWNER = "ordinary_owner"
MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 8 * 1024**3
TEMPLATE = "migrated_template"
# Nothing of a test outlives its session: what makes PostgreSQL safe only makes it slow here.
PARAMETERS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "64MB",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variant:
    """A kind of database that the product must work on."""

    #: major version of PostgreSQL
    version: int
    #: whether an ordinary owner with CREATEROLE migrates, or a superuser
    is_ordinary: bool

    def __str__(self) -> str:
        return f"{self.version}-{'owner' if self.is_ordinary else 'superuser'}"


WHEEL = Variant(version=18, is_ordinary=False)
VARIANTS = [Variant(version=version, is_ordinary=is_ordinary) for version in (18, 15) for is_ordinary in (False, True)]


class ByFile(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives each process whole files; the crash suite plays its scenarios side by side by itself, and so is one."""

    def _split_scope(self, nodeid: str) -> str:
        return "tests/crash" if nodeid.startswith("tests/crash/") else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return ByFile(config, log)


class Server:
    """One running cluster. Roles belong to a cluster, so each variant has its own."""

    def __init__(self, cluster: Cluster, variant: Variant) -> None:
        self.cluster = cluster
        self.variant = variant
        self._numbers = itertools.count(1)
        self._has_template = False
        if variant.is_ordinary:
            self.execute(f"create role {OWNER} login createrole createdb")

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Runs a statement as superuser."""
        with psycopg.connect(self.cluster.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def create_database(self, *, is_migrated: bool, owner: str | None = None) -> str:
        """The name of a new database, owned by the variant's user if no other is given."""
        name = f"test_{next(self._numbers)}"
        template = "template0"
        if is_migrated:
            self._ensure_template()
            template = TEMPLATE
        self.execute(f"create database {name} owner {owner or self.user} template {template} strategy file_copy")
        return name

    def drop_database(self, name: str) -> None:
        self.execute(f"drop database if exists {name} with (force)")

    def url(self, database: str, *, user: str | None = None) -> str:
        return self.cluster.url(database, user=user or self.user)

    @property
    def user(self) -> str:
        return OWNER if self.variant.is_ordinary else "postgres"

    def _ensure_template(self) -> None:
        if not self._has_template:
            self.execute(f"create database {TEMPLATE} owner {self.user} template template0 strategy file_copy")
            migrate(self.url(TEMPLATE))
            self._has_template = True


def dump_schema(server: Server, database_url: str) -> str:
    """The schema of a database as pg_dump tells it, without partitions, owners and what differs from one run to the next."""
    command = ["pg_dump", "--schema-only", "--no-owner", "--exclude-table=integration_monitor.integration_logs_2*", database_url]
    command[0] = str(server.cluster.binaries / command[0])
    dump = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = [line for line in dump.splitlines() if not line.startswith(("\\restrict", "\\unrestrict", "-- Dumped", "SET "))]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _memory() -> Path | None:
    """Where files lie in memory, if there is room for servers: a database of its own for each test is made in half the time."""
    is_roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN
    return MEMORY if is_roomy else None


@contextlib.contextmanager
def server_folder() -> Iterator[Path]:
    """An empty folder in which a server can live, until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="integration-monitor-test-", dir=_memory()))
    # As root, PostgreSQL runs as a user of its own, who must be able to reach its folder.
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def _start(folder: Path, variant: Variant) -> Server:
    if variant.version == 15 and not DEBIAN_15.is_dir():
        pytest.skip(f"PostgreSQL 15 is not installed: there is no {DEBIAN_15}")
    binaries = DEBIAN_15 if variant.version == 15 else find_binaries()
    cluster = Cluster(folder / str(variant), binaries=binaries, parameters=PARAMETERS)
    cluster.start()
    return Server(cluster, variant)


@pytest.fixture(scope="session", autouse=True)
def _state_folder() -> Iterator[None]:
    """Spools of tests, and of the processes they start, do not lie among the user's own."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", folder)
        yield


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[Variant], Server]]:
    """Gives the server of a variant, started at its first use."""
    started: dict[Variant, Server] = {}
    with server_folder() as folder:

        def start(variant: Variant) -> Server:
            if variant not in started:
                started[variant] = _start(folder, variant)
            return started[variant]

        yield start
        for server in started.values():
            server.cluster.stop()


@pytest.fixture
def new_server() -> Iterator[Server]:
    """A cluster that nobody has used yet: it has no roles but the superuser and the ordinary owner."""
    with server_folder() as folder:
        server = _start(folder, Variant(version=18, is_ordinary=True))
        yield server
        server.cluster.stop()


def _database(server: Server, *, is_migrated: bool) -> Iterator[str]:
    name = server.create_database(is_migrated=is_migrated)
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture
def postgres_server(servers: Callable[[Variant], Server]) -> Server:
    """The server of `database_url` and `empty_database_url`."""
    return servers(WHEEL)


@pytest.fixture
def database_url(postgres_server: Server) -> Iterator[str]:
    yield from _database(postgres_server, is_migrated=True)


@pytest.fixture
def empty_database_url(postgres_server: Server) -> Iterator[str]:
    yield from _database(postgres_server, is_migrated=False)


@pytest.fixture(params=VARIANTS, ids=str)
def each_server(request: pytest.FixtureRequest, servers: Callable[[Variant], Server]) -> Server:
    """The server of `each_database_url` and `each_empty_database_url`."""
    return servers(request.param)


@pytest.fixture
def each_database_url(each_server: Server) -> Iterator[str]:
    yield from _database(each_server, is_migrated=True)


@pytest.fixture
def each_empty_database_url(each_server: Server) -> Iterator[str]:
    yield from _database(each_server, is_migrated=False)
