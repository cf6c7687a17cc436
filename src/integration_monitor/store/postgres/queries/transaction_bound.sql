-- Purpose: bounds how long each statement of this transaction may run, and wait for a lock.
-- Parameters: statement_timeout, lock_timeout: milliseconds, as text. Columns: two texts.
-- Index: none.
select pg_catalog.set_config('statement_timeout', %(statement_timeout)s, true),
       pg_catalog.set_config('lock_timeout', %(lock_timeout)s, true)
