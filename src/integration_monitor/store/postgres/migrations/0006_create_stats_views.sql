-- The two promised views of statistics.
--
-- Why over raw rows: correct first; rollups can stand behind the same columns and types later. Buckets are UTC and whole, whatever the
-- session's time zone is: hence date_bin with an explicit origin, and never date_trunc.
-- security_invoker: the reader's own rights and policies on the table decide.
-- Locks: none that anybody waits for.
-- In a transaction.

create view public.integration_stats_hourly with (security_invoker = true) as
select log.service_name,
       log.action,
       log.status,
       date_bin(interval '1 hour', log.created_at, timestamptz '1970-01-01 00:00:00+00') as hour,
       count(*)                   as count,
       round(avg(log.duration_ms)) as avg_duration_ms,
       min(log.duration_ms)       as min_duration_ms,
       max(log.duration_ms)       as max_duration_ms
  from public.integration_logs as log
 where log.created_at >= date_bin(interval '1 hour', now() - interval '24 hours', timestamptz '1970-01-01 00:00:00+00')
   and log.created_at < date_bin(interval '1 hour', now(), timestamptz '1970-01-01 00:00:00+00') + interval '1 hour'
 group by 1, 2, 3, 4;

create view public.integration_stats_daily with (security_invoker = true) as
select bucket.service_name,
       bucket.action,
       bucket.status,
       bucket.day,
       bucket.count,
       bucket.avg_duration_ms,
       bucket.min_duration_ms,
       bucket.max_duration_ms,
       bucket.failed_count,
       bucket.success_count,
       -- Of the service's action on that day, over all its statuses: so it says something on every row.
       round(
           100 * sum(bucket.failed_count) over same_day / sum(bucket.count) over same_day, 2
       )::numeric(5, 2) as failure_rate_percent
  from (
           select log.service_name,
                  log.action,
                  log.status,
                  date_bin(interval '1 day', log.created_at, timestamptz '1970-01-01 00:00:00+00') as day,
                  count(*)                    as count,
                  round(avg(log.duration_ms)) as avg_duration_ms,
                  min(log.duration_ms)        as min_duration_ms,
                  max(log.duration_ms)        as max_duration_ms,
                  count(*) filter (where log.status = 'failed')  as failed_count,
                  count(*) filter (where log.status = 'success') as success_count
             from public.integration_logs as log
            where log.created_at >= date_bin(interval '1 day', now() - interval '30 days', timestamptz '1970-01-01 00:00:00+00')
              and log.created_at < date_bin(interval '1 day', now(), timestamptz '1970-01-01 00:00:00+00') + interval '1 day'
            group by 1, 2, 3, 4
       ) as bucket
window same_day as (partition by bucket.service_name, bucket.action, bucket.day);

revoke all on public.integration_stats_hourly, public.integration_stats_daily from public, anon, authenticated, service_role;

grant select on public.integration_stats_hourly, public.integration_stats_daily
    to service_role, authenticated, integration_monitor_statistics;

comment on view public.integration_stats_hourly is 'Статистика по часам (UTC) за последние 24 часа: строка на сервис, действие, статус и час';
comment on view public.integration_stats_daily is
    'Статистика по дням (UTC) за последние 30 дней: строка на сервис, действие, статус и день; failure_rate_percent по всем статусам действия';
