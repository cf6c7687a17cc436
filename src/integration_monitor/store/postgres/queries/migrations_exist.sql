-- Purpose: whether the history of migrations is there yet.
-- Parameters: none. Columns: one boolean.
-- Index: the catalogue's own.
select pg_catalog.to_regclass('integration_monitor.migrations') is not null
