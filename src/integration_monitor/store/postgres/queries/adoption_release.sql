-- Purpose: puts some of the records that waited for a partition of their time into the table. One that a writer has repeated meanwhile is there.
-- Parameters: rows_max. Columns: none; the number of rows is what the statement says.
-- Index: integration_logs_pkey.
with released as (
    delete from integration_monitor.integration_logs_ahead as ahead
     where ahead.ctid = any (array(select first_one.ctid from integration_monitor.integration_logs_ahead as first_one limit %(rows_max)s))
    returning ahead.*
),
placed as (
    insert into public.integration_logs (
        id, service_name, action, status, related_entity_type, related_entity_id, request_payload, response_payload,
        error_message, error_code, duration_ms, retry_count, created_at, updated_at
    )
    select released.id, released.service_name, released.action, released.status, released.related_entity_type,
           released.related_entity_id, released.request_payload, released.response_payload, released.error_message,
           released.error_code, released.duration_ms, released.retry_count, released.created_at, released.updated_at
      from released
    on conflict do nothing
)
select from released
