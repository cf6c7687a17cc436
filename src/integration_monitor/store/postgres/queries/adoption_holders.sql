-- Purpose: who holds a lock of public.integration_logs that an exclusive one has to wait for, oldest first.
-- Parameters: none. Columns: pid, name (of the application, or the user), state, since.
-- Index: the catalogue's own.
select activity.pid, coalesce(nullif(activity.application_name, ''), activity.usename::text, '') as name,
       coalesce(activity.state, 'unknown') as state, to_char(activity.xact_start at time zone 'UTC', 'HH24:MI:SS "UTC"') as since
  from pg_catalog.pg_locks as held
  join pg_catalog.pg_stat_activity as activity on activity.pid = held.pid
 where held.relation = pg_catalog.to_regclass('public.integration_logs')
   and held.granted
   and held.database = (select one.oid from pg_catalog.pg_database as one where one.datname = current_database())
   and held.pid <> pg_backend_pid()
 order by activity.xact_start nulls last
 limit 3
