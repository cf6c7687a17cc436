-- Purpose: lets the next session take over an old table.
-- Parameters: lock. Columns: one boolean.
-- Index: none.
select pg_catalog.pg_advisory_unlock(%(lock)s)
