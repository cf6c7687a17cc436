-- Purpose: writes a batch of records. One that is there already, by id and created_at, is skipped, so a batch may be sent again.
-- Parameters: one array a column, all of the same length; payloads are JSON texts, where null is SQL's null.
-- Columns: none.
-- Index: integration_logs_pkey, for the conflict. No target is named: so it needs no right to read, and also works on a table that
-- is not yet partitioned.
insert into public.integration_logs (
    id, service_name, action, status, related_entity_type, related_entity_id, request_payload, response_payload,
    error_message, error_code, duration_ms, retry_count, created_at, updated_at
)
select record.id, record.service_name, record.action, record.status, record.related_entity_type, record.related_entity_id,
       record.request_payload::jsonb, record.response_payload::jsonb,
       record.error_message, record.error_code, record.duration_ms, record.retry_count, record.created_at, record.updated_at
  from unnest(
           %(id)s::uuid[], %(service_name)s::text[], %(action)s::text[], %(status)s::text[],
           %(related_entity_type)s::text[], %(related_entity_id)s::uuid[], %(request_payload)s::text[], %(response_payload)s::text[],
           %(error_message)s::text[], %(error_code)s::text[], %(duration_ms)s::integer[], %(retry_count)s::integer[],
           %(created_at)s::timestamptz[], %(updated_at)s::timestamptz[]
       ) as record (
           id, service_name, action, status, related_entity_type, related_entity_id, request_payload, response_payload,
           error_message, error_code, duration_ms, retry_count, created_at, updated_at
       )
on conflict do nothing
