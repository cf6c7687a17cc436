"""`verify` finds what is broken, and names it."""

from typing import Any

import psycopg
import pytest

from integration_monitor.errors import StoreUnavailable
from integration_monitor.store.postgres.contract import Check, verify
from integration_monitor.store.postgres.promises import PROMISES
from tests.conftest import Server

# A rate of the row's own status, and not of all statuses.
STATS_DAILY_OF_ROWS = """
    create or replace view public.integration_stats_daily with (security_invoker = true) as
    select service_name, action, status, date_bin('1 day', created_at, timestamptz '1970-01-01 00:00:00+00') as day,
           count(*) as count, round(avg(duration_ms)) as avg_duration_ms,
           min(duration_ms) as min_duration_ms, max(duration_ms) as max_duration_ms,
           count(*) filter (where status = 'failed') as failed_count,
           count(*) filter (where status = 'success') as success_count,
           (100 * count(*) filter (where status = 'failed') / count(*))::numeric(5, 2) as failure_rate_percent
      from public.integration_logs
     group by 1, 2, 3, 4
"""
# The last 24 hours to the microsecond, in the session's own time zone.
STATS_HOURLY_BY_SESSION = """
    create or replace view public.integration_stats_hourly with (security_invoker = true) as
    select service_name, action, status, date_trunc('hour', created_at) as hour,
           count(*) as count, round(avg(duration_ms)) as avg_duration_ms,
           min(duration_ms) as min_duration_ms, max(duration_ms) as max_duration_ms
      from public.integration_logs
     where created_at >= now() - interval '24 hours'
     group by 1, 2, 3, 4
"""


def failed(database_url: str) -> dict[str, str]:
    """detail by name of the checks that failed."""
    return {check.name: check.detail for check in verify(database_url, required_claims={}) if not check.is_ok}


def execute(database_url: str, statement: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(statement.encode())


def test_a_database_that_was_never_migrated_fails_one_check(empty_database_url: str) -> None:
    found = failed(empty_database_url)

    assert list(found) == ["migrations"]
    assert "integration-monitor migrate" in found["migrations"]


def test_an_unpartitioned_table_fails_one_check(empty_database_url: str) -> None:
    execute(empty_database_url, "create table public.integration_logs (id uuid)")

    assert "not partitioned" in failed(empty_database_url)["migrations"]


@pytest.mark.parametrize(
    ("damage", "names"),
    [
        ("drop index public.idx_integration_logs_failed", ["index idx_integration_logs_failed"]),
        (
            """
            drop index public.idx_integration_logs_created_at;
            create index idx_integration_logs_created_at on public.integration_logs (created_at)
            """,
            ["index idx_integration_logs_created_at"],
        ),
        (
            "alter table public.integration_logs alter column retry_count set default 1",
            ["column integration_logs.retry_count", "read the record"],
        ),
        ("alter table public.integration_logs drop column error_code cascade", ["column integration_logs.error_code"]),
        ("alter table public.integration_logs alter column service_name drop not null", ["column integration_logs.service_name"]),
        (
            "alter table public.integration_logs drop constraint integration_logs_status_check",
            ["constraint integration_logs_status_check"],
        ),
        ("comment on table public.integration_logs is 'logs'", ["comment on integration_logs"]),
        ("comment on column public.integration_logs.action is null", ["comment on integration_logs.action"]),
        (
            "alter view public.integration_stats_hourly set (security_invoker = false)",
            ["view public.integration_stats_hourly"],
        ),
        (
            "drop view public.integration_stats_daily",
            ["view public.integration_stats_daily", "column integration_stats_daily.day"],
        ),
        ("drop trigger integration_logs_place on public.integration_logs", ["trigger integration_logs_place"]),
        (
            "drop trigger integration_logs_count_insert on public.integration_logs",
            ["trigger integration_logs_count_insert", "find it in integration_stats_hourly"],
        ),
        (
            """
            create or replace function integration_monitor.fault_of(status text, response_payload jsonb) returns text
            language sql immutable return 'vendor'
            """,
            ["function integration_monitor.fault_of"],
        ),
        (
            "alter table public.integration_logs disable trigger integration_logs_set_updated_at",
            ["trigger integration_logs_set_updated_at"],
        ),
        ("drop function public.cleanup_old_integration_logs()", ["function public.cleanup_old_integration_logs"]),
        ("alter function integration_monitor.maintain() reset search_path", ["function integration_monitor.maintain"]),
        ("alter table integration_monitor.keys disable row level security", ["row level security of integration_monitor.keys"]),
        (
            "alter table integration_monitor.integration_logs_default disable row level security",
            ["row level security of the partitions"],
        ),
        ("drop table integration_monitor.integration_logs_default", ["partition default"]),
        ("create role keeper_of_keys; alter table integration_monitor.keys owner to keeper_of_keys", ["one owner"]),
        ("alter table public.integration_logs add column extra text", ["number of columns of public.integration_logs"]),
        (
            "alter table integration_monitor.integration_logs_default disable trigger integration_logs_place",
            ["trigger integration_logs_place"],
        ),
        ("alter table public.integration_logs force row level security", ["row level security of public.integration_logs"]),
        (
            """
            create or replace function public.cleanup_old_integration_logs() returns void language plpgsql security definer
            set search_path to pg_catalog, pg_temp as 'begin end'
            """,
            ["function public.cleanup_old_integration_logs"],
        ),
        (STATS_DAILY_OF_ROWS, ["find it in integration_stats_daily"]),
        (STATS_HOURLY_BY_SESSION, ["first hour of integration_stats_hourly"]),
        ("delete from integration_monitor.settings", ["service_role may read the settings"]),
        ("drop policy keys_service_role_all on integration_monitor.keys", ["policy keys_service_role_all"]),
    ],
    ids=lambda value: " ".join(value.split()) if isinstance(value, str) else "",
)
def test_a_damaged_object_is_named(database_url: str, damage: str, names: list[str]) -> None:
    execute(database_url, damage)

    assert set(names) <= failed(database_url).keys()
    execute(database_url, "drop owned by keeper_of_keys; drop role keeper_of_keys" if "keeper_of_keys" in damage else "select")


@pytest.mark.parametrize(
    ("damage", "names"),
    [
        (
            "grant select on public.integration_logs to anon; create policy open on public.integration_logs for select to anon using (true)",
            ["anon may not read the table"],
        ),
        ("grant insert on public.integration_logs to authenticated", ["rights of authenticated"]),
        (
            """
            grant select (request_payload) on public.integration_logs to anon;
            create policy open on public.integration_logs for select to anon using (true)
            """,
            ["rights of anon", "policies for anon"],
        ),
        (
            "create policy open on public.integration_logs for delete using (true)",
            ["policies for anon", "policies for authenticated"],
        ),
        (
            "create policy narrow on public.integration_logs as restrictive for select to authenticated using (action = 'a')",
            ["policies for authenticated", "authenticated may read the table"],
        ),
        ("grant usage on schema integration_monitor to anon", ["rights of anon"]),
        (
            "grant insert on integration_monitor.integration_logs_default to service_role",
            ["rights of service_role on partitions"],
        ),
        (
            "grant update (retention) on integration_monitor.settings to integration_monitor_writer",
            ["rights of integration_monitor_writer"],
        ),
        (
            "grant select on integration_monitor.sign_in_links to integration_monitor_statistics",
            ["integration_monitor_statistics may not read integration_monitor.sign_in_links"],
        ),
        (
            """
            grant insert on public.integration_logs to authenticated;
            create policy open on public.integration_logs for insert to authenticated with check (true)
            """,
            ["authenticated may not insert"],
        ),
        ("grant truncate on public.integration_logs to authenticated", ["authenticated may not truncate"]),
        ("grant insert on public.integration_stats_daily to public", ["rights of anon", "rights of authenticated"]),
        (
            "grant usage on schema integration_monitor to anon; grant select on integration_monitor.statistics_day to anon",
            ["anon may not read integration_monitor.statistics_day"],
        ),
        (
            "grant execute on function public.cleanup_old_integration_logs() to public",
            [
                "anon may not call public.cleanup_old_integration_logs()",
                "authenticated may not call public.cleanup_old_integration_logs()",
            ],
        ),
        ("revoke select on public.integration_logs from authenticated", ["authenticated may read the table"]),
        (
            "drop policy integration_logs_read_authenticated on public.integration_logs",
            ["policy integration_logs_read_authenticated", "authenticated may read the table"],
        ),
        (
            "drop policy integration_logs_service_role_all on public.integration_logs",
            ["policy integration_logs_service_role_all", "service_role may insert", "service_role may delete"],
        ),
        (
            "grant select on public.integration_logs to integration_monitor_writer",
            ["integration_monitor_writer may not read a request", "integration_monitor_writer may not read an answer"],
        ),
        (
            "drop policy integration_logs_finish_writer on public.integration_logs",
            ["integration_monitor_writer may finish a record"],
        ),
        (
            "alter policy integration_logs_finish_writer on public.integration_logs using (true)",
            ["integration_monitor_writer may not change a finished record"],
        ),
        (
            "grant select (response_payload) on public.integration_logs to integration_monitor_statistics",
            ["integration_monitor_statistics may not read an answer"],
        ),
        (
            "revoke execute on function integration_monitor.maintain() from integration_monitor_writer",
            ["integration_monitor_writer may call integration_monitor.maintain()"],
        ),
    ],
    ids=lambda value: " ".join(value.split()) if isinstance(value, str) else "",
)
def test_a_right_too_many_or_too_few_is_named(database_url: str, damage: str, names: list[str]) -> None:
    execute(database_url, damage)

    assert set(names) <= failed(database_url).keys()


def test_a_role_that_passes_by_policies_is_named(postgres_server: Server, database_url: str) -> None:
    postgres_server.execute("alter role authenticated bypassrls")
    try:
        found = failed(database_url)
    finally:
        # Roles belong to the cluster, and other tests use it.
        postgres_server.execute("alter role authenticated nobypassrls")

    assert list(found) == ["role authenticated"]


def test_verify_leaves_nothing_behind(each_database_url: str) -> None:
    verify(each_database_url, required_claims={})

    with psycopg.connect(each_database_url) as connection:
        assert connection.execute("select count(*) from public.integration_logs").fetchone() == (0,)


def test_verify_does_not_care_for_the_sessions_settings(database_url: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    execute(database_url, f"alter database {name} set timezone to 'Asia/Almaty'")
    execute(database_url, f"alter database {name} set search_path to public, integration_monitor")
    execute(database_url, f"alter database {name} set datestyle to 'SQL, DMY'")

    assert failed(database_url) == {}


def test_records_of_others_do_not_disturb_verify(database_url: str) -> None:
    execute(
        database_url,
        "insert into public.integration_logs (service_name, action, status, duration_ms)"
        " values ('integration_monitor', 'verify', 'success', 7), ('amocrm', 'test_connection', 'success', 150)",
    )

    assert failed(database_url) == {}


def test_every_promise_is_checked_by_name(database_url: str) -> None:
    names = [check.name for check in verify(database_url, required_claims={})]

    assert PROMISES.keys() <= set(names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("claims", [{}, {"app_metadata.integration_monitor": "reader"}], ids=repr)
def test_empty_required_claims_are_a_warning_and_no_failure(database_url: str, claims: dict[str, str]) -> None:
    warnings = [check for check in verify(database_url, required_claims=claims) if check.is_warning]

    assert [(check.name, check.is_ok) for check in warnings] == ([] if claims else [("required_claims", True)])


def test_a_database_that_is_away_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable):
        verify("postgresql://nobody@127.0.0.1:1/none", required_claims={})


def test_a_check_is_a_value() -> None:
    check: Any = Check(name="a", is_ok=True, detail="b")

    with pytest.raises(AttributeError):
        check.is_ok = False
