"""sslmode=verify-full, with a certificate authority made for the test. Source: https://www.postgresql.org/docs/current/libpq-ssl.html"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from integration_monitor.batch import Batch
from integration_monitor.errors import StoreUnavailable
from integration_monitor.store.cluster import SYSTEM_USER, Cluster
from integration_monitor.store.postgres.migrator import migrate
from integration_monitor.store.postgres.sink import PostgresSink
from tests.conftest import DEBIAN_15, PARAMETERS
from tests.integration.batches import record, stored

# All of 127.0.0.0/8 is this machine, and nobody else listens here at PostgreSQL's port.
ADDRESS = "127.83.11.5"


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def make_certificates(folder: Path) -> None:
    """`ca.crt`, and `server.crt` for the name localhost signed by it; `other.crt` is another authority."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    for name in ("ca", "other"):
        openssl(folder, "req", "-x509", *key, "-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN=test {name}")
    openssl(folder, "req", *key[:-2], "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    signing = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
    openssl(folder, "x509", "-req", "-in", "server.csr", *signing, "-out", "server.crt")


@pytest.fixture(scope="module")
def secure_folder() -> Iterator[Path]:
    """A folder with certificates, beside a running server that takes TLS connections at ADDRESS and no others there."""
    # The wheel's PostgreSQL is built without TLS.
    if not DEBIAN_15.is_dir() or shutil.which("openssl") is None:
        pytest.skip("PostgreSQL 15 of Debian, or openssl, is not installed")
    folder = Path(tempfile.mkdtemp(prefix="integration-monitor-test-"))
    folder.chmod(0o755)
    make_certificates(folder)
    (folder / "hba").write_text("local all all trust\nhostssl all all 127.0.0.0/8 trust\n")
    parameters = {
        **PARAMETERS,
        "listen_addresses": ADDRESS,
        "ssl": "on",
        "ssl_cert_file": str(folder / "server.crt"),
        "ssl_key_file": str(folder / "server.key"),
        "hba_file": str(folder / "hba"),
    }
    cluster = Cluster(folder / "cluster", binaries=DEBIAN_15, parameters=parameters)
    if cluster.system_user is not None:
        shutil.chown(folder / "server.key", SYSTEM_USER)
    cluster.start()
    migrate(cluster.url())
    yield folder
    cluster.stop()
    shutil.rmtree(folder)


def url(folder: Path, *, host: str = "localhost", authority: str = "ca", mode: str = "verify-full") -> str:
    return f"postgresql://postgres@{host}/postgres?hostaddr={ADDRESS}&sslmode={mode}&sslrootcert={folder / authority}.crt"


def test_records_travel_encrypted_to_a_server_that_proved_its_name(secure_folder: Path) -> None:
    sink = PostgresSink(url(secure_folder))
    records = [record(request_payload={"body": "x" * 100_000}) for _ in range(50)]

    sink.write(Batch(records=records))

    assert sink._connection is not None
    row = sink._connection.execute("select ssl from pg_stat_ssl where pid = pg_backend_pid()").fetchone()
    sink.close()
    assert row == (True,)
    assert {one.id for one in stored(url(secure_folder))} >= {one.id for one in records}


@pytest.mark.parametrize(
    ("host", "authority", "mode", "reason"),
    [
        ("elsewhere.example", "ca", "verify-full", "does not match host name"),
        ("localhost", "other", "verify-full", "certificate verify failed"),
        ("localhost", "ca", "disable", "no encryption"),
    ],
    ids=["another name", "another authority", "no encryption"],
)
def test_a_server_that_cannot_prove_itself_gets_no_record(
    secure_folder: Path, host: str, authority: str, mode: str, reason: str
) -> None:
    sink = PostgresSink(url(secure_folder, host=host, authority=authority, mode=mode))
    one = record()

    with pytest.raises(StoreUnavailable, match=reason):
        sink.write(Batch(records=[one]))

    assert one.id not in {other.id for other in stored(url(secure_folder))}


def test_the_connection_comes_back_encrypted_after_a_cut(secure_folder: Path) -> None:
    sink = PostgresSink(url(secure_folder))
    sink.write(Batch(records=[record()]))
    with psycopg.connect(url(secure_folder), autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'integration-monitor'"
        )

    with pytest.raises(StoreUnavailable):
        sink.write(Batch(records=[record()]))
    sink.write(Batch(records=[record()]))

    assert sink._connection is not None
    row = sink._connection.execute("select ssl from pg_stat_ssl where pid = pg_backend_pid()").fetchone()
    sink.close()
    assert row == (True,)
