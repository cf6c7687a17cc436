-- Purpose: bounds how long each statement of this transaction may wait for a lock.
-- Parameters: lock_timeout: milliseconds, as text. Columns: one text.
-- Index: none.
select pg_catalog.set_config('lock_timeout', %(lock_timeout)s, true)
