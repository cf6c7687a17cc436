"""What each role may do, tried against real roles, also where Supabase's default privileges were in force before the migration."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from integration_monitor.store.postgres.contract import verify
from integration_monitor.store.postgres.migrator import migrate
from tests.conftest import VARIANTS, Server, Variant

Connection = psycopg.Connection[tuple[Any, ...]]

OUTSIDERS = ["anon", "authenticated"]
RECORDS = """
    insert into public.integration_logs (service_name, action, status, request_payload, response_payload, created_at)
    values ('amocrm', 'sync_lead', 'failed', '{"secret": 1}', '{"fault": "vendor"}', now()),
           ('amocrm', 'sync_lead', 'failed', '{"secret": 1}', '{"fault": "vendor"}', now() - interval '40 days'),
           ('amocrm', 'sync_lead', 'pending', '{"secret": 1}', null, now());
    select integration_monitor.maintain()
"""
INSERT = "insert into public.integration_logs (service_name, action, status) values ('amocrm', 'sync_lead', 'pending')"
DEFAULT_PRIVILEGES = """
    alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
    alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
    alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
    -- Supabase does not do this. It would open the product's own schema, too.
    alter default privileges grant all on schemas to anon, authenticated;
    alter default privileges grant all on tables to anon, authenticated;
    alter default privileges grant all on functions to anon, authenticated;
"""


@pytest.fixture(
    scope="module", params=itertools.product(VARIANTS, ["plain", "supabase"]), ids=lambda pair: f"{pair[0]}-{pair[1]}"
)
def database(request: pytest.FixtureRequest, servers: Callable[[Variant], Server]) -> Iterator[str]:
    """A migrated database with three records: a failure of now, one of long ago in a partition made later, one that is pending."""
    variant, privileges = request.param
    server = servers(variant)
    # A migrated database makes the cluster's roles, which default privileges must name.
    name = server.create_database(is_migrated=True)
    if privileges == "supabase":
        server.drop_database(name)
        name = server.create_database(is_migrated=False)
        execute(server.url(name), DEFAULT_PRIVILEGES)
        migrate(server.url(name))
    execute(server.url(name), RECORDS)
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture
def act(database: str) -> Iterator[Callable[[str, str], list[tuple[Any, ...]] | int]]:
    """Runs a statement as a role, and gives its rows, or how many it wrote. What it did is undone."""
    with psycopg.connect(database, autocommit=True) as connection:

        def run(role: str, statement: str) -> list[tuple[Any, ...]] | int:
            with connection.transaction(force_rollback=True):
                connection.execute(f"set local role {role}".encode())
                cursor = connection.execute(statement.encode())
                return cursor.fetchall() if cursor.description else cursor.rowcount

        yield run


Act = Callable[[str, str], list[tuple[Any, ...]] | int]


def execute(database_url: str, statement: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(statement.encode())


def names(database_url: str, statement: str) -> list[str]:
    with psycopg.connect(database_url) as connection:
        return [row[0] for row in connection.execute(statement.encode()).fetchall()]


def test_verify_agrees(database: str) -> None:
    assert [check for check in verify(database, required_claims={}) if not check.is_ok] == []


def test_anon_reads_no_row_partition_or_view(database: str, act: Act) -> None:
    relations = names(
        database,
        "select oid::regclass::text from pg_class where relkind in ('r', 'p', 'v', 'm', 'f')"
        " and relnamespace in ('public'::regnamespace, 'integration_monitor'::regnamespace)",
    )

    assert len(relations) >= 15
    for relation in relations:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            act("anon", f"select from {relation}")


def test_authenticated_reads_the_table_and_both_views_and_nothing_else(database: str, act: Act) -> None:
    promised = {"integration_logs", "integration_stats_hourly", "integration_stats_daily"}
    relations = names(
        database,
        "select oid::regclass::text from pg_class where relkind in ('r', 'p', 'v', 'm', 'f')"
        " and relnamespace in ('public'::regnamespace, 'integration_monitor'::regnamespace)",
    )

    assert promised <= set(relations)
    assert act("authenticated", "select count(*) from public.integration_logs") == [(3,)]
    assert act("authenticated", "select sum(count)::integer from public.integration_stats_hourly") == [(2,)]
    assert act("authenticated", "select sum(count)::integer from public.integration_stats_daily") == [(2,)]
    for relation in set(relations) - promised:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            act("authenticated", f"select from {relation}")


@pytest.mark.parametrize("role", OUTSIDERS)
def test_outsiders_call_no_function(database: str, act: Act, role: str) -> None:
    functions = names(
        database,
        "select oid::regprocedure::text from pg_proc where pronamespace in ('public'::regnamespace, 'integration_monitor'::regnamespace)",
    )

    assert len(functions) >= 9
    for function in functions:
        # The promised views call them with their reader's rights. They cannot be named from outside, since the schema may not be entered.
        name = function.removeprefix("integration_monitor.").partition("(")[0]
        is_behind_views = role == "authenticated" and name in {"read_extremes", "sees_every_record", "count_seen"}
        assert act("service_role", f"select has_function_privilege('{role}', '{function}', 'execute')") == [(is_behind_views,)]
    for call in (
        "integration_monitor.maintain()",
        "public.cleanup_old_integration_logs()",
        "integration_monitor.list_partitions()",
        "integration_monitor.compact_statistics()",
        "integration_monitor.read_extremes('a', 'b', 'success', now(), now(), 1)",
        "integration_monitor.sees_every_record('service_role')",
        "integration_monitor.count_seen('1 day', now())",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            act(role, f"select {call}")


@pytest.mark.parametrize("role", OUTSIDERS)
@pytest.mark.parametrize(
    "statement",
    [
        INSERT,
        "update public.integration_logs set status = 'success'",
        "delete from public.integration_logs",
        "truncate public.integration_logs",
        "insert into integration_monitor.integration_logs_default (service_name, action, status) values ('a', 'b', 'failed')",
        "create table integration_monitor.mine (id integer)",
        "create function integration_monitor.mine() returns integer language sql as 'select 1'",
    ],
)
def test_outsiders_write_nothing(act: Act, role: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        act(role, statement)


@pytest.mark.parametrize("role", OUTSIDERS)
def test_outsiders_may_not_enter_the_products_schema(act: Act, role: str) -> None:
    rights = act("service_role", f"select has_schema_privilege('{role}', 'integration_monitor', 'usage, create')")

    assert rights == [(False,)]


def test_service_role_does_everything(act: Act) -> None:
    assert act("service_role", "select count(*) from public.integration_logs where request_payload is not null") == [(3,)]
    assert act("service_role", INSERT) == 1
    assert act("service_role", "update public.integration_logs set status = 'success'") == 3
    assert act("service_role", "delete from public.integration_logs") == 3
    assert act("service_role", "select public.cleanup_old_integration_logs()") == [("",)]
    assert act("service_role", "select integration_monitor.maintain() -> 'is_skipped'") == [(False,)]
    assert act("service_role", "update integration_monitor.settings set retention = '30 days'") == 1
    assert act("service_role", "select count(*) > 0 from integration_monitor.migrations") == [(True,)]
    act("service_role", "truncate public.integration_logs")
    for table in ("keys", "sign_in_links", "statistics_day", "statistics_records"):
        act("service_role", f"select * from integration_monitor.{table}")


def test_the_writer_inserts_and_finishes_what_is_unfinished(act: Act) -> None:
    assert act("integration_monitor_writer", INSERT) == 1
    assert act("integration_monitor_writer", f"{INSERT} on conflict do nothing") == 1
    assert act("integration_monitor_writer", "update public.integration_logs set status = 'success', duration_ms = 5") == 1
    assert act("integration_monitor_writer", "update public.integration_logs set error_code = 'E' where status = 'failed'") == 0
    assert act("integration_monitor_writer", "select integration_monitor.maintain() -> 'is_skipped'") == [(False,)]


@pytest.mark.parametrize(
    "statement",
    [
        "select request_payload from public.integration_logs",
        "select response_payload from public.integration_logs",
        "select error_message from public.integration_logs",
        "select * from public.integration_logs",
        f"{INSERT} returning request_payload",
        "update public.integration_logs set error_code = 'E' where request_payload is null",
        "update public.integration_logs set service_name = 'x'",
        "update public.integration_logs set created_at = now()",
        "delete from public.integration_logs",
        "truncate public.integration_logs",
        "select * from public.integration_stats_daily",
        "select * from integration_monitor.statistics_day",
        "select * from integration_monitor.keys",
        "select * from integration_monitor.sign_in_links",
        "select public.cleanup_old_integration_logs()",
        "update integration_monitor.settings set retention = '1 day'",
    ],
)
def test_the_writer_does_nothing_else(act: Act, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        act("integration_monitor_writer", statement)


def test_statistics_reads_views_and_sums(act: Act) -> None:
    role = "integration_monitor_statistics"

    assert act(role, "select sum(count)::integer from public.integration_stats_hourly") == [(2,)]
    assert act(role, "select sum(failed_count)::integer from public.integration_stats_daily") == [(1,)]
    # The failure of forty days ago is too old for minutes.
    for tier, count in {"minute": 1, "hour": 2, "day": 2}.items():
        faults = f"""
            select sum(count)::integer
              from (
                       select fault, tier.count from integration_monitor.statistics_{tier} as tier
                         join integration_monitor.statistics_series using (series_id)
                       union all
                       select fault, sign * count from integration_monitor.statistics_open
                   ) as part
             where fault = 'vendor'
        """
        assert act(role, faults) == [(count,)]


@pytest.mark.parametrize(
    "statement",
    [
        "select request_payload from public.integration_logs",
        "select response_payload ->> 'fault' from public.integration_logs",
        "select error_message from public.integration_logs",
        "select * from public.integration_logs",
        "select * from integration_monitor.keys",
        "select * from integration_monitor.sign_in_links",
        "select integration_monitor.maintain()",
        "select public.cleanup_old_integration_logs()",
        INSERT,
        "update public.integration_logs set status = 'success'",
        "select * from integration_monitor.statistics_records",
        "update integration_monitor.statistics_day set count = 0",
        "delete from integration_monitor.statistics_day",
        "delete from integration_monitor.statistics_open",
        "select integration_monitor.compact_statistics()",
        "delete from public.integration_logs",
    ],
)
def test_statistics_does_nothing_else(act: Act, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        act("integration_monitor_statistics", statement)


@pytest.mark.parametrize("role", [*OUTSIDERS, "integration_monitor_writer", "integration_monitor_statistics", "service_role"])
def test_a_partition_cannot_be_used_directly(database: str, act: Act, role: str) -> None:
    # What is written to a partition directly passes by the triggers of the table.
    partitions = names(database, "select relation::text from integration_monitor.list_partitions()")

    assert len(partitions) >= 8
    for partition in partitions:
        for right in ("select", "insert", "update", "delete", "truncate"):
            granted = act("service_role", f"select has_table_privilege('{role}', '{partition}', '{right}')")
            assert granted == [(False,)], (partition, right)


def test_every_table_of_the_product_has_row_level_security(database: str) -> None:
    open_tables = names(
        database,
        "select oid::regclass::text from pg_class where relkind in ('r', 'p') and not relrowsecurity"
        " and relnamespace in ('public'::regnamespace, 'integration_monitor'::regnamespace)",
    )

    assert open_tables == []
