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
    coalesce(updated_at, created_at) as updated_at
from public.integration_logs
where id = %(id)s
  and created_at = %(created_at)s
