-- What statistics are kept in: changes as they are written, and sums of them by minute, hour and day.
--
-- Why: reading raw rows for thirty days costs seconds per ten million of them. A sum costs the same at any size, and outlives its
-- records. Why changes are appended and not added up at once: two writers would wait for each other's row, and in a circle at worst.
-- Locks: none that anybody waits for; everything here is new.
-- In a transaction.

create table integration_monitor.statistics_changes (
    change_id    bigint      generated always as identity,
    sign         smallint    not null,
    grain        text        not null,
    bucket       timestamptz not null,
    service_name text        not null,
    action       text        not null,
    status       text        not null,
    error_code   text        not null,
    fault        text        not null,
    count        bigint      not null,
    timed        bigint      not null,
    sum_ms       bigint      not null,
    min_ms       integer,
    max_ms       integer,
    durations    integer[],
    constraint statistics_changes_pkey primary key (change_id),
    constraint statistics_changes_sign_check check (sign in (-1, 1)),
    constraint statistics_changes_grain_check check (grain in ('minute', 'hour', 'day'))
) with (
    -- Its rows live for seconds: what they leave behind is to go soon.
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 10000
);

-- Changes of the stretch of time that a question asks for; those of times to come wait here.
create index idx_statistics_changes_bucket on integration_monitor.statistics_changes (bucket);

create table integration_monitor.statistics_names (
    service_name text    not null,
    kind         text    not null,
    name         text    not null,
    is_overflow  boolean not null default false,
    constraint statistics_names_pkey primary key (service_name, kind, name),
    constraint statistics_names_kind_check check (kind in ('action', 'error_code'))
);

create table integration_monitor.statistics_series (
    series_id    integer generated always as identity,
    service_name text    not null,
    action       text    not null,
    status       text    not null,
    error_code   text    not null,
    fault        text    not null,
    constraint statistics_series_pkey primary key (series_id),
    constraint statistics_series_key unique (service_name, action, status, error_code, fault)
);

-- Nobody asks a minute for its extremes.
create table integration_monitor.statistics_minute (
    bucket    timestamptz not null,
    series_id integer     not null,
    count     bigint      not null,
    timed     bigint      not null,
    sum_ms    bigint      not null,
    bins      smallint[]  not null,
    counts    integer[]   not null,
    constraint statistics_minute_pkey primary key (bucket, series_id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

create table integration_monitor.statistics_hour (
    bucket         timestamptz not null,
    series_id      integer     not null,
    count          bigint      not null,
    timed          bigint      not null,
    sum_ms         bigint      not null,
    min_ms         integer,
    max_ms         integer,
    removed_min_ms integer,
    removed_max_ms integer,
    bins           smallint[]  not null,
    counts         integer[]   not null,
    constraint statistics_hour_pkey primary key (bucket, series_id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

create table integration_monitor.statistics_day (
    like integration_monitor.statistics_hour including defaults,
    constraint statistics_day_pkey primary key (bucket, series_id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- The few rows whose extremes are to be read again.
create index idx_statistics_hour_unsure on integration_monitor.statistics_hour (bucket) where removed_min_ms is not null;
create index idx_statistics_day_unsure on integration_monitor.statistics_day (bucket) where removed_min_ms is not null;

create table integration_monitor.statistics_bins (
    bin      smallint not null,
    least_ms integer  not null,
    shown_ms integer  not null,
    constraint statistics_bins_pkey primary key (bin)
);

-- Each bin reaches as far as one whole number stands for all of it with an error of at most 5 %: from `least` on, the largest such number
-- is 1.05 × least, and it stands for values up to 1/0.95 of itself. Below nought there is one bin, for writers that write nonsense.
insert into integration_monitor.statistics_bins (bin, least_ms, shown_ms)
with recursive bins (bin, least_ms, shown_ms) as (
    values (1, 0::bigint, 0::bigint)
    union all
    select bins.bin + 1, next.least_ms, next.least_ms * 105 / 100
      from bins
     cross join lateral (select bins.shown_ms * 100 / 95 + 1 as least_ms) as next
     where next.least_ms <= 2147483647
)
select 0, -2147483648, 0
union all
select bins.bin, bins.least_ms, least(bins.shown_ms, 2147483647) from bins;

do $block$
declare
    name text;
begin
    foreach name in array array[
        'statistics_changes', 'statistics_names', 'statistics_series', 'statistics_minute', 'statistics_hour', 'statistics_day',
        'statistics_bins'
    ] loop
        execute format('alter table integration_monitor.%I enable row level security', name);
        execute format(
            'create policy %I on integration_monitor.%I for all to service_role using (true) with check (true)',
            name || '_service_role_all', name
        );
        execute format('revoke all on integration_monitor.%I from public, anon, authenticated', name);
        execute format('grant all on integration_monitor.%I to service_role', name);
    end loop;
    foreach name in array array['statistics_series', 'statistics_minute', 'statistics_hour', 'statistics_day', 'statistics_bins'] loop
        execute format(
            'create policy %I on integration_monitor.%I for select to integration_monitor_statistics using (true)',
            name || '_read_statistics', name
        );
        execute format('grant select on integration_monitor.%I to integration_monitor_statistics', name);
    end loop;
end
$block$;

comment on table integration_monitor.statistics_changes is
    'What was written to public.integration_logs and is not yet added up: one row a statement, bucket and series. Statistics are the tiers and these';
comment on column integration_monitor.statistics_changes.change_id is
    'Upwards as they are written: what takes a record away has a higher one than what added it';
comment on column integration_monitor.statistics_changes.sign is '1 for records that came, -1 for records that went';
comment on column integration_monitor.statistics_changes.grain is
    'Width of the bucket: minute, for records older than 48 hours hour, for those older than 91 days day';
comment on column integration_monitor.statistics_changes.bucket is 'Beginning of the minute, hour or day of created_at (UTC)';
comment on column integration_monitor.statistics_changes.service_name is 'The record''s, up to 255 characters';
comment on column integration_monitor.statistics_changes.action is 'The record''s, up to 255 characters';
comment on column integration_monitor.statistics_changes.status is 'The record''s';
comment on column integration_monitor.statistics_changes.error_code is 'The record''s, up to 100 characters; empty where it has none';
comment on column integration_monitor.statistics_changes.fault is
    'Of a failed record its response_payload.fault, unclassified where that is none of the known ones; else empty';
comment on column integration_monitor.statistics_changes.count is 'Records';
comment on column integration_monitor.statistics_changes.timed is 'Those of them that have a duration';
comment on column integration_monitor.statistics_changes.sum_ms is 'Sum of their durations in milliseconds';
comment on column integration_monitor.statistics_changes.min_ms is 'Shortest of their durations in milliseconds';
comment on column integration_monitor.statistics_changes.max_ms is 'Longest of their durations in milliseconds';
comment on column integration_monitor.statistics_changes.durations is 'Their durations in milliseconds, in no order';
comment on constraint statistics_changes_sign_check on integration_monitor.statistics_changes is 'Nothing is half come';
comment on constraint statistics_changes_grain_check on integration_monitor.statistics_changes is 'The tiers there are';

comment on table integration_monitor.statistics_names is
    'The actions and error codes that statistics tell apart, at most 300 of each a service; whatever comes later is counted as other';
comment on column integration_monitor.statistics_names.service_name is 'The service they belong to';
comment on column integration_monitor.statistics_names.kind is 'action or error_code';
comment on column integration_monitor.statistics_names.name is 'The action or error code';
comment on column integration_monitor.statistics_names.is_overflow is 'True of the name other once there were too many, and for good';
comment on constraint statistics_names_kind_check on integration_monitor.statistics_names is 'What is bounded';

comment on table integration_monitor.statistics_series is 'What statistics are kept for: one row a combination that has occurred';
comment on column integration_monitor.statistics_series.series_id is 'Its number in the tiers';
comment on column integration_monitor.statistics_series.service_name is 'As in statistics_changes';
comment on column integration_monitor.statistics_series.action is 'As in statistics_changes; other where there are too many';
comment on column integration_monitor.statistics_series.status is 'As in statistics_changes';
comment on column integration_monitor.statistics_series.error_code is 'As in statistics_changes; other where there are too many';
comment on column integration_monitor.statistics_series.fault is 'As in statistics_changes';

comment on table integration_monitor.statistics_minute is 'Sums by minute and series, of the last 48 hours';
comment on column integration_monitor.statistics_minute.bucket is 'Beginning of the minute (UTC)';
comment on column integration_monitor.statistics_minute.series_id is 'What was counted';
comment on column integration_monitor.statistics_minute.count is 'Records';
comment on column integration_monitor.statistics_minute.timed is 'Those of them that have a duration';
comment on column integration_monitor.statistics_minute.sum_ms is 'Sum of their durations in milliseconds';
comment on column integration_monitor.statistics_minute.bins is 'The bins that their durations fall into, upwards';
comment on column integration_monitor.statistics_minute.counts is 'How many fall into each of these';

comment on table integration_monitor.statistics_hour is 'Sums by hour and series, of the last 91 days';
comment on column integration_monitor.statistics_hour.bucket is 'Beginning of the hour (UTC)';
comment on column integration_monitor.statistics_hour.series_id is 'What was counted';
comment on column integration_monitor.statistics_hour.count is 'Records';
comment on column integration_monitor.statistics_hour.timed is 'Those of them that have a duration';
comment on column integration_monitor.statistics_hour.sum_ms is 'Sum of their durations in milliseconds';
comment on column integration_monitor.statistics_hour.min_ms is 'Shortest of their durations in milliseconds';
comment on column integration_monitor.statistics_hour.max_ms is 'Longest of their durations in milliseconds';
comment on column integration_monitor.statistics_hour.removed_min_ms is
    'Shortest of those removed since the extremes were last read, in milliseconds; null where no extreme is in doubt';
comment on column integration_monitor.statistics_hour.removed_max_ms is 'Longest of those, in milliseconds';
comment on column integration_monitor.statistics_hour.bins is 'The bins that their durations fall into, upwards';
comment on column integration_monitor.statistics_hour.counts is 'How many fall into each of these';

comment on table integration_monitor.statistics_day is 'Sums by day and series, for good: they outlive the records';
comment on column integration_monitor.statistics_day.bucket is 'Beginning of the day (UTC)';
comment on column integration_monitor.statistics_day.series_id is 'What was counted';
comment on column integration_monitor.statistics_day.count is 'Records';
comment on column integration_monitor.statistics_day.timed is 'Those of them that have a duration';
comment on column integration_monitor.statistics_day.sum_ms is 'Sum of their durations in milliseconds';
comment on column integration_monitor.statistics_day.min_ms is 'Shortest of their durations in milliseconds';
comment on column integration_monitor.statistics_day.max_ms is 'Longest of their durations in milliseconds';
comment on column integration_monitor.statistics_day.removed_min_ms is
    'Shortest of those removed since the extremes were last read, in milliseconds; null where no extreme is in doubt';
comment on column integration_monitor.statistics_day.removed_max_ms is 'Longest of those, in milliseconds';
comment on column integration_monitor.statistics_day.bins is 'The bins that their durations fall into, upwards';
comment on column integration_monitor.statistics_day.counts is 'How many fall into each of these';

comment on table integration_monitor.statistics_bins is 'What durations are sorted into';
comment on column integration_monitor.statistics_bins.bin is 'Its number, upwards';
comment on column integration_monitor.statistics_bins.least_ms is 'The shortest duration in it, in milliseconds';
comment on column integration_monitor.statistics_bins.shown_ms is 'What is shown for every duration in it, at most 5 % from each, in milliseconds';
