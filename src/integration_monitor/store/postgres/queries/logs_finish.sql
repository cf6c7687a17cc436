-- Purpose: finishes records that are pending or retrying. One that is neither, or is not there, is left alone.
-- Parameters: one array a column, all of the same length; since, until: the first and the last created_at among them.
-- Columns: id of each record that was written.
-- Index: integration_logs_pkey. The rows are locked in the order of their ids, so that two writers never wait for each other.
with record as (
    select *
      from unnest(
               %(id)b::uuid[], %(status)b::text[], %(related_entity_type)b::text[], %(related_entity_id)b::uuid[],
               %(request_payload)b::jsonb[], %(response_payload)b::jsonb[], %(error_message)b::text[], %(error_code)b::text[],
               %(duration_ms)b::integer[], %(retry_count)b::integer[], %(created_at)b::timestamptz[], %(updated_at)b::timestamptz[]
           ) as record (
               id, status, related_entity_type, related_entity_id, request_payload, response_payload, error_message, error_code,
               duration_ms, retry_count, created_at, updated_at
           )
),
unfinished as materialized (
    select log.id, log.created_at
      from public.integration_logs as log
      join record on record.id = log.id and record.created_at = log.created_at
     where log.created_at between %(since)s::timestamptz and %(until)s::timestamptz
       and log.status in ('pending', 'retrying')
     order by log.id
       for update of log
)
update public.integration_logs as log
   set status              = record.status,
       related_entity_type = record.related_entity_type,
       related_entity_id   = record.related_entity_id,
       request_payload     = record.request_payload,
       response_payload    = record.response_payload,
       error_message       = record.error_message,
       error_code          = record.error_code,
       duration_ms         = record.duration_ms,
       retry_count         = record.retry_count,
       updated_at          = record.updated_at
  from unfinished
  join record on record.id = unfinished.id
 where log.id = unfinished.id
   and log.created_at = unfinished.created_at
   and log.created_at between %(since)s::timestamptz and %(until)s::timestamptz
returning log.id
