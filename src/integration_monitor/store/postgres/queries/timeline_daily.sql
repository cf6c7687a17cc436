-- Calls, failures and average duration by day and service, for charts.
-- Parameters: since (timestamptz, days from it).
-- Columns: those of BucketCounts; one row a day and service with calls; oldest first, then by name.
-- Index: none of its own; the view decides what is read.
select
    day                                                  as bucket,
    service_name,
    sum(count)::bigint                                   as calls,
    sum(failed_count)::bigint                            as failed,
    round(
        sum(avg_duration_ms * count)
        / nullif(sum(count) filter (where avg_duration_ms is not null), 0)
    )::bigint                                            as avg_duration_ms
from public.integration_stats_daily
where day >= %(since)s
group by day, service_name
order by day, service_name
