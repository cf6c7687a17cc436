-- Failed records of a stretch of time, newest first.
-- Parameters: since (timestamptz), before_created_at (timestamptz) and before_id (uuid): only records behind this key;
--   service, action (text or null), limit (integer).
-- Columns: the 14 of IntegrationLog; one row a record; created_at downwards, equal times by id downwards.
-- Index: idx_integration_logs_failed. Both ends of created_at are bounded, so that the planner leaves partitions out.
select
    id,
    service_name,
    action,
    status,
    related_entity_type,
    related_entity_id,
    request_payload,
    response_payload,
    error_message,
    error_code,
    duration_ms,
    coalesce(retry_count, 0)         as retry_count,
    created_at,
    -- Nobody's infinity shall keep others from reading the list: Python's years are 1 to 9999.
    least(
        greatest(coalesce(updated_at, created_at), timestamptz '0001-01-01 00:00:00+00'),
        timestamptz '9999-12-31 23:59:59+00'
    )                                as updated_at
from public.integration_logs
where status = 'failed'
  and created_at >= %(since)s
  and created_at <= %(before_created_at)s
  and (created_at, id) < (%(before_created_at)s::timestamptz, %(before_id)s::uuid)
  and (%(service)s::text is null or service_name = %(service)s::text)
  and (%(action)s::text is null or action = %(action)s::text)
order by created_at desc, id desc
limit %(limit)s
