-- Purpose: sets the bound of the old table's partition, and sees to it that no further record breaks it: a check that is not yet validated, and
-- triggers before it. A bound that is near is moved on, since what comes after it would have to wait elsewhere.
-- Parameters: none. Columns: none.
-- Locks: access exclusive on the old table, for some milliseconds.
-- Index: none.
do $bind$
declare
    -- A Monday, so that weeks begin on one. At least a day ahead, so that only a clock gone wrong gives a time beyond it.
    next_bound constant timestamptz := date_bin('7 days', now() + interval '8 days', timestamptz '1970-01-05 00:00:00+00');
    bound      timestamptz;
begin
    perform set_config('timezone', 'UTC', true);
    select adoption.bound into bound from integration_monitor.adoption as adoption;
    if bound is null or bound < now() + interval '6 hours' then
        bound := next_bound;
        update integration_monitor.adoption as adoption set bound = next_bound;
        alter table public.integration_logs drop constraint if exists integration_logs_adoption_check;
    end if;
    -- Last of all triggers by their names.
    execute format(
        'create or replace trigger zz_integration_monitor_insert before insert on public.integration_logs for each row'
        ' when (new.created_at is null or new.created_at >= %1$L) execute function integration_monitor.prepare_log(%1$L)', bound
    );
    execute format(
        'create or replace trigger zz_integration_monitor_update before update on public.integration_logs for each row'
        ' when (old.created_at is null or new.created_at is null or new.created_at >= %1$L)'
        ' execute function integration_monitor.prepare_log(%1$L)', bound
    );
    if not exists (
        select from pg_catalog.pg_constraint as con
         where con.conrelid = 'public.integration_logs'::regclass and con.conname = 'integration_logs_adoption_check'
    ) then
        execute format(
            'alter table public.integration_logs add constraint integration_logs_adoption_check'
            ' check (created_at is not null and created_at >= ''-infinity'' and created_at < %L) not valid', bound
        );
    end if;
    if not exists (
        select from pg_catalog.pg_constraint as con
         where con.conrelid = 'public.integration_logs'::regclass and con.conname = 'integration_logs_status_check'
    ) then
        alter table public.integration_logs add constraint integration_logs_status_check
            check (status in ('success', 'failed', 'pending', 'retrying')) not valid;
    end if;
end
$bind$
