-- Purpose: refuses a database that migrations cannot start from, and changes nothing.
-- Parameters: none. Columns: none; raises 55000 (object_not_in_prerequisite_state).
-- Index: the catalogue's own.
do $require$
declare
    kind "char";
begin
    select class.relkind into kind
      from pg_catalog.pg_class as class
      join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
     where namespace.nspname = 'public' and class.relname = 'integration_logs';
    -- An ordinary table is taken over; see adoption_obstacles.sql.
    if kind is not null and kind not in ('r', 'p') then
        raise exception using
            errcode = 'object_not_in_prerequisite_state',
            message = 'public.integration_logs exists already and is no table',
            hint = 'Nothing was changed. Give it another name';
    end if;
    if kind = 'p' and pg_catalog.to_regclass('integration_monitor.migrations') is null then
        raise exception using
            errcode = 'object_not_in_prerequisite_state',
            message = 'public.integration_logs exists already, but was not made by these migrations',
            hint = 'Nothing was changed. Use another database';
    end if;
    if pg_catalog.current_setting('server_version_num')::integer < 150000 then
        raise exception using
            errcode = 'object_not_in_prerequisite_state',
            message = pg_catalog.format('PostgreSQL %s is too old', pg_catalog.current_setting('server_version')),
            hint = 'Nothing was changed. Use PostgreSQL 15 or later';
    end if;
end
$require$
