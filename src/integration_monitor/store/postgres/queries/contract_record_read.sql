-- Purpose: reads the test records of `verify` back: from the table and from both views. Run under a time zone whose hours and days
-- are not those of UTC.
-- Parameters: id, action. Columns: written, hourly, daily, hourly_edge, daily_edge: texts, null where nothing was found.
-- Index: integration_logs_pkey; idx_integration_logs_created_at for the views.
select (
           select concat_ws(' ', log.service_name, log.status, log.duration_ms, log.retry_count)
             from public.integration_logs as log
            where log.id = %(id)s and log.created_at = now()
       ) as written,
       (
           select concat_ws(' ', stats.count, stats.avg_duration_ms, stats.min_duration_ms, stats.max_duration_ms)
             from public.integration_stats_hourly as stats
            where stats.service_name = 'integration_monitor' and stats.action = %(action)s and stats.status = 'success'
       ) as hourly,
       (
           select concat_ws(
                      ' ', stats.count, stats.avg_duration_ms, stats.min_duration_ms, stats.max_duration_ms,
                      stats.failed_count, stats.success_count, stats.failure_rate_percent
                  )
             from public.integration_stats_daily as stats
            where stats.service_name = 'integration_monitor' and stats.action = %(action)s and stats.status = 'success'
       ) as daily,
       (
           select string_agg(concat_ws(' ', stats.count, to_char(stats.hour at time zone 'UTC', 'MI:SS')), ', ')
             from public.integration_stats_hourly as stats
            where stats.service_name = 'integration_monitor' and stats.action = %(action)s || '_hour'
       ) as hourly_edge,
       (
           select string_agg(concat_ws(' ', stats.count, to_char(stats.day at time zone 'UTC', 'HH24:MI:SS')), ', ')
             from public.integration_stats_daily as stats
            where stats.service_name = 'integration_monitor' and stats.action = %(action)s || '_day'
       ) as daily_edge
