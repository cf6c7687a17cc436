-- How public.integration_logs is cut into partitions, and the functions that make them.
--
-- Why functions of our own: no extension may be needed. A partition is made beside the table and then attached, which takes weaker
-- locks than `create table … partition of`.
-- Locks: none that anybody waits for; everything here is new.
-- In a transaction.

create table integration_monitor.settings (
    is_only_row    boolean  not null default true,
    partition_days smallint not null default 7,
    retention      interval not null default interval '90 days',
    constraint settings_pkey primary key (is_only_row),
    constraint settings_is_only_row_check check (is_only_row),
    constraint settings_partition_days_check check (partition_days in (1, 7)),
    constraint settings_retention_check check (retention >= interval '1 day')
);

alter table integration_monitor.settings enable row level security;

create policy settings_service_role_all on integration_monitor.settings
    for all to service_role using (true) with check (true);

revoke all on integration_monitor.settings from public, anon, authenticated;
grant all on integration_monitor.settings to service_role;

insert into integration_monitor.settings default values;

comment on table integration_monitor.settings is 'How maintain() keeps public.integration_logs: one row';
comment on column integration_monitor.settings.is_only_row is 'Always true, so that there is one row';
comment on column integration_monitor.settings.partition_days is
    'Width of partitions made from now on, in days: 7 (Monday to Monday, UTC), or 1 for very large volumes';
comment on column integration_monitor.settings.retention is 'Age at which maintain() removes a record';
comment on constraint settings_is_only_row_check on integration_monitor.settings is 'One row: its key has one possible value';
comment on constraint settings_partition_days_check on integration_monitor.settings is 'Days and weeks never overlap in part';
comment on constraint settings_retention_check on integration_monitor.settings is 'A negative age would remove records as they come';

-- The bounds are read from the catalogue, the one place that is always right. They are printed in the session's time zone and date
-- style, hence both are fixed here.
create function integration_monitor.list_partitions()
    returns table (relation regclass, since timestamptz, until timestamptz, is_default boolean)
    language sql
    stable
    set search_path to pg_catalog, pg_temp
    set timezone to 'UTC'
    set datestyle to 'ISO, YMD'
as $function$
    select part.oid::regclass,
           substring(bound.expression from $$FROM \('([^']+)'\)$$)::timestamptz,
           substring(bound.expression from $$TO \('([^']+)'\)$$)::timestamptz,
           bound.expression = 'DEFAULT'
      from pg_inherits as link
      join pg_class as part on part.oid = link.inhrelid
     cross join lateral (select pg_get_expr(part.relpartbound, part.oid) as expression) as bound
     where link.inhparent = 'public.integration_logs'::regclass
     order by 2 nulls last
$function$;

create function integration_monitor.find_partition(moment timestamptz)
    returns regclass
    language sql
    stable
    set search_path to pg_catalog, pg_temp
as $function$
    select part.relation
      from integration_monitor.list_partitions() as part
     where part.is_default or (part.since <= moment and moment < part.until)
     order by part.is_default
     limit 1
$function$;

-- Makes the partitions that are to take the given times, unless they are there, and moves into them what the default partition
-- holds of theirs. Gives the names of those made.
create function integration_monitor.create_partitions(times timestamptz[])
    returns text[]
    language plpgsql
    volatile
    set search_path to pg_catalog, pg_temp
    set timezone to 'UTC'
    set datestyle to 'ISO, YMD'
as $function$
declare
    one_day    constant interval := interval '1 day';
    -- A Monday, so that weeks begin on one.
    origin     constant timestamptz := timestamptz '1970-01-05 00:00:00+00';
    step       interval;
    day        timestamptz;
    span_since timestamptz;
    span_until timestamptz;
    span_name  text;
    spans      tstzrange[] := '{}';
    names      text[] := '{}';
    moves      text[] := '{}';
begin
    select make_interval(days => settings.partition_days) into strict step from integration_monitor.settings as settings;
    for day in select distinct date_bin(one_day, wanted.moment, origin) from unnest(times) as wanted (moment) order by 1 loop
        continue when day <@ any (spans)
                   or exists (select from integration_monitor.list_partitions() as part where part.since <= day and day < part.until);
        span_since := date_bin(step, day, origin);
        span_until := span_since + step;
        -- After a change of the step, a week may already hold days.
        if exists (
            select from integration_monitor.list_partitions() as part where part.since < span_until and span_since < part.until
        ) then
            span_since := day;
            span_until := day + one_day;
        end if;
        spans := spans || tstzrange(span_since, span_until);
        span_name := 'integration_logs_' || case when span_until = span_since + one_day then to_char(span_since, 'YYYYMMDD')
                                                 else to_char(span_since, 'IYYY"w"IW') end;
        -- A partition that somebody detached, to keep it, has its name still.
        while to_regclass(format('integration_monitor.%I', span_name)) is not null loop
            span_name := span_name || '_';
        end loop;
        names := names || span_name;
    end loop;

    -- First all that nobody need wait for.
    for i in 1 .. cardinality(spans) loop
        execute format(
            'create table integration_monitor.%I (like public.integration_logs including defaults including constraints)', names[i]
        );
        execute format('alter table integration_monitor.%I enable row level security', names[i]);
        execute format('revoke all on integration_monitor.%I from public, anon, authenticated, service_role', names[i]);
        moves[i] := format(
            'with moved as ('
            '    delete from integration_monitor.integration_logs_default where created_at >= %L and created_at < %L returning *'
            ') insert into integration_monitor.%I select * from moved',
            lower(spans[i]), upper(spans[i]), names[i]
        );
        execute moves[i];
    end loop;

    -- Then, in one go, what readers wait for: a partition cannot be attached while the default one holds rows of its time, and
    -- some may have come meanwhile.
    if names <> '{}' then
        lock table only integration_monitor.integration_logs_default in access exclusive mode;
    end if;
    for i in 1 .. cardinality(spans) loop
        execute moves[i];
        execute format(
            'alter table public.integration_logs attach partition integration_monitor.%I for values from (%L) to (%L)',
            names[i], lower(spans[i]), upper(spans[i])
        );
    end loop;
    return names;
end
$function$;

revoke all on function integration_monitor.list_partitions() from public, anon, authenticated;
revoke all on function integration_monitor.find_partition(timestamptz) from public, anon, authenticated;
revoke all on function integration_monitor.create_partitions(timestamptz[]) from public, anon, authenticated;
grant execute on function integration_monitor.list_partitions() to service_role;

comment on function integration_monitor.list_partitions() is 'The partitions of public.integration_logs, oldest first, the default one last';
comment on function integration_monitor.find_partition(timestamptz) is 'The partition that takes a record of this created_at';
comment on function integration_monitor.create_partitions(timestamptz[]) is
    'Makes the partitions that are to take these times, unless they are there; gives the names of those made';

-- The week before, because what began on Sunday is written on Monday, and four weeks ahead.
select integration_monitor.create_partitions(
    array(select now() + days * interval '1 day' from generate_series(-7, 28) as days)
);
