-- Purpose: what each role is to try, so that the rights are proved and not read. The rows are statements for access.py, which runs each
-- in a savepoint of a transaction that is rolled back.
-- Parameters: finished_id, unfinished_id: records of the transaction. Columns: role, name, statement, expected, which is one of:
-- allowed (no error), refused (42501), none (no error, no row), one (no error, one row).
-- Index: the catalogue's own.
with relations as (
    select class.oid::regclass::text as name
      from pg_class as class
     where class.relnamespace = 'integration_monitor'::regnamespace and class.relkind in ('r', 'p', 'v')
),
functions as (
    select proc.oid::regprocedure::text as name,
           format(
               'select %%I.%%I(%%s)', namespace.nspname, proc.proname,
               (select string_agg('null::' || argument::regtype::text, ', ') from unnest(proc.proargtypes) as argument)
           ) as call
      from pg_proc as proc
      join pg_namespace as namespace on namespace.oid = proc.pronamespace
     where (namespace.nspname = 'integration_monitor' and proc.prorettype <> 'trigger'::regtype)
        or (namespace.nspname = 'public' and proc.proname = 'cleanup_old_integration_logs')
),
outsiders (role) as (
    values ('anon'), ('authenticated')
),
-- Who has no business in the product's schema, but for the exceptions named below.
strangers (role) as (
    values ('anon'), ('authenticated'), ('integration_monitor_writer'), ('integration_monitor_statistics')
),
writes (name, statement) as (
    values
        ('insert', 'insert into public.integration_logs (service_name, action, status) values (''integration_monitor'', ''verify'', ''success'')'),
        ('update', 'update public.integration_logs set error_code = ''VERIFY'' where id = %%L'),
        ('delete', 'delete from public.integration_logs where id = %%L')
),
reads (name, statement) as (
    values
        ('read the table', 'select * from public.integration_logs where id = %%L'),
        ('read integration_stats_hourly', 'select * from public.integration_stats_hourly limit 1'),
        ('read integration_stats_daily', 'select * from public.integration_stats_daily limit 1')
)
-- Strangers: nothing of the product's schema is read or called.
select stranger.role, 'may not read ' || relation.name, 'select from ' || relation.name || ' limit 1', 'refused'
  from strangers as stranger cross join relations as relation
 where (stranger.role, relation.name) not in (
           -- Since when something is wrong; its words are tried below.
           ('integration_monitor_statistics', 'integration_monitor.incidents'),
           ('integration_monitor_statistics', 'integration_monitor.writers'),
           ('integration_monitor_statistics', 'integration_monitor.statistics_series'),
           ('integration_monitor_statistics', 'integration_monitor.statistics_total'),
           ('integration_monitor_statistics', 'integration_monitor.statistics_minute'),
           ('integration_monitor_statistics', 'integration_monitor.statistics_hour'),
           ('integration_monitor_statistics', 'integration_monitor.statistics_day'),
           ('integration_monitor_statistics', 'integration_monitor.statistics_bins'),
           ('integration_monitor_statistics', 'integration_monitor.statistics_open'),
           ('integration_monitor_statistics', 'integration_monitor.statistics_hourly'),
           ('integration_monitor_statistics', 'integration_monitor.statistics_daily')
       )
union all
select stranger.role, 'may not call ' || function.name, function.call, 'refused'
  from strangers as stranger cross join functions as function
 where (stranger.role, function.name) not in (
           ('integration_monitor_writer', 'integration_monitor.maintain()'),
           ('integration_monitor_writer', 'integration_monitor.maintain_turn()'),
           ('integration_monitor_writer', 'integration_monitor.compact_statistics(integer)'),
           ('integration_monitor_statistics',
            'integration_monitor.read_extremes(text,text,text,timestamp with time zone,timestamp with time zone,bigint)'),
           ('integration_monitor_statistics', 'integration_monitor.sees_every_record(name)'),
           ('integration_monitor_statistics', 'integration_monitor.count_seen(interval,timestamp with time zone)'),
           ('integration_monitor_statistics',
            'integration_monitor.choose_width(timestamp with time zone,timestamp with time zone,interval)'),
           ('integration_monitor_statistics',
            'integration_monitor.read_sums(timestamp with time zone,timestamp with time zone,interval,boolean)'),
           ('integration_monitor_statistics',
            'integration_monitor.read_statistics(timestamp with time zone,timestamp with time zone,interval)'),
           ('integration_monitor_statistics',
            'integration_monitor.read_percentiles(timestamp with time zone,timestamp with time zone,interval,text[],text[],text[])'),
           ('integration_monitor_statistics', 'integration_monitor.read_states()'),
           ('integration_monitor_writer', 'integration_monitor.reopen_logs(uuid[])'),
           ('integration_monitor_writer', 'integration_monitor.report_writer(jsonb,uuid[],timestamp with time zone[])')
       )
-- Outsiders: nothing is written; anon does not even read what is promised.
union all
select outsider.role, 'may not ' || write.name, format(write.statement, %(finished_id)s::uuid), 'refused'
  from outsiders as outsider cross join writes as write
union all
select role, 'may not truncate', format('select 1 where has_table_privilege(%%L, ''public.integration_logs'', ''truncate'')', role), 'none'
  from strangers
union all
select 'anon', 'may not ' || read.name, format(read.statement, %(finished_id)s::uuid), 'refused'
  from reads as read
union all
select role, 'may ' || read.name, format(read.statement, %(finished_id)s::uuid), 'one'
  from reads as read cross join unnest(array['authenticated', 'service_role']) as role
union all
-- service_role: everything. Functions are looked up instead of called: they would do their work.
select 'service_role', 'may ' || write.name, format(write.statement, %(finished_id)s::uuid), 'one'
  from writes as write
union all
select 'service_role', 'may read ' || relation.name, 'select from ' || relation.name || ' limit 1', 'allowed'
  from relations as relation
 where relation.name !~ '^integration_monitor\.integration_logs_'
union all
select 'service_role', 'may read the settings', 'select * from integration_monitor.settings', 'one'
union all
select role, 'may call ' || function_name,
       format('select 1 where has_function_privilege(%%L, %%L, ''execute'')', role, function_name), 'one'
  from (
           values ('service_role', 'integration_monitor.maintain()'),
                  ('service_role', 'public.cleanup_old_integration_logs()'),
                  ('service_role', 'integration_monitor.compact_statistics(integer)'),
                  ('service_role', 'integration_monitor.rebuild_statistics(timestamptz, timestamptz)'),
                  ('integration_monitor_writer', 'integration_monitor.compact_statistics(integer)'),
                  ('service_role', 'integration_monitor.reopen_logs(uuid[])'),
                  ('service_role', 'integration_monitor.report_writer(jsonb, uuid[], timestamptz[])'),
                  ('integration_monitor_writer', 'integration_monitor.maintain()'),
                  ('integration_monitor_writer', 'integration_monitor.maintain_turn()'),
                  ('integration_monitor_writer', 'integration_monitor.reopen_logs(uuid[])')
       ) as callable (role, function_name)
union all
-- The writer: inserts, finishes what is unfinished, reads nothing that was said.
select 'integration_monitor_writer', name, format(statement, %(finished_id)s::uuid, %(unfinished_id)s::uuid), expected
  from (
           values
               ('may insert',
                'insert into public.integration_logs (service_name, action, status) values (''integration_monitor'', ''verify'', ''pending'')',
                'one'),
               ('may repeat an insert',
                'insert into public.integration_logs (id, service_name, action, status) values (%%1$L, ''integration_monitor'', ''verify'', ''success'') on conflict do nothing',
                'none'),
               ('may report itself and what it has begun',
                'select integration_monitor.report_writer(''{"writer_id": "00000000-0000-0000-0000-000000000000", "host": "verify", "pid": 1,'
                    ' "started_at": "2026-01-01T00:00:00Z", "taken": 1, "written": 1, "ignored": 0, "spooled": 0, "dropped": {},'
                    ' "dead_lettered": 0, "is_final": true}'', array[%%2$L]::uuid[], array[now()])',
                'one'),
               ('may finish a record', 'update public.integration_logs set status = ''success'' where id = %%2$L', 'one'),
               ('may not change a finished record', 'update public.integration_logs set status = ''failed'' where id = %%1$L', 'none'),
               ('may not read a request', 'select request_payload from public.integration_logs where id = %%1$L', 'refused'),
               ('may not read an answer', 'select response_payload from public.integration_logs where id = %%1$L', 'refused'),
               ('may not delete', 'delete from public.integration_logs where false', 'refused')
       ) as trial (name, statement, expected)
union all
-- Statistics: the views and the sums, never what was said.
select 'integration_monitor_statistics', name, format(statement, %(finished_id)s::uuid), expected
  from (
           values
               ('may read integration_stats_hourly', 'select * from public.integration_stats_hourly limit 1', 'one'),
               ('may read integration_stats_daily', 'select * from public.integration_stats_daily limit 1', 'one'),
               ('may read integration_monitor.statistics_open', 'select * from integration_monitor.statistics_open limit 1', 'one'),
               ('may read integration_monitor.statistics_hour', 'select * from integration_monitor.statistics_hour limit 1', 'allowed'),
               ('may read integration_monitor.writers', 'select * from integration_monitor.writers limit 1', 'allowed'),
               ('may call integration_monitor.read_states', 'select from integration_monitor.read_states() limit 1', 'one'),
               ('may call integration_monitor.read_statistics',
                'select from integration_monitor.read_statistics(now() - interval ''1 hour'', now() + interval ''1 hour'', null) limit 1', 'one'),
               ('may read since when incidents last', 'select kind, severity, since_at from integration_monitor.incidents limit 1', 'allowed'),
               ('may not read the words of an incident', 'select summary from integration_monitor.incidents limit 1', 'refused'),
               ('may not read whom an incident hurt', 'select facts from integration_monitor.incidents limit 1', 'refused'),
               ('may not read a request', 'select request_payload from public.integration_logs limit 1', 'refused'),
               ('may not read an answer', 'select response_payload from public.integration_logs limit 1', 'refused'),
               ('may not read an error', 'select error_message from public.integration_logs limit 1', 'refused'),
               ('may not insert',
                'insert into public.integration_logs (service_name, action, status) values (''integration_monitor'', ''verify'', ''success'')',
                'refused'),
               ('may not update', 'update public.integration_logs set error_code = ''VERIFY'' where false', 'refused'),
               ('may not delete', 'delete from public.integration_logs where false', 'refused')
       ) as trial (name, statement, expected)
