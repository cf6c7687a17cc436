-- Purpose: lets one migration run at a time, from however many machines. Bound to the transaction, so that poolers do no harm.
-- Parameters: lock. Columns: one, void.
-- Index: none.
select pg_catalog.pg_advisory_xact_lock(%(lock)s)
