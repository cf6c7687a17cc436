-- Both promised views read sums instead of records: the same columns and types, the same rows, at the same cost whatever the table's size.
--
-- Why a view behind each: it runs with its owner's rights, so that `authenticated`, who may read the promised views, needs no right on the
-- sums themselves, and may not even enter the schema. Behind the promised views, which are security_invoker, it decides by the
-- reader's own rights: who does not see every record of the table, be it for want of a right or by a policy, sees no sum of it.
-- Why count_seen(): for such a reader the promised views count the records that the reader does see, as they always did.
-- Why integration_monitor.outcomes goes: it showed the fault of each record to a role that may read no payload. The sums have the fault.
-- Locks: access exclusive on the two views, for a moment.
-- In a transaction.

-- Whether a role sees every record of public.integration_logs, and may read what is counted. Asks catalogues alone.
create function integration_monitor.sees_every_record(reader name)
    returns boolean
    language sql
    stable
    set search_path to pg_catalog, pg_temp
as $function$
select has_column_privilege(sees_every_record.reader, logs.oid, 'service_name', 'select')
       and (
           not logs.relrowsecurity
           or role.rolsuper
           or role.rolbypassrls
           or (pg_has_role(role.oid, logs.relowner, 'usage') and not logs.relforcerowsecurity)
           or coalesce(
               (
                   select bool_and(policy.polpermissive) and bool_or(pg_get_expr(policy.polqual, policy.polrelid) = 'true')
                     from pg_policy as policy
                    where policy.polrelid = logs.oid
                      and policy.polcmd in ('r', '*')
                      and exists (
                              select from unnest(policy.polroles) as holder (oid)
                               where holder.oid = 0 or pg_has_role(role.oid, holder.oid, 'usage')
                          )
               ),
               false
           )
       )
  from pg_class as logs
  join pg_roles as role on role.rolname = sees_every_record.reader
 where logs.oid = 'public.integration_logs'::regclass;
$function$;

-- The records that whoever asks may see, by service, action, status and bucket: under the asker's own rights and policies. A function
-- and not a part of the views, since planning would look at every partition for those who need none.
create function integration_monitor.count_seen(grain interval, since timestamptz)
    returns table (
        service_name text, action text, status text, bucket timestamptz, count bigint, avg_ms numeric, min_ms integer, max_ms integer
    )
    language plpgsql
    stable
    set search_path to pg_catalog, pg_temp
as $function$
begin
    return query
    select log.service_name,
           log.action,
           log.status,
           date_bin(grain, log.created_at, timestamptz '1970-01-01 00:00:00+00'),
           count(*),
           round(avg(log.duration_ms)),
           min(log.duration_ms),
           max(log.duration_ms)
      from public.integration_logs as log
     where log.created_at >= date_bin(grain, since, timestamptz '1970-01-01 00:00:00+00')
       and log.created_at < date_bin(grain, now(), timestamptz '1970-01-01 00:00:00+00') + grain
     group by 1, 2, 3, 4;
end
$function$;

-- Shortest and longest duration by the records themselves: null unless there are as many of them as were counted. The views call it for the few
-- rows from which an extreme was removed a moment ago. Runs as the owner: the views have looked at their reader's rights.
create function integration_monitor.read_extremes(
    service_name text, action text, status text, since timestamptz, until timestamptz, counted bigint
)
    returns integer[]
    language plpgsql
    stable
    security definer
    set search_path to pg_catalog, pg_temp
as $function$
declare
    found_count bigint;
    min_ms      integer;
    max_ms      integer;
begin
    select count(*), min(record.duration_ms), max(record.duration_ms)
      into found_count, min_ms, max_ms
      from integration_monitor.statistics_records as record
     where record.created_at >= since
       and record.created_at < until
       and record.service_name = read_extremes.service_name
       and record.action = read_extremes.action
       and record.status = read_extremes.status;
    return case when found_count = counted then array[min_ms, max_ms] end;
end
$function$;

-- After a large removal extremes are left as they were until they are settled with the sums: to read them again for each row would take long.
create view integration_monitor.statistics_doubts with (security_invoker = false) as
select count(*) < 50 as are_few
  from (
           (select from integration_monitor.statistics_day as tier where tier.removed_min_ms is not null limit 50)
           union all
           select
             from (
                      select distinct change.service_name, change.action, change.status,
                             date_bin('1 day', change.bucket, timestamptz '1970-01-01 00:00:00+00')
                        from integration_monitor.statistics_changes as change
                       where change.sign < 0 and change.timed > 0
                  ) as removal
       ) as doubt;

create view integration_monitor.statistics_hourly with (security_invoker = false) as
select sums.service_name,
       sums.action,
       sums.status,
       sums.hour,
       sums.count::bigint as count,
       sums.timed,
       sums.sum_ms,
       case when sums.timed = 0 then null
            when (sums.removed_min_ms <= sums.min_ms or sums.removed_max_ms >= sums.max_ms)
                 and (select doubts.are_few from integration_monitor.statistics_doubts as doubts)
            then coalesce(
                     (integration_monitor.read_extremes(
                           sums.service_name, sums.action, sums.status, sums.hour, sums.hour + interval '1 hour', sums.count::bigint
                       ))[1],
                     sums.min_ms
                 )
            else sums.min_ms end as min_ms,
       case when sums.timed = 0 then null
            when (sums.removed_min_ms <= sums.min_ms or sums.removed_max_ms >= sums.max_ms)
                 and (select doubts.are_few from integration_monitor.statistics_doubts as doubts)
            then coalesce(
                     (integration_monitor.read_extremes(
                           sums.service_name, sums.action, sums.status, sums.hour, sums.hour + interval '1 hour', sums.count::bigint
                       ))[2],
                     sums.max_ms
                 )
            else sums.max_ms end as max_ms
  from (
           select part.service_name,
                  part.action,
                  part.status,
                  part.hour,
                  sum(part.count)          as count,
                  sum(part.timed)          as timed,
                  sum(part.sum_ms)         as sum_ms,
                  min(part.min_ms)         as min_ms,
                  max(part.max_ms)         as max_ms,
                  min(part.removed_min_ms) as removed_min_ms,
                  max(part.removed_max_ms) as removed_max_ms
             from (
                      select series.service_name, series.action, series.status, tier.bucket as hour,
                             tier.count, tier.timed, tier.sum_ms,
                             case when tier.timed <> 0 then tier.min_ms end         as min_ms,
                             case when tier.timed <> 0 then tier.max_ms end         as max_ms,
                             case when tier.timed <> 0 then tier.removed_min_ms end as removed_min_ms,
                             case when tier.timed <> 0 then tier.removed_max_ms end as removed_max_ms
                        from integration_monitor.statistics_hour as tier
                        join integration_monitor.statistics_series as series on series.series_id = tier.series_id
                       where tier.bucket >= date_bin('1 hour', now() - interval '24 hours', timestamptz '1970-01-01 00:00:00+00')
                         and tier.bucket <= now()
                      union all
                      select change.service_name, change.action, change.status,
                             date_bin('1 hour', change.bucket, timestamptz '1970-01-01 00:00:00+00'),
                             change.sign * change.count, change.sign * change.timed, change.sign * change.sum_ms,
                             case when change.sign > 0 then change.min_ms end,
                             case when change.sign > 0 then change.max_ms end,
                             case when change.sign < 0 then change.min_ms end,
                             case when change.sign < 0 then change.max_ms end
                        from integration_monitor.statistics_open as change
                       where change.bucket >= date_bin('1 hour', now() - interval '24 hours', timestamptz '1970-01-01 00:00:00+00')
                         and change.bucket < date_bin('1 hour', now(), timestamptz '1970-01-01 00:00:00+00') + interval '1 hour'
                  ) as part
            group by part.service_name, part.action, part.status, part.hour
           having sum(part.count) > 0
       ) as sums
 where (select integration_monitor.sees_every_record(current_user));

create view integration_monitor.statistics_daily with (security_invoker = false) as
select sums.service_name,
       sums.action,
       sums.status,
       sums.day,
       sums.count::bigint as count,
       sums.timed,
       sums.sum_ms,
       case when sums.timed = 0 then null
            when (sums.removed_min_ms <= sums.min_ms or sums.removed_max_ms >= sums.max_ms)
                 and (select doubts.are_few from integration_monitor.statistics_doubts as doubts)
            then coalesce(
                     (integration_monitor.read_extremes(
                           sums.service_name, sums.action, sums.status, sums.day, sums.day + interval '1 day', sums.count::bigint
                       ))[1],
                     sums.min_ms
                 )
            else sums.min_ms end as min_ms,
       case when sums.timed = 0 then null
            when (sums.removed_min_ms <= sums.min_ms or sums.removed_max_ms >= sums.max_ms)
                 and (select doubts.are_few from integration_monitor.statistics_doubts as doubts)
            then coalesce(
                     (integration_monitor.read_extremes(
                           sums.service_name, sums.action, sums.status, sums.day, sums.day + interval '1 day', sums.count::bigint
                       ))[2],
                     sums.max_ms
                 )
            else sums.max_ms end as max_ms
  from (
           select part.service_name,
                  part.action,
                  part.status,
                  part.day,
                  sum(part.count)          as count,
                  sum(part.timed)          as timed,
                  sum(part.sum_ms)         as sum_ms,
                  min(part.min_ms)         as min_ms,
                  max(part.max_ms)         as max_ms,
                  min(part.removed_min_ms) as removed_min_ms,
                  max(part.removed_max_ms) as removed_max_ms
             from (
                      select series.service_name, series.action, series.status, tier.bucket as day,
                             tier.count, tier.timed, tier.sum_ms,
                             case when tier.timed <> 0 then tier.min_ms end         as min_ms,
                             case when tier.timed <> 0 then tier.max_ms end         as max_ms,
                             case when tier.timed <> 0 then tier.removed_min_ms end as removed_min_ms,
                             case when tier.timed <> 0 then tier.removed_max_ms end as removed_max_ms
                        from integration_monitor.statistics_day as tier
                        join integration_monitor.statistics_series as series on series.series_id = tier.series_id
                       where tier.bucket >= date_bin('1 day', now() - interval '30 days', timestamptz '1970-01-01 00:00:00+00')
                         and tier.bucket <= now()
                      union all
                      select change.service_name, change.action, change.status,
                             date_bin('1 day', change.bucket, timestamptz '1970-01-01 00:00:00+00'),
                             change.sign * change.count, change.sign * change.timed, change.sign * change.sum_ms,
                             case when change.sign > 0 then change.min_ms end,
                             case when change.sign > 0 then change.max_ms end,
                             case when change.sign < 0 then change.min_ms end,
                             case when change.sign < 0 then change.max_ms end
                        from integration_monitor.statistics_open as change
                       where change.bucket >= date_bin('1 day', now() - interval '30 days', timestamptz '1970-01-01 00:00:00+00')
                         and change.bucket < date_bin('1 day', now(), timestamptz '1970-01-01 00:00:00+00') + interval '1 day'
                  ) as part
            group by part.service_name, part.action, part.status, part.day
           having sum(part.count) > 0
       ) as sums
 where (select integration_monitor.sees_every_record(current_user));

create or replace view public.integration_stats_hourly with (security_invoker = true) as
select sums.service_name,
       sums.action,
       sums.status,
       sums.hour,
       sums.count,
       round(sums.sum_ms / nullif(sums.timed, 0)) as avg_duration_ms,
       sums.min_ms                                as min_duration_ms,
       sums.max_ms                                as max_duration_ms
  from integration_monitor.statistics_hourly as sums
union all
select seen.service_name,
       seen.action,
       seen.status,
       seen.bucket,
       seen.count,
       seen.avg_ms,
       seen.min_ms,
       seen.max_ms
  from integration_monitor.count_seen('1 hour', now() - interval '24 hours') as seen
 where not (select integration_monitor.sees_every_record(current_user));

create or replace view public.integration_stats_daily with (security_invoker = true) as
select bucket.service_name,
       bucket.action,
       bucket.status,
       bucket.day,
       bucket.count,
       bucket.avg_duration_ms,
       bucket.min_duration_ms,
       bucket.max_duration_ms,
       case when bucket.status = 'failed' then bucket.count else 0 end  as failed_count,
       case when bucket.status = 'success' then bucket.count else 0 end as success_count,
       -- Of the service's action on that day, over all its statuses: so it says something on every row.
       round(
           100 * coalesce(sum(bucket.count) filter (where bucket.status = 'failed') over same_day, 0) / sum(bucket.count) over same_day, 2
       )::numeric(5, 2) as failure_rate_percent
  from (
           select sums.service_name,
                  sums.action,
                  sums.status,
                  sums.day,
                  sums.count,
                  round(sums.sum_ms / nullif(sums.timed, 0)) as avg_duration_ms,
                  sums.min_ms                                as min_duration_ms,
                  sums.max_ms                                as max_duration_ms
             from integration_monitor.statistics_daily as sums
           union all
           select seen.service_name,
                  seen.action,
                  seen.status,
                  seen.bucket,
                  seen.count,
                  seen.avg_ms,
                  seen.min_ms,
                  seen.max_ms
             from integration_monitor.count_seen('1 day', now() - interval '30 days') as seen
            where not (select integration_monitor.sees_every_record(current_user))
       ) as bucket
window same_day as (partition by bucket.service_name, bucket.action, bucket.day);

drop view integration_monitor.outcomes;

revoke all on integration_monitor.statistics_doubts, integration_monitor.statistics_hourly,
              integration_monitor.statistics_daily
    from public, anon, authenticated, service_role;

grant select on integration_monitor.statistics_doubts to service_role;
grant select on integration_monitor.statistics_hourly, integration_monitor.statistics_daily
    to service_role, authenticated, integration_monitor_statistics;

-- Functions of a view are called with its reader's rights. authenticated may not enter the schema, and so cannot name these.
revoke all on function integration_monitor.read_extremes(text, text, text, timestamptz, timestamptz, bigint) from public, anon, authenticated;
revoke all on function integration_monitor.sees_every_record(name) from public, anon, authenticated;
revoke all on function integration_monitor.count_seen(interval, timestamptz) from public, anon, authenticated;

grant execute on function integration_monitor.read_extremes(text, text, text, timestamptz, timestamptz, bigint)
    to service_role, authenticated, integration_monitor_statistics;
grant execute on function integration_monitor.sees_every_record(name) to service_role, authenticated, integration_monitor_statistics;
grant execute on function integration_monitor.count_seen(interval, timestamptz) to service_role, authenticated, integration_monitor_statistics;

comment on function integration_monitor.sees_every_record(name) is 'Whether a role sees every record of public.integration_logs: then it may see sums of them';
comment on function integration_monitor.count_seen(interval, timestamptz) is 'The promised statistics, counted from the records that whoever asks may see';
comment on view integration_monitor.statistics_doubts is 'Whether there are so few removed extremes that they may be read again at once';
comment on view integration_monitor.statistics_hourly is 'What public.integration_stats_hourly is made of, with sums instead of averages';
comment on view integration_monitor.statistics_daily is 'What public.integration_stats_daily is made of, with sums instead of averages';
comment on function integration_monitor.read_extremes(text, text, text, timestamptz, timestamptz, bigint) is
    'Shortest and longest duration of records, by the records; null unless there are as many as were counted';
