-- Purpose: tells the trigger of the old table, for this transaction, that an update is ours and changes no updated_at.
-- Parameters: none. Columns: one text.
-- Index: none.
select pg_catalog.set_config('integration_monitor.is_filling', 'on', true)
