-- Half, 95 and 99 percent of the calls of each service took at most so long. By whole hours: the first is the one that since lies in.
-- Parameters: since, until (timestamptz), service (text or null).
-- Columns: service_name, calls (with a duration), p50_ms, p95_ms, p99_ms: within 5 % of a duration that occurred; one row a service with
--   durations, by name.
-- Index: statistics_day_pkey for the whole days, statistics_hour_pkey for the hours before and behind them.
with bounds as materialized (
    select
        date_bin('1 hour', %(since)s::timestamptz, timestamptz '1970-01-01 00:00:00+00')                                 as since,
        %(until)s::timestamptz                                                                                           as until,
        date_bin('1 day', %(since)s::timestamptz - interval '1 microsecond', timestamptz '1970-01-01 00:00:00+00')
            + interval '1 day'                                                                                           as first_day,
        date_bin('1 day', %(until)s::timestamptz, timestamptz '1970-01-01 00:00:00+00')                                  as last_day
),
parts as (
    select tier.series_id, tier.bins, tier.counts
    from bounds
    join integration_monitor.statistics_day as tier on tier.bucket >= bounds.first_day and tier.bucket < bounds.last_day
    union all
    select tier.series_id, tier.bins, tier.counts
    from bounds
    join integration_monitor.statistics_hour as tier
      on tier.bucket >= bounds.since and tier.bucket < least(bounds.first_day, bounds.until)
    union all
    select tier.series_id, tier.bins, tier.counts
    from bounds
    join integration_monitor.statistics_hour as tier
      on tier.bucket >= greatest(bounds.last_day, bounds.first_day) and tier.bucket < bounds.until
),
histograms as (
    select part.service_name, part.bin, sum(part.count) as count
    from (
        select series.service_name, bin.bin, bin.count
        from parts
        join integration_monitor.statistics_series as series on series.series_id = parts.series_id
        cross join lateral unnest(parts.bins, parts.counts) as bin (bin, count)
        where %(service)s::text is null or series.service_name = %(service)s::text
        union all
        select
            change.service_name,
            (
                select max(bin.bin) from integration_monitor.statistics_bins as bin where bin.least_ms <= duration.ms
            ),
            change.sign
        from bounds
        join integration_monitor.statistics_open as change
          on change.bucket >= bounds.since
         and change.bucket < date_bin('1 hour', bounds.until - interval '1 microsecond', timestamptz '1970-01-01 00:00:00+00') + interval '1 hour'
        cross join lateral unnest(change.durations) as duration (ms)
        where %(service)s::text is null or change.service_name = %(service)s::text
    ) as part
    group by part.service_name, part.bin
    having sum(part.count) > 0
),
running as (
    select
        histograms.service_name,
        bin.shown_ms,
        sum(histograms.count) over (partition by histograms.service_name order by histograms.bin)   as reached,
        sum(histograms.count) over (partition by histograms.service_name)                           as calls
    from histograms
    join integration_monitor.statistics_bins as bin on bin.bin = histograms.bin
)
select
    running.service_name,
    max(running.calls)::bigint                                                  as calls,
    min(running.shown_ms) filter (where running.reached >= 0.5 * running.calls)  as p50_ms,
    min(running.shown_ms) filter (where running.reached >= 0.95 * running.calls) as p95_ms,
    min(running.shown_ms) filter (where running.reached >= 0.99 * running.calls) as p99_ms
from running
group by running.service_name
order by running.service_name
