-- All calls there ever were, by what Prometheus tells apart; of removed records, too.
-- Parameters: none.
-- Columns: service_name, action, status, fault (empty where there is none), count, sum_ms (of their durations, milliseconds); one row of each with
--   calls, in this order.
-- Index: none; all days are read, a row for each day and series, and no record.
with named as (
    select series.service_name, series.action, series.status, series.fault, day.count, day.sum_ms
    from (
        select tier.series_id, sum(tier.count) as count, sum(tier.sum_ms) as sum_ms
        from integration_monitor.statistics_day as tier
        group by tier.series_id
    ) as day
    join integration_monitor.statistics_series as series on series.series_id = day.series_id
    union all
    select
        change.service_name, change.action, change.status, change.fault,
        change.sign * change.count, change.sign * change.sum_ms
    from integration_monitor.statistics_open as change
)
select
    named.service_name,
    named.action,
    named.status,
    named.fault,
    sum(named.count)::bigint                as count,
    coalesce(sum(named.sum_ms), 0)::bigint  as sum_ms
from named
group by named.service_name, named.action, named.status, named.fault
having sum(named.count) > 0
order by named.service_name, named.action, named.status, named.fault
