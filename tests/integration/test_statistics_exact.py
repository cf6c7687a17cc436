"""Statistics are what the records say, whoever writes and however, before and after they are added up."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.integration.recount import Connection, assert_exact

FIVE = """
    insert into public.integration_logs (service_name, action, status, error_code, response_payload, duration_ms, created_at)
    values ('amocrm', 'sync_lead', 'success', null, null, 100, now()),
           ('amocrm', 'sync_lead', 'success', null, null, 300, now()),
           ('amocrm', 'sync_lead', 'failed', 'HTTP_500', '{"fault": "vendor"}', 200, now()),
           ('amocrm', 'sync_lead', 'pending', null, null, null, now()),
           ('whapi', 'send_text', 'success', null, null, 7, now() - interval '2 hours')
"""
# Name → statements; each starts with the five records above.
CHANGES = {
    "nothing": [],
    "one row more": [
        "insert into public.integration_logs (service_name, action, status) values ('amocrm', 'sync_lead', 'success')"
    ],
    "many rows at once": [
        (
            "insert into public.integration_logs (service_name, action, status, duration_ms, created_at)"
            " select 'resend', 'send_' || n % 3, 'success', n, now() - n * interval '7 minutes' from generate_series(1, 500) as n"
        )
    ],
    "an insert that is repeated": [
        (
            "insert into public.integration_logs (id, service_name, action, status, created_at)"
            " values ('00000000-0000-4000-8000-000000000001', 'a', 'b', 'success', now()) on conflict do nothing"
        )
    ]
    * 2,
    "an insert that updates": [
        (
            "insert into public.integration_logs (id, service_name, action, status, created_at, duration_ms)"
            " values ('00000000-0000-4000-8000-000000000001', 'a', 'b', 'pending', date_bin('1 day', now(), 'epoch'), 5)"
            " on conflict (id, created_at) do update set status = 'success', duration_ms = 9"
        )
    ]
    * 2,
    "a record without a time, placed by its id": [
        (
            "insert into public.integration_logs (id, service_name, action, status)"
            " select ('01' || substr(lpad(to_hex((extract(epoch from now() - interval '12 days') * 1000)::bigint), 12, '0'), 3)"
            " || '70008000000000000001')::uuid, 'a', 'b', 'success'"
        )
    ],
    "pending becomes success": [
        "update public.integration_logs set status = 'success', duration_ms = 50 where status = 'pending'"
    ],
    "an update of what is not counted": ["update public.integration_logs set error_message = 'x', retry_count = 1"],
    "an update of no row": ["update public.integration_logs set status = 'failed' where false"],
    "the longest becomes shorter": ["update public.integration_logs set duration_ms = 150 where duration_ms = 300"],
    "another action": ["update public.integration_logs set action = 'get_lead' where status = 'success'"],
    "another time": ["update public.integration_logs set created_at = created_at - interval '9 days' where status = 'success'"],
    "a failure loses its code": ["update public.integration_logs set error_code = null, response_payload = null"],
    "no duration any more": ["update public.integration_logs set duration_ms = null"],
    "the shortest removed": ["delete from public.integration_logs where duration_ms = 100"],
    "the longest removed": ["delete from public.integration_logs where duration_ms = 300"],
    "the only one removed": ["delete from public.integration_logs where service_name = 'whapi'"],
    "all removed": ["delete from public.integration_logs"],
    "truncated": ["truncate public.integration_logs"],
    "truncated and written again": ["truncate public.integration_logs", FIVE],
    "records of long ago": [
        (
            "insert into public.integration_logs (service_name, action, status, duration_ms, created_at)"
            " select 'resend', 'send_email', 'success', n, now() - n * interval '1 day' from unnest(array[1, 2, 3, 29, 30, 31, 40, 89, 95, 4000]) as n"
        )
    ],
    "times to come": [
        (
            "insert into public.integration_logs (service_name, action, status, created_at)"
            " values ('a', 'b', 'success', 'infinity'), ('a', 'b', 'success', '-infinity'), ('a', 'b', 'success', '294276-12-31 23:59:59Z'),"
            " ('a', 'b', 'success', '4713-01-01 BC'), ('a', 'b', 'success', now() + interval '50 minutes'),"
            " ('a', 'b', 'success', now() + interval '40 days')"
        )
    ],
    "durations that are none": [
        "update public.integration_logs set duration_ms = case when status = 'failed' then 2147483647 else -5 end"
    ],
    "long names": [
        (
            "insert into public.integration_logs (service_name, action, status, error_code)"
            " select repeat('ы', 255), repeat('щ', 255), 'failed', repeat('ж', 100)"
        )
    ],
    "a payload that is no object": [
        """update public.integration_logs set status = 'failed', response_payload = '["fault"]' where status = 'success'"""
    ],
}


@pytest.fixture
def connection(each_database_url: str) -> Iterator[Connection]:
    with psycopg.connect(each_database_url, autocommit=True) as connection:
        yield connection


def compact(connection: Connection) -> int | None:
    row = connection.execute("select integration_monitor.compact_statistics()").fetchone()
    assert row is not None
    count: int | None = row[0]
    return count


def test_views_are_exact_before_between_and_after(connection: Connection) -> None:
    """Each change as it comes, then added up; and the same with what it changes added up before."""
    for name, statements in CHANGES.items():
        for is_compacted_between in (False, True):
            connection.execute("delete from public.integration_logs")
            compact(connection)
            for statement in (FIVE, *statements):
                connection.execute(statement.encode())
                assert_exact(connection, name, is_compacted_between, statement)
                if is_compacted_between:
                    compact(connection)
                    assert_exact(connection, name, "added up", statement)
            compact(connection)
            assert_exact(connection, name, "in the end")


@pytest.mark.parametrize("is_compacted", [False, True], ids=["open", "added up"])
def test_what_nobody_reads_any_more_leaves_nothing(connection: Connection, is_compacted: bool) -> None:
    connection.execute(FIVE.encode())
    if is_compacted:
        compact(connection)
    connection.execute("delete from public.integration_logs")

    compact(connection)

    for tier in ("minute", "hour", "day"):
        rows = connection.execute(
            f"select sum(abs(count)), sum(abs(timed)), sum(abs(sum_ms)), count(*) filter (where bins <> '{{}}')"
            f" from integration_monitor.statistics_{tier}".encode()
        ).fetchone()
        assert {value or 0 for value in rows or ()} == {0}
