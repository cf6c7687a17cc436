"""What stands in the way of taking an old table over is named with its remedy, and nothing is touched; what can be made anew is."""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from integration_monitor.errors import MigrationError
from integration_monitor.store.postgres.contract import Check, verify
from integration_monitor.store.postgres.migrator import foresee, migrate, status
from integration_monitor.store.postgres.script import script
from tests.conftest import Server
from tests.integration.old_table import make_old_table, read_records
from tests.integration.test_store_pooler import PGBOUNCER, Pooler

Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def old_database_url(postgres_server: Server, empty_database_url: str) -> str:
    make_old_table(postgres_server, empty_database_url, has_records=False)
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(
            "insert into public.integration_logs (service_name, action, status) values ('amocrm', 'sync_lead', 'success')"
        )
    return empty_database_url


@pytest.fixture
def connection(old_database_url: str) -> Iterator[Connection]:
    with psycopg.connect(old_database_url, autocommit=True) as connection:
        yield connection


#: (what somebody did, what is said of it, the remedy that is given; a remedy is run where it is a statement)
OBSTACLES = {
    "extra column": (
        "alter table public.integration_logs add column tenant text",
        "the column tenant is not of the contract",
        "alter table public.integration_logs drop column tenant",
    ),
    "missing column": (
        "alter table public.integration_logs drop column retry_count",
        "a column retry_count is missing",
        "alter table public.integration_logs add column retry_count integer",
    ),
    "other type": (
        (
            "drop view public.integration_stats_hourly, public.integration_stats_daily;"
            " alter table public.integration_logs alter column action type varchar(80)"
        ),
        "the column action has the type character varying(80)",
        'alter table public.integration_logs alter column action type text collate "default"',
    ),
    "nullable column": (
        "alter table public.integration_logs alter column service_name drop not null",
        "the column service_name may be null",
        "alter table public.integration_logs alter column service_name set not null",
    ),
    "stricter column": (
        "alter table public.integration_logs alter column updated_at set not null",
        "the column updated_at may not be null",
        "alter table public.integration_logs alter column updated_at drop not null",
    ),
    "foreign key of another": (
        "create table public.notes (log_id uuid references public.integration_logs)",
        "the foreign key notes_log_id_fkey of public.notes",
        "alter table public.notes drop constraint notes_log_id_fkey",
    ),
    "foreign key of its own": (
        (
            "create table public.leads (id uuid primary key);"
            " alter table public.integration_logs add constraint lead_fkey foreign key (related_entity_id) references public.leads"
        ),
        "the foreign key lead_fkey of public.integration_logs",
        "alter table public.integration_logs drop constraint lead_fkey",
    ),
    "unique index": (
        "create unique index once_a_second on public.integration_logs (service_name, created_at)",
        "the unique index once_a_second",
        "drop index public.once_a_second",
    ),
    "unique constraint": (
        "alter table public.integration_logs add constraint one_error unique (id, error_code)",
        "the unique index one_error",
        "alter table public.integration_logs drop constraint one_error",
    ),
    "no key": (
        "alter table public.integration_logs drop constraint integration_logs_pkey",
        "no primary key on id alone",
        "alter table public.integration_logs add primary key (id)",
    ),
    "other statuses": (
        (
            "alter table public.integration_logs drop constraint integration_logs_status_check;"
            " alter table public.integration_logs add constraint integration_logs_status_check check (status <> '')"
        ),
        "the constraint integration_logs_status_check says CHECK ((status <> ''::text))",
        "alter table public.integration_logs drop constraint integration_logs_status_check",
    ),
    "unknown status": (
        (
            "alter table public.integration_logs drop constraint integration_logs_status_check;"
            " insert into public.integration_logs (service_name, action, status) values ('a', 'b', 'odd')"
        ),
        "records have the status 'odd', which the contract does not know",
        "update public.integration_logs set status = 'failed' where status = 'odd'",
    ),
    "constraint trigger": (
        (
            "create function public.nothing() returns trigger language plpgsql as $$ begin return null; end $$;"
            " create constraint trigger late after insert on public.integration_logs deferrable for each row execute function public.nothing()"
        ),
        "the trigger late is a constraint",
        "drop trigger late on public.integration_logs",
    ),
    "disabled trigger": (
        (
            "create function public.nothing() returns trigger language plpgsql as $$ begin return new; end $$;"
            " create trigger quiet before insert on public.integration_logs for each row execute function public.nothing();"
            " alter table public.integration_logs disable trigger quiet"
        ),
        "the trigger quiet is not simply enabled",
        "alter table public.integration_logs enable trigger quiet",
    ),
    "rule": (
        "create rule silent as on delete to public.integration_logs do also nothing",
        "the rule silent",
        "drop rule silent on public.integration_logs",
    ),
    "publication": (
        "create publication realtime for table public.integration_logs",
        "the publication realtime publishes the table",
        "alter publication realtime drop table public.integration_logs",
    ),
    "publication of all": (
        "create publication everything for all tables",
        "the publication everything publishes the table",
        "alter publication everything set (publish_via_partition_root = true)",
    ),
    "row security off": (
        (
            "create role reporting; alter table public.integration_logs disable row level security;"
            " grant select on public.integration_logs to reporting"
        ),
        "row level security is off, and reporting may use the table",
        "alter table public.integration_logs enable row level security",
    ),
    "forced row security": (
        "alter table public.integration_logs force row level security",
        "row level security is forced on the owner",
        "alter table public.integration_logs no force row level security",
    ),
    "grant to everybody": (
        "grant insert on public.integration_logs to public",
        "PUBLIC may insert the table",
        "revoke all on public.integration_logs from public",
    ),
    "policy for anon": (
        "create policy everybody on public.integration_logs for insert to anon with check (true)",
        "the policy everybody lets anon insert",
        "drop policy everybody on public.integration_logs",
    ),
    "policy for authenticated writers": (
        "create policy clients on public.integration_logs for insert to authenticated with check (true)",
        "the policy clients lets authenticated insert",
        "drop policy clients on public.integration_logs",
    ),
    "not logged": (
        "alter table public.integration_logs set unlogged",
        "the table is not logged",
        "alter table public.integration_logs set logged",
    ),
    "child": (
        "create table public.more_logs () inherits (public.integration_logs)",
        "the table is a part or the parent of another",
        "drop table public.more_logs",
    ),
    "materialized view": (
        "create materialized view public.counts as select count(*) from public.integration_logs",
        "the materialized view public.counts stands on the table",
        "drop materialized view public.counts",
    ),
    "function on its rows": (
        "create function public.latest() returns setof public.integration_logs language sql as 'select * from public.integration_logs'",
        "function public.latest() depends on the table",
        "drop function public.latest()",
    ),
    "view that needs the key": (
        "create view public.by_id as select id, service_name, count(*) from public.integration_logs group by id",
        "rule _RETURN on view public.by_id depends on the table",
        "drop view public.by_id",
    ),
    "policy of another table": (
        "create table public.others (id uuid); create policy linked on public.others using (id in (select id from public.integration_logs))",
        "policy linked on table public.others depends on the table",
        "drop policy linked on public.others",
    ),
}


@pytest.mark.parametrize("name", OBSTACLES)
def test_an_obstacle_is_named_with_its_remedy_and_nothing_is_touched(
    old_database_url: str, connection: Connection, name: str
) -> None:
    deed, said, remedy = OBSTACLES[name]
    connection.execute(deed.encode())
    schema = snapshot(connection)

    with pytest.raises(MigrationError) as caught:
        migrate(old_database_url)

    findings = foresee(old_database_url)
    assert findings is not None
    assert [said in one.name for one in findings.obstacles].count(True) == 1, findings.obstacles
    assert said in str(caught.value)
    assert "Nothing was changed" in str(caught.value)
    if "drop it" not in findings.obstacles[0].remedy and "detach" not in findings.obstacles[0].remedy:
        assert remedy in findings.obstacles[0].remedy
    assert snapshot(connection) == schema

    connection.execute(remedy.encode())
    mended = foresee(old_database_url)
    assert mended is not None
    assert mended.obstacles == []
    with contextlib.suppress(psycopg.Error):
        connection.execute("drop owned by reporting")
        connection.execute("drop role reporting")


def name_of(database_url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(database_url)["dbname"])


def broken_promises(database_url: str) -> list[Check]:
    return [check for check in verify(database_url, required_claims={}) if not check.is_ok]


def snapshot(connection: Connection) -> list[Any]:
    """Everything that is in the database, as far as names tell."""
    return connection.execute(
        "select relname::text, relkind::text from pg_class where relnamespace = 'public'::regnamespace"
        " union all select nspname::text, '' from pg_namespace where nspname !~ '^pg_'"
        " union all select tgname::text, tgrelid::regclass::text from pg_trigger"
        " union all select conname::text, conrelid::regclass::text from pg_constraint where connamespace = 'public'::regnamespace"
        " order by 1, 2"
    ).fetchall()


def test_a_table_of_another_owner_is_refused(each_server: Server, each_empty_database_url: str) -> None:
    make_old_table(each_server, each_empty_database_url)
    each_server.execute("do $$ begin create role somebody; exception when duplicate_object then null; end $$")
    each_server.execute("alter table public.integration_logs owner to somebody", name_of(each_empty_database_url))

    with pytest.raises(MigrationError, match="the table belongs to somebody → run it as somebody"):
        migrate(each_empty_database_url)

    assert not any(state.applied_at for state in status(each_empty_database_url))


def test_an_owner_who_may_create_nothing_is_told_what_to_ask_for(postgres_server: Server, old_database_url: str) -> None:
    name = name_of(old_database_url)
    postgres_server.execute("drop role if exists poor; create role poor login")
    postgres_server.execute(
        "alter table public.integration_logs owner to poor; alter view public.integration_stats_daily owner to poor;"
        "alter view public.integration_stats_hourly owner to poor;"
        "alter function public.cleanup_old_integration_logs() owner to poor",
        name,
    )
    try:
        with pytest.raises(MigrationError) as caught:
            migrate(postgres_server.url(name, user="poor"))

        assert f"grant create on database {name} to poor" in str(caught.value)
        assert "grant create on schema public to poor" in str(caught.value)
        assert not any(state.applied_at for state in status(old_database_url))
    finally:
        postgres_server.execute("reassign owned by poor to current_user; drop owned by poor", name)
        postgres_server.execute("drop role poor")


def test_what_is_the_users_own_is_made_anew(each_server: Server, each_empty_database_url: str) -> None:
    make_old_table(each_server, each_empty_database_url)
    each_server.execute("do $$ begin create role reporting; exception when duplicate_object then null; end $$")
    with psycopg.connect(each_empty_database_url, autocommit=True) as connection:
        connection.execute(OWN_THINGS)
        before = own_things(connection)
        updated = read_records(connection)

        migrate(each_empty_database_url)

        assert own_things(connection) == before
        assert broken_promises(each_empty_database_url) == []
        # Filling in was no change.
        assert {key: value[7] for key, value in read_records(connection).items()} == {
            key: value[7] for key, value in updated.items()
        }
        connection.execute(
            "insert into public.integration_logs (service_name, action, status, duration_ms, updated_at)"
            " values ('amocrm', 'new', 'pending', 5, now() - interval '1 day')"
        )
        connection.execute("update public.integration_logs set status = 'success' where action = 'new'")
        assert connection.execute(
            "select updated_at = now() - interval '1 hour' from public.integration_logs where action = 'new'"
        ).fetchone() == (False,)
        assert connection.execute("select count(*) from public.slow_calls where action = 'new'").fetchone() == (0,)
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(
                "insert into public.integration_logs (service_name, action, status, duration_ms) values ('amocrm', 'b', 'failed', -1)"
            )
        indexes = connection.execute(
            "select count(*), count(*) filter (where indisvalid) from pg_inherits join pg_index on indexrelid = inhrelid"
            " where inhparent = 'public.by_error'::regclass"
        ).fetchone()
        partitions = connection.execute("select count(*) from integration_monitor.list_partitions()").fetchone()
        assert indexes is not None
        assert partitions is not None
        assert indexes == (partitions[0], partitions[0])
    each_server.execute("drop owned by reporting", name_of(each_empty_database_url))


OWN_THINGS = """
    create index by_error on public.integration_logs (error_code, created_at) where error_code is not null;
    alter table public.integration_logs add constraint no_negative check (duration_ms >= 0);
    create function public.touch() returns trigger language plpgsql as $$ begin new.updated_at := clock_timestamp(); return new; end $$;
    create trigger set_updated_at before update on public.integration_logs for each row execute function public.touch();
    create policy reporting_reads on public.integration_logs for select to reporting using (service_name = 'amocrm');
    grant select on public.integration_logs to reporting;
    grant update (error_message) on public.integration_logs to reporting with grant option;
    grant select on public.integration_stats_daily to reporting;
    grant execute on function public.cleanup_old_integration_logs() to reporting;
    create view public.slow_calls with (security_invoker = true) as select * from public.integration_logs where duration_ms > 900;
    create view public.slowest as select action, max(duration_ms) as ms from public.slow_calls group by action;
    create view public.today as select service_name, sum(count) as count from public.integration_stats_daily group by 1;
    comment on view public.slowest is 'Самые долгие';
    grant select on public.slowest, public.today to reporting;
"""


def own_things(connection: Connection) -> dict[str, Any]:
    """What the users made, as the catalogue tells it, by what it is."""
    queries = {
        "index": "select pg_get_indexdef('public.by_error'::regclass)",
        "check": "select pg_get_constraintdef(oid) from pg_constraint where conname = 'no_negative' and conrelid = 'public.integration_logs'::regclass",
        "trigger": "select pg_get_triggerdef(oid) from pg_trigger where tgname = 'set_updated_at' and tgrelid = 'public.integration_logs'::regclass",
        "policy": "select permissive, roles::text, cmd, qual, with_check from pg_policies where policyname = 'reporting_reads'",
        "rights": "select relname::text, privilege_type, is_grantable from pg_class cross join aclexplode(relacl)"
        " where relnamespace = 'public'::regnamespace and grantee = 'reporting'::regrole order by 1, 2",
        "column rights": "select attname::text, privilege_type, is_grantable from pg_attribute cross join aclexplode(attacl)"
        " where attrelid = 'public.integration_logs'::regclass and grantee = 'reporting'::regrole",
        "clean-up": "select has_function_privilege('reporting', 'public.cleanup_old_integration_logs()', 'execute')",
        "views": "select relname::text, pg_get_viewdef(oid), reloptions, obj_description(oid) from pg_class"
        " where relname in ('slow_calls', 'slowest', 'today') order by 1",
    }
    # A partitioned table's index is told with ONLY.
    return {
        name: [tuple(re.sub(r"\bONLY ", "", value) if isinstance(value, str) else value for value in row) for row in found]
        for name, found in ((name, connection.execute(query.encode()).fetchall()) for name, query in queries.items())
    }


def test_a_narrowed_policy_stays_narrow(old_database_url: str, connection: Connection) -> None:
    connection.execute(
        "alter policy integration_logs_read_authenticated on public.integration_logs using (service_name = 'telegram')"
    )

    migrate(old_database_url)

    with connection.transaction():
        connection.execute("set local role authenticated")
        assert connection.execute("select count(*) from public.integration_logs").fetchone() == (0,)
    assert "policy integration_logs_read_authenticated" in [check.name for check in broken_promises(old_database_url)]


@pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed")
def test_a_transaction_pooler_is_refused(old_database_url: str, postgres_server: Server) -> None:
    name = name_of(old_database_url)
    folder = Path(tempfile.mkdtemp(prefix="integration-monitor-test-"))
    pooler = Pooler(folder, postgres_server, name)
    pooler.start()
    try:
        with pytest.raises(MigrationError, match="use port 5432"):
            migrate(pooler.url())
    finally:
        pooler.stop()
        shutil.rmtree(folder)

    assert not any(state.applied_at for state in status(old_database_url))


def test_the_script_refuses_an_old_table_and_names_migrate(old_database_url: str, connection: Connection) -> None:
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState) as caught:
        connection.execute(script().encode())

    assert "integration-monitor migrate" in (caught.value.diag.message_hint or "")
    assert connection.execute("select to_regnamespace('integration_monitor')").fetchone() == (None,)
