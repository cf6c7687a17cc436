-- One record by its id, if it was created in a stretch of time.
-- Parameters: id (uuid), since, until (timestamptz, both included), service (text or null).
-- Columns: the 14 of IntegrationLog; one row or none.
-- Index: integration_logs_pkey; the stretch leaves partitions out.
select
    log.id,
    log.service_name,
    log.action,
    log.status,
    log.related_entity_type,
    log.related_entity_id,
    log.request_payload,
    log.response_payload,
    log.error_message,
    log.error_code,
    log.duration_ms,
    coalesce(log.retry_count, 0)     as retry_count,
    log.created_at,
    -- Nobody's infinity shall keep others from reading the list: Python's years are 1 to 9999.
    least(
        greatest(coalesce(log.updated_at, log.created_at), timestamptz '0001-01-01 00:00:00+00'),
        timestamptz '9999-12-31 23:59:59+00'
    )                                as updated_at
from public.integration_logs as log
where log.id = %(id)s
  and log.created_at >= %(since)s
  and log.created_at <= %(until)s
  and (%(service)s::text is null or log.service_name = %(service)s::text)
order by log.created_at desc
limit 1
