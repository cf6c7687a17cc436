-- Statistics of any window, by steps of time and by any of five words, and beside them those of the window before.
-- Parameters: tiers (text[]: day, hour or minute), tier_sinces, tier_untils (timestamptz[]): what to read of which tier, whole buckets all;
--   since_before, since, until (timestamptz): the window before begins at since_before and ends at since, where this one begins; both are one
--   moment where no window before is asked for; step (interval or null: one bucket); groups (text[]: the columns to group by); service, action,
--   status, error_code, fault (text or null); has_percentiles, has_percentiles_before (boolean: without them they are null,
--   those of the window before or all); after_bucket (timestamptz or null) and after_key (text[]): only rows behind this key; limit (integer).
-- Columns: those of WindowCounts; one row a bucket and group with calls in either window; newest bucket first, then by group.
-- Index: statistics_day_pkey, statistics_hour_pkey, statistics_minute_pkey, each for the ranges of its tier.
with ranges as materialized (
    select * from unnest(%(tiers)s::text[], %(tier_sinces)s::timestamptz[], %(tier_untils)s::timestamptz[]) as one (tier, since, until)
),
kept as (
    select tier.bucket, tier.series_id, tier.count, tier.timed, tier.sum_ms, tier.bins, tier.counts
    from ranges
    join integration_monitor.statistics_day as tier on tier.bucket >= ranges.since and tier.bucket < ranges.until
    where ranges.tier = 'day'
    union all
    select tier.bucket, tier.series_id, tier.count, tier.timed, tier.sum_ms, tier.bins, tier.counts
    from ranges
    join integration_monitor.statistics_hour as tier on tier.bucket >= ranges.since and tier.bucket < ranges.until
    where ranges.tier = 'hour'
    union all
    select tier.bucket, tier.series_id, tier.count, tier.timed, tier.sum_ms, tier.bins, tier.counts
    from ranges
    join integration_monitor.statistics_minute as tier on tier.bucket >= ranges.since and tier.bucket < ranges.until
    where ranges.tier = 'minute'
),
-- A key is what rows are grouped by. Keys have numbers, since a month has half a million counts in its histograms, and numbers are compared
-- several times as fast as arrays of words.
series as materialized (
    select
        one.series_id, one.status,
        array[
            case when 'service' = any (%(groups)s::text[]) then one.service_name else '' end,
            case when 'action' = any (%(groups)s::text[]) then one.action else '' end,
            case when 'status' = any (%(groups)s::text[]) then one.status else '' end,
            case when 'error_code' = any (%(groups)s::text[]) then one.error_code else '' end,
            case when 'fault' = any (%(groups)s::text[]) then one.fault else '' end
        ]                               as key
    from integration_monitor.statistics_series as one
    where (%(service)s::text is null or one.service_name = %(service)s::text)
      and (%(action)s::text is null or one.action = %(action)s::text)
      and (%(status)s::text is null or one.status = %(status)s::text)
      and (%(error_code)s::text is null or one.error_code = %(error_code)s::text)
      and (%(fault)s::text is null or one.fault = %(fault)s::text)
),
changes as materialized (
    select
        change.bucket, change.status, change.sign, change.count, change.timed, change.sum_ms, change.durations,
        array[
            case when 'service' = any (%(groups)s::text[]) then change.service_name else '' end,
            case when 'action' = any (%(groups)s::text[]) then change.action else '' end,
            case when 'status' = any (%(groups)s::text[]) then change.status else '' end,
            case when 'error_code' = any (%(groups)s::text[]) then change.error_code else '' end,
            case when 'fault' = any (%(groups)s::text[]) then change.fault else '' end
        ]                               as key
    from integration_monitor.statistics_open as change
    where change.bucket >= %(since_before)s
      and change.bucket < %(until)s
      and (%(service)s::text is null or change.service_name = %(service)s::text)
      and (%(action)s::text is null or change.action = %(action)s::text)
      and (%(status)s::text is null or change.status = %(status)s::text)
      and (%(error_code)s::text is null or change.error_code = %(error_code)s::text)
      and (%(fault)s::text is null or change.fault = %(fault)s::text)
),
keys as materialized (
    select every.key, row_number() over ()::integer as key_id
    from (select series.key from series union select changes.key from changes) as every
),
numbered as (
    select series.series_id, series.status, keys.key_id
    from series
    join keys on keys.key = series.key
),
named as (
    select kept.bucket, numbered.key_id, numbered.status, kept.count, kept.timed, kept.sum_ms, kept.bins, kept.counts
    from kept
    join numbered on numbered.series_id = kept.series_id
    union all
    select
        changes.bucket, keys.key_id, changes.status,
        changes.sign * changes.count, changes.sign * changes.timed, changes.sign * changes.sum_ms, histogram.bins, histogram.counts
    from changes
    join keys on keys.key = changes.key
    cross join lateral (
        select array_agg(one.bin) as bins, array_agg(one.count) as counts
        from (
            select
                (select max(bin.bin) from integration_monitor.statistics_bins as bin where bin.least_ms <= duration.ms) as bin,
                changes.sign::integer as count
            from unnest(changes.durations) as duration (ms)
        ) as one
    ) as histogram
),
parts as materialized (
    select
        coalesce(
            date_bin(%(step)s::interval, named.bucket, timestamptz '1970-01-05 00:00:00+00'), %(since)s::timestamptz
        )                               as bucket,
        named.key_id,
        named.bucket < %(since)s        as is_before,
        named.status, named.count, named.timed, named.sum_ms,
        case when %(has_percentiles)s::boolean and (%(has_percentiles_before)s::boolean or named.bucket >= %(since)s) then named.bins end   as bins,
        case when %(has_percentiles)s::boolean and (%(has_percentiles_before)s::boolean or named.bucket >= %(since)s) then named.counts end as counts
    from named
),
sums as (
    select
        parts.bucket, parts.key_id, parts.is_before,
        sum(parts.count)                                                        as count,
        coalesce(sum(parts.count) filter (where parts.status = 'success'), 0)   as success_count,
        coalesce(sum(parts.count) filter (where parts.status = 'failed'), 0)    as failed_count,
        round(sum(parts.sum_ms) / nullif(sum(parts.timed), 0))                  as avg_duration_ms
    from parts
    group by parts.bucket, parts.key_id, parts.is_before
    having sum(parts.count) > 0
),
histograms as (
    select parts.bucket, parts.key_id, parts.is_before, bin.bin, sum(bin.count) as count
    from parts
    cross join lateral unnest(parts.bins, parts.counts) as bin (bin, count)
    group by parts.bucket, parts.key_id, parts.is_before, bin.bin
    having sum(bin.count) > 0
),
running as (
    select
        histograms.bucket, histograms.key_id, histograms.is_before, bin.shown_ms,
        sum(histograms.count) over (
            partition by histograms.bucket, histograms.key_id, histograms.is_before order by histograms.bin
        )                                                                                                   as reached,
        sum(histograms.count) over (partition by histograms.bucket, histograms.key_id, histograms.is_before)   as calls
    from histograms
    join integration_monitor.statistics_bins as bin on bin.bin = histograms.bin
),
shares as (
    select
        running.bucket, running.key_id, running.is_before,
        min(running.shown_ms) filter (where running.reached >= 0.5 * running.calls)  as p50_ms,
        min(running.shown_ms) filter (where running.reached >= 0.95 * running.calls) as p95_ms,
        min(running.shown_ms) filter (where running.reached >= 0.99 * running.calls) as p99_ms
    from running
    group by running.bucket, running.key_id, running.is_before
)
select
    sums.bucket,
    case when 'service' = any (%(groups)s::text[]) then keys.key[1] end             as service_name,
    case when 'action' = any (%(groups)s::text[]) then keys.key[2] end              as action,
    case when 'status' = any (%(groups)s::text[]) then keys.key[3] end              as status,
    case when 'error_code' = any (%(groups)s::text[]) then keys.key[4] end          as error_code,
    case when 'fault' = any (%(groups)s::text[]) then keys.key[5] end               as fault,
    coalesce(max(sums.count) filter (where not sums.is_before), 0)::bigint          as count,
    coalesce(max(sums.success_count) filter (where not sums.is_before), 0)::bigint  as success_count,
    coalesce(max(sums.failed_count) filter (where not sums.is_before), 0)::bigint   as failed_count,
    (max(sums.avg_duration_ms) filter (where not sums.is_before))::bigint           as avg_duration_ms,
    max(shares.p50_ms) filter (where not sums.is_before)                            as p50_ms,
    max(shares.p95_ms) filter (where not sums.is_before)                            as p95_ms,
    max(shares.p99_ms) filter (where not sums.is_before)                            as p99_ms,
    coalesce(max(sums.count) filter (where sums.is_before), 0)::bigint              as before_count,
    coalesce(max(sums.success_count) filter (where sums.is_before), 0)::bigint      as before_success_count,
    coalesce(max(sums.failed_count) filter (where sums.is_before), 0)::bigint       as before_failed_count,
    (max(sums.avg_duration_ms) filter (where sums.is_before))::bigint               as before_avg_duration_ms,
    max(shares.p50_ms) filter (where sums.is_before)                                as before_p50_ms,
    max(shares.p95_ms) filter (where sums.is_before)                                as before_p95_ms,
    max(shares.p99_ms) filter (where sums.is_before)                                as before_p99_ms
from sums
join keys on keys.key_id = sums.key_id
left join shares on shares.bucket = sums.bucket and shares.key_id = sums.key_id and shares.is_before = sums.is_before
where %(after_bucket)s::timestamptz is null
   or sums.bucket < %(after_bucket)s::timestamptz
   or (sums.bucket = %(after_bucket)s::timestamptz and keys.key > %(after_key)s::text[])
group by sums.bucket, keys.key
order by sums.bucket desc, keys.key
limit %(limit)s
