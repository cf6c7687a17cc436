-- Purpose: roughly how many records the adopted partition has, as the planner knows it.
-- Parameters: none. Columns: one number.
-- Index: the catalogue's own.
select greatest(class.reltuples, 0)::bigint
  from pg_catalog.pg_class as class
 where class.oid = pg_catalog.to_regclass('integration_monitor.integration_logs_adopted')
