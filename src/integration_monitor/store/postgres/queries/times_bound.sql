-- Purpose: how the server reads and writes times in this transaction, whatever the session's settings: in one time zone, and in the
-- one style that the driver understands.
-- Parameters: time_zone. Columns: two texts.
-- Index: none.
select pg_catalog.set_config('timezone', %(time_zone)s, true),
       pg_catalog.set_config('datestyle', 'ISO', true)
