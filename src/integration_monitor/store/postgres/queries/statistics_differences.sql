-- Purpose: where the statistics of one UTC day say something else than its records. Counts all records of the day again.
-- Parameters: day (timestamptz, its beginning). Columns: tier, bucket, service_name, action, status, error_code, fault, counted and shown
--   (arrays: count, timed, sum_ms, min_ms, max_ms and a digest of the histogram; null where there is nothing); one row a difference.
-- Index: idx_integration_logs_created_at; the tiers' keys. One statement, so records and sums are of one moment.
with bounds as materialized (
    select
        %(day)s::timestamptz                                                                                        as since,
        %(day)s::timestamptz + interval '1 day'                                                                     as until,
        date_bin('1 hour', now() - interval '48 hours', timestamptz '1970-01-01 00:00:00+00') + interval '1 hour'     as minute_since,
        date_bin('1 day', now() - interval '91 days', timestamptz '1970-01-01 00:00:00+00') + interval '1 day'        as hour_since
),
tiers (tier, width, since) as (
    select 'minute', interval '1 minute', bounds.minute_since from bounds
    union all
    select 'hour', interval '1 hour', bounds.hour_since from bounds
    union all
    select 'day', interval '1 day', timestamptz '-infinity' from bounds
),
binned as (
    select
        tiers.tier,
        date_bin(tiers.width, record.created_at, timestamptz '1970-01-01 00:00:00+00') as bucket,
        record.service_name, record.action, record.status, record.error_code, record.fault,
        (select max(bin.bin) from integration_monitor.statistics_bins as bin where bin.least_ms <= record.duration_ms) as bin,
        count(*) as count, count(record.duration_ms) as timed, coalesce(sum(record.duration_ms), 0) as sum_ms,
        min(record.duration_ms) as min_ms, max(record.duration_ms) as max_ms
    from bounds
    join integration_monitor.statistics_records as record on record.created_at >= bounds.since and record.created_at < bounds.until
    join tiers on record.created_at >= tiers.since
    group by 1, 2, 3, 4, 5, 6, 7, 8
),
counted as (
    select
        binned.tier, binned.bucket, binned.service_name, binned.action, binned.status, binned.error_code, binned.fault,
        sum(binned.count) as count, sum(binned.timed) as timed, sum(binned.sum_ms) as sum_ms,
        case when binned.tier <> 'minute' then min(binned.min_ms) end as min_ms,
        case when binned.tier <> 'minute' then max(binned.max_ms) end as max_ms,
        string_agg(binned.bin || ':' || binned.count, ' ' order by binned.bin) filter (where binned.bin is not null) as histogram
    from binned
    group by 1, 2, 3, 4, 5, 6, 7
),
kept as (
    select 'minute' as tier, tier.bucket, tier.series_id, tier.count, tier.timed, tier.sum_ms, null::integer as min_ms, null::integer as max_ms,
           null::integer as removed_min_ms, null::integer as removed_max_ms, tier.bins, tier.counts
    from bounds
    join integration_monitor.statistics_minute as tier
      on tier.bucket >= greatest(bounds.since, bounds.minute_since) and tier.bucket < bounds.until
    union all
    select 'hour', tier.bucket, tier.series_id, tier.count, tier.timed, tier.sum_ms, tier.min_ms, tier.max_ms,
           tier.removed_min_ms, tier.removed_max_ms, tier.bins, tier.counts
    from bounds
    join integration_monitor.statistics_hour as tier
      on tier.bucket >= greatest(bounds.since, bounds.hour_since) and tier.bucket < bounds.until
    union all
    select 'day', tier.bucket, tier.series_id, tier.count, tier.timed, tier.sum_ms, tier.min_ms, tier.max_ms,
           tier.removed_min_ms, tier.removed_max_ms, tier.bins, tier.counts
    from bounds
    join integration_monitor.statistics_day as tier on tier.bucket >= bounds.since and tier.bucket < bounds.until
),
parts as (
    select
        kept.tier, kept.bucket, series.service_name, series.action, series.status, series.error_code, series.fault,
        kept.count, kept.timed, kept.sum_ms, kept.bins, kept.counts,
        case when kept.timed <> 0 then kept.min_ms end as min_ms, case when kept.timed <> 0 then kept.max_ms end as max_ms,
        case when kept.timed <> 0 then kept.removed_min_ms end as removed_min_ms,
        case when kept.timed <> 0 then kept.removed_max_ms end as removed_max_ms
    from kept
    join integration_monitor.statistics_series as series on series.series_id = kept.series_id
    union all
    select
        tiers.tier, date_bin(tiers.width, change.bucket, timestamptz '1970-01-01 00:00:00+00'),
        change.service_name, change.action, change.status, change.error_code, change.fault,
        change.sign * change.count, change.sign * change.timed, change.sign * change.sum_ms, histogram.bins, histogram.counts,
        case when change.sign > 0 and tiers.tier <> 'minute' then change.min_ms end,
        case when change.sign > 0 and tiers.tier <> 'minute' then change.max_ms end,
        case when change.sign < 0 and tiers.tier <> 'minute' then change.min_ms end,
        case when change.sign < 0 and tiers.tier <> 'minute' then change.max_ms end
    from bounds
    join integration_monitor.statistics_open as change on change.bucket >= bounds.since and change.bucket < bounds.until
    join tiers on change.bucket >= tiers.since
    cross join lateral (
        select array_agg(one.bin) as bins, array_agg(one.count) as counts
        from (
            select
                (select max(bin.bin) from integration_monitor.statistics_bins as bin where bin.least_ms <= duration.ms) as bin,
                change.sign::integer as count
            from unnest(change.durations) as duration (ms)
        ) as one
    ) as histogram
),
totals as (
    select
        parts.tier, parts.bucket, parts.service_name, parts.action, parts.status, parts.error_code, parts.fault,
        sum(parts.count) as count, sum(parts.timed) as timed, sum(parts.sum_ms) as sum_ms, min(parts.min_ms) as min_ms,
        max(parts.max_ms) as max_ms, min(parts.removed_min_ms) as removed_min_ms, max(parts.removed_max_ms) as removed_max_ms
    from parts
    group by 1, 2, 3, 4, 5, 6, 7
),
histograms as (
    select
        bin.tier, bin.bucket, bin.service_name, bin.action, bin.status, bin.error_code, bin.fault,
        string_agg(bin.bin || ':' || bin.count, ' ' order by bin.bin) as histogram
    from (
        select parts.tier, parts.bucket, parts.service_name, parts.action, parts.status, parts.error_code, parts.fault, one.bin,
               sum(one.count) as count
        from parts
        cross join lateral unnest(parts.bins, parts.counts) as one (bin, count)
        group by 1, 2, 3, 4, 5, 6, 7, 8
        having sum(one.count) <> 0
    ) as bin
    group by 1, 2, 3, 4, 5, 6, 7
),
shown as (
    select
        totals.tier, totals.bucket, totals.service_name, totals.action, totals.status, totals.error_code, totals.fault,
        totals.count, totals.timed, totals.sum_ms, histograms.histogram,
        case when totals.timed <> 0 then totals.min_ms end as min_ms,
        case when totals.timed <> 0 then totals.max_ms end as max_ms,
        -- Extremes of which one was removed are settled with the sums.
        totals.removed_min_ms <= totals.min_ms or totals.removed_max_ms >= totals.max_ms as is_in_doubt
    from totals
    left join histograms using (tier, bucket, service_name, action, status, error_code, fault)
    where totals.count <> 0 or totals.timed <> 0 or totals.sum_ms <> 0 or histograms.histogram is not null
)
select
    tier, bucket, service_name, action, status, error_code, fault,
    case when counted.count is not null
         then array[counted.count, counted.timed, counted.sum_ms, counted.min_ms, counted.max_ms]::bigint[] end as counted,
    case when shown.count is not null
         then array[shown.count, shown.timed, shown.sum_ms, shown.min_ms, shown.max_ms]::bigint[] end           as shown,
    counted.histogram is distinct from shown.histogram                                                           as is_histogram_other
from counted
full join shown using (tier, bucket, service_name, action, status, error_code, fault)
where (counted.count, counted.timed, counted.sum_ms, counted.histogram)
      is distinct from (shown.count, shown.timed, shown.sum_ms, shown.histogram)
   or (counted.min_ms, counted.max_ms) is distinct from (shown.min_ms, shown.max_ms) and shown.is_in_doubt is not true
order by tier, bucket, service_name, action, status, error_code, fault
