-- What is too old is deleted in steps, and no longer than twenty seconds at a time, where it shares a partition with what is not.
--
-- Why: the partition that an older table has become holds all weeks of the past. Its first clean-up may find millions of records, and a process
-- that writes gives its maintenance a minute: one DELETE would be begun and undone each day, for good. What is left waits for the next
-- run; `integration-monitor cleanup` goes on until nothing is. The promised clean-up function keeps its promise, and deletes all at once.
-- Locks: none that anybody waits for.
-- In a transaction.

drop function integration_monitor.remove_logs_before(timestamptz);

create function integration_monitor.remove_logs_before(
    cutoff timestamptz, longest interval default interval '20 seconds', out rows_deleted bigint, out partitions_empty text[]
)
    language plpgsql
    volatile
    set search_path to pg_catalog, pg_temp
    set timezone to 'UTC'
    set datestyle to 'ISO, YMD'
    set lock_timeout to '200ms'
    -- Compiling a statement takes longer than a step.
    set jit to off
as $function$
declare
    rows_max constant integer := 5000;
    began_at constant timestamptz := clock_timestamp();
    part     record;
    is_used  boolean;
    counted  bigint;
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
        loop
            execute format(
                'delete from only %1$s where ctid = any (array(select old.ctid from only %1$s as old where old.created_at < %2$L limit %3$s))',
                part.relation, cutoff, rows_max
            );
            get diagnostics counted = row_count;
            rows_deleted := rows_deleted + counted;
            exit when counted < rows_max or clock_timestamp() > began_at + longest;
        end loop;
        perform set_config('lock_timeout', '200ms', true);
    end loop;
end
$function$;

create or replace function public.cleanup_old_integration_logs()
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
    perform integration_monitor.remove_logs_before(now() - interval '90 days', interval '1000 years');
end
$function$;

revoke all on function integration_monitor.remove_logs_before(timestamptz, interval) from public, anon, authenticated;

comment on function integration_monitor.remove_logs_before(timestamptz, interval) is
    'Removes records older than the given time, for no longer than so long; gives how many were deleted one by one, and the partitions that are empty now';
