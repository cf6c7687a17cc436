-- What was done for one entity, over all services, in the order of time.
-- Parameters: entity_type (text), entity_id (uuid), since, until (timestamptz, both included), after_created_at (timestamptz) and
--   after_id (uuid): only records behind this key; service (text or null), limit (integer).
-- Columns: the 14 of IntegrationLog; one row a record; created_at upwards, equal times by id upwards.
-- Index: idx_integration_logs_entity; the records of one entity are few, and sorted as they are read.
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
where log.related_entity_type = %(entity_type)s
  and log.related_entity_id = %(entity_id)s
  and log.created_at >= greatest(%(since)s::timestamptz, %(after_created_at)s::timestamptz)
  and log.created_at <= %(until)s
  and (log.created_at, log.id) > (%(after_created_at)s::timestamptz, %(after_id)s::uuid)
  and (%(service)s::text is null or log.service_name = %(service)s::text)
order by log.created_at, log.id
limit %(limit)s
