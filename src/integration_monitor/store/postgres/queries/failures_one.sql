-- One record by its whole key, whatever its status is by now.
-- Parameters: id (uuid), created_at (timestamptz).
-- Columns: the 14 of IntegrationLog; one row or none.
-- Index: integration_logs_pkey; created_at names the partition.
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
where id = %(id)s
  and created_at = %(created_at)s
