-- Whether statistics tell what the records tell, for one stretch of whole hours.
-- Parameters: since, until (timestamptz): whole hours, of which all records remain.
-- Columns: those of RollupCheck; one row.
-- Index: idx_integration_logs_created_at for the records, statistics_hour_pkey for the sums.
with counted as (
    select
        count(*)                                        as count,
        count(*) filter (where log.status = 'failed')   as failed_count,
        count(log.duration_ms)                          as timed,
        coalesce(sum(log.duration_ms), 0)               as sum_ms
    from public.integration_logs as log
    where log.created_at >= %(since)s::timestamptz
      and log.created_at < %(until)s::timestamptz
),
parts as (
    select series.status, tier.count, tier.timed, tier.sum_ms
    from integration_monitor.statistics_hour as tier
    join integration_monitor.statistics_series as series on series.series_id = tier.series_id
    where tier.bucket >= %(since)s::timestamptz
      and tier.bucket < %(until)s::timestamptz
    union all
    select change.status, change.sign * change.count, change.sign * change.timed, change.sign * change.sum_ms
    from integration_monitor.statistics_open as change
    where change.bucket >= %(since)s::timestamptz
      and change.bucket < %(until)s::timestamptz
),
summed as (
    select
        coalesce(sum(parts.count), 0)                                           as count,
        coalesce(sum(parts.count) filter (where parts.status = 'failed'), 0)    as failed_count,
        coalesce(sum(parts.timed), 0)                                           as timed,
        coalesce(sum(parts.sum_ms), 0)                                          as sum_ms
    from parts
)
select
    counted.count                           as record_count,
    summed.count::bigint                    as summed_count,
    (counted.count, counted.failed_count, counted.timed, counted.sum_ms)
        = (summed.count, summed.failed_count, summed.timed, summed.sum_ms) as is_equal
from counted
cross join summed
