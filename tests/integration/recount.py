"""Statistics as they ought to be: counted from the records themselves, as the plain contract does."""

from typing import Any

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]

_RECOUNT = """
    select service_name, action, status, bucket, count(*), round(avg(duration_ms)), min(duration_ms), max(duration_ms)
      from (
               select *, date_bin('1 {grain}', created_at, timestamptz '1970-01-01 00:00:00+00') as bucket
                 from public.integration_logs
                where created_at >= date_bin('1 {grain}', now() - interval '{window}', timestamptz '1970-01-01 00:00:00+00')
                  and created_at < date_bin('1 {grain}', now(), timestamptz '1970-01-01 00:00:00+00') + interval '1 {grain}'
           ) as log
     group by 1, 2, 3, 4
     order by 1, 2, 3, 4
"""
_VIEW = """
    select service_name, action, status, {grain}, count, avg_duration_ms, min_duration_ms, max_duration_ms
      from public.integration_stats_{view}
     order by 1, 2, 3, 4
"""
#: (view, its grain, its window)
VIEWS = (("hourly", "hour", "24 hours"), ("daily", "day", "30 days"))


def recount(connection: Connection) -> dict[str, list[Any]]:
    """Rows by view, as the records say."""
    return {
        view: connection.execute(_RECOUNT.format(grain=grain, window=window).encode()).fetchall() for view, grain, window in VIEWS
    }


def read(connection: Connection) -> dict[str, list[Any]]:
    """Rows by view, as the views say."""
    return {view: connection.execute(_VIEW.format(grain=grain, view=view).encode()).fetchall() for view, grain, _ in VIEWS}


def assert_exact(connection: Connection, *when: object) -> None:
    """Both views say what the records say; asked in one transaction, so that both see the same."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        shown, counted = read(connection), recount(connection)
    differences = {
        view: {
            "shown": [row for row in shown[view] if row not in counted[view]],
            "counted": [row for row in counted[view] if row not in shown[view]],
        }
        for view in shown
        if shown[view] != counted[view]
    }
    assert not differences, (*when, differences)
