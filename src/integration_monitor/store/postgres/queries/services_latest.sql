-- When each service last failed, and when its probe last ran: to the minute of the last two days, to the day before.
-- Parameters: since (timestamptz, days from it), minute_since (timestamptz: from here on minutes are looked at), probe (text: the probe's action).
-- Columns: those of ServiceLatest; one row a service with records since then, by name.
-- Index: statistics_day_pkey, statistics_minute_pkey.
with seen as (
    select tier.bucket, tier.series_id, tier.count
    from integration_monitor.statistics_day as tier
    where tier.bucket >= date_bin('1 day', %(since)s::timestamptz, timestamptz '1970-01-01 00:00:00+00')
    union all
    select tier.bucket, tier.series_id, tier.count
    from integration_monitor.statistics_minute as tier
    where tier.bucket >= %(minute_since)s::timestamptz
),
named as (
    select seen.bucket, series.service_name, series.action, series.status
    from seen
    join integration_monitor.statistics_series as series on series.series_id = seen.series_id
    where seen.count > 0
    union all
    select change.bucket, change.service_name, change.action, change.status
    from integration_monitor.statistics_open as change
    where change.bucket >= %(since)s::timestamptz
      and change.sign > 0
)
select
    named.service_name,
    max(named.bucket) filter (where named.status = 'failed')                                              as failed_at,
    max(named.bucket) filter (where named.action = %(probe)s::text and named.status = 'success')          as probe_succeeded_at,
    max(named.bucket) filter (where named.action = %(probe)s::text and named.status = 'failed')           as probe_failed_at
from named
group by named.service_name
order by named.service_name
