-- One id is one record, although the primary key is (id, created_at); and updated_at follows each change.
--
-- Why: a writer that gives an id and leaves created_at to its default, as users of the older table do, would write the same record
-- twice when it repeats an insert. So created_at is then taken from the id, if it is a UUIDv7, or from the row that has the id
-- already; the primary key does the rest. Rows that come with a time of their own skip this by the trigger's WHEN, at C speed.
-- Locks: share row exclusive on public.integration_logs, which is new.
-- In a transaction.

-- Runs as the owner: row level security and column grants would hide from a writer the row that has its id already.
create function integration_monitor.place_log()
    returns trigger
    language plpgsql
    volatile
    security definer
    set search_path to pg_catalog, pg_temp
as $function$
declare
    -- Each lock takes a place in the server's lock table, which has room for some 6,400 by default: beyond this many in one
    -- transaction ids are looked up without one. Then only two bulk inserts of the same ids at the same moment could meet.
    id_locks_max constant integer := 500;
    -- Keeps these locks apart from others' advisory locks: the first eight bytes of SHA-256 of 'integration_monitor.place_log'.
    lock_seed    constant bigint := -3954650911870374550;
    epoch        constant timestamptz := timestamptz '1970-01-01 00:00:00+00';
    id_text      constant text := new.id::text;
    id_locks     integer;
    placed_at    timestamptz;
begin
    -- xxxxxxxx-xxxx-7xxx-[89ab]xxx-xxxxxxxxxxxx: the first 48 bits are milliseconds since 1970 (RFC 9562, section 5.7).
    if substr(id_text, 15, 1) = '7' and substr(id_text, 20, 1) in ('8', '9', 'a', 'b') then
        placed_at := to_timestamp(('x' || substr(id_text, 1, 8) || substr(id_text, 10, 4))::bit(48)::bigint / 1000.0);
        -- A clock far off, or an id that only looks like one with a time.
        if placed_at > now() + interval '1 day'
           or placed_at < now() - (select settings.retention from integration_monitor.settings as settings) then
            placed_at := null;
        end if;
    end if;

    if placed_at is null then
        id_locks := coalesce(nullif(current_setting('integration_monitor.id_locks', true), ''), '0')::integer;
        if id_locks < id_locks_max then
            perform pg_advisory_xact_lock(hashtextextended(id_text, lock_seed));
            perform set_config('integration_monitor.id_locks', (id_locks + 1)::text, true);
        end if;
        select log.created_at into placed_at from public.integration_logs as log where log.id = new.id limit 1;
    end if;

    if placed_at is null or placed_at = new.created_at then
        return new;
    end if;

    -- A trigger may not move a row to another partition. All of them begin and end at midnight UTC: the same day is the same one.
    if date_bin(interval '1 day', placed_at, epoch) = date_bin(interval '1 day', new.created_at, epoch)
       or integration_monitor.find_partition(placed_at) = tg_relid then
        new.created_at := placed_at;
        return new;
    end if;
    new.created_at := placed_at;
    -- Columns by name: a partition may have them in another order than the table.
    insert into public.integration_logs (
        id, service_name, action, status, related_entity_type, related_entity_id, request_payload, response_payload,
        error_message, error_code, duration_ms, retry_count, created_at, updated_at
    )
    values (
        new.id, new.service_name, new.action, new.status, new.related_entity_type, new.related_entity_id, new.request_payload,
        new.response_payload, new.error_message, new.error_code, new.duration_ms, new.retry_count, new.created_at, new.updated_at
    )
    on conflict do nothing;
    return null;
end
$function$;

create trigger integration_logs_place
    before insert on public.integration_logs
    for each row
    when (new.created_at = now())
    execute function integration_monitor.place_log();

create function integration_monitor.set_updated_at()
    returns trigger
    language plpgsql
    volatile
    set search_path to pg_catalog, pg_temp
as $function$
begin
    new.updated_at := now();
    return new;
end
$function$;

-- A statement that sets updated_at itself, as the SDK does, is left alone.
create trigger integration_logs_set_updated_at
    before update on public.integration_logs
    for each row
    when (new.updated_at is not distinct from old.updated_at)
    execute function integration_monitor.set_updated_at();

revoke all on function integration_monitor.place_log() from public, anon, authenticated;
revoke all on function integration_monitor.set_updated_at() from public, anon, authenticated;

comment on function integration_monitor.place_log() is
    'Trigger: gives a record that came without created_at the time of its id, so that one id is one record';
comment on function integration_monitor.set_updated_at() is 'Trigger: updated_at is when the row was last written';
