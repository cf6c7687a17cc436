-- statistics_percentiles.sql for a role that sees some of the records only: of those, under its own rights, and exact.
-- Parameters: since, until (timestamptz), service (text or null).
-- Columns: those of statistics_percentiles.sql.
-- Index: idx_integration_logs_created_at for the window.
select
    log.service_name,
    count(*)                                                            as calls,
    percentile_disc(0.5) within group (order by log.duration_ms)        as p50_ms,
    percentile_disc(0.95) within group (order by log.duration_ms)       as p95_ms,
    percentile_disc(0.99) within group (order by log.duration_ms)       as p99_ms
from public.integration_logs as log
where log.created_at >= date_bin('1 hour', %(since)s::timestamptz, timestamptz '1970-01-01 00:00:00+00')
  and log.created_at
      < date_bin('1 hour', %(until)s::timestamptz - interval '1 microsecond', timestamptz '1970-01-01 00:00:00+00') + interval '1 hour'
  and log.duration_ms is not null
  and (%(service)s::text is null or log.service_name = %(service)s::text)
group by log.service_name
order by log.service_name
