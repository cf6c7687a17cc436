-- health_counts.sql for a role that sees some of the records only: counted from those, under its own rights, and to the microsecond.
--   A clock may be an hour ahead, as there.
-- Parameters, columns: those of health_counts.sql.
-- Index: idx_integration_logs_service_name, one step a service, to name the services; idx_integration_logs_created_at for the
--   totals; either of them for the latest calls.
with recursive services as (
    select min(log.service_name) as service_name
    from public.integration_logs as log
    where log.created_at >= %(seen_since)s
    union all
    select (
        select min(log.service_name)
        from public.integration_logs as log
        where log.created_at >= %(seen_since)s
          and log.service_name > services.service_name
    )
    from services
    where services.service_name is not null
),
totals as (
    select
        log.service_name,
        count(*)                                                    as total_requests,
        count(*) filter (where log.status = 'success')              as success_count,
        count(*) filter (where log.status = 'failed')               as failed_count,
        round(avg(log.duration_ms))                                 as avg_duration_ms,
        count(*) filter (where log.created_at >= %(recent_since)s)  as recent_count,
        count(*) filter (
            where log.created_at >= %(recent_since)s
              and log.status = 'failed'
              and coalesce(log.response_payload ->> 'fault', 'unclassified') <> all (%(excused_faults)s::text[])
        )                                                           as recent_faults
    from public.integration_logs as log
    where log.created_at >= %(since)s
      and log.created_at < now() + interval '1 hour'
    group by log.service_name
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
            where call.status = 'failed' and coalesce(call.fault, 'unclassified') <> all (%(excused_faults)s::text[])
        )        as latest_faults
    from (
        select log.status, log.response_payload ->> 'fault' as fault
        from public.integration_logs as log
        where log.service_name = services.service_name
          and log.created_at >= %(since)s
          and log.created_at < now() + interval '1 hour'
          and totals.recent_count < %(recent_min)s
        order by log.created_at desc
        limit %(latest_max)s
    ) as call
) as latest
where services.service_name is not null
order by services.service_name
