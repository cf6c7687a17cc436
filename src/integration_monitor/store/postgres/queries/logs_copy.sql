-- Purpose: writes records, all or none. A record that is there already, by id and created_at, is an error (23505).
-- Parameters: none; the rows follow, in the binary format of COPY.
-- Columns: none.
-- Index: none; an insert.
copy public.integration_logs (
    id, service_name, action, status, related_entity_type, related_entity_id, request_payload, response_payload,
    error_message, error_code, duration_ms, retry_count, created_at, updated_at
) from stdin with (format binary)
