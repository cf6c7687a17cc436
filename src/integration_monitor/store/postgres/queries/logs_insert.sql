-- Purpose: writes records where they cannot be copied. One that is there already, by id and created_at, is skipped.
-- Parameters: one array a column, all of the same length; is_looked_up: whether a record is skipped, too, where its id is there with
-- another created_at, as it may be for an id that does not tell its time.
-- Columns: none.
-- Index: integration_logs_pkey, for the conflict and the look-up. No target of the conflict is named: so it needs no right to read,
-- and also works on a table that is not yet partitioned.
insert into public.integration_logs (
    id, service_name, action, status, related_entity_type, related_entity_id, request_payload, response_payload,
    error_message, error_code, duration_ms, retry_count, created_at, updated_at
)
select record.id, record.service_name, record.action, record.status, record.related_entity_type, record.related_entity_id,
       record.request_payload, record.response_payload,
       record.error_message, record.error_code, record.duration_ms, record.retry_count, record.created_at, record.updated_at
  from unnest(
           %(id)b::uuid[], %(service_name)b::text[], %(action)b::text[], %(status)b::text[],
           %(related_entity_type)b::text[], %(related_entity_id)b::uuid[], %(request_payload)b::jsonb[], %(response_payload)b::jsonb[],
           %(error_message)b::text[], %(error_code)b::text[], %(duration_ms)b::integer[], %(retry_count)b::integer[],
           %(created_at)b::timestamptz[], %(updated_at)b::timestamptz[]
       ) as record (
           id, service_name, action, status, related_entity_type, related_entity_id, request_payload, response_payload,
           error_message, error_code, duration_ms, retry_count, created_at, updated_at
       )
 where not %(is_looked_up)s
    or not exists (select from public.integration_logs as log where log.id = record.id)
on conflict do nothing
