-- Purpose: writes the test records of `verify`: three of now, as a user without the SDK would, with defaults; and for each view one at
-- the first moment it shows, and one just before.
-- Parameters: action. Columns: id, status; of the records of now.
-- Index: none.
with edges (suffix, first_moment) as (
    values ('_hour', date_bin(interval '1 hour', now() - interval '24 hours', timestamptz '1970-01-01 00:00:00+00')),
           ('_day', date_bin(interval '1 day', now() - interval '30 days', timestamptz '1970-01-01 00:00:00+00'))
),
old_records as (
    insert into public.integration_logs (service_name, action, status, created_at)
    select 'integration_monitor', %(action)s || edge.suffix, 'success', edge.first_moment - before
      from edges as edge
     cross join unnest(array[interval '0', interval '1 microsecond']) as before
)
insert into public.integration_logs (service_name, action, status, duration_ms)
values ('integration_monitor', %(action)s, 'success', 150),
       ('integration_monitor', %(action)s, 'failed', null),
       ('integration_monitor', %(action)s, 'pending', null)
returning id, status
