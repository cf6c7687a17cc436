-- What dashboards of other products ask, as four functions, and incidents without their words: for the role that reads no payload.
--
-- Why functions: a percentile of a window comes from histograms of three tiers and of what is not yet added up. Whoever writes that by hand
-- forgets one of them. They run with the caller's rights, read sums alone, and need no right that the role has not had.
-- Why read_states(): the rule of a service's state (docs/glossary.md, monitoring/health.py) is to say the same everywhere; a test compares both.
-- Why some columns of incidents: since when something is wrong is no secret; whom it hurt and what the vendor said stays where payloads are.
-- Locks: none that anybody waits for, but for a moment on integration_monitor.incidents, which the watch alone writes.
-- In a transaction.

-- Buckets as narrow as was asked for, as wide as the sums that remain of that time: minutes for 48 hours, hours for 91 days. Where one sum of all
-- the window is asked for, minutes are worth their reading for six hours, and hours for a month.
create function integration_monitor.choose_width(since timestamptz, until timestamptz, step interval)
    returns interval
    language sql
    stable
    set search_path to pg_catalog, pg_temp
as $function$
select case when coalesce(step, (until - since) / 31) >= interval '1 day' or since < now() - interval '90 days' then interval '1 day'
            when coalesce(step, (until - since) / 6) >= interval '1 hour' or since < now() - interval '47 hours' then interval '1 hour'
            else interval '1 minute' end;
$function$;

-- The sums of one width from the bucket that `since` lies in to the one before `until`, and what is not yet added up to them.
create function integration_monitor.read_sums(since timestamptz, until timestamptz, width interval, has_durations boolean)
    returns table (
        bucket timestamptz, service_name text, action text, status text, error_code text, fault text,
        count bigint, timed bigint, sum_ms bigint, bins smallint[], counts integer[]
    )
    language plpgsql
    stable
    set search_path to pg_catalog, pg_temp
as $function$
#variable_conflict use_column
declare
    first_bucket constant timestamptz := date_bin(width, since, timestamptz '1970-01-05 00:00:00+00');
begin
    if width = interval '1 day' then
        return query
        select tier.bucket, series.service_name, series.action, series.status, series.error_code, series.fault,
               tier.count, tier.timed, tier.sum_ms,
               case when has_durations then tier.bins end, case when has_durations then tier.counts end
          from integration_monitor.statistics_day as tier
          join integration_monitor.statistics_series as series on series.series_id = tier.series_id
         where tier.bucket >= first_bucket and tier.bucket < until;
    elsif width = interval '1 hour' then
        return query
        select tier.bucket, series.service_name, series.action, series.status, series.error_code, series.fault,
               tier.count, tier.timed, tier.sum_ms,
               case when has_durations then tier.bins end, case when has_durations then tier.counts end
          from integration_monitor.statistics_hour as tier
          join integration_monitor.statistics_series as series on series.series_id = tier.series_id
         where tier.bucket >= first_bucket and tier.bucket < until;
    else
        return query
        select tier.bucket, series.service_name, series.action, series.status, series.error_code, series.fault,
               tier.count, tier.timed, tier.sum_ms,
               case when has_durations then tier.bins end, case when has_durations then tier.counts end
          from integration_monitor.statistics_minute as tier
          join integration_monitor.statistics_series as series on series.series_id = tier.series_id
         where tier.bucket >= first_bucket and tier.bucket < until;
    end if;
    return query
    select date_bin(width, change.bucket, timestamptz '1970-01-05 00:00:00+00'),
           change.service_name, change.action, change.status, change.error_code, change.fault,
           change.sign * change.count, change.sign * change.timed, change.sign * change.sum_ms, histogram.bins, histogram.counts
      from integration_monitor.statistics_open as change
     cross join lateral (
               select array_agg(one.bin) as bins, array_agg(one.count) as counts
                 from (
                          select (
                                     select max(bin.bin) from integration_monitor.statistics_bins as bin where bin.least_ms <= duration.ms
                                 ) as bin,
                                 change.sign::integer as count
                            from unnest(case when has_durations then change.durations end) as duration (ms)
                      ) as one
           ) as histogram
     where change.bucket >= first_bucket and change.bucket < until;
end
$function$;

create function integration_monitor.read_statistics(since timestamptz, until timestamptz, step interval)
    returns table (
        bucket timestamptz, service_name text, action text, status text, error_code text, fault text,
        count bigint, timed bigint, sum_ms bigint
    )
    language sql
    stable
    set search_path to pg_catalog, pg_temp
as $function$
with chosen as (
    select integration_monitor.choose_width(since, until, step) as width
),
widths as materialized (
    -- A bucket of ninety seconds of sums by minute is one of two minutes.
    select chosen.width, chosen.width * ceil(extract(epoch from step) / extract(epoch from chosen.width))::float8 as step from chosen
)
select coalesce(date_bin(widths.step, sums.bucket, timestamptz '1970-01-05 00:00:00+00'), read_statistics.since),
       sums.service_name, sums.action, sums.status, sums.error_code, sums.fault,
       sum(sums.count)::bigint, sum(sums.timed)::bigint, sum(sums.sum_ms)::bigint
  from widths
 cross join lateral integration_monitor.read_sums(
           coalesce(date_bin(widths.step, read_statistics.since, timestamptz '1970-01-05 00:00:00+00'), read_statistics.since),
           read_statistics.until, widths.width, false
       ) as sums
 group by 1, 2, 3, 4, 5, 6
having sum(sums.count) > 0
 order by 1, 2, 3, 4, 5, 6;
$function$;

create function integration_monitor.read_percentiles(
    since timestamptz, until timestamptz, step interval, groups text[] default '{}', services text[] default null, actions text[] default null
)
    returns table (bucket timestamptz, service_name text, action text, calls bigint, p50_ms integer, p95_ms integer, p99_ms integer)
    language sql
    stable
    set search_path to pg_catalog, pg_temp
as $function$
with chosen as (
    select integration_monitor.choose_width(since, until, step) as width
),
widths as materialized (
    select chosen.width, chosen.width * ceil(extract(epoch from step) / extract(epoch from chosen.width))::float8 as step from chosen
),
histograms as (
    select coalesce(date_bin(widths.step, sums.bucket, timestamptz '1970-01-05 00:00:00+00'), read_percentiles.since) as bucket,
           case when 'service' = any (groups) then sums.service_name end                                              as service_name,
           case when 'action' = any (groups) then sums.action end                                                     as action,
           bin.bin,
           sum(bin.count)                                                                                             as count
      from widths
     cross join lateral integration_monitor.read_sums(
               coalesce(date_bin(widths.step, read_percentiles.since, timestamptz '1970-01-05 00:00:00+00'), read_percentiles.since),
               read_percentiles.until, widths.width, true
           ) as sums
     cross join lateral unnest(sums.bins, sums.counts) as bin (bin, count)
     where (services is null or sums.service_name = any (services))
       and (actions is null or sums.action = any (actions))
     group by 1, 2, 3, 4
    having sum(bin.count) > 0
),
running as (
    select histograms.bucket, histograms.service_name, histograms.action, bin.shown_ms,
           sum(histograms.count) over (
               partition by histograms.bucket, histograms.service_name, histograms.action order by histograms.bin
           )                                                                                                            as reached,
           sum(histograms.count) over (partition by histograms.bucket, histograms.service_name, histograms.action)      as calls
      from histograms
      join integration_monitor.statistics_bins as bin on bin.bin = histograms.bin
)
select running.bucket, running.service_name, running.action, max(running.calls)::bigint,
       min(running.shown_ms) filter (where running.reached >= 0.5 * running.calls),
       min(running.shown_ms) filter (where running.reached >= 0.95 * running.calls),
       min(running.shown_ms) filter (where running.reached >= 0.99 * running.calls)
  from running
 group by running.bucket, running.service_name, running.action
 order by 1, 2, 3;
$function$;

create function integration_monitor.read_states()
    returns table (service_name text, state text, judged_calls bigint, judged_faults bigint)
    language sql
    stable
    set search_path to pg_catalog, pg_temp
as $function$
with minutes as materialized (
    select sums.service_name, sums.bucket, sum(sums.count) as calls,
           coalesce(sum(sums.count) filter (where sums.status = 'failed' and sums.fault not in ('ours', 'recipient')), 0) as faults
      from integration_monitor.read_sums(now() - interval '24 hours', now() + interval '1 hour', interval '1 minute', false) as sums
     group by sums.service_name, sums.bucket
),
seen as (
    select days.service_name
      from integration_monitor.read_sums(now() - interval '30 days', now() + interval '1 hour', interval '1 day', false) as days
     group by days.service_name
    having sum(days.count) > 0
),
recent as (
    select minutes.service_name, sum(minutes.calls) as calls, sum(minutes.faults) as faults
      from minutes
     where minutes.bucket >= date_bin('1 minute', now() - interval '15 minutes', timestamptz '1970-01-05 00:00:00+00')
     group by minutes.service_name
),
latest as (
    select running.service_name, sum(running.calls) as calls, sum(running.faults) as faults
      from (
               select minutes.service_name, minutes.calls, minutes.faults,
                      sum(minutes.calls) over (partition by minutes.service_name order by minutes.bucket desc) - minutes.calls as later_calls
                 from minutes
           ) as running
     where running.later_calls < 20
     group by running.service_name
),
judged as (
    select seen.service_name,
           coalesce(case when recent.calls >= 5 then recent.calls else latest.calls end, 0)::bigint   as calls,
           coalesce(case when recent.calls >= 5 then recent.faults else latest.faults end, 0)::bigint as faults
      from seen
      left join recent on recent.service_name = seen.service_name
      left join latest on latest.service_name = seen.service_name
)
select judged.service_name,
       case when judged.calls = 0 then 'idle'
            when judged.faults * 100 < judged.calls * 5 then 'healthy'
            when judged.faults * 100 < judged.calls * 50 then 'degraded'
            else 'down' end,
       judged.calls,
       judged.faults
  from judged
 order by judged.service_name;
$function$;

revoke all on function integration_monitor.choose_width(timestamptz, timestamptz, interval) from public, anon, authenticated;
revoke all on function integration_monitor.read_sums(timestamptz, timestamptz, interval, boolean) from public, anon, authenticated;
revoke all on function integration_monitor.read_statistics(timestamptz, timestamptz, interval) from public, anon, authenticated;
revoke all on function integration_monitor.read_percentiles(timestamptz, timestamptz, interval, text[], text[], text[])
    from public, anon, authenticated;
revoke all on function integration_monitor.read_states() from public, anon, authenticated;
grant execute on function integration_monitor.choose_width(timestamptz, timestamptz, interval) to service_role, integration_monitor_statistics;
grant execute on function integration_monitor.read_sums(timestamptz, timestamptz, interval, boolean)
    to service_role, integration_monitor_statistics;
grant execute on function integration_monitor.read_statistics(timestamptz, timestamptz, interval)
    to service_role, integration_monitor_statistics;
grant execute on function integration_monitor.read_percentiles(timestamptz, timestamptz, interval, text[], text[], text[])
    to service_role, integration_monitor_statistics;
grant execute on function integration_monitor.read_states() to service_role, integration_monitor_statistics;

create policy incidents_read_statistics on integration_monitor.incidents
    for select to integration_monitor_statistics using (began_at is not null);
grant select (id, kind, subject, severity, since_at, began_at, ended_at, acknowledged_at)
    on integration_monitor.incidents to integration_monitor_statistics;

comment on function integration_monitor.choose_width(timestamptz, timestamptz, interval) is
    'Which sums a question of statistics reads: those of minutes, hours or days';
comment on function integration_monitor.read_sums(timestamptz, timestamptz, interval, boolean) is
    'Sums of one width and what is not yet added up, some buckets in several rows: what the functions below add up';
comment on function integration_monitor.read_statistics(timestamptz, timestamptz, interval) is
    'Records by bucket of time and series: counts, and the sum of durations in milliseconds. Buckets are whole; one of all the window where step is null';
comment on function integration_monitor.read_percentiles(timestamptz, timestamptz, interval, text[], text[], text[]) is
    'Half, 95 and 99 percent of the calls took at most so many milliseconds, within 5 %, by bucket of time and, as groups says, by service and action';
comment on function integration_monitor.read_states() is
    'The state of each service seen in 30 days (healthy, degraded, down, idle), and how many calls and failures of whose fault it was judged on';
