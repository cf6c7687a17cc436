-- All calls there ever were, by what Prometheus tells apart; of removed records, too.
-- Parameters: none.
-- Columns: service_name, action, status, fault (empty where there is none), count, sum_ms (of their durations, milliseconds); one row of each with
--   calls, in this order.
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
named as (
    select series.service_name, series.action, series.status, series.fault, total.count, total.sum_ms
    from integration_monitor.statistics_total as total
    join integration_monitor.statistics_series as series on series.series_id = total.series_id
    union all
    select
        change.service_name, change.action, change.status, change.fault,
        change.sign * change.count, change.sign * change.sum_ms
    from integration_monitor.statistics_open as change
    where not exists (
        select from beyond where beyond.service_name = change.service_name and beyond.action = change.action
    )
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
