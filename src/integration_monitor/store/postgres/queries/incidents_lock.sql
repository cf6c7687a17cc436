-- Purpose: one server at a time decides about incidents.
-- Parameters: none. Columns: is_ours; one row. The lock ends with the transaction.
-- Index: none.
select pg_try_advisory_xact_lock(hashtextextended('integration_monitor.incidents', 0)) as is_ours
