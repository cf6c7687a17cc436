-- What the database says of itself and of what the product keeps in it.
-- Parameters: none.
-- Columns: those of SystemFacts; one row.
-- Index: idx_integration_logs_created_at for the oldest and the newest record; the changes are few, or there is something to be told.
select
    current_setting('server_version')                                as server_version,
    pg_database_size(current_database())                             as database_bytes,
    (
        select coalesce(sum(pg_total_relation_size(one.oid)), 0)::bigint
        from pg_class as one
        where one.relnamespace = 'integration_monitor'::regnamespace
          and one.relname like 'statistics\_%%'
          and one.relkind = 'r'
    )                                                                as statistics_bytes,
    (select count(*) from integration_monitor.statistics_open)       as change_count,
    (select min(log.created_at) from public.integration_logs as log) as oldest_at,
    (select max(log.created_at) from public.integration_logs as log) as newest_at
