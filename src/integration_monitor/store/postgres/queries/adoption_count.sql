-- Purpose: counts the records of one more day in the statistics, youngest first: all of one UTC day, or all that is to come, or all that
-- lies before the calendar. Writers go on meanwhile, and count what they write.
-- Parameters: none. Columns: counted (records until now), is_done; one row.
-- Index: idx_integration_logs_created_at.
with newest as (
    select case when adoption.counted_since = 'infinity' then timestamptz 'infinity'
                else (select max(log.created_at) from public.integration_logs as log where log.created_at < adoption.counted_since) end as created_at
      from integration_monitor.adoption as adoption
),
span as (
    select case when newest.created_at = 'infinity' then date_bin('1 day', now(), timestamptz '1970-01-01 00:00:00+00') + interval '1 day'
                when newest.created_at is null or newest.created_at < timestamptz '0001-01-02 00:00:00+00' then '-infinity'
                else date_bin('1 day', newest.created_at, timestamptz '1970-01-01 00:00:00+00') end as since
      from newest
)
update integration_monitor.adoption as adoption
   set counted_since = span.since,
       -- Up to what was counted last, and not one day alone: a day between may have had records that somebody has just deleted.
       counted       = adoption.counted + integration_monitor.rebuild_statistics(span.since, adoption.counted_since)
  from span
returning adoption.counted, adoption.counted_since = '-infinity' as is_done
