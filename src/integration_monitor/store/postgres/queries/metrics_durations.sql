-- How long all calls took that there ever were.
-- Parameters: bounds_ms (integer[], upwards): the longest durations of all buckets but the last, which has none.
-- Columns: service_name, action, bucket (0 for the first), count; one row a bucket with calls, in this order. A duration counts as what its bin
--   shows, within 5 % of it.
-- Index: none; all days are read, a row for each day and series, and no record.
with binned as (
    select series.service_name, series.action, bin.bin, bin.count
    from integration_monitor.statistics_day as tier
    join integration_monitor.statistics_series as series on series.series_id = tier.series_id
    cross join lateral unnest(tier.bins, tier.counts) as bin (bin, count)
    union all
    select
        change.service_name,
        change.action,
        (
            select max(bin.bin) from integration_monitor.statistics_bins as bin where bin.least_ms <= duration.ms
        ),
        change.sign
    from integration_monitor.statistics_open as change
    cross join lateral unnest(change.durations) as duration (ms)
),
bounds as (
    -- width_bucket takes what is equal to a bound into the bucket above it.
    select array_agg(bound.ms + 1 order by bound.ms) as beyond_ms
    from unnest(%(bounds_ms)s::integer[]) as bound (ms)
)
select
    binned.service_name,
    binned.action,
    width_bucket(bin.shown_ms, bounds.beyond_ms)    as bucket,
    sum(binned.count)::bigint                       as count
from binned
cross join bounds
join integration_monitor.statistics_bins as bin on bin.bin = binned.bin
group by binned.service_name, binned.action, width_bucket(bin.shown_ms, bounds.beyond_ms)
having sum(binned.count) > 0
order by binned.service_name, binned.action, bucket
