-- What the state of each service is judged on. Reads sums alone, so everything is by whole minutes: a window begins with the minute
--   that its first moment lies in, and the latest calls are the latest minutes that hold so many. A clock may be an hour ahead; what is
--   further ahead is not among the tiers, and would be the latest call for years.
-- Parameters: seen_since, since, recent_since (timestamptz); recent_min (bigint): a service with so many recent calls is judged
--   by them, and its latest calls are not looked for; latest_max (integer); excused_faults (text[]): faults that do not speak against a
--   service.
-- Columns: those of ServiceCounts; one row for each service with a record from the day of seen_since, by name.
-- Index: statistics_hour_pkey for the totals, statistics_day_pkey for services that are idle, statistics_minute_pkey for the first part of an hour,
--   for the recent minutes, and for the one hour of a service in which its latest calls begin.
with bounds as materialized (
    select
        date_bin('1 day', %(seen_since)s::timestamptz, timestamptz '1970-01-01 00:00:00+00')        as seen_since,
        date_bin('1 minute', %(since)s::timestamptz, timestamptz '1970-01-01 00:00:00+00')          as since,
        date_bin('1 hour', %(since)s::timestamptz, timestamptz '1970-01-01 00:00:00+00')            as since_hour,
        date_bin('1 minute', %(recent_since)s::timestamptz, timestamptz '1970-01-01 00:00:00+00')   as recent_since,
        now() + interval '1 hour'                                                                   as until
),
-- The minutes of the hour that the window begins in, the whole hours behind it, and what is not yet added up.
parts as (
    select series.service_name, series.status, series.fault, bounds.since_hour as hour, tier.count, tier.timed, tier.sum_ms
    from bounds
    join integration_monitor.statistics_minute as tier
      on tier.bucket >= bounds.since and tier.bucket < bounds.since_hour + interval '1 hour'
    join integration_monitor.statistics_series as series on series.series_id = tier.series_id
    union all
    select series.service_name, series.status, series.fault, tier.bucket, tier.count, tier.timed, tier.sum_ms
    from bounds
    join integration_monitor.statistics_hour as tier on tier.bucket >= bounds.since_hour + interval '1 hour'
    join integration_monitor.statistics_series as series on series.series_id = tier.series_id
    union all
    select
        change.service_name, change.status, change.fault,
        date_bin('1 hour', change.bucket, timestamptz '1970-01-01 00:00:00+00'),
        change.sign * change.count, change.sign * change.timed, change.sign * change.sum_ms
    from bounds
    join integration_monitor.statistics_open as change on change.bucket >= bounds.since and change.bucket < bounds.until
),
hours as materialized (
    select
        parts.service_name,
        parts.hour,
        sum(parts.count)                                                    as calls,
        coalesce(sum(parts.count) filter (where parts.status = 'success'), 0) as successes,
        coalesce(sum(parts.count) filter (where parts.status = 'failed'), 0)  as failures,
        coalesce(
            sum(parts.count) filter (where parts.status = 'failed' and parts.fault <> all (%(excused_faults)s::text[])), 0
        )                                                                   as faults,
        sum(parts.timed)                                                    as timed,
        sum(parts.sum_ms)                                                   as sum_ms
    from parts
    group by parts.service_name, parts.hour
),
active as materialized (
    select hours.service_name from hours group by hours.service_name having sum(hours.calls) > 0
),
-- The days of a month are read only for services that are not called today.
services as (
    select active.service_name from active
    union all
    select seen.service_name
    from (
        select series.service_name, tier.count
        from bounds
        join integration_monitor.statistics_day as tier on tier.bucket >= bounds.seen_since
        join integration_monitor.statistics_series as series on series.series_id = tier.series_id
        where series.service_name not in (select active.service_name from active)
        union all
        select change.service_name, change.sign * change.count
        from bounds
        join integration_monitor.statistics_open as change on change.bucket >= bounds.seen_since and change.bucket < bounds.until
        where change.service_name not in (select active.service_name from active)
    ) as seen
    group by seen.service_name
    having sum(seen.count) > 0
),
totals as (
    select
        hours.service_name,
        sum(hours.calls)                                    as total_requests,
        sum(hours.successes)                                as success_count,
        sum(hours.failures)                                 as failed_count,
        round(sum(hours.sum_ms) / nullif(sum(hours.timed), 0)) as avg_duration_ms
    from hours
    group by hours.service_name
),
recent as materialized (
    select
        part.service_name,
        sum(part.count)                                     as calls,
        coalesce(
            sum(part.count) filter (where part.status = 'failed' and part.fault <> all (%(excused_faults)s::text[])), 0
        )                                                   as faults
    from (
        select series.service_name, series.status, series.fault, tier.count
        from bounds
        join integration_monitor.statistics_minute as tier on tier.bucket >= bounds.recent_since
        join integration_monitor.statistics_series as series on series.series_id = tier.series_id
        union all
        select change.service_name, change.status, change.fault, change.sign * change.count
        from bounds
        join integration_monitor.statistics_open as change on change.bucket >= bounds.recent_since and change.bucket < bounds.until
    ) as part
    group by part.service_name
),
-- How many calls came in an hour and after it, and in later hours alone.
running as (
    select
        hours.service_name, hours.hour, hours.calls, hours.faults,
        sum(hours.calls) over newest_first - hours.calls    as later_calls,
        sum(hours.faults) over newest_first - hours.faults  as later_faults
    from hours
    left join recent on recent.service_name = hours.service_name
    where coalesce(recent.calls, 0) < %(recent_min)s
    window newest_first as (partition by hours.service_name order by hours.hour desc)
),
-- The hour in which the latest calls begin: no row for a service that has fewer.
first_hours as materialized (
    select running.service_name, running.hour, running.later_calls, running.later_faults
    from running
    where running.later_calls < %(latest_max)s
      and running.later_calls + running.calls >= %(latest_max)s
),
minutes as (
    select
        part.service_name,
        part.minute,
        sum(part.count)                                     as calls,
        coalesce(
            sum(part.count) filter (where part.status = 'failed' and part.fault <> all (%(excused_faults)s::text[])), 0
        )                                                   as faults
    from (
        select series.service_name, series.status, series.fault, tier.bucket as minute, tier.count
        from bounds
        cross join (select distinct first_hours.hour from first_hours) as wanted
        join integration_monitor.statistics_minute as tier
          on tier.bucket >= wanted.hour and tier.bucket >= bounds.since and tier.bucket < wanted.hour + interval '1 hour'
        join integration_monitor.statistics_series as series on series.series_id = tier.series_id
        union all
        select
            change.service_name, change.status, change.fault,
            date_bin('1 minute', change.bucket, timestamptz '1970-01-01 00:00:00+00'), change.sign * change.count
        from bounds
        join integration_monitor.statistics_open as change on change.bucket >= bounds.since and change.bucket < bounds.until
    ) as part
    group by part.service_name, part.minute
),
latest as (
    select
        minute.service_name,
        minute.first_calls + sum(minute.calls)              as calls,
        minute.first_faults + sum(minute.faults)            as faults
    from (
        select
            minutes.service_name, minutes.calls, minutes.faults,
            first_hours.later_calls                         as first_calls,
            first_hours.later_faults                        as first_faults,
            first_hours.later_calls + sum(minutes.calls) over newest_first - minutes.calls as later_calls
        from minutes
        join first_hours
          on first_hours.service_name = minutes.service_name
         and minutes.minute >= first_hours.hour
         and minutes.minute < first_hours.hour + interval '1 hour'
        window newest_first as (partition by minutes.service_name order by minutes.minute desc)
    ) as minute
    where minute.later_calls < %(latest_max)s
    group by minute.service_name, minute.first_calls, minute.first_faults
    union all
    -- Fewer than are looked for: all there are.
    select running.service_name, sum(running.calls), sum(running.faults)
    from running
    group by running.service_name
    having sum(running.calls) < %(latest_max)s
)
select
    services.service_name,
    coalesce(totals.total_requests, 0)::bigint as total_requests,
    coalesce(totals.success_count, 0)::bigint  as success_count,
    coalesce(totals.failed_count, 0)::bigint   as failed_count,
    totals.avg_duration_ms::bigint             as avg_duration_ms,
    coalesce(recent.calls, 0)::bigint          as recent_count,
    coalesce(recent.faults, 0)::bigint         as recent_faults,
    coalesce(latest.calls, 0)::bigint          as latest_count,
    coalesce(latest.faults, 0)::bigint         as latest_faults
from services
left join totals on totals.service_name = services.service_name
left join recent on recent.service_name = services.service_name
left join latest on latest.service_name = services.service_name
order by services.service_name
