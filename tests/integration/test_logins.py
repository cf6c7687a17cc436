"""The logins of docs/security.md, made by the SQL that stands there: each part works with its own, and can do nothing else."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from integration_monitor.batch import Batch
from integration_monitor.store.postgres.maintenance import maintain
from integration_monitor.store.postgres.sink import PostgresSink
from tests.integration.batches import fetch, record
from tests.integration.conftest import Bearer, Client, MakeClient

DOCUMENT = Path(__file__).parents[2] / "docs" / "security.md"
STATS = "/api/admin/integrations/monitoring/stats"
LOGINS = ("monitor_server", "monitor_shop", "monitor_charts")

UrlOf = Callable[[str], str]


@pytest.fixture
def url_of(database_url: str) -> Iterator[UrlOf]:
    """The database's URL for a login of the document, which the block there has made."""
    found = re.search(r"```sql\n(.*?create role.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert found is not None
    drop = sql.SQL("drop role if exists {}").format(sql.SQL(", ").join(map(sql.Identifier, LOGINS)))
    with psycopg.connect(database_url, autocommit=True) as connection:
        # Roles belong to the whole cluster.
        connection.execute(drop)
        connection.execute(found[1].encode())
        yield lambda login: re.sub(r"//[^@/]*@", f"//{login}@", database_url)
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = any(%s)", [list(LOGINS)])
        connection.execute(drop)


@pytest.fixture
def server(url_of: UrlOf, make_client_of: MakeClient) -> Client:
    return make_client_of(url_of("monitor_server"))


def assert_refused(url: str, *statements: str) -> None:
    for statement in statements:
        with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


def test_server_does_all_it_is_for(server: Client, bearer: Bearer, url_of: UrlOf, database_url: str) -> None:
    stored = server.post(
        "/api/ingest",
        json={"service_name": "amocrm", "action": "sync_lead", "status": "failed"},
        headers=bearer("service_role"),
    )

    assert stored.json()["stored"] == 1
    for role in ("service_role", "authenticated", "integration_monitor_statistics"):
        [row] = server.get(STATS, headers=bearer(role)).json()["data"]
        assert row["count"] == 1
    maintain(url_of("monitor_server"))
    assert fetch(database_url, "select count(*) from integration_monitor.keys where purpose = 'session'") == [(0,)]
    assert server.post("/sign-in", data={"token": bearer()["authorization"].split()[1]}).status_code == 200
    assert fetch(database_url, "select count(*) from integration_monitor.keys where purpose = 'session'") == [(1,)]


def test_server_changes_no_schema_and_hides_no_act(url_of: UrlOf) -> None:
    assert_refused(
        url_of("monitor_server"),
        "alter table public.integration_logs add column evil text",
        "drop table integration_monitor.audit",
        "create table public.evil ()",
        "create table integration_monitor.evil ()",
        "delete from integration_monitor.audit",
        "update integration_monitor.audit set actor = 'nobody'",
        "drop policy integration_logs_read_authenticated on public.integration_logs",
        "create role evil",
        "copy (select 1) to program 'true'",
    )


def test_application_writes_and_reads_no_payload(url_of: UrlOf, database_url: str) -> None:
    sink = PostgresSink(url_of("monitor_shop"))
    try:
        sink.write(Batch(records=[record()]))
    finally:
        sink.close()

    assert fetch(database_url, "select count(*) from public.integration_logs") == [(1,)]
    assert_refused(
        url_of("monitor_shop"),
        "select request_payload from public.integration_logs",
        "delete from public.integration_logs",
        "select secret from integration_monitor.keys",
        "select secret_hash from integration_monitor.api_keys",
        "set role service_role",
    )


def test_charts_read_sums_and_no_record(url_of: UrlOf, server: Client, bearer: Bearer) -> None:
    server.post(
        "/api/ingest", json={"service_name": "amocrm", "action": "a", "status": "success"}, headers=bearer("service_role")
    )
    url = url_of("monitor_charts")

    with psycopg.connect(url) as connection:
        rows: list[Any] = connection.execute("select service_name, count from public.integration_stats_daily").fetchall()
    assert rows == [("amocrm", 1)]
    assert_refused(
        url,
        "select * from public.integration_logs",
        "insert into public.integration_logs (service_name, action, status) values ('a', 'b', 'success')",
        "select * from integration_monitor.audit",
        "set role authenticated",
    )


def test_nothing_gets_in_without_a_role_of_its_own(url_of: UrlOf) -> None:
    for login in LOGINS:
        assert make_conninfo(url_of(login)).count(login) == 1
        assert_refused(url_of(login), "set role postgres")
