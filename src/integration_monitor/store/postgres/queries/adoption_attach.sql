-- Purpose: makes the old table, which is integration_monitor.integration_logs_adopted by now, the first partition of the new one. Nothing is read
-- for that: its checks say all that PostgreSQL wants to know, and its indexes are those that it looks for. Until everything is counted, no
-- record may be removed: hence the long retention.
-- Parameters: none. Columns: none.
-- Locks: access exclusive on both tables, which this transaction has already.
-- Index: none.
do $attach$
declare
    bound constant timestamptz := (select adoption.bound from integration_monitor.adoption as adoption);
    part  record;
begin
    perform set_config('timezone', 'UTC', true);
    -- Just made, and empty.
    for part in
        select listed.relation from integration_monitor.list_partitions() as listed where listed.since < bound
    loop
        execute format('drop table %s', part.relation);
    end loop;
    perform integration_monitor.create_partitions(array[bound]);
    execute format(
        'alter table public.integration_logs attach partition integration_monitor.integration_logs_adopted for values from (''-infinity'') to (%L)',
        bound
    );
    alter table integration_monitor.integration_logs_adopted drop constraint integration_logs_adoption_check;
    comment on table integration_monitor.integration_logs_adopted is 'The table that was there before there were partitions';

    update integration_monitor.adoption as adoption
       set retention = (select settings.retention from integration_monitor.settings as settings);
    update integration_monitor.settings as settings set retention = interval '1000 years';
end
$attach$
