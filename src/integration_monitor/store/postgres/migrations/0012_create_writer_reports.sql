-- What a writer may do with its report.
-- Why functions: so that an application's login can neither read nor lower anybody's counts.
--
-- Locks: none that anybody waits for; the functions are new. When they run nobody waits for anybody: what is locked is skipped.
-- In a transaction.

-- Closes the unfinished records of processes that have not been heard of for ten minutes, and gives their number. The outcome of such
-- a call is not known: the process that waited for it is gone, whence the fault `ours` and the advice `ambiguous`.
create function integration_monitor.close_abandoned_logs()
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
               for update of log skip locked  -- what somebody finishes at this moment
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

-- Gives records back to whoever is about to finish them: nobody watches over them any more, and those that were closed as ABANDONED
-- have the status they had before.
create function integration_monitor.reopen_logs(ids uuid[])
    returns void
    language plpgsql
    volatile
    security definer
    set search_path to pg_catalog, pg_temp
as $function$
begin
    with watched as materialized (
        select open.log_id
          from integration_monitor.pending as open
         where open.log_id = any (ids)
         order by open.log_id  -- so that two writers never wait for each other in a circle
           for update
    ),
    taken as (
        delete from integration_monitor.pending as open
         using watched
         where open.log_id = watched.log_id
        returning open.log_id, open.created_at, open.closed_status
    )
    update public.integration_logs as log
       set status           = taken.closed_status,
           error_code       = null,
           error_message    = null,
           response_payload = nullif(log.response_payload - 'fault' - 'retry', '{}')
      from taken
     where log.id = taken.log_id
       and log.created_at = taken.created_at
       and taken.closed_status is not null
       and log.status = 'failed'
       and log.error_code = 'ABANDONED';
end
$function$;

-- Writes a writer's row: the counts it reports, never lower than before, and the records that it has begun and is to finish.
create function integration_monitor.report_writer(report jsonb, opened_ids uuid[], opened_at timestamptz[])
    returns void
    language plpgsql
    volatile
    security definer
    set search_path to pg_catalog, pg_temp
    set timezone to 'UTC'
as $function$
declare
    reporter  constant uuid := report ->> 'writer_id';
    known     integration_monitor.writers;
    is_new    boolean;
    losses    jsonb;
    back_ids  uuid[];
    back_at   timestamptz[];
begin
    insert into integration_monitor.writers as writer (writer_id, host, pid, started_at)
    values (reporter, report ->> 'host', (report ->> 'pid')::integer, (report ->> 'started_at')::timestamptz)
    on conflict on constraint writers_pkey do nothing;
    is_new := found;
    select writer.* into strict known
      from integration_monitor.writers as writer
     where writer.writer_id = reporter
       for no key update;

    select coalesce(jsonb_object_agg(loss.reason, loss.count), '{}') into losses
      from (
               select reported.key as reason, max(reported.value::bigint) as count
                 from (
                          select * from jsonb_each_text(known.dropped_by_reason)
                          union all
                          select * from jsonb_each_text(report -> 'dropped')
                      ) as reported
                group by reported.key
           ) as loss;
    update integration_monitor.writers as writer
       set heartbeat_at      = greatest(writer.heartbeat_at, now()),
           ended_at          = case when (report ->> 'is_final')::boolean then coalesce(writer.ended_at, now()) else writer.ended_at end,
           closed_at         = null,
           -- The one count that falls again. A report that comes late, from a session given up, knows less than the row.
           spooled           = case when (report ->> 'taken')::bigint >= writer.taken and (report ->> 'written')::bigint >= writer.written
                                    then (report ->> 'spooled')::bigint else writer.spooled end,
           taken             = greatest(writer.taken, (report ->> 'taken')::bigint),
           written           = greatest(writer.written, (report ->> 'written')::bigint),
           ignored           = greatest(writer.ignored, (report ->> 'ignored')::bigint),
           dropped           = (select coalesce(sum(loss.value::bigint), 0) from jsonb_each_text(losses) as loss),
           dropped_by_reason = losses,
           dead_lettered     = greatest(writer.dead_lettered, (report ->> 'dead_lettered')::bigint)
     where writer.writer_id = reporter;

    if known.closed_at is not null then
        -- It was taken for dead and is not: what it has under way goes on, and is watched again.
        select array_agg(closed.log_id), array_agg(closed.created_at) into back_ids, back_at
          from integration_monitor.pending as closed
         where closed.writer_id = reporter and closed.closed_status is not null;
        perform integration_monitor.reopen_logs(back_ids);
        opened_ids := opened_ids || back_ids;
        opened_at := opened_at || back_at;
    end if;

    insert into integration_monitor.pending as open (log_id, created_at, writer_id)
    select begun.log_id, begun.created_at, reporter
      from unnest(opened_ids, opened_at) as begun (log_id, created_at)
     order by begun.log_id
    on conflict on constraint pending_pkey do nothing;

    -- Once a minute each writer looks after the others.
    if is_new or date_trunc('minute', known.heartbeat_at) < date_trunc('minute', now()) then
        begin
            perform integration_monitor.close_abandoned_logs();
        exception
            when others then  -- the batch that this report came with matters more
                raise warning 'integration_monitor.close_abandoned_logs(): %', sqlerrm;
        end;
    end if;
end
$function$;

revoke all on function integration_monitor.close_abandoned_logs() from public, anon, authenticated;
revoke all on function integration_monitor.reopen_logs(uuid[]) from public, anon, authenticated;
revoke all on function integration_monitor.report_writer(jsonb, uuid[], timestamptz[]) from public, anon, authenticated;

grant execute on function integration_monitor.reopen_logs(uuid[]) to service_role, integration_monitor_writer;
grant execute on function integration_monitor.report_writer(jsonb, uuid[], timestamptz[]) to service_role, integration_monitor_writer;

comment on function integration_monitor.close_abandoned_logs() is
    'Closes as ABANDONED what processes silent for ten minutes have left pending or retrying; gives how many records';
comment on function integration_monitor.reopen_logs(uuid[]) is
    'Takes these records from the watch, and gives those closed as ABANDONED their status back: they are about to be finished';
comment on function integration_monitor.report_writer(jsonb, uuid[], timestamptz[]) is
    'Writes a process''s counts, never lower than before, its heartbeat, and the ids and times of records it has begun';
