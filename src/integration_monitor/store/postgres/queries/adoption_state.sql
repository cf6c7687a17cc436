-- Purpose: what kind of thing public.integration_logs is, and how far taking it over has come.
-- Parameters: none. Columns: kind (pg_class.relkind; null where there is none), is_under_way (whether adoption_begin.sql was run, and
-- neither adoption_end.sql nor adoption_undo.sql).
-- Index: the catalogue's own.
select (
           select class.relkind::text
             from pg_catalog.pg_class as class
             join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
            where namespace.nspname = 'public' and class.relname = 'integration_logs'
       ) as kind,
       pg_catalog.to_regclass('integration_monitor.adoption') is not null as is_under_way
