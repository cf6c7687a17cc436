-- What removes old records: integration_monitor.maintain(), which also makes partitions ahead, and the promised clean-up function.
--
-- Why one function for everything: a cron line, pg_cron, the server and the SDK's worker all call the same, as often as they like.
-- Locks: none now. What the functions take, and how shortly, is told at each step.
-- In a transaction.

-- Removes what is older than `cutoff`. Gives the number of rows deleted one by one, and the names of partitions now empty.
--
-- A partition that is too old as a whole is truncated when its lock can be had shortly: TRUNCATE keeps writers waiting for nothing,
-- since they do not touch an old partition. Otherwise its rows are deleted, which waits for no reader. So the promise holds either way.
-- The part of a week comes first: deleting may take minutes, and the locks of a truncation are held until the transaction ends.
create function integration_monitor.remove_logs_before(cutoff timestamptz, out rows_deleted bigint, out partitions_empty text[])
    language plpgsql
    volatile
    set search_path to pg_catalog, pg_temp
    set timezone to 'UTC'
    set datestyle to 'ISO, YMD'
    set lock_timeout to '200ms'
as $function$
declare
    part    record;
    is_used boolean;
    counted bigint;
begin
    rows_deleted := 0;
    partitions_empty := '{}';
    for part in
        select listed.relation, listed.until <= cutoff as is_whole
          from integration_monitor.list_partitions() as listed
         where listed.is_default or listed.since < cutoff
         order by is_whole nulls first, listed.since
    loop
        if part.is_whole then
            begin
                execute format('select exists (select from only %s)', part.relation) into is_used;
                if is_used then
                    execute format('truncate table only %s', part.relation);
                end if;
                partitions_empty := partitions_empty || part.relation::text;
                continue;
            exception
                when lock_not_available or deadlock_detected then
                    null;  -- somebody reads it: delete instead
            end;
        end if;
        -- Row locks may be waited for longer than a table's lock: nobody queues behind.
        perform set_config('lock_timeout', '60s', true);
        execute format('delete from only %s where created_at < %L', part.relation, cutoff);
        get diagnostics counted = row_count;
        rows_deleted := rows_deleted + counted;
        perform set_config('lock_timeout', '200ms', true);
    end loop;
end
$function$;

-- Drops empty partitions, if the locks are free at once: DROP would queue behind a long SELECT, and every writer behind DROP.
-- Gives the names of those dropped; the others stay, empty, until the next time. So does one that somebody has built a view on.
create function integration_monitor.drop_partitions(names text[])
    returns text[]
    language plpgsql
    volatile
    set search_path to pg_catalog, pg_temp
as $function$
declare
    dropped text[];
begin
    for attempt in 1 .. 10 loop
        begin
            dropped := '{}';
            lock table only public.integration_logs in access exclusive mode nowait;
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
create function integration_monitor.maintain()
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
begin
    -- Bound to the transaction, so that it also works through a transaction pooler.
    if not pg_try_advisory_xact_lock(maintain_lock) then
        return jsonb_build_object('is_skipped', true);
    end if;
    select * into strict settings from integration_monitor.settings;

    select * into strict removed from integration_monitor.remove_logs_before(now() - settings.retention);

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
    for attempt in 1 .. 3 loop
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

create function public.cleanup_old_integration_logs()
    returns void
    language plpgsql
    volatile
    security definer
    set search_path to pg_catalog, pg_temp
as $function$
declare
    -- That of maintain(), which could drop a partition while this one is at it. Here the lock is waited for: a promise is to be kept.
    maintain_lock constant bigint := -3529122305915503799;
begin
    perform pg_advisory_xact_lock(maintain_lock);
    perform integration_monitor.remove_logs_before(now() - interval '90 days');
end
$function$;

revoke all on function integration_monitor.remove_logs_before(timestamptz) from public, anon, authenticated;
revoke all on function integration_monitor.drop_partitions(text[]) from public, anon, authenticated;
revoke all on function integration_monitor.maintain() from public, anon, authenticated;
revoke all on function public.cleanup_old_integration_logs() from public, anon, authenticated;

grant execute on function integration_monitor.maintain() to service_role, integration_monitor_writer;
grant execute on function public.cleanup_old_integration_logs() to service_role;

comment on function integration_monitor.remove_logs_before(timestamptz) is
    'Removes records older than the given time; gives how many were deleted one by one, and the partitions that are empty now';
comment on function integration_monitor.drop_partitions(text[]) is 'Drops these partitions if nobody uses the table at this moment';
comment on function integration_monitor.maintain() is
    'Makes partitions ahead, moves strays to them, removes what is older than the retention; says what it did. Call it once a day';
comment on function public.cleanup_old_integration_logs() is 'Удаляет записи старше 90 дней';
