-- Makes partitions while writers write: none of them is refused a record because its partition came that very moment, none waits for indexes
-- to be built; and drops empty ones on a table that is never quite at rest.
--
-- Why: a writer that had found the default partition for its record, and waited for the lock of it, was refused by it ("violates partition
-- constraint") once the lock was let go: by then the record's time had a partition. So whoever attaches one now holds the table itself
-- before, at a point where a writer has not yet looked where its record goes. What a reader of the table does is not held up by it.
-- Why an index before a record: attaching built the indexes of all that was moved, and read all of it for its bounds, under the lock.
-- Why 50 ms: NOWAIT never finds a table free that is written to a thousand times a second; and nobody waits longer than that for nothing.
-- Why one transaction either truncates, or attaches, or drops: after the first it would wait while others wait for it. The next run does
-- what is left.
-- Locks: none now. create_partitions() takes share row exclusive on the table and access exclusive on the default partition, drop_partitions() access
-- exclusive on the table: both wait shortly, and hold them until maintenance ends, which is at once.
-- In a transaction.

create or replace function integration_monitor.create_partitions(times timestamptz[])
    returns text[]
    language plpgsql
    volatile
    set search_path to pg_catalog, pg_temp
    set timezone to 'UTC'
    set datestyle to 'ISO, YMD'
    -- Of its own, whoever calls it: all writers wait behind it.
    set lock_timeout to '150ms'
as $function$
declare
    one_day    constant interval := interval '1 day';
    -- A Monday, so that weeks begin on one.
    origin     constant timestamptz := timestamptz '1970-01-05 00:00:00+00';
    step       interval;
    day        timestamptz;
    span_since timestamptz;
    span_until timestamptz;
    span_name  text;
    spans      tstzrange[] := '{}';
    names      text[] := '{}';
    moves      text[] := '{}';
begin
    select make_interval(days => settings.partition_days) into strict step from integration_monitor.settings as settings;
    for day in select distinct date_bin(one_day, wanted.moment, origin) from unnest(times) as wanted (moment) order by 1 loop
        continue when day <@ any (spans)
                   or exists (select from integration_monitor.list_partitions() as part where part.since <= day and day < part.until);
        span_since := date_bin(step, day, origin);
        span_until := span_since + step;
        -- After a change of the step, a week may already hold days.
        if exists (
            select from integration_monitor.list_partitions() as part where part.since < span_until and span_since < part.until
        ) then
            span_since := day;
            span_until := day + one_day;
        end if;
        spans := spans || tstzrange(span_since, span_until);
        span_name := 'integration_logs_' || case when span_until = span_since + one_day then to_char(span_since, 'YYYYMMDD')
                                                 else to_char(span_since, 'IYYY"w"IW') end;
        -- A partition that somebody detached, to keep it, has its name still.
        while to_regclass(format('integration_monitor.%I', span_name)) is not null loop
            span_name := span_name || '_';
        end loop;
        names := names || span_name;
    end loop;

    -- First all that nobody need wait for.
    for i in 1 .. cardinality(spans) loop
        execute format(
            'create table integration_monitor.%I '
            '(like public.integration_logs including defaults including constraints including indexes, '
            'constraint is_in_bounds check (created_at >= %L and created_at < %L))',
            names[i], lower(spans[i]), upper(spans[i])
        );
        execute format('alter table integration_monitor.%I enable row level security', names[i]);
        execute format('revoke all on integration_monitor.%I from public, anon, authenticated, service_role', names[i]);
        moves[i] := format(
            'with moved as ('
            '    delete from integration_monitor.integration_logs_default where created_at >= %L and created_at < %L returning *'
            ') insert into integration_monitor.%I select * from moved',
            lower(spans[i]), upper(spans[i]), names[i]
        );
        execute moves[i];
    end loop;

    -- Then, in one go, what others wait for: a partition cannot be attached while the default one holds rows of its time, and
    -- some may have come meanwhile. The table first, so that no writer is on its way to the default partition.
    if names <> '{}' then
        lock table only public.integration_logs in share row exclusive mode;
        lock table only integration_monitor.integration_logs_default in access exclusive mode;
    end if;
    for i in 1 .. cardinality(spans) loop
        execute moves[i];
        execute format(
            'alter table public.integration_logs attach partition integration_monitor.%I for values from (%L) to (%L)',
            names[i], lower(spans[i]), upper(spans[i])
        );
        -- It has told PostgreSQL that there is nothing to look for.
        execute format('alter table integration_monitor.%I drop constraint is_in_bounds', names[i]);
    end loop;
    return names;
end
$function$;

-- Drops empty partitions, if nobody reads or writes the table for long: DROP queues behind a long SELECT, and every writer behind DROP.
-- Gives the names of those dropped; the others stay, empty, until the next time. So does one that somebody has built a view on.
create or replace function integration_monitor.drop_partitions(names text[])
    returns text[]
    language plpgsql
    volatile
    set search_path to pg_catalog, pg_temp
    set lock_timeout to '50ms'
as $function$
declare
    dropped text[];
begin
    -- Whoever has made a partition or truncated one holds others up by now, and is not to wait for anybody.
    if exists (
        select from pg_locks as held
         where held.pid = pg_backend_pid()
           and (
               held.relation = 'public.integration_logs'::regclass and held.mode in ('ShareRowExclusiveLock', 'AccessExclusiveLock')
               or held.relation = any (names::regclass[]) and held.mode = 'AccessExclusiveLock'
           )
    ) then
        return '{}';
    end if;
    for attempt in 1 .. 10 loop
        begin
            dropped := '{}';
            -- Whoever uses a partition through the table has a lock on this; for any other nobody waits.
            lock table only public.integration_logs in access exclusive mode;
            lock table only integration_monitor.integration_logs_default in access exclusive mode nowait;
            for i in 1 .. cardinality(names) loop
                begin
                    execute format('lock table only %s in access exclusive mode nowait', names[i]);
                    execute format('drop table %s', names[i]);
                    dropped := dropped || names[i];
                exception
                    when dependent_objects_still_exist then
                        null;
                end;
            end loop;
            return dropped;
        exception
            when lock_not_available then
                perform pg_sleep(0.02);
        end;
    end loop;
    return '{}';
end
$function$;

-- Keeps public.integration_logs in order. Says what it did, or that another session is at it.
--
-- What takes longest comes first, what holds up others comes last: the locks of each step are held until the transaction ends.
create or replace function integration_monitor.maintain_logs()
    returns jsonb
    language plpgsql
    volatile
    security definer
    set search_path to pg_catalog, pg_temp
    set timezone to 'UTC'
    set datestyle to 'ISO, YMD'
    set lock_timeout to '200ms'
as $function$
declare
    -- The first eight bytes of SHA-256 of 'integration_monitor.maintain', as a signed number.
    maintain_lock constant bigint := -3529122305915503799;
    settings      record;
    removed       record;
    times         timestamptz[];
    created       text[] := '{}';
    dropped       text[] := '{}';
    postponed     text[] := '{}';
    is_truncated  boolean;
begin
    -- Bound to the transaction, so that it also works through a transaction pooler.
    if not pg_try_advisory_xact_lock(maintain_lock) then
        return jsonb_build_object('is_skipped', true);
    end if;
    select * into strict settings from integration_monitor.settings;

    select * into strict removed from integration_monitor.remove_logs_before(now() - settings.retention);
    is_truncated := exists (
        select from pg_locks as held
         where held.pid = pg_backend_pid() and held.mode = 'AccessExclusiveLock'
           and held.relation = any (removed.partitions_empty::regclass[])
    );

    -- Strays: what the default partition holds of times that a partition may take. Times further ahead are a clock gone wrong and
    -- wait there until they come.
    select array_agg(wanted.at) into times
      from (
               select now() + days * interval '1 day' as at from generate_series(0, 28) as days
               union
               select distinct date_bin(interval '1 day', stray.created_at, timestamptz '1970-01-01 00:00:00+00')
                 from integration_monitor.integration_logs_default as stray
                where stray.created_at < now() + interval '28 days'
           ) as wanted;
    if is_truncated then
        -- Whoever looks for an id waits for what was truncated, and holds the table's lock meanwhile: all that is left to do is to end.
        postponed := postponed || 'partitions ahead'::text;
    end if;
    for attempt in 1 .. 3 loop
        exit when is_truncated;
        begin
            created := integration_monitor.create_partitions(times);
            exit;
        exception
            when lock_not_available or deadlock_detected then
                if attempt = 3 then
                    postponed := postponed || 'partitions ahead'::text;
                else
                    perform pg_sleep(0.05);
                end if;
        end;
    end loop;

    if removed.partitions_empty <> '{}' then
        dropped := integration_monitor.drop_partitions(removed.partitions_empty);
        if cardinality(dropped) < cardinality(removed.partitions_empty) then
            postponed := postponed || 'dropping empty partitions'::text;
        end if;
    end if;

    return jsonb_build_object(
        'is_skipped', false,
        'rows_deleted', removed.rows_deleted,
        'partitions_created', created,
        'partitions_emptied', removed.partitions_empty,
        'partitions_dropped', dropped,
        'postponed', postponed
    );
end
$function$;

comment on function integration_monitor.drop_partitions(text[]) is 'Drops these partitions if nobody uses the table for long';
