-- Purpose: whether there are still records without created_at, or beyond the bound.
-- Parameters: none. Columns: one boolean.
-- Index: idx_integration_logs_created_at of the old table.
select exists (select from public.integration_logs as log where log.created_at is null)
    or exists (
           select from public.integration_logs as log
            where log.created_at >= (select adoption.bound from integration_monitor.adoption as adoption)
       )
