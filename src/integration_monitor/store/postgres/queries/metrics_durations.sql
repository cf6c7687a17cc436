-- How long all calls took that there ever were.
-- Parameters: bounds_ms (integer[], upwards): the longest durations of all buckets but the last, which has none.
-- Columns: service_name, action, bucket (0 for the first), count; one row a bucket with calls, in this order. A duration counts as what its bin
--   shows, within 5 % of it.
-- Index: none; all totals are read, a row for each series, and no record.
with beyond as (
    -- A service whose actions hold numbers: within seconds they are one action, `other`. Until then they are left out, or every scrape would have
    -- thousands that no other has.
    select fresh.service_name, fresh.action
    from (
        select
            unnamed.service_name,
            unnamed.action,
            row_number() over (partition by unnamed.service_name order by unnamed.action) as number
        from (
            select distinct change.service_name, change.action
            from integration_monitor.statistics_open as change
            where not exists (
                select from integration_monitor.statistics_series as series
                where series.service_name = change.service_name and series.action = change.action
            )
        ) as unnamed
    ) as fresh
    where fresh.number > 300
),
binned as (
    select series.service_name, series.action, bin.bin, bin.count
    from integration_monitor.statistics_total as total
    join integration_monitor.statistics_series as series on series.series_id = total.series_id
    cross join lateral unnest(total.bins, total.counts) as bin (bin, count)
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
    where not exists (
        select from beyond where beyond.service_name = change.service_name and beyond.action = change.action
    )
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
