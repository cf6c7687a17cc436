"""Through PgBouncer in transaction mode: each transaction may run in another session, and each session serves many clients."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

from integration_monitor.batch import Batch
from integration_monitor.errors import StoreUnavailable
from integration_monitor.store.cluster import SYSTEM_USER
from integration_monitor.store.postgres.sink import PostgresSink
from tests.conftest import Server
from tests.integration.batches import fetch, record, report, stored

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
START_TIMEOUT_S = 30


class Pooler:
    """A PgBouncer of this test's own, with one server session for everybody."""

    def __init__(self, folder: Path, server: Server, database: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._url = f"postgresql://postgres@127.0.0.1:{self.port}/{database}"
        self._configuration = folder / "pgbouncer.ini"
        self._configuration.write_text(
            f"""
            [databases]
            {database} = host={server.cluster.socket_folder} port=5432
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {self.port}
            unix_socket_dir =
            auth_type = trust
            auth_file = {folder}/users.txt
            pool_mode = transaction
            default_pool_size = 1
            logfile = {folder}/pgbouncer.log
            """.replace("            ", "")
        )
        (folder / "users.txt").write_text('"postgres" ""\n"application" ""\n')
        if os.geteuid() == 0:
            shutil.chown(folder, SYSTEM_USER)
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, user: str = "postgres") -> str:
        return self._url.replace("postgres@", f"{user}@")

    def start(self) -> None:
        # It refuses to run as root, like PostgreSQL.
        user = ["-u", SYSTEM_USER] if os.geteuid() == 0 else []
        assert PGBOUNCER is not None
        self._process = subprocess.Popen([PGBOUNCER, "-q", *user, str(self._configuration)])
        until = time.monotonic() + START_TIMEOUT_S
        while True:
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url()):
                return
            assert time.monotonic() < until, self._configuration.with_name("pgbouncer.log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            process.wait()


@pytest.fixture
def pooler(each_server: Server, each_database_url: str) -> Iterator[Pooler]:
    if PGBOUNCER is None:
        pytest.skip("PgBouncer is not installed")
    each_server.execute("drop role if exists application; create role application login in role integration_monitor_writer")
    name = str(psycopg.conninfo.conninfo_to_dict(each_database_url)["dbname"])
    folder = Path(tempfile.mkdtemp(prefix="integration-monitor-test-"))
    pooler = Pooler(folder, each_server, name)
    pooler.start()
    yield pooler
    pooler.stop()
    shutil.rmtree(folder)


@pytest.mark.parametrize("login", ["postgres", "application"])
def test_writers_that_share_one_session_write_everything_once(pooler: Pooler, each_database_url: str, login: str) -> None:
    sinks = [PostgresSink(pooler.url(login)) for _ in range(3)]
    begun = [record(status="pending") for _ in sinks]
    writer_ids = [uuid.uuid4() for _ in sinks]

    for round_number in range(3):
        for sink, writer_id, one in zip(sinks, writer_ids, begun, strict=True):
            batch = Batch(records=[one, record(error_message="a\x00" if round_number == 1 else None)], report=report(writer_id))
            sink.write(batch)
            sink.write(batch)
    for sink, one in zip(sinks, begun, strict=True):
        sink.write(Batch(records=[], finished=[msgspec.structs.replace(one, status="success")]))
        sink.maintain()
        sink.close()

    assert len(stored(each_database_url)) == 12
    assert {one.status for one in stored(each_database_url)} == {"success"}
    assert fetch(each_database_url, "select count(*) from integration_monitor.writers") == [(3,)]
    # Whoever comes next finds nothing of ours in the session.
    with psycopg.connect(pooler.url(login), prepare_threshold=None) as connection:
        row = connection.execute(
            "select current_setting('statement_timeout'), current_setting('lock_timeout'), (select count(*) from pg_prepared_statements),"
            " (select count(*) from pg_class where relpersistence = 't')"
        ).fetchone()
    assert row == ("0", "0", 0, 0)


def test_a_pooler_that_restarts_is_found_again(pooler: Pooler, each_database_url: str) -> None:
    sink = PostgresSink(pooler.url())
    sink.write(Batch(records=[record()]))
    pooler.stop()

    with pytest.raises(StoreUnavailable):
        sink.write(Batch(records=[record()]))
    pooler.start()
    sink.write(Batch(records=[record()]))
    sink.close()

    assert len(stored(each_database_url)) == 2
