-- maintain_turn() does the work of maintain() in turns of about half a second, for writers: while one of their threads maintains, it writes
-- nothing, and its records wait.
--
-- Why a function of its own: maintain() does everything in one transaction. Deleting a day of a large table takes minutes there, and with a
-- time limit it would never get anywhere, since what it had done would be undone each time.
-- Locks: none now. What the function takes, and how shortly, is told at each step.
-- In a transaction.

create function integration_monitor.maintain_turn()
    returns jsonb
    language plpgsql
    volatile
    security definer
    set search_path to pg_catalog, pg_temp
    set timezone to 'UTC'
    set datestyle to 'ISO, YMD'
    set lock_timeout to '200ms'
    -- Compiling a statement takes longer than a turn.
    set jit to off
as $function$
declare
    -- That of maintain(), which does the same.
    maintain_lock constant bigint := -3529122305915503799;
    -- A piece takes less than this on any machine that keeps up with its records, and no other is begun afterwards.
    turn_until    constant timestamptz := clock_timestamp() + interval '0.5 seconds';
    rows_max      constant integer := 5000;
    retention     constant interval := (select settings.retention from integration_monitor.settings as settings);
    cutoff        constant timestamptz := now() - retention;
    rows_at_once  integer := 50;
    part          record;
    is_used       boolean;
    counted       integer;
    closed        integer;
    deleted       integer := 0;
    created       text[] := '{}';
    empty         text[] := '{}';
    dropped       text[] := '{}';
    is_done       boolean := true;
begin
    -- Bound to the transaction, so that it also works through a transaction pooler.
    if not pg_try_advisory_xact_lock(maintain_lock) then
        return jsonb_build_object('is_skipped', true, 'is_done', true);
    end if;
    closed := integration_monitor.close_abandoned_logs();
    -- What these have left goes with them.
    delete from integration_monitor.writers as writer where writer.heartbeat_at < cutoff;
    -- Of a process that lives on: the records are older than any record may be.
    delete from integration_monitor.pending as open where open.created_at < cutoff;

    -- The part of a week and strays first, as in remove_logs_before().
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
                empty := empty || part.relation::text;
                continue;
            exception
                when lock_not_available or deadlock_detected then
                    null;  -- somebody reads it: delete instead
            end;
        end if;
        loop
            if deleted >= rows_max or clock_timestamp() >= turn_until then
                is_done := false;
                exit;
            end if;
            -- What somebody has locked is left to the next maintenance, and nobody is waited for.
            execute format(
                'delete from only %s where ctid = any (array('
                '    select old.ctid from only %s as old where old.created_at < %L order by old.created_at limit %s for update skip locked'
                '))',
                part.relation, part.relation, cutoff, rows_at_once
            );
            get diagnostics counted = row_count;
            deleted := deleted + counted;
            exit when counted < rows_at_once;
            rows_at_once := least(rows_at_once * 2, 1000, greatest(rows_max - deleted, 1));
        end loop;
        exit when not is_done;
    end loop;

    -- What holds up others comes last: the locks are held until the transaction ends. Where they cannot be had now, the next day will do,
    -- since there are partitions for four weeks.
    begin
        created := integration_monitor.create_partitions(
            array(select now() + days * interval '1 day' from generate_series(0, 28) as days)
        );
    exception
        when lock_not_available or deadlock_detected then
            null;
    end;
    if empty <> '{}' then
        dropped := integration_monitor.drop_partitions(empty);
    end if;
    return jsonb_build_object(
        'is_skipped', false,
        'is_done', is_done,
        'rows_deleted', deleted,
        'partitions_created', created,
        'partitions_emptied', empty,
        'partitions_dropped', dropped,
        'records_abandoned', closed
    );
end
$function$;

revoke all on function integration_monitor.maintain_turn() from public, anon, authenticated;
grant execute on function integration_monitor.maintain_turn() to service_role, integration_monitor_writer;

comment on function integration_monitor.maintain_turn() is
    'A turn of maintain(), of about half a second: partitions ahead, retention, what dead processes left; `is_done` is false where more is to do';
