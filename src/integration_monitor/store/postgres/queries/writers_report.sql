-- Purpose: a writer's row and the records it has begun; see migrations/0012_create_writer_reports.sql.
-- Parameters: report (JSON text), opened_ids, opened_at. Columns: one, void.
-- Index: writers_pkey, pending_pkey; idx_writers_watched once a minute.
select integration_monitor.report_writer(%(report)s::jsonb, %(opened_ids)s::uuid[], %(opened_at)s::timestamptz[])
