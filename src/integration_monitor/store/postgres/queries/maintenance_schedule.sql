-- Purpose: has pg_cron add statistics up every minute and maintain the tables every hour. To be run by the owner of the tables, in their database;
-- again at any time: a job of the same name is replaced. What pg_cron has run stands in cron.job_run_details.
-- Parameters: none. Columns: none.
-- Index: none.
do $integration_monitor$
begin
    if to_regprocedure('integration_monitor.maintain()') is null then
        raise exception 'Integration Monitor is not in this database: there is no integration_monitor.maintain()'
              using hint = 'Run `integration-monitor migrate` first.';
    end if;
    if not exists (
        select
          from pg_catalog.pg_proc as routine
          join pg_catalog.pg_namespace as namespace on namespace.oid = routine.pronamespace
         where namespace.nspname = 'cron' and routine.proname = 'schedule' and routine.pronargs = 3
    ) then
        raise exception 'pg_cron is not installed in this database: there is no cron.schedule(text, text, text)'
              using hint = 'On Supabase: Database, Extensions, pg_cron. Elsewhere: shared_preload_libraries = pg_cron, cron.database_name = '
                        || current_database() || ', and `create extension pg_cron`. Without it: a running server does the same, or '
                        || '`integration-monitor cleanup` from cron.';
    end if;
    perform cron.schedule('integration_monitor_add_up', '* * * * *', 'select integration_monitor.compact_statistics(200000)');
    perform cron.schedule('integration_monitor_maintain', '17 * * * *', 'select integration_monitor.maintain()');
end
$integration_monitor$;
