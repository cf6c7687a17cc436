-- statistics_windows.sql for a role that sees some of the records only: of those, under its own rights, and percentiles exact.
-- Parameters, columns: those of statistics_windows.sql; what tiers are to be read is of no account here.
-- Index: idx_integration_logs_created_at for both windows.
with parts as (
    select
        coalesce(
            date_bin(%(step)s::interval, log.created_at, timestamptz '1970-01-05 00:00:00+00'), %(since)s::timestamptz
        )                                   as bucket,
        array[
            case when 'service' = any (%(groups)s::text[]) then left(log.service_name, 255) else '' end,
            case when 'action' = any (%(groups)s::text[]) then left(log.action, 255) else '' end,
            case when 'status' = any (%(groups)s::text[]) then log.status else '' end,
            case when 'error_code' = any (%(groups)s::text[]) then coalesce(left(log.error_code, 100), '') else '' end,
            case when 'fault' = any (%(groups)s::text[]) then fault.fault else '' end
        ]                                   as key,
        log.created_at < %(since)s          as is_before,
        log.status,
        log.duration_ms
    from public.integration_logs as log
    cross join lateral (
        select case
            when log.status <> 'failed' then ''
            when log.response_payload ->> 'fault' in ('ours', 'auth', 'limit', 'recipient', 'vendor', 'network')
            then log.response_payload ->> 'fault'
            else 'unclassified'
        end as fault
    ) as fault
    where log.created_at >= %(since_before)s
      and log.created_at < %(until)s
      and (%(service)s::text is null or log.service_name = %(service)s::text)
      and (%(action)s::text is null or log.action = %(action)s::text)
      and (%(status)s::text is null or log.status = %(status)s::text)
      and (%(error_code)s::text is null or coalesce(left(log.error_code, 100), '') = %(error_code)s::text)
      and (%(fault)s::text is null or fault.fault = %(fault)s::text)
)
select
    parts.bucket,
    case when 'service' = any (%(groups)s::text[]) then parts.key[1] end                                as service_name,
    case when 'action' = any (%(groups)s::text[]) then parts.key[2] end                                 as action,
    case when 'status' = any (%(groups)s::text[]) then parts.key[3] end                                 as status,
    case when 'error_code' = any (%(groups)s::text[]) then parts.key[4] end                             as error_code,
    case when 'fault' = any (%(groups)s::text[]) then parts.key[5] end                                  as fault,
    count(*) filter (where not parts.is_before)                                                         as count,
    count(*) filter (where not parts.is_before and parts.status = 'success')                            as success_count,
    count(*) filter (where not parts.is_before and parts.status = 'failed')                             as failed_count,
    (round(avg(parts.duration_ms) filter (where not parts.is_before)))::bigint                          as avg_duration_ms,
    percentile_disc(0.5) within group (order by parts.duration_ms) filter (where not parts.is_before and %(has_percentiles)s::boolean)   as p50_ms,
    percentile_disc(0.95) within group (order by parts.duration_ms) filter (where not parts.is_before and %(has_percentiles)s::boolean)  as p95_ms,
    percentile_disc(0.99) within group (order by parts.duration_ms) filter (where not parts.is_before and %(has_percentiles)s::boolean)  as p99_ms,
    count(*) filter (where parts.is_before)                                                             as before_count,
    count(*) filter (where parts.is_before and parts.status = 'success')                                as before_success_count,
    count(*) filter (where parts.is_before and parts.status = 'failed')                                 as before_failed_count,
    (round(avg(parts.duration_ms) filter (where parts.is_before)))::bigint                              as before_avg_duration_ms,
    percentile_disc(0.5) within group (order by parts.duration_ms) filter (where parts.is_before and %(has_percentiles)s::boolean and %(has_percentiles_before)s::boolean)       as before_p50_ms,
    percentile_disc(0.95) within group (order by parts.duration_ms) filter (where parts.is_before and %(has_percentiles)s::boolean and %(has_percentiles_before)s::boolean)      as before_p95_ms,
    percentile_disc(0.99) within group (order by parts.duration_ms) filter (where parts.is_before and %(has_percentiles)s::boolean and %(has_percentiles_before)s::boolean)      as before_p99_ms
from parts
where %(after_bucket)s::timestamptz is null
   or parts.bucket < %(after_bucket)s::timestamptz
   or (parts.bucket = %(after_bucket)s::timestamptz and parts.key > %(after_key)s::text[])
group by parts.bucket, parts.key
order by parts.bucket desc, parts.key
limit %(limit)s
