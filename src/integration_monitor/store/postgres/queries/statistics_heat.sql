-- How long one service's calls took over time: how many fell into each bucket of time and each bin of duration.
-- Parameters: tiers (text[]: day, hour or minute), tier_sinces, tier_untils (timestamptz[]): what to read of which tier, whole buckets all;
--   since, until (timestamptz): the window, of which changes are read; step (interval); service (text).
-- Columns: those of HeatCell; one row a bucket and bin with calls, oldest first, then by bin.
-- Index: statistics_day_pkey, statistics_hour_pkey, statistics_minute_pkey, each for the ranges of its tier.
with ranges as materialized (
    select * from unnest(%(tiers)s::text[], %(tier_sinces)s::timestamptz[], %(tier_untils)s::timestamptz[]) as one (tier, since, until)
),
kept as (
    select tier.bucket, tier.series_id, tier.bins, tier.counts
    from ranges
    join integration_monitor.statistics_day as tier on tier.bucket >= ranges.since and tier.bucket < ranges.until
    where ranges.tier = 'day'
    union all
    select tier.bucket, tier.series_id, tier.bins, tier.counts
    from ranges
    join integration_monitor.statistics_hour as tier on tier.bucket >= ranges.since and tier.bucket < ranges.until
    where ranges.tier = 'hour'
    union all
    select tier.bucket, tier.series_id, tier.bins, tier.counts
    from ranges
    join integration_monitor.statistics_minute as tier on tier.bucket >= ranges.since and tier.bucket < ranges.until
    where ranges.tier = 'minute'
),
parts as (
    select kept.bucket, bin.bin, bin.count
    from kept
    join integration_monitor.statistics_series as series on series.series_id = kept.series_id
    cross join lateral unnest(kept.bins, kept.counts) as bin (bin, count)
    where series.service_name = %(service)s::text
    union all
    select
        change.bucket,
        (select max(bin.bin) from integration_monitor.statistics_bins as bin where bin.least_ms <= duration.ms),
        change.sign
    from integration_monitor.statistics_open as change
    cross join lateral unnest(change.durations) as duration (ms)
    where change.service_name = %(service)s::text
      and change.bucket >= %(since)s::timestamptz
      and change.bucket < %(until)s::timestamptz
)
select
    date_bin(%(step)s::interval, parts.bucket, timestamptz '1970-01-05 00:00:00+00') as bucket,
    bin.least_ms                                                                     as least_ms,
    sum(parts.count)::bigint                                                         as count
from parts
join integration_monitor.statistics_bins as bin on bin.bin = parts.bin
group by 1, 2
having sum(parts.count) > 0
order by 1, 2
