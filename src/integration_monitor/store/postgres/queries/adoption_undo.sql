-- Purpose: takes away what would hold up writers for good if the adoption were never gone on with: the triggers and the check of the old table,
-- while it is still that. Indexes stay: they took long, and harm nobody.
-- Parameters: none. Columns: none.
-- Locks: access exclusive on the old table, for some milliseconds.
-- Index: none.
drop trigger if exists zz_integration_monitor_insert on public.integration_logs;
drop trigger if exists zz_integration_monitor_update on public.integration_logs;
alter table public.integration_logs drop constraint if exists integration_logs_adoption_check;

insert into public.integration_logs (
    id, service_name, action, status, related_entity_type, related_entity_id, request_payload, response_payload,
    error_message, error_code, duration_ms, retry_count, created_at, updated_at
)
select ahead.id, ahead.service_name, ahead.action, ahead.status, ahead.related_entity_type, ahead.related_entity_id,
       ahead.request_payload, ahead.response_payload, ahead.error_message, ahead.error_code, ahead.duration_ms, ahead.retry_count,
       ahead.created_at, ahead.updated_at
  from integration_monitor.integration_logs_ahead as ahead
on conflict do nothing;

drop table integration_monitor.adoption, integration_monitor.integration_logs_ahead;
drop function integration_monitor.prepare_log()
