-- Purpose: a session in which a statement may take as long as it needs, whatever its role or database say, and prints times in one way.
-- Parameters: none. Columns: texts.
-- Index: none.
select pg_catalog.set_config('statement_timeout', '0', false),
       pg_catalog.set_config('lock_timeout', '0', false),
       pg_catalog.set_config('idle_in_transaction_session_timeout', '0', false),
       pg_catalog.set_config('timezone', 'UTC', false),
       pg_catalog.set_config('datestyle', 'ISO', false),
       -- A table that is new, and was not looked at yet, counts as dear: a statement of milliseconds would be compiled for seconds.
       pg_catalog.set_config('jit', 'off', false),
       -- Bounds of time are to be planned as the values that they are.
       pg_catalog.set_config('plan_cache_mode', 'force_custom_plan', false)
