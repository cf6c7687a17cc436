-- Purpose: how far the records reach.
-- Parameters: none.
-- Columns: created_at of the newest record, one row; none where there is no record.
-- Index: idx_integration_logs_created_at.
select created_at from public.integration_logs order by created_at desc limit 1
