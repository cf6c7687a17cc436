-- Purpose: refuses a database whose table is an old, unpartitioned one, and changes nothing. For the script alone: what `migrate` does with such a
-- table cannot be done in one statement.
-- Parameters: none. Columns: none; raises 55000 (object_not_in_prerequisite_state).
-- Index: the catalogue's own.
do $unadopted$
begin
    if exists (
        select
          from pg_catalog.pg_class as class
          join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
         where namespace.nspname = 'public' and class.relname = 'integration_logs' and class.relkind = 'r'
    ) or pg_catalog.to_regclass('integration_monitor.adoption') is not null then
        raise exception using
            errcode = 'object_not_in_prerequisite_state',
            message = 'public.integration_logs exists already and is not partitioned: it is an older table, which a script cannot take over',
            hint = 'Nothing was changed. Run: integration-monitor migrate --database-url postgresql://… (port 5432). Or drop the table, where it is empty';
    end if;
end
$unadopted$
