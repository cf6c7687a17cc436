-- Purpose: makes partitions ahead and applies the retention; see migrations/0010_create_retention.sql.
-- Parameters: none. Columns: one jsonb, what it did.
-- Index: idx_integration_logs_created_at.
select integration_monitor.maintain()
