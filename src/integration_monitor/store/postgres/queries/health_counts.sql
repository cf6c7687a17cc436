-- What the state of each service is judged on.
-- Fragment: records, a source of (service_name, status, fault, duration_ms, created_at).
-- Parameters: seen_since, since, recent_since (timestamptz); recent_min (bigint): a service with so many recent calls is judged
--   by them, and its latest calls are not read; latest_max (integer); excused_faults (text[]): faults that do not speak against a
--   service; whatever another writer has put there does.
-- Columns: those of ServiceCounts; one row for each service with a record from seen_since, by name.
-- Index: idx_integration_logs_service_name, one step a service, to name the services; idx_integration_logs_created_at for the
--   totals; either of them for the latest calls.
with recursive services as (
    select min(record.service_name) as service_name
    from public.integration_logs as record
    where record.created_at >= %(seen_since)s
    union all
    select (
        select min(record.service_name)
        from public.integration_logs as record
        where record.created_at >= %(seen_since)s
          and record.service_name > services.service_name
    )
    from services
    where services.service_name is not null
),
totals as (
    select
        record.service_name,
        count(*)                                            as total_requests,
        count(*) filter (where record.status = 'success')   as success_count,
        count(*) filter (where record.status = 'failed')    as failed_count,
        round(avg(record.duration_ms))                      as avg_duration_ms,
        count(*) filter (where record.created_at >= %(recent_since)s) as recent_count,
        count(*) filter (
            where record.created_at >= %(recent_since)s
              and record.status = 'failed'
              and coalesce(record.fault, 'unclassified') <> all (%(excused_faults)s::text[])
        )                                                   as recent_faults
    from {records} as record
    where record.created_at >= %(since)s
    group by record.service_name
)
select
    services.service_name,
    coalesce(totals.total_requests, 0) as total_requests,
    coalesce(totals.success_count, 0)  as success_count,
    coalesce(totals.failed_count, 0)   as failed_count,
    totals.avg_duration_ms::bigint     as avg_duration_ms,
    coalesce(totals.recent_count, 0)   as recent_count,
    coalesce(totals.recent_faults, 0)  as recent_faults,
    latest.latest_count,
    latest.latest_faults
from services
left join totals on totals.service_name = services.service_name
cross join lateral (
    select
        count(*) as latest_count,
        count(*) filter (
            where call.status = 'failed'
              and coalesce(call.fault, 'unclassified') <> all (%(excused_faults)s::text[])
        )        as latest_faults
    from (
        select record.status, record.fault
        from {records} as record
        where record.service_name = services.service_name
          and record.created_at >= %(since)s
          and totals.recent_count < %(recent_min)s
        order by record.created_at desc
        limit %(latest_max)s
    ) as call
) as latest
where services.service_name is not null
order by services.service_name
