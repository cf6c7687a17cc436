"""schema.sql: what all migrations add up to, for people to read."""

import os
from pathlib import Path

import integration_monitor.store.postgres
from tests.conftest import Server, dump_schema

SCHEMA = Path(integration_monitor.store.postgres.__file__).with_name("schema.sql")
HEADER = """\
-- What all migrations add up to, without the partitions. Not applied by anything: written by
--     INTEGRATION_MONITOR_WRITE_SCHEMA=1 pytest tests/integration/test_migrate_schema.py
-- and held to the migrations by the same test.

"""


def test_schema_equals_all_migrations_applied(postgres_server: Server, database_url: str) -> None:
    schema = HEADER + dump_schema(postgres_server, database_url)
    if os.environ.get("INTEGRATION_MONITOR_WRITE_SCHEMA"):
        SCHEMA.write_text(schema, "utf-8")

    assert SCHEMA.read_text("utf-8") == schema
