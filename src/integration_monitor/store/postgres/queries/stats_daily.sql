-- Statistics by service, action, status and day: the daily view, page by page.
-- Parameters: since (timestamptz, days from it), service (text or null), limit (integer),
--   after_day, after_service, after_action, after_status (the last row of the page before, or nulls).
-- Columns: those of DailyStatistics; one row a service, action, status and day; newest day first, then by name.
-- Index: none of its own; the view decides what is read.
select
    service_name,
    action,
    status,
    day,
    count::bigint                   as count,
    round(avg_duration_ms)::bigint  as avg_duration_ms,
    min_duration_ms::bigint         as min_duration_ms,
    max_duration_ms::bigint         as max_duration_ms,
    failed_count::bigint            as failed_count,
    success_count::bigint           as success_count,
    failure_rate_percent::float8    as failure_rate_percent
from public.integration_stats_daily
where day >= %(since)s
  and (%(service)s::text is null or service_name = %(service)s::text)
  and (
      %(after_day)s::timestamptz is null
      or day < %(after_day)s::timestamptz
      or (
          day = %(after_day)s::timestamptz
          and (service_name, action, status) > (%(after_service)s::text, %(after_action)s::text, %(after_status)s::text)
      )
  )
order by day desc, service_name, action, status
limit %(limit)s
