"""A database as it was before partitions: the contract's table as people made it by hand, with its views, its function and its policies."""

import contextlib
import threading
import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from tests.conftest import Server

Connection = psycopg.Connection[tuple[Any, ...]]

#: of Supabase: there before anybody migrates
ROLES = ("service_role", "authenticated", "anon")
TABLE = """
    create table public.integration_logs (
        id                  uuid primary key default gen_random_uuid(),
        service_name        text not null,
        action              text not null,
        status              text not null check (status in ('success', 'failed', 'pending', 'retrying')),
        related_entity_type text,
        related_entity_id   uuid,
        request_payload     jsonb,
        response_payload    jsonb,
        error_message       text,
        error_code          text,
        duration_ms         integer,
        retry_count         integer default 0,
        created_at          timestamptz default now(),
        updated_at          timestamptz default now()
    );
    create index idx_integration_logs_service_name on public.integration_logs (service_name);
    create index idx_integration_logs_status on public.integration_logs (status);
    create index idx_integration_logs_created_at on public.integration_logs (created_at desc);
    create index idx_integration_logs_service_status on public.integration_logs (service_name, status);
    create index idx_integration_logs_entity on public.integration_logs (related_entity_type, related_entity_id)
        where related_entity_id is not null;
    create index idx_integration_logs_failed on public.integration_logs (created_at desc) where status = 'failed';
    alter table public.integration_logs enable row level security;
    create policy integration_logs_service_role_all on public.integration_logs for all to service_role using (true);
    create policy integration_logs_read_authenticated on public.integration_logs for select to authenticated using (true);
    grant all on public.integration_logs to service_role;
    grant select on public.integration_logs to authenticated;
    comment on table public.integration_logs is 'Логи';

    create view public.integration_stats_hourly as
    select service_name, action, status, date_trunc('hour', created_at) as hour, count(*) as count,
           avg(duration_ms)::integer as avg_duration_ms, min(duration_ms) as min_duration_ms, max(duration_ms) as max_duration_ms
      from public.integration_logs
     where created_at >= now() - interval '24 hours'
     group by 1, 2, 3, 4;
    create view public.integration_stats_daily as
    select service_name, action, status, date_trunc('day', created_at) as day, count(*) as count,
           avg(duration_ms)::integer as avg_duration_ms, min(duration_ms) as min_duration_ms, max(duration_ms) as max_duration_ms,
           count(*) filter (where status = 'failed') as failed_count, count(*) filter (where status = 'success') as success_count,
           round(100.0 * count(*) filter (where status = 'failed') / count(*), 2) as failure_rate_percent
      from public.integration_logs
     where created_at >= now() - interval '30 days'
     group by 1, 2, 3, 4;
    create function public.cleanup_old_integration_logs() returns void language plpgsql security definer as
    $$ begin delete from public.integration_logs where created_at < now() - interval '90 days'; end $$;
"""
#: some of each day of four months, some without a time, some of the future, and some of times that nobody lives in
RECORDS = """
    insert into public.integration_logs (service_name, action, status, error_code, response_payload, duration_ms, created_at, updated_at)
    select (array['amocrm', 'telegram', 'resend'])[1 + n % 3], 'action_' || n % 5, case when n % 7 = 0 then 'failed' else 'success' end,
           case when n % 7 = 0 then 'HTTP_500' end, case when n % 7 = 0 then '{"fault": "vendor"}'::jsonb end, nullif(n % 1000, 7),
           now() - n * interval '1 hour', now() - n * interval '1 hour' + interval '1 minute'
      from generate_series(1, 2880) as n;
    insert into public.integration_logs (service_name, action, status, created_at, updated_at)
    select 'amocrm', 'timeless', 'success', null, case when n % 2 = 0 then now() - interval '3 days' end from generate_series(1, 600) as n;
    insert into public.integration_logs (service_name, action, status, created_at, updated_at)
    select 'amocrm', 'ahead', 'pending', now() + n * interval '1 day', now() - interval '1 day' from generate_series(0, 40) as n;
    insert into public.integration_logs (service_name, action, status, created_at)
    select 'amocrm', 'strange', 'success', moment::timestamptz
      from unnest(array['infinity', '-infinity', '0044-03-15 12:00:00+00 BC', '1970-01-01 00:00:00+00', '5000-01-01 00:00:00+00']) as moment;
"""


def make_old_table(server: "Server", database_url: str, *, has_records: bool = True) -> None:
    """The table, and the roles that a Supabase project has; its login may pass them on, as Supabase's may."""
    for role in ROLES:
        server.execute(
            f"do $$ begin create role {role} nologin noinherit; exception when duplicate_object then null; end $$;"
            + (f" grant {role} to {server.user} with admin option" if server.variant.is_ordinary else "")
        )
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(TABLE)
        if has_records:
            connection.execute(RECORDS)


class OldWriter(threading.Thread):
    """An application that knows nothing of partitions: inserts of its own ids, or none, and finishes what it began. Notes what it was told."""

    def __init__(self, database_url: str, name: str) -> None:
        super().__init__(name=name)
        self._database_url = database_url
        self._is_over = threading.Event()
        #: status by id, of what was acknowledged
        self.acknowledged: dict[uuid.UUID, str] = {}
        self.errors: list[str] = []
        self.longest_s = 0.0
        #: when it ended, by time.monotonic(), and how long it took in seconds, of what took longer than a fifth of one
        self.waits: list[tuple[float, float]] = []

    def run(self) -> None:
        with psycopg.connect(self._database_url, autocommit=True) as connection:
            number = 0
            while not self._is_over.is_set():
                number += 1
                began_at = time.monotonic()
                try:
                    self._write(connection, number)
                except psycopg.Error as error:
                    self.errors.append(f"{error.sqlstate}: {error}")
                took_s = time.monotonic() - began_at
                self.longest_s = max(self.longest_s, took_s)
                if took_s > 0.2:
                    self.waits.append((began_at + took_s, took_s))
                self._is_over.wait(0.005)

    def end(self) -> None:
        self._is_over.set()
        self.join()

    def _write(self, connection: Connection, number: int) -> None:
        service = f"old_{self.name}"
        row = connection.execute(
            "insert into public.integration_logs (service_name, action, status, duration_ms) values (%s, 'call', 'pending', %s)"
            " returning id",
            [service, number],
        ).fetchone()
        assert row is not None
        self.acknowledged[row[0]] = "pending"
        if number % 2:
            done = connection.execute(
                "update public.integration_logs set status = 'success', updated_at = now() where id = %s", [row[0]], prepare=True
            )
            assert done.rowcount == 1, "a record that was just written is not there"
            self.acknowledged[row[0]] = "success"
        identifier = uuid.uuid4()
        # As after a lost answer: the same once more.
        for _ in range(2):
            connection.execute(
                "insert into public.integration_logs (id, service_name, action, status) values (%s, %s, 'own id', 'failed')"
                " on conflict do nothing",
                [identifier, service],
            )
        self.acknowledged[identifier] = "failed"


@contextlib.contextmanager
def writing(database_url: str, count: int = 2) -> Iterator[list[OldWriter]]:
    """Old writers at work until the block ends."""
    writers = [OldWriter(database_url, f"writer_{number}") for number in range(count)]
    for writer in writers:
        writer.start()
    try:
        yield writers
    finally:
        for writer in writers:
            writer.end()


def read_records(connection: Connection) -> dict[uuid.UUID, tuple[Any, ...]]:
    """Every record by its id, with what must not change: times as texts, since some are beyond Python's calendar."""
    rows = connection.execute(
        "select id, service_name, action, status, error_code, response_payload::text, duration_ms, created_at::text, updated_at::text"
        " from public.integration_logs"
    ).fetchall()
    records = {row[0]: row[1:] for row in rows}
    assert len(records) == len(rows), "an id is there twice"
    return records
