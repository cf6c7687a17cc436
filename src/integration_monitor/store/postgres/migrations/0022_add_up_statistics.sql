-- How changes are added up: the compactor, which reads extremes again where one was removed, and a recount from the records.
--
-- Why apart from the writing: here rows are updated, and one session at a time does it, so nobody waits for anybody.
-- Locks: none that anybody waits for; everything here is new. When the functions run, they take row locks on sums, which nobody else writes.
-- In a transaction.

-- A service whose names are too many has the name `other` for the rest, for good: so what is taken away again is taken from where it was
-- added to, and a name that nobody has added up yet is shown as it will be. With its owner's rights, since it stands behind views that have them.
create view integration_monitor.statistics_open with (security_invoker = false) as
select change.ctid as place,
       change.sign,
       change.grain,
       change.bucket,
       change.service_name,
       case when change.service_name in (
                     select full_one.service_name from integration_monitor.statistics_names as full_one
                      where full_one.kind = 'action' and full_one.is_overflow
                 )
                 and (change.service_name, change.action) not in (
                     select known.service_name, known.name from integration_monitor.statistics_names as known where known.kind = 'action'
                 )
            then 'other' else change.action end as action,
       change.status,
       case when change.error_code <> ''
                 and change.service_name in (
                     select full_one.service_name from integration_monitor.statistics_names as full_one
                      where full_one.kind = 'error_code' and full_one.is_overflow
                 )
                 and (change.service_name, change.error_code) not in (
                     select known.service_name, known.name from integration_monitor.statistics_names as known where known.kind = 'error_code'
                 )
            then 'other' else change.error_code end as error_code,
       change.fault,
       change.count,
       change.timed,
       change.sum_ms,
       change.min_ms,
       change.max_ms,
       change.durations
  from integration_monitor.statistics_changes as change;

-- The same words for the records themselves, for whoever counts them again. For the owner alone.
create view integration_monitor.statistics_records with (security_invoker = true) as
select log.created_at,
       left(log.service_name, 255) as service_name,
       case when left(log.service_name, 255) in (
                     select full_one.service_name from integration_monitor.statistics_names as full_one
                      where full_one.kind = 'action' and full_one.is_overflow
                 )
                 and (left(log.service_name, 255), left(log.action, 255)) not in (
                     select known.service_name, known.name from integration_monitor.statistics_names as known where known.kind = 'action'
                 )
            then 'other' else left(log.action, 255) end as action,
       log.status,
       case when log.error_code <> ''
                 and left(log.service_name, 255) in (
                     select full_one.service_name from integration_monitor.statistics_names as full_one
                      where full_one.kind = 'error_code' and full_one.is_overflow
                 )
                 and (left(log.service_name, 255), left(log.error_code, 100)) not in (
                     select known.service_name, known.name from integration_monitor.statistics_names as known where known.kind = 'error_code'
                 )
            then 'other' else coalesce(left(log.error_code, 100), '') end as error_code,
       integration_monitor.fault_of(log.status, log.response_payload) as fault,
       log.duration_ms
  from public.integration_logs as log;

create function integration_monitor.add_histograms(
    bins smallint[], counts integer[], more_bins smallint[], more_counts integer[],
    out all_bins smallint[], out all_counts integer[]
)
    language sql
    immutable
    set search_path to pg_catalog, pg_temp
as $function$
    select coalesce(array_agg(added.bin order by added.bin), '{}'), coalesce(array_agg(added.count::integer order by added.bin), '{}')
      from (
               select one.bin, sum(one.count) as count
                 from (
                          select * from unnest(bins, counts) as old (bin, count)
                          union all
                          select * from unnest(more_bins, more_counts) as new (bin, count)
                      ) as one
                group by one.bin
               having sum(one.count) <> 0
           ) as added
$function$;

-- Extremes are [shortest, longest, shortest removed, longest removed]. What was removed is forgotten where it was no extreme, and with the last
-- of the durations.
create function integration_monitor.add_extremes(
    timed bigint, more_timed bigint, extremes integer[], more_extremes integer[],
    out min_ms integer, out max_ms integer, out removed_min_ms integer, out removed_max_ms integer
)
    language plpgsql
    immutable
    set search_path to pg_catalog, pg_temp
as $function$
begin
    if timed + more_timed = 0 then
        return;
    end if;
    if timed = 0 then
        extremes := array[null, null, null, null]::integer[];
    end if;
    min_ms := least(extremes[1], more_extremes[1]);
    max_ms := greatest(extremes[2], more_extremes[2]);
    removed_min_ms := least(extremes[3], more_extremes[3]);
    removed_max_ms := greatest(extremes[4], more_extremes[4]);
    if removed_min_ms > min_ms and removed_max_ms < max_ms then
        removed_min_ms := null;
        removed_max_ms := null;
    end if;
end
$function$;

-- Gives names to what is new among these changes: first the actions and error codes, of which a service has at most 300 each, then the series.
-- Only of those that are about to be added up: to look at all, each time, would take the longer the more of them wait.
create function integration_monitor.name_series(places tid[])
    returns void
    language plpgsql
    volatile
    set search_path to pg_catalog, pg_temp
as $function$
declare
    names_max constant integer := 300;
begin
    insert into integration_monitor.statistics_names as known (service_name, kind, name, is_overflow)
    with offered as (
        select change.service_name, 'action' as kind, change.action as name
          from integration_monitor.statistics_changes as change
         where change.ctid = any (places)
        union
        select change.service_name, 'error_code', change.error_code
          from integration_monitor.statistics_changes as change
         where change.ctid = any (places) and change.error_code <> ''
    ),
    kept as (
        select known.service_name, known.kind, count(*) as count, bool_or(known.is_overflow) as is_full
          from integration_monitor.statistics_names as known
         group by known.service_name, known.kind
    ),
    fresh as (
        select offered.service_name, offered.kind, offered.name,
               coalesce(kept.count, 0) + row_number() over (partition by offered.service_name, offered.kind order by offered.name) as number
          from offered
          left join kept on kept.service_name = offered.service_name and kept.kind = offered.kind
         where kept.is_full is not true
           and not exists (
                   select from integration_monitor.statistics_names as known
                    where known.service_name = offered.service_name and known.kind = offered.kind and known.name = offered.name
               )
    )
    select distinct fresh.service_name, fresh.kind,
           case when fresh.number <= names_max then fresh.name else 'other' end, fresh.number > names_max
      from fresh
     where fresh.number > names_max or fresh.name <> 'other' or not exists (
               select from fresh as beyond
                where beyond.service_name = fresh.service_name and beyond.kind = fresh.kind and beyond.number > names_max
           )
    on conflict on constraint statistics_names_pkey do update set is_overflow = true where excluded.is_overflow;

    insert into integration_monitor.statistics_series (service_name, action, status, error_code, fault)
    select distinct open.service_name, open.action, open.status, open.error_code, open.fault
      from integration_monitor.statistics_open as open
     where open.place = any (places)
       and not exists (
               select from integration_monitor.statistics_series as series
                where series.service_name = open.service_name and series.action = open.action and series.status = open.status
                  and series.error_code = open.error_code and series.fault = open.fault
           );
end
$function$;

-- Reads extremes again where a shortest or longest duration was removed: of an hour from its records, of a day from its hours. Only where all
-- that was counted is still there; else what is known stays.
create function integration_monitor.settle_extremes()
    returns void
    language plpgsql
    volatile
    set search_path to pg_catalog, pg_temp
as $function$
declare
    -- An hour of the largest tables is read in some 10 ms.
    hours_max constant integer := 200;
    hour      timestamptz;
begin
    for hour in
        select distinct tier.bucket
          from integration_monitor.statistics_hour as tier
         where tier.removed_min_ms is not null
         order by 1 desc
         limit hours_max
    loop
        with doubtful as (
            select tier.series_id, tier.count, series.service_name, series.action, series.status, series.error_code, series.fault
              from integration_monitor.statistics_hour as tier
              join integration_monitor.statistics_series as series using (series_id)
             where tier.bucket = hour and tier.removed_min_ms is not null
        ),
        there as (
            select record.service_name, record.action, record.status, record.error_code, record.fault,
                   count(*) as count, min(record.duration_ms) as min_ms, max(record.duration_ms) as max_ms
              from integration_monitor.statistics_records as record
             where record.created_at >= hour and record.created_at < hour + interval '1 hour'
             group by 1, 2, 3, 4, 5
        ),
        -- What came or went since the sums were made, in this very statement's snapshot.
        open as (
            select change.service_name, change.action, change.status, change.error_code, change.fault,
                   sum(change.sign * change.count) as count
              from integration_monitor.statistics_open as change
             where change.bucket >= hour and change.bucket < hour + interval '1 hour'
             group by 1, 2, 3, 4, 5
        )
        update integration_monitor.statistics_hour as tier
           set removed_min_ms = null,
               removed_max_ms = null,
               min_ms         = case when found.is_whole then found.min_ms else tier.min_ms end,
               max_ms         = case when found.is_whole then found.max_ms else tier.max_ms end
          from (
                   select doubtful.series_id, there.min_ms, there.max_ms,
                          doubtful.count + coalesce(open.count, 0) = coalesce(there.count, 0) as is_whole
                     from doubtful
                     left join there using (service_name, action, status, error_code, fault)
                     left join open using (service_name, action, status, error_code, fault)
               ) as found
         where tier.bucket = hour and tier.series_id = found.series_id;
    end loop;

    update integration_monitor.statistics_day as tier
       set removed_min_ms = null,
           removed_max_ms = null,
           min_ms         = case when hours.count = tier.count then hours.min_ms else tier.min_ms end,
           max_ms         = case when hours.count = tier.count then hours.max_ms else tier.max_ms end
      from (
               select day.bucket, day.series_id, part.count, part.min_ms, part.max_ms, part.is_doubtful
                 from integration_monitor.statistics_day as day
                cross join lateral (
                          select sum(hour.count) as count,
                                 min(hour.min_ms) filter (where hour.timed <> 0) as min_ms,
                                 max(hour.max_ms) filter (where hour.timed <> 0) as max_ms,
                                 count(hour.removed_min_ms) > 0 as is_doubtful
                            from integration_monitor.statistics_hour as hour
                           where hour.bucket >= day.bucket and hour.bucket < day.bucket + interval '1 day'
                             and hour.series_id = day.series_id
                      ) as part
                where day.removed_min_ms is not null
           ) as hours
     where tier.bucket = hours.bucket and tier.series_id = hours.series_id and not hours.is_doubtful;
end
$function$;

-- Adds changes up, at most so many, and gives how many; null where another session is at it.
--
-- One statement takes them and adds them to the tiers. The transaction makes that one step for whoever reads: a change is among the changes or in the
-- tiers, never in both, never in neither. Changes of times to come wait until they come.
create function integration_monitor.compact_statistics(changes_max integer default 20000)
    returns integer
    language plpgsql
    volatile
    security definer
    set search_path to pg_catalog, pg_temp
    -- Compiling the statement takes a second where it runs for milliseconds.
    set jit to off
as $function$
declare
    -- The first eight bytes of SHA-256 of 'integration_monitor.compact_statistics', as a signed number.
    compact_lock constant bigint := 1146192063280064984;
    epoch        constant timestamptz := timestamptz '1970-01-01 00:00:00+00';
    minute_since constant timestamptz := date_bin('1 hour', now() - interval '48 hours', epoch);
    hour_since   constant timestamptz := date_bin('1 day', now() - interval '91 days', epoch);
    until        constant timestamptz := now() + interval '1 hour';
    bounds       constant integer[] := array(select bin.least_ms from integration_monitor.statistics_bins as bin where bin.bin > 0 order by 1);
    places       tid[];
    taken_count  integer;
begin
    if not pg_try_advisory_xact_lock(compact_lock) then
        return null;
    end if;
    places := array(
        select change.ctid
          from integration_monitor.statistics_changes as change
         where change.bucket < until
         order by change.change_id
         limit changes_max
    );
    if places <> '{}' then
        perform integration_monitor.name_series(places);

        with taken as (
            delete from integration_monitor.statistics_changes as change
             using integration_monitor.statistics_open as open
              join integration_monitor.statistics_series as series
                on series.service_name = open.service_name and series.action = open.action and series.status = open.status
               and series.error_code = open.error_code and series.fault = open.fault
             where change.ctid = open.place
               and open.place = any (places)
            returning change.*, series.series_id
        ),
        spread as materialized (
            select tier.name as tier, tier.bucket, taken.series_id, taken.sign, taken.count, taken.timed, taken.sum_ms,
                   taken.min_ms, taken.max_ms
              from taken
             cross join lateral (
                       values ('minute', taken.bucket, taken.grain = 'minute' and taken.bucket >= minute_since),
                              ('hour', date_bin('1 hour', taken.bucket, epoch), taken.grain <> 'day' and taken.bucket >= hour_since),
                              ('day', date_bin('1 day', taken.bucket, epoch), true)
                   ) as tier (name, bucket, is_kept)
             where tier.is_kept
        ),
        totals as (
            select spread.tier, spread.bucket, spread.series_id,
                   sum(spread.sign * spread.count)  as count,
                   sum(spread.sign * spread.timed)  as timed,
                   sum(spread.sign * spread.sum_ms) as sum_ms,
                   min(spread.min_ms) filter (where spread.sign > 0) as min_ms,
                   max(spread.max_ms) filter (where spread.sign > 0) as max_ms,
                   min(spread.min_ms) filter (where spread.sign < 0) as removed_min_ms,
                   max(spread.max_ms) filter (where spread.sign < 0) as removed_max_ms
              from spread
             group by spread.tier, spread.bucket, spread.series_id
        ),
        binned as materialized (
            select taken.grain, taken.bucket, taken.series_id, width_bucket(duration.ms, bounds)::smallint as bin, sum(taken.sign) as count
              from taken
             cross join lateral unnest(taken.durations) as duration (ms)
             group by 1, 2, 3, 4
            having sum(taken.sign) <> 0
        ),
        histograms as (
            select bin.tier, bin.bucket, bin.series_id,
                   array_agg(bin.bin order by bin.bin) as bins, array_agg(bin.count::integer order by bin.bin) as counts
              from (
                       select tier.name as tier, tier.bucket, binned.series_id, binned.bin, sum(binned.count) as count
                         from binned
                        cross join lateral (
                                  values ('minute', binned.bucket, binned.grain = 'minute' and binned.bucket >= minute_since),
                                         ('hour', date_bin('1 hour', binned.bucket, epoch), binned.grain <> 'day' and binned.bucket >= hour_since),
                                         ('day', date_bin('1 day', binned.bucket, epoch), true)
                              ) as tier (name, bucket, is_kept)
                        where tier.is_kept
                        group by 1, 2, 3, 4
                       having sum(binned.count) <> 0
                   ) as bin
             group by 1, 2, 3
        ),
        sums as materialized (
            select totals.tier, totals.bucket, totals.series_id, totals.count, totals.timed, totals.sum_ms,
                   totals.min_ms, totals.max_ms, totals.removed_min_ms, totals.removed_max_ms,
                   coalesce(histograms.bins, '{}') as bins, coalesce(histograms.counts, '{}') as counts
              from totals
              left join histograms using (tier, bucket, series_id)
             -- A record that came as pending and is finished by now leaves nothing behind.
             where totals.count <> 0 or totals.min_ms is not null or totals.removed_min_ms is not null
        ),
        minutes as (
            insert into integration_monitor.statistics_minute as tier (bucket, series_id, count, timed, sum_ms, bins, counts)
            select sums.bucket, sums.series_id, sums.count, sums.timed, sums.sum_ms, sums.bins, sums.counts
              from sums
             where sums.tier = 'minute'
            on conflict on constraint statistics_minute_pkey do update
               set count  = tier.count + excluded.count,
                   timed  = tier.timed + excluded.timed,
                   sum_ms = tier.sum_ms + excluded.sum_ms,
                   (bins, counts) = (
                       select added.all_bins, added.all_counts
                         from integration_monitor.add_histograms(tier.bins, tier.counts, excluded.bins, excluded.counts) as added
                   )
        ),
        hours as (
            insert into integration_monitor.statistics_hour as tier (
                bucket, series_id, count, timed, sum_ms, min_ms, max_ms, removed_min_ms, removed_max_ms, bins, counts
            )
            select sums.bucket, sums.series_id, sums.count, sums.timed, sums.sum_ms, sums.min_ms, sums.max_ms,
                   sums.removed_min_ms, sums.removed_max_ms, sums.bins, sums.counts
              from sums
             where sums.tier = 'hour'
            on conflict on constraint statistics_hour_pkey do update
               set count  = tier.count + excluded.count,
                   timed  = tier.timed + excluded.timed,
                   sum_ms = tier.sum_ms + excluded.sum_ms,
                   (min_ms, max_ms, removed_min_ms, removed_max_ms) = (
                       select known.min_ms, known.max_ms, known.removed_min_ms, known.removed_max_ms
                         from integration_monitor.add_extremes(
                                  tier.timed, excluded.timed, array[tier.min_ms, tier.max_ms, tier.removed_min_ms, tier.removed_max_ms],
                                  array[excluded.min_ms, excluded.max_ms, excluded.removed_min_ms, excluded.removed_max_ms]
                              ) as known
                   ),
                   (bins, counts) = (
                       select added.all_bins, added.all_counts
                         from integration_monitor.add_histograms(tier.bins, tier.counts, excluded.bins, excluded.counts) as added
                   )
        ),
        days as (
            insert into integration_monitor.statistics_day as tier (
                bucket, series_id, count, timed, sum_ms, min_ms, max_ms, removed_min_ms, removed_max_ms, bins, counts
            )
            select sums.bucket, sums.series_id, sums.count, sums.timed, sums.sum_ms, sums.min_ms, sums.max_ms,
                   sums.removed_min_ms, sums.removed_max_ms, sums.bins, sums.counts
              from sums
             where sums.tier = 'day'
            on conflict on constraint statistics_day_pkey do update
               set count  = tier.count + excluded.count,
                   timed  = tier.timed + excluded.timed,
                   sum_ms = tier.sum_ms + excluded.sum_ms,
                   (min_ms, max_ms, removed_min_ms, removed_max_ms) = (
                       select known.min_ms, known.max_ms, known.removed_min_ms, known.removed_max_ms
                         from integration_monitor.add_extremes(
                                  tier.timed, excluded.timed, array[tier.min_ms, tier.max_ms, tier.removed_min_ms, tier.removed_max_ms],
                                  array[excluded.min_ms, excluded.max_ms, excluded.removed_min_ms, excluded.removed_max_ms]
                              ) as known
                   ),
                   (bins, counts) = (
                       select added.all_bins, added.all_counts
                         from integration_monitor.add_histograms(tier.bins, tier.counts, excluded.bins, excluded.counts) as added
                   )
        )
        select count(*) into taken_count from taken;
    end if;

    perform integration_monitor.settle_extremes();
    delete from integration_monitor.statistics_minute as tier where tier.bucket < minute_since;
    delete from integration_monitor.statistics_hour as tier where tier.bucket < hour_since;
    return coalesce(taken_count, 0);
end
$function$;

-- Counts the records of these days anew, and forgets what was counted before: for records that came when nothing counted. What is gone from the
-- table is then gone from the statistics, too. Gives the number of records.
--
-- Writers go on meanwhile: one statement a day forgets and counts, so what commits later is among the changes that it did not see.
create function integration_monitor.rebuild_statistics(since timestamptz, until timestamptz)
    returns bigint
    language plpgsql
    volatile
    security definer
    set search_path to pg_catalog, pg_temp
    set jit to off
as $function$
declare
    -- That of compact_statistics(). Here it is waited for.
    compact_lock constant bigint := 1146192063280064984;
    epoch        constant timestamptz := timestamptz '1970-01-01 00:00:00+00';
    minute_since constant timestamptz := date_bin('1 hour', now() - interval '48 hours', epoch);
    hour_since   constant timestamptz := date_bin('1 day', now() - interval '91 days', epoch);
    day          timestamptz;
    counted      bigint;
    records      bigint := 0;
begin
    perform pg_advisory_xact_lock(compact_lock);
    since := date_bin('1 day', since, epoch);
    -- Days that have something, and not each day of the calendar.
    for day in
        select date_bin('1 day', integration_monitor.bucket_of(log.created_at, minute_since, hour_since), epoch)
          from public.integration_logs as log
         where log.created_at >= since and (log.created_at < until or until = 'infinity')
        union
        select tier.bucket from integration_monitor.statistics_day as tier where tier.bucket >= since and tier.bucket < until
        union
        select date_bin('1 day', change.bucket, epoch)
          from integration_monitor.statistics_changes as change
         where change.bucket >= since and change.bucket < until
        order by 1
    loop
        with old_changes as (
            delete from integration_monitor.statistics_changes as change
             where change.bucket >= day and change.bucket < day + interval '1 day'
        ),
        old_minutes as (
            delete from integration_monitor.statistics_minute as tier where tier.bucket >= day and tier.bucket < day + interval '1 day'
        ),
        old_hours as (
            delete from integration_monitor.statistics_hour as tier where tier.bucket >= day and tier.bucket < day + interval '1 day'
        ),
        old_days as (
            delete from integration_monitor.statistics_day as tier where tier.bucket >= day and tier.bucket < day + interval '1 day'
        ),
        fresh as (
            insert into integration_monitor.statistics_changes (
                sign, grain, bucket, service_name, action, status, error_code, fault, count, timed, sum_ms, min_ms, max_ms, durations
            )
            select 1, integration_monitor.grain_of(counted.bucket, minute_since, hour_since),
                   counted.bucket, counted.service_name, counted.action, counted.status, counted.error_code, counted.fault,
                   count(*), count(counted.duration_ms), coalesce(sum(counted.duration_ms), 0),
                   min(counted.duration_ms), max(counted.duration_ms),
                   array_agg(counted.duration_ms) filter (where counted.duration_ms is not null)
              from (
                       select integration_monitor.bucket_of(log.created_at, minute_since, hour_since) as bucket,
                              left(log.service_name, 255) as service_name, left(log.action, 255) as action, log.status,
                              coalesce(left(log.error_code, 100), '') as error_code,
                              integration_monitor.fault_of(log.status, log.response_payload) as fault,
                              log.duration_ms
                         from public.integration_logs as log
                        -- The first and the last day hold what lies beyond the calendar, too.
                        where (log.created_at >= day or day = timestamptz '0001-01-01 00:00:00+00')
                          and (log.created_at < day + interval '1 day' or day = timestamptz '9999-12-31 00:00:00+00')
                   ) as counted
             group by counted.bucket, counted.service_name, counted.action, counted.status, counted.error_code, counted.fault
            returning count
        )
        select coalesce(sum(fresh.count), 0) into counted from fresh;
        records := records + counted;
        -- All at once, so that nothing is taken away before it was added.
        perform integration_monitor.compact_statistics(2147483647);
    end loop;
    return records;
end
$function$;

-- maintain() adds up what nobody else has: first, since nobody waits for it.
create or replace function integration_monitor.maintain()
    returns jsonb
    language plpgsql
    volatile
    security definer
    set search_path to pg_catalog, pg_temp
as $function$
declare
    retention constant interval := (select settings.retention from integration_monitor.settings as settings);
    -- A bound on what one transaction does; what is left waits for the next.
    rounds_max  constant integer := 50;
    changes_max constant integer := 20000;
    merged      integer;
    all_merged  integer := 0;
    closed      integer;
    forgotten   integer;
begin
    for round in 1 .. rounds_max loop
        merged := integration_monitor.compact_statistics(changes_max);
        all_merged := all_merged + coalesce(merged, 0);
        -- Fewer than were asked for are all there were: what writers add meanwhile is no reason to begin again.
        exit when coalesce(merged, 0) < changes_max;
    end loop;
    -- A record that was pending and is finished leaves a sum of nought.
    delete from integration_monitor.statistics_hour as tier where tier.count = 0 and tier.timed = 0 and merged is not null;
    delete from integration_monitor.statistics_day as tier where tier.count = 0 and tier.timed = 0 and merged is not null;

    closed := integration_monitor.close_abandoned_logs();
    -- What these have left goes with them.
    delete from integration_monitor.writers as writer where writer.heartbeat_at < now() - retention;
    get diagnostics forgotten = row_count;
    -- Of a process that lives on: the records are older than any record may be.
    delete from integration_monitor.pending as open where open.created_at < now() - retention;

    return integration_monitor.maintain_logs()
        || jsonb_build_object('records_abandoned', closed, 'writers_removed', forgotten, 'statistics_added_up', all_merged);
end
$function$;

revoke all on integration_monitor.statistics_open, integration_monitor.statistics_records from public, anon, authenticated, service_role;

grant select on integration_monitor.statistics_open to service_role, integration_monitor_statistics;
grant select on integration_monitor.statistics_records to service_role;
-- Functions of a view are called with its reader's rights.
grant execute on function integration_monitor.fault_of(text, jsonb) to service_role;

revoke all on function integration_monitor.add_histograms(smallint[], integer[], smallint[], integer[]) from public, anon, authenticated;
revoke all on function integration_monitor.add_extremes(bigint, bigint, integer[], integer[]) from public, anon, authenticated;
revoke all on function integration_monitor.name_series(tid[]) from public, anon, authenticated;
revoke all on function integration_monitor.settle_extremes() from public, anon, authenticated;
revoke all on function integration_monitor.compact_statistics(integer) from public, anon, authenticated;
revoke all on function integration_monitor.rebuild_statistics(timestamptz, timestamptz) from public, anon, authenticated;

grant execute on function integration_monitor.compact_statistics(integer) to service_role, integration_monitor_writer;
grant execute on function integration_monitor.rebuild_statistics(timestamptz, timestamptz) to service_role;

comment on view integration_monitor.statistics_open is 'The changes that are not yet added up, named as they will be';
comment on view integration_monitor.statistics_records is 'The records themselves, named as they are counted; bound created_at, as for the table';
comment on function integration_monitor.add_histograms(smallint[], integer[], smallint[], integer[]) is 'One histogram of two; counts may be negative';
comment on function integration_monitor.add_extremes(bigint, bigint, integer[], integer[]) is
    'Extremes of sums that come together: shortest, longest, shortest removed, longest removed';
comment on function integration_monitor.name_series(tid[]) is 'Makes names and series for what is new among the changes; whatever is too many is other';
comment on function integration_monitor.settle_extremes() is 'Reads shortest and longest durations again where one was removed';
comment on function integration_monitor.compact_statistics(integer) is
    'Adds changes up into minutes, hours and days; gives how many, null where another session is at it. Call it every few seconds';
comment on function integration_monitor.rebuild_statistics(timestamptz, timestamptz) is
    'Counts the records of these whole UTC days anew; gives how many there are. Only where all records of the days remain';
comment on function integration_monitor.maintain() is
    'Adds statistics up, makes partitions ahead, moves strays to them, removes what is older than the retention, closes what dead processes left; says what it did. Call it once a day';
