-- Purpose: what this login may do here. COPY is refused where row level security applies to it; reports and statistics need the product's
-- schema, which an older table does not have.
-- Parameters: none. Columns: may_copy, may_report, may_add_up; one row, none where there is no such table.
-- Index: the catalogue's own.
select not pg_catalog.row_security_active(class.oid) as may_copy,
       'report_writer' = any (callable.names)      as may_report,
       'compact_statistics' = any (callable.names) as may_add_up
  from pg_catalog.pg_class as class
  join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
 cross join lateral (
           select array(
                      select proc.proname
                        from pg_catalog.pg_proc as proc
                        join pg_catalog.pg_namespace as home on home.oid = proc.pronamespace
                       where home.nspname = 'integration_monitor'
                         and proc.proname in ('report_writer', 'compact_statistics')
                         and pg_catalog.has_schema_privilege(home.oid, 'usage')
                         and pg_catalog.has_function_privilege(proc.oid, 'execute')
                  ) as names
       ) as callable
 where namespace.nspname = 'public'
   and class.relname = 'integration_logs'
