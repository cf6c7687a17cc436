-- statistics_heat.sql for a role that sees some of the records only: of those, under its own rights, and by exact durations.
-- Parameters: since, until (timestamptz), step (interval), service (text).
-- Columns: those of statistics_heat.sql; least_ms is a duration that occurred.
-- Index: idx_integration_logs_created_at for the window.
select
    date_bin(%(step)s::interval, log.created_at, timestamptz '1970-01-05 00:00:00+00') as bucket,
    log.duration_ms                                                                    as least_ms,
    count(*)::bigint                                                                   as count
from public.integration_logs as log
where log.created_at >= %(since)s::timestamptz
  and log.created_at < %(until)s::timestamptz
  and log.service_name = %(service)s::text
  and log.duration_ms is not null
group by 1, 2
order by 1, 2
