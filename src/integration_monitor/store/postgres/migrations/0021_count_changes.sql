-- Every statement that writes to public.integration_logs appends what it changed to integration_monitor.statistics_changes.
--
-- Why triggers: whoever writes, with whatever, the statistics are right, and right from the moment that the transaction commits. They
-- see all rows of a statement at once and only append: no row that two writers want, no order of locks, nothing to wait for.
-- A partition that is named directly does not fire them. So maintenance, which moves and deletes rows of partitions by name, and truncates
-- and drops partitions, takes nothing from the statistics: they outlive the records.
-- Locks: share row exclusive on public.integration_logs, for a moment: writers wait for that.
-- In a transaction.

-- Three words of the trigger. Their bodies are parsed here and now, so no search_path can change what they mean, and none is set: PostgreSQL
-- then puts them in line, where a call would cost as much as the rest.
create function integration_monitor.bucket_of(created_at timestamptz, minute_since timestamptz, hour_since timestamptz)
    returns timestamptz
    language sql
    immutable
    return case
        -- Infinity, and years that cannot be cut into days, are counted on the last or first day of the calendar.
        when created_at >= minute_since
        then date_bin('1 minute', least(created_at, timestamptz '9999-12-31 00:00:00+00'), timestamptz '1970-01-01 00:00:00+00')
        when created_at >= hour_since
        then date_bin('1 hour', created_at, timestamptz '1970-01-01 00:00:00+00')
        else date_bin('1 day', greatest(created_at, timestamptz '0001-01-01 00:00:00+00'), timestamptz '1970-01-01 00:00:00+00')
    end;

create function integration_monitor.grain_of(bucket timestamptz, minute_since timestamptz, hour_since timestamptz)
    returns text
    language sql
    immutable
    return case when bucket >= minute_since then 'minute' when bucket >= hour_since then 'hour' else 'day' end;

create function integration_monitor.fault_of(status text, response_payload jsonb)
    returns text
    language sql
    immutable
    return case
        when status <> 'failed' then ''
        when response_payload ->> 'fault' in ('ours', 'auth', 'limit', 'recipient', 'vendor', 'network')
        then response_payload ->> 'fault'
        else 'unclassified'
    end;

-- Runs as the owner: whoever writes records has no rights on statistics.
create function integration_monitor.count_changes()
    returns trigger
    language plpgsql
    volatile
    security definer
    set search_path to pg_catalog, pg_temp
as $function$
declare
    epoch        constant timestamptz := timestamptz '1970-01-01 00:00:00+00';
    -- Whole hours and days, so that a bucket's beginning tells how wide it is. A record's buckets only grow wider with time: what takes
    -- it away again never names a finer one than what added it.
    minute_since constant timestamptz := date_bin('1 hour', now() - interval '48 hours', epoch);
    hour_since   constant timestamptz := date_bin('1 day', now() - interval '91 days', epoch);
begin
    if tg_op = 'INSERT' then
        insert into integration_monitor.statistics_changes (
            sign, grain, bucket, service_name, action, status, error_code, fault, count, timed, sum_ms, min_ms, max_ms, durations
        )
        select 1, integration_monitor.grain_of(counted.bucket, minute_since, hour_since),
               counted.bucket, counted.service_name, counted.action, counted.status, counted.error_code, counted.fault,
               count(*), count(counted.duration_ms), coalesce(sum(counted.duration_ms), 0),
               min(counted.duration_ms), max(counted.duration_ms),
               array_agg(counted.duration_ms) filter (where counted.duration_ms is not null)
          from (
                   select integration_monitor.bucket_of(log.created_at, minute_since, hour_since) as bucket,
                          left(log.service_name, 255) as service_name, left(log.action, 255) as action, log.status,
                          coalesce(left(log.error_code, 100), '') as error_code,
                          integration_monitor.fault_of(log.status, log.response_payload) as fault,
                          log.duration_ms
                     from new_rows as log
               ) as counted
         group by counted.bucket, counted.service_name, counted.action, counted.status, counted.error_code, counted.fault;

    elsif tg_op = 'UPDATE' then
        -- Only what differs: an update of nothing that is counted appends nothing, and takes no extreme away only to put it back.
        insert into integration_monitor.statistics_changes (
            sign, grain, bucket, service_name, action, status, error_code, fault, count, timed, sum_ms, min_ms, max_ms, durations
        )
        select sign(differing.net), integration_monitor.grain_of(differing.bucket, minute_since, hour_since),
               differing.bucket, differing.service_name, differing.action, differing.status, differing.error_code, differing.fault,
               count(*), count(differing.duration_ms), coalesce(sum(differing.duration_ms), 0),
               min(differing.duration_ms), max(differing.duration_ms),
               array_agg(differing.duration_ms) filter (where differing.duration_ms is not null)
          from (
                   select integration_monitor.bucket_of(log.created_at, minute_since, hour_since) as bucket,
                          left(log.service_name, 255) as service_name, left(log.action, 255) as action, log.status,
                          coalesce(left(log.error_code, 100), '') as error_code,
                          integration_monitor.fault_of(log.status, log.response_payload) as fault,
                          log.duration_ms, sum(log.sign) as net
                     from (
                              select -1 as sign, gone.created_at, gone.service_name, gone.action, gone.status, gone.error_code,
                                     gone.response_payload, gone.duration_ms
                                from old_rows as gone
                              union all
                              select 1, come.created_at, come.service_name, come.action, come.status, come.error_code,
                                     come.response_payload, come.duration_ms
                                from new_rows as come
                          ) as log
                    group by 1, 2, 3, 4, 5, 6, 7
                   having sum(log.sign) <> 0
               ) as differing
         cross join lateral generate_series(1, abs(differing.net)) as times
         group by sign(differing.net), differing.bucket, differing.service_name, differing.action, differing.status,
                  differing.error_code, differing.fault;

    else
        insert into integration_monitor.statistics_changes (
            sign, grain, bucket, service_name, action, status, error_code, fault, count, timed, sum_ms, min_ms, max_ms, durations
        )
        select -1, integration_monitor.grain_of(counted.bucket, minute_since, hour_since),
               counted.bucket, counted.service_name, counted.action, counted.status, counted.error_code, counted.fault,
               count(*), count(counted.duration_ms), coalesce(sum(counted.duration_ms), 0),
               min(counted.duration_ms), max(counted.duration_ms),
               array_agg(counted.duration_ms) filter (where counted.duration_ms is not null)
          from (
                   select integration_monitor.bucket_of(log.created_at, minute_since, hour_since) as bucket,
                          left(log.service_name, 255) as service_name, left(log.action, 255) as action, log.status,
                          coalesce(left(log.error_code, 100), '') as error_code,
                          integration_monitor.fault_of(log.status, log.response_payload) as fault,
                          log.duration_ms
                     from old_rows as log
               ) as counted
         group by counted.bucket, counted.service_name, counted.action, counted.status, counted.error_code, counted.fault;
    end if;
    return null;
end
$function$;

-- TRUNCATE has no rows to show afterwards, so they are counted before: it then takes as long as a DELETE would need to read them.
create function integration_monitor.count_truncation()
    returns trigger
    language plpgsql
    volatile
    security definer
    set search_path to pg_catalog, pg_temp
as $function$
declare
    epoch        constant timestamptz := timestamptz '1970-01-01 00:00:00+00';
    minute_since constant timestamptz := date_bin('1 hour', now() - interval '48 hours', epoch);
    hour_since   constant timestamptz := date_bin('1 day', now() - interval '91 days', epoch);
begin
    -- Such a transaction counts what was there when it began, and TRUNCATE also removes what came since: that would stay in the statistics for good.
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        raise exception 'TRUNCATE of public.integration_logs in a % transaction would leave statistics of removed records',
                        current_setting('transaction_isolation')
              using errcode = 'feature_not_supported',
                    hint = 'Truncate in a transaction that is read committed, or delete the records.';
    end if;
    insert into integration_monitor.statistics_changes (
        sign, grain, bucket, service_name, action, status, error_code, fault, count, timed, sum_ms, min_ms, max_ms, durations
    )
    select -1, integration_monitor.grain_of(counted.bucket, minute_since, hour_since),
           counted.bucket, counted.service_name, counted.action, counted.status, counted.error_code, counted.fault,
           count(*), count(counted.duration_ms), coalesce(sum(counted.duration_ms), 0),
           min(counted.duration_ms), max(counted.duration_ms),
           array_agg(counted.duration_ms) filter (where counted.duration_ms is not null)
      from (
               select integration_monitor.bucket_of(log.created_at, minute_since, hour_since) as bucket,
                      left(log.service_name, 255) as service_name, left(log.action, 255) as action, log.status,
                      coalesce(left(log.error_code, 100), '') as error_code,
                      integration_monitor.fault_of(log.status, log.response_payload) as fault,
                      log.duration_ms
                 from public.integration_logs as log
           ) as counted
     group by counted.bucket, counted.service_name, counted.action, counted.status, counted.error_code, counted.fault;
    return null;
end
$function$;

create trigger integration_logs_count_insert
    after insert on public.integration_logs
    referencing new table as new_rows
    for each statement
    execute function integration_monitor.count_changes();

create trigger integration_logs_count_update
    after update on public.integration_logs
    referencing old table as old_rows new table as new_rows
    for each statement
    execute function integration_monitor.count_changes();

create trigger integration_logs_count_delete
    after delete on public.integration_logs
    referencing old table as old_rows
    for each statement
    execute function integration_monitor.count_changes();

create trigger integration_logs_count_truncate
    before truncate on public.integration_logs
    for each statement
    execute function integration_monitor.count_truncation();

revoke all on function integration_monitor.bucket_of(timestamptz, timestamptz, timestamptz) from public, anon, authenticated;
revoke all on function integration_monitor.grain_of(timestamptz, timestamptz, timestamptz) from public, anon, authenticated;
revoke all on function integration_monitor.fault_of(text, jsonb) from public, anon, authenticated;
revoke all on function integration_monitor.count_changes() from public, anon, authenticated;
revoke all on function integration_monitor.count_truncation() from public, anon, authenticated;

comment on function integration_monitor.bucket_of(timestamptz, timestamptz, timestamptz) is
    'The minute, hour or day that a record of this created_at is counted in';
comment on function integration_monitor.grain_of(timestamptz, timestamptz, timestamptz) is 'Which of these a bucket is';
comment on function integration_monitor.fault_of(text, jsonb) is
    'Whose failure a record is: one of seven words; empty where it is none';
comment on function integration_monitor.count_changes() is 'Trigger: appends what a statement added and took away to statistics_changes';
comment on function integration_monitor.count_truncation() is 'Trigger: the same for TRUNCATE';
