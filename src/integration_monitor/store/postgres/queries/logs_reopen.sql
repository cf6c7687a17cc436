-- Purpose: takes records from the watch over dead processes before they are finished; see migrations/0012_create_writer_reports.sql.
-- Parameters: ids. Columns: one, void.
-- Index: pending_pkey.
select integration_monitor.reopen_logs(%(ids)s::uuid[])
