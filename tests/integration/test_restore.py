"""A back-up that is put back is the same database: records, statistics, rights, and it goes on from there."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from integration_monitor.store.postgres.contract import verify
from integration_monitor.store.postgres.maintenance import maintain
from tests.conftest import Server, Variant
from tests.integration.recount import assert_exact, read

FILL = """
    insert into public.integration_logs (service_name, action, status, duration_ms, created_at)
    select 'service_' || n % 3, 'action_' || n % 5, 'success', n % 900, now() - n * interval '20 minutes' from generate_series(1, 2000) as n
"""


@pytest.mark.parametrize("version", [18, 15])
def test_a_restored_database_says_the_same_and_counts_on(
    servers: Callable[[Variant], Server], version: int, tmp_path: Path
) -> None:
    server = servers(Variant(version=version, is_ordinary=True))
    source, target = server.create_database(is_migrated=True), server.create_database(is_migrated=False)
    try:
        with psycopg.connect(server.url(source), autocommit=True) as connection:
            connection.execute(FILL.encode())
            # Some added up, some not.
            connection.execute("select integration_monitor.compact_statistics(30)")
            shown = read(connection)

        file = str(tmp_path / "back-up")
        subprocess.run([server.cluster.binaries / "pg_dump", "-Fc", "-f", file, server.url(source)], check=True)
        subprocess.run([server.cluster.binaries / "pg_restore", "--exit-on-error", "-d", server.url(target), file], check=True)

        with psycopg.connect(server.url(target), autocommit=True) as connection:
            assert read(connection) == shown
            connection.execute(FILL.encode())
            assert maintain(server.url(target)).statistics_added_up
            assert_exact(connection)
        assert [check.name for check in verify(server.url(target), required_claims={}) if not check.is_ok] == []
    finally:
        server.drop_database(source)
        server.drop_database(target)
