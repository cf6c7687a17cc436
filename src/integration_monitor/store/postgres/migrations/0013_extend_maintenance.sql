-- maintain() also looks after the writers: it closes what dead ones left behind, and forgets those of long ago.
--
-- Why a new name for the old function: what it does is right as it is, and everybody who calls maintain() gets both.
-- Locks: none that anybody waits for.
-- In a transaction.

alter function integration_monitor.maintain() rename to maintain_logs;

revoke all on function integration_monitor.maintain_logs() from service_role, integration_monitor_writer;

comment on function integration_monitor.maintain_logs() is
    'The part of maintain() that keeps public.integration_logs: partitions ahead, strays, retention';

create function integration_monitor.maintain()
    returns jsonb
    language plpgsql
    volatile
    security definer
    set search_path to pg_catalog, pg_temp
as $function$
declare
    retention constant interval := (select settings.retention from integration_monitor.settings as settings);
    closed    integer;
    forgotten integer;
begin
    -- First, since it holds up nobody; the locks of the other part are held until the transaction ends.
    closed := integration_monitor.close_abandoned_logs();
    -- What these have left goes with them.
    delete from integration_monitor.writers as writer where writer.heartbeat_at < now() - retention;
    get diagnostics forgotten = row_count;
    -- Of a process that lives on: the records are older than any record may be.
    delete from integration_monitor.pending as open where open.created_at < now() - retention;

    return integration_monitor.maintain_logs()
        || jsonb_build_object('records_abandoned', closed, 'writers_removed', forgotten);
end
$function$;

revoke all on function integration_monitor.maintain() from public, anon, authenticated;

grant execute on function integration_monitor.maintain() to service_role, integration_monitor_writer;

comment on function integration_monitor.maintain() is
    'Makes partitions ahead, moves strays to them, removes what is older than the retention, closes what dead processes left; says what it did. Call it once a day';
