-- Calls, failures and average duration by hour and service, for charts.
-- Parameters: since (timestamptz, hours from it).
-- Columns: those of BucketCounts; one row an hour and service with calls; oldest first, then by name.
-- Index: none of its own; the view decides what is read.
select
    hour                                                 as bucket,
    service_name,
    sum(count)::bigint                                   as calls,
    coalesce(sum(count) filter (where status = 'failed'), 0)::bigint as failed,
    round(
        sum(avg_duration_ms * count)
        / nullif(sum(count) filter (where avg_duration_ms is not null), 0)
    )::bigint                                            as avg_duration_ms
from public.integration_stats_hourly
where hour >= %(since)s
group by hour, service_name
order by hour, service_name
