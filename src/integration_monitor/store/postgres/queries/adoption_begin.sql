-- Purpose: keeps what must outlive an interruption of the adoption: its state, and the records of times that the old table's partition will
-- not take. Both go again with adoption_end.sql, so no migration makes them.
-- Parameters: none. Columns: none.
-- Index: none.
create table if not exists integration_monitor.adoption (
    is_only_row   boolean     not null default true,
    began_at      timestamptz not null default now(),
    bound         timestamptz,
    retention     interval,
    counted_since timestamptz not null default 'infinity',
    counted       bigint      not null default 0,
    constraint adoption_pkey primary key (is_only_row),
    constraint adoption_is_only_row_check check (is_only_row)
);

create table if not exists integration_monitor.integration_logs_ahead (
    id                  uuid not null,
    service_name        text,
    action              text,
    status              text,
    related_entity_type text,
    related_entity_id   uuid,
    request_payload     jsonb,
    response_payload    jsonb,
    error_message       text,
    error_code          text,
    duration_ms         integer,
    retry_count         integer,
    created_at          timestamptz not null,
    updated_at          timestamptz,
    constraint integration_logs_ahead_pkey primary key (id)
);

alter table integration_monitor.adoption enable row level security;
alter table integration_monitor.integration_logs_ahead enable row level security;
revoke all on integration_monitor.adoption, integration_monitor.integration_logs_ahead from public, anon, authenticated, service_role;

comment on table integration_monitor.adoption is 'An old public.integration_logs is being taken over: one row, until that is done';
comment on column integration_monitor.adoption.began_at is 'What records without created_at and updated_at get as their created_at';
comment on column integration_monitor.adoption.bound is 'Where the old table''s partition ends (UTC)';
comment on column integration_monitor.adoption.retention is
    'The retention that holds again once all is counted: nothing may be removed before; null until the table was taken over';
comment on column integration_monitor.adoption.counted_since is 'Records from here on are counted in the statistics';
comment on column integration_monitor.adoption.counted is 'How many these are';
comment on table integration_monitor.integration_logs_ahead is
    'Records of times beyond the bound, until public.integration_logs has partitions for them';

insert into integration_monitor.adoption default values on conflict do nothing;

-- What the old table's triggers do meanwhile: a record without created_at gets one, and one beyond the bound waits elsewhere.
create or replace function integration_monitor.prepare_log()
    returns trigger
    language plpgsql
    volatile
    security definer
    set search_path to pg_catalog, pg_temp
    set timezone to 'UTC'
as $function$
begin
    if new.created_at is null then
        new.created_at := coalesce(
            new.updated_at, case when tg_op = 'UPDATE' then (select adoption.began_at from integration_monitor.adoption as adoption) else now() end
        );
    end if;
    -- A trigger of the table's own would note our filling in as a change.
    if tg_op = 'UPDATE' and current_setting('integration_monitor.is_filling', true) = 'on' then
        new.updated_at := old.updated_at;
        if old.created_at is null then
            new.created_at := coalesce(old.updated_at, new.created_at);
        end if;
    end if;
    if new.created_at < tg_argv[0]::timestamptz then
        return new;
    end if;
    insert into integration_monitor.integration_logs_ahead as ahead (
        id, service_name, action, status, related_entity_type, related_entity_id, request_payload, response_payload,
        error_message, error_code, duration_ms, retry_count, created_at, updated_at
    )
    values (
        new.id, new.service_name, new.action, new.status, new.related_entity_type, new.related_entity_id, new.request_payload,
        new.response_payload, new.error_message, new.error_code, new.duration_ms, new.retry_count, new.created_at, new.updated_at
    )
    on conflict on constraint integration_logs_ahead_pkey do update
       set status           = excluded.status,
           response_payload = excluded.response_payload,
           error_message    = excluded.error_message,
           error_code       = excluded.error_code,
           duration_ms      = excluded.duration_ms,
           retry_count      = excluded.retry_count,
           updated_at       = excluded.updated_at
     where ahead.status in ('pending', 'retrying');
    if tg_op = 'UPDATE' then
        delete from public.integration_logs as log where log.id = old.id;
    end if;
    return null;
end
$function$;

revoke all on function integration_monitor.prepare_log() from public, anon, authenticated;
comment on function integration_monitor.prepare_log() is 'Trigger of the old table while it is being taken over; see integration_monitor.adoption'
