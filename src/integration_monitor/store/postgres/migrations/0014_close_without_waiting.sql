-- Closing what a dead process left never waits for a process that is about to finish it after all: it also skips what that one has
-- taken from the watch.
-- Why: with only the record locked, each could hold what the other wanted, and PostgreSQL ended one as a deadlock.
--
-- Locks: none that anybody waits for; the function is replaced, and keeps its rights.
-- In a transaction.

create or replace function integration_monitor.close_abandoned_logs()
    returns integer
    language plpgsql
    volatile
    set search_path to pg_catalog, pg_temp
    set timezone to 'UTC'
as $function$
declare
    silent_for constant interval := interval '10 minutes';
    writer     record;
    counted    integer;
    closed     integer := 0;
begin
    for writer in
        select silent.writer_id, silent.pid, silent.host, silent.heartbeat_at, silent.ended_at
          from integration_monitor.writers as silent
         where silent.closed_at is null and silent.heartbeat_at < now() - silent_for
         order by silent.writer_id
           for update skip locked
    loop
        with unfinished as materialized (
            select log.id, log.created_at, log.status
              from integration_monitor.pending as open
              join public.integration_logs as log on log.id = open.log_id and log.created_at = open.created_at
             where open.writer_id = writer.writer_id and open.closed_status is null and log.status in ('pending', 'retrying')
             order by log.id
               for update of log, open skip locked  -- what somebody finishes at this moment, or is about to
        ),
        closing as (
            update public.integration_logs as log
               set status           = 'failed',
                   error_code       = 'ABANDONED',
                   error_message    = format(
                       case when writer.ended_at is null then 'process %s on %s has not been heard of since %s'
                            else 'process %s on %s ended at %s, before the call did' end,
                       writer.pid, writer.host, to_char(writer.heartbeat_at, 'YYYY-MM-DD HH24:MI:SS "UTC"')
                   ),
                   response_payload = jsonb_build_object('fault', 'ours', 'retry', 'ambiguous')
                       || case when jsonb_typeof(log.response_payload) = 'object' then log.response_payload
                               when log.response_payload is null then '{}'
                               else jsonb_build_object('body', log.response_payload) end,
                   updated_at       = now()
              from unfinished
             where log.id = unfinished.id and log.created_at = unfinished.created_at
        )
        update integration_monitor.pending as open
           set closed_status = unfinished.status
          from unfinished
         where open.log_id = unfinished.id;
        get diagnostics counted = row_count;
        closed := closed + counted;

        -- Finished by somebody else, such as a person with psql, or removed.
        delete from integration_monitor.pending as open
         where open.writer_id = writer.writer_id
           and open.closed_status is null
           and not exists (
                   select
                     from public.integration_logs as log
                    where log.id = open.log_id and log.created_at = open.created_at and log.status in ('pending', 'retrying')
               );
        update integration_monitor.writers as silent
           set closed_at = now()
         where silent.writer_id = writer.writer_id
           and not exists (
                   select from integration_monitor.pending as open
                    where open.writer_id = silent.writer_id and open.closed_status is null
               );
    end loop;
    return closed;
end
$function$;
