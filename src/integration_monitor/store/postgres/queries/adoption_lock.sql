-- Purpose: lets one session at a time take over an old table, from however many machines. Nobody waits for it within a statement: the making of an
-- index waits for every other statement to end, and the two would wait for each other.
-- Parameters: lock. Columns: one boolean.
-- Index: none.
select pg_catalog.pg_try_advisory_lock(%(lock)s)
