-- Statistics by service, action, status and hour: the hourly view.
-- Parameters: since (timestamptz, hours from it), service (text or null).
-- Columns: those of HourlyStatistics; one row a service, action, status and hour; newest hour first, then by name.
-- Index: none of its own; the view decides what is read.
select
    service_name,
    action,
    status,
    hour,
    count::bigint                   as count,
    round(avg_duration_ms)::bigint  as avg_duration_ms,
    min_duration_ms::bigint         as min_duration_ms,
    max_duration_ms::bigint         as max_duration_ms
from public.integration_stats_hourly
where hour >= %(since)s
  and (%(service)s::text is null or service_name = %(service)s::text)
order by hour desc, service_name, action, status
