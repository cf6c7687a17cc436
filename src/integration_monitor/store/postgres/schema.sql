-- What all migrations add up to, without the partitions. Not applied by anything: written by
--     INTEGRATION_MONITOR_WRITE_SCHEMA=1 pytest tests/integration/test_migrate_schema.py
-- and held to the migrations by the same test.

--
-- PostgreSQL database dump
--

SELECT pg_catalog.set_config('search_path', '', false);

--
-- Name: integration_monitor; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA integration_monitor;

--
-- Name: SCHEMA integration_monitor; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON SCHEMA integration_monitor IS 'Integration Monitor: everything the product needs beside public.integration_logs, its views and its clean-up function';

--
-- Name: add_extremes(bigint, bigint, integer[], integer[]); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.add_extremes(timed bigint, more_timed bigint, extremes integer[], more_extremes integer[], OUT min_ms integer, OUT max_ms integer, OUT removed_min_ms integer, OUT removed_max_ms integer) RETURNS record
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
$$;

--
-- Name: FUNCTION add_extremes(timed bigint, more_timed bigint, extremes integer[], more_extremes integer[], OUT min_ms integer, OUT max_ms integer, OUT removed_min_ms integer, OUT removed_max_ms integer); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.add_extremes(timed bigint, more_timed bigint, extremes integer[], more_extremes integer[], OUT min_ms integer, OUT max_ms integer, OUT removed_min_ms integer, OUT removed_max_ms integer) IS 'Extremes of sums that come together: shortest, longest, shortest removed, longest removed';

--
-- Name: add_histograms(smallint[], integer[], smallint[], integer[]); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.add_histograms(bins smallint[], counts integer[], more_bins smallint[], more_counts integer[], OUT all_bins smallint[], OUT all_counts integer[]) RETURNS record
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
$$;

--
-- Name: FUNCTION add_histograms(bins smallint[], counts integer[], more_bins smallint[], more_counts integer[], OUT all_bins smallint[], OUT all_counts integer[]); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.add_histograms(bins smallint[], counts integer[], more_bins smallint[], more_counts integer[], OUT all_bins smallint[], OUT all_counts integer[]) IS 'One histogram of two; counts may be negative';

--
-- Name: add_to_totals(); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.add_to_totals() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS $$
declare
    -- 1 for rows that came, -1 for rows that went.
    sign constant integer := tg_argv[0]::integer;
begin
    insert into integration_monitor.statistics_total as total (series_id, count, sum_ms, bins, counts)
    with histograms as (
        select binned.series_id, array_agg(binned.bin order by binned.bin) as bins, array_agg(binned.count order by binned.bin) as counts
          from (
                   select tier.series_id, bin.bin, sign * sum(bin.count)::bigint as count
                     from changed_rows as tier
                    cross join lateral unnest(tier.bins, tier.counts) as bin (bin, count)
                    group by tier.series_id, bin.bin
               ) as binned
         group by binned.series_id
    ),
    sums as (
        select tier.series_id, sign * sum(tier.count)::bigint as count, sign * sum(tier.sum_ms)::bigint as sum_ms
          from changed_rows as tier
         group by tier.series_id
    )
    select sums.series_id, sums.count, sums.sum_ms, coalesce(histograms.bins, '{}'), coalesce(histograms.counts, '{}')
      from sums
      left join histograms using (series_id)
     -- In one order, so that no two wait for each other.
     order by sums.series_id
    on conflict on constraint statistics_total_pkey do update
       set count  = total.count + excluded.count,
           sum_ms = total.sum_ms + excluded.sum_ms,
           (bins, counts) = (
               select coalesce(array_agg(added.bin order by added.bin), '{}'), coalesce(array_agg(added.count order by added.bin), '{}')
                 from (
                          select one.bin, sum(one.count)::bigint as count
                            from (
                                     select known.bin, known.count from unnest(total.bins, total.counts) as known (bin, count)
                                     union all
                                     select more.bin, more.count from unnest(excluded.bins, excluded.counts) as more (bin, count)
                                 ) as one
                           group by one.bin
                          having sum(one.count) <> 0
                      ) as added
           );
    return null;
end
$$;

--
-- Name: FUNCTION add_to_totals(); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.add_to_totals() IS 'Trigger: what a day gains or loses, its total does too';

--
-- Name: audit_settings(); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.audit_settings() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into integration_monitor.audit (actor, act, subject, details)
    values (session_user || ', SQL', 'settings_changed', 'integration_monitor.settings',
            jsonb_build_object('before', to_jsonb(old), 'after', to_jsonb(new)));
    return null;
end
$$;

--
-- Name: FUNCTION audit_settings(); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.audit_settings() IS 'Keeps in the audit what the settings were before and after';

--
-- Name: bucket_of(timestamp with time zone, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.bucket_of(created_at timestamp with time zone, minute_since timestamp with time zone, hour_since timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN (created_at >= minute_since) THEN date_bin('00:01:00'::interval, LEAST(created_at, '9999-12-31 00:00:00+00'::timestamp with time zone), '1970-01-01 00:00:00+00'::timestamp with time zone) WHEN (created_at >= hour_since) THEN date_bin('01:00:00'::interval, created_at, '1970-01-01 00:00:00+00'::timestamp with time zone) ELSE date_bin('1 day'::interval, GREATEST(created_at, '0001-01-01 00:00:00+00'::timestamp with time zone), '1970-01-01 00:00:00+00'::timestamp with time zone) END;

--
-- Name: FUNCTION bucket_of(created_at timestamp with time zone, minute_since timestamp with time zone, hour_since timestamp with time zone); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.bucket_of(created_at timestamp with time zone, minute_since timestamp with time zone, hour_since timestamp with time zone) IS 'The minute, hour or day that a record of this created_at is counted in';

--
-- Name: choose_width(timestamp with time zone, timestamp with time zone, interval); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.choose_width(since timestamp with time zone, until timestamp with time zone, step interval) RETURNS interval
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
select case when coalesce(step, (until - since) / 31) >= interval '1 day' or since < now() - interval '90 days' then interval '1 day'
            when coalesce(step, (until - since) / 6) >= interval '1 hour' or since < now() - interval '47 hours' then interval '1 hour'
            else interval '1 minute' end;
$$;

--
-- Name: FUNCTION choose_width(since timestamp with time zone, until timestamp with time zone, step interval); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.choose_width(since timestamp with time zone, until timestamp with time zone, step interval) IS 'Which sums a question of statistics reads: those of minutes, hours or days';

--
-- Name: close_abandoned_logs(); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.close_abandoned_logs() RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
declare
    silent_for constant interval := interval '10 minutes';
    writer     record;
    counted    integer;
    closed     integer := 0;
begin
    for writer in
        select silent.writer_id, silent.pid, silent.host, silent.heartbeat_at, silent.ended_at
          from integration_monitor.writers as silent
         where silent.closed_at is null and silent.heartbeat_at < now() - silent_for
         order by silent.writer_id
           for update skip locked
    loop
        with unfinished as materialized (
            select log.id, log.created_at, log.status
              from integration_monitor.pending as open
              join public.integration_logs as log on log.id = open.log_id and log.created_at = open.created_at
             where open.writer_id = writer.writer_id and open.closed_status is null and log.status in ('pending', 'retrying')
             order by log.id
               for update of log, open skip locked  -- what somebody finishes at this moment, or is about to
        ),
        closing as (
            update public.integration_logs as log
               set status           = 'failed',
                   error_code       = 'ABANDONED',
                   error_message    = format(
                       case when writer.ended_at is null then 'process %s on %s has not been heard of since %s'
                            else 'process %s on %s ended at %s, before the call did' end,
                       writer.pid, writer.host, to_char(writer.heartbeat_at, 'YYYY-MM-DD HH24:MI:SS "UTC"')
                   ),
                   response_payload = jsonb_build_object('fault', 'ours', 'retry', 'ambiguous')
                       || case when jsonb_typeof(log.response_payload) = 'object' then log.response_payload
                               when log.response_payload is null then '{}'
                               else jsonb_build_object('body', log.response_payload) end,
                   updated_at       = now()
              from unfinished
             where log.id = unfinished.id and log.created_at = unfinished.created_at
        )
        update integration_monitor.pending as open
           set closed_status = unfinished.status
          from unfinished
         where open.log_id = unfinished.id;
        get diagnostics counted = row_count;
        closed := closed + counted;

        -- Finished by somebody else, such as a person with psql, or removed.
        delete from integration_monitor.pending as open
         where open.writer_id = writer.writer_id
           and open.closed_status is null
           and not exists (
                   select
                     from public.integration_logs as log
                    where log.id = open.log_id and log.created_at = open.created_at and log.status in ('pending', 'retrying')
               );
        update integration_monitor.writers as silent
           set closed_at = now()
         where silent.writer_id = writer.writer_id
           and not exists (
                   select from integration_monitor.pending as open
                    where open.writer_id = silent.writer_id and open.closed_status is null
               );
    end loop;
    return closed;
end
$$;

--
-- Name: FUNCTION close_abandoned_logs(); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.close_abandoned_logs() IS 'Closes as ABANDONED what processes silent for ten minutes have left pending or retrying; gives how many records';

--
-- Name: compact_statistics(integer); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.compact_statistics(changes_max integer DEFAULT 20000) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS $$
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
$$;

--
-- Name: FUNCTION compact_statistics(changes_max integer); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.compact_statistics(changes_max integer) IS 'Adds changes up into minutes, hours and days; gives how many, null where another session is at it. Call it every few seconds';

--
-- Name: count_changes(); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.count_changes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    epoch        constant timestamptz := timestamptz '1970-01-01 00:00:00+00';
    -- Whole hours and days, so that a bucket's beginning tells how wide it is. A record's buckets only grow wider with time: what takes
    -- it away again never names a finer one than what added it.
    minute_since constant timestamptz := date_bin('1 hour', now() - interval '48 hours', epoch);
    hour_since   constant timestamptz := date_bin('1 day', now() - interval '91 days', epoch);
begin
    if tg_op = 'INSERT' then
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
                     from new_rows as log
               ) as counted
         group by counted.bucket, counted.service_name, counted.action, counted.status, counted.error_code, counted.fault;

    elsif tg_op = 'UPDATE' then
        -- Only what differs: an update of nothing that is counted appends nothing, and takes no extreme away only to put it back.
        insert into integration_monitor.statistics_changes (
            sign, grain, bucket, service_name, action, status, error_code, fault, count, timed, sum_ms, min_ms, max_ms, durations
        )
        select sign(differing.net), integration_monitor.grain_of(differing.bucket, minute_since, hour_since),
               differing.bucket, differing.service_name, differing.action, differing.status, differing.error_code, differing.fault,
               count(*), count(differing.duration_ms), coalesce(sum(differing.duration_ms), 0),
               min(differing.duration_ms), max(differing.duration_ms),
               array_agg(differing.duration_ms) filter (where differing.duration_ms is not null)
          from (
                   select integration_monitor.bucket_of(log.created_at, minute_since, hour_since) as bucket,
                          left(log.service_name, 255) as service_name, left(log.action, 255) as action, log.status,
                          coalesce(left(log.error_code, 100), '') as error_code,
                          integration_monitor.fault_of(log.status, log.response_payload) as fault,
                          log.duration_ms, sum(log.sign) as net
                     from (
                              select -1 as sign, gone.created_at, gone.service_name, gone.action, gone.status, gone.error_code,
                                     gone.response_payload, gone.duration_ms
                                from old_rows as gone
                              union all
                              select 1, come.created_at, come.service_name, come.action, come.status, come.error_code,
                                     come.response_payload, come.duration_ms
                                from new_rows as come
                          ) as log
                    group by 1, 2, 3, 4, 5, 6, 7
                   having sum(log.sign) <> 0
               ) as differing
         cross join lateral generate_series(1, abs(differing.net)) as times
         group by sign(differing.net), differing.bucket, differing.service_name, differing.action, differing.status,
                  differing.error_code, differing.fault;

    else
        insert into integration_monitor.statistics_changes (
            sign, grain, bucket, service_name, action, status, error_code, fault, count, timed, sum_ms, min_ms, max_ms, durations
        )
        select -1, integration_monitor.grain_of(counted.bucket, minute_since, hour_since),
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
                     from old_rows as log
               ) as counted
         group by counted.bucket, counted.service_name, counted.action, counted.status, counted.error_code, counted.fault;
    end if;
    return null;
end
$$;

--
-- Name: FUNCTION count_changes(); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.count_changes() IS 'Trigger: appends what a statement added and took away to statistics_changes';

--
-- Name: count_seen(interval, timestamp with time zone); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.count_seen(grain interval, since timestamp with time zone) RETURNS TABLE(service_name text, action text, status text, bucket timestamp with time zone, count bigint, avg_ms numeric, min_ms integer, max_ms integer)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query
    select log.service_name,
           log.action,
           log.status,
           date_bin(grain, log.created_at, timestamptz '1970-01-01 00:00:00+00'),
           count(*),
           round(avg(log.duration_ms)),
           min(log.duration_ms),
           max(log.duration_ms)
      from public.integration_logs as log
     where log.created_at >= date_bin(grain, since, timestamptz '1970-01-01 00:00:00+00')
       and log.created_at < date_bin(grain, now(), timestamptz '1970-01-01 00:00:00+00') + grain
     group by 1, 2, 3, 4;
end
$$;

--
-- Name: FUNCTION count_seen(grain interval, since timestamp with time zone); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.count_seen(grain interval, since timestamp with time zone) IS 'The promised statistics, counted from the records that whoever asks may see';

--
-- Name: count_truncation(); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.count_truncation() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    epoch        constant timestamptz := timestamptz '1970-01-01 00:00:00+00';
    minute_since constant timestamptz := date_bin('1 hour', now() - interval '48 hours', epoch);
    hour_since   constant timestamptz := date_bin('1 day', now() - interval '91 days', epoch);
begin
    -- Such a transaction counts what was there when it began, and TRUNCATE also removes what came since: that would stay in the statistics for good.
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        raise exception 'TRUNCATE of public.integration_logs in a % transaction would leave statistics of removed records',
                        current_setting('transaction_isolation')
              using errcode = 'feature_not_supported',
                    hint = 'Truncate in a transaction that is read committed, or delete the records.';
    end if;
    insert into integration_monitor.statistics_changes (
        sign, grain, bucket, service_name, action, status, error_code, fault, count, timed, sum_ms, min_ms, max_ms, durations
    )
    select -1, integration_monitor.grain_of(counted.bucket, minute_since, hour_since),
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
           ) as counted
     group by counted.bucket, counted.service_name, counted.action, counted.status, counted.error_code, counted.fault;
    return null;
end
$$;

--
-- Name: FUNCTION count_truncation(); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.count_truncation() IS 'Trigger: the same for TRUNCATE';

--
-- Name: create_partitions(timestamp with time zone[]); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.create_partitions(times timestamp with time zone[]) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET lock_timeout TO '150ms'
    AS $$
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
            'create table integration_monitor.%I '
            '(like public.integration_logs including defaults including constraints including indexes, '
            'constraint is_in_bounds check (created_at >= %L and created_at < %L))',
            names[i], lower(spans[i]), upper(spans[i])
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

    -- Then, in one go, what others wait for: a partition cannot be attached while the default one holds rows of its time, and
    -- some may have come meanwhile. The table first, so that no writer is on its way to the default partition.
    if names <> '{}' then
        lock table only public.integration_logs in share row exclusive mode;
        lock table only integration_monitor.integration_logs_default in access exclusive mode;
    end if;
    for i in 1 .. cardinality(spans) loop
        execute moves[i];
        execute format(
            'alter table public.integration_logs attach partition integration_monitor.%I for values from (%L) to (%L)',
            names[i], lower(spans[i]), upper(spans[i])
        );
        -- It has told PostgreSQL that there is nothing to look for.
        execute format('alter table integration_monitor.%I drop constraint is_in_bounds', names[i]);
    end loop;
    return names;
end
$$;

--
-- Name: FUNCTION create_partitions(times timestamp with time zone[]); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.create_partitions(times timestamp with time zone[]) IS 'Makes the partitions that are to take these times, unless they are there; gives the names of those made';

--
-- Name: drop_partitions(text[]); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.drop_partitions(names text[]) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '50ms'
    AS $$
declare
    dropped text[];
begin
    -- Whoever has made a partition or truncated one holds others up by now, and is not to wait for anybody.
    if exists (
        select from pg_locks as held
         where held.pid = pg_backend_pid()
           and (
               held.relation = 'public.integration_logs'::regclass and held.mode in ('ShareRowExclusiveLock', 'AccessExclusiveLock')
               or held.relation = any (names::regclass[]) and held.mode = 'AccessExclusiveLock'
           )
    ) then
        return '{}';
    end if;
    for attempt in 1 .. 10 loop
        begin
            dropped := '{}';
            -- Whoever uses a partition through the table has a lock on this; for any other nobody waits.
            lock table only public.integration_logs in access exclusive mode;
            lock table only integration_monitor.integration_logs_default in access exclusive mode nowait;
            for i in 1 .. cardinality(names) loop
                begin
                    execute format('lock table only %s in access exclusive mode nowait', names[i]);
                    execute format('drop table %s', names[i]);
                    dropped := dropped || names[i];
                exception
                    when dependent_objects_still_exist then
                        null;
                end;
            end loop;
            return dropped;
        exception
            when lock_not_available then
                perform pg_sleep(0.02);
        end;
    end loop;
    return '{}';
end
$$;

--
-- Name: FUNCTION drop_partitions(names text[]); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.drop_partitions(names text[]) IS 'Drops these partitions if nobody uses the table for long';

--
-- Name: fault_of(text, jsonb); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.fault_of(status text, response_payload jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN (status <> 'failed'::text) THEN ''::text WHEN ((response_payload ->> 'fault'::text) = ANY (ARRAY['ours'::text, 'auth'::text, 'limit'::text, 'recipient'::text, 'vendor'::text, 'network'::text])) THEN (response_payload ->> 'fault'::text) ELSE 'unclassified'::text END;

--
-- Name: FUNCTION fault_of(status text, response_payload jsonb); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.fault_of(status text, response_payload jsonb) IS 'Whose failure a record is: one of seven words; empty where it is none';

--
-- Name: find_partition(timestamp with time zone); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.find_partition(moment timestamp with time zone) RETURNS regclass
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select part.relation
      from integration_monitor.list_partitions() as part
     where part.is_default or (part.since <= moment and moment < part.until)
     order by part.is_default
     limit 1
$$;

--
-- Name: FUNCTION find_partition(moment timestamp with time zone); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.find_partition(moment timestamp with time zone) IS 'The partition that takes a record of this created_at';

--
-- Name: grain_of(timestamp with time zone, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.grain_of(bucket timestamp with time zone, minute_since timestamp with time zone, hour_since timestamp with time zone) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN (bucket >= minute_since) THEN 'minute'::text WHEN (bucket >= hour_since) THEN 'hour'::text ELSE 'day'::text END;

--
-- Name: FUNCTION grain_of(bucket timestamp with time zone, minute_since timestamp with time zone, hour_since timestamp with time zone); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.grain_of(bucket timestamp with time zone, minute_since timestamp with time zone, hour_since timestamp with time zone) IS 'Which of these a bucket is';

--
-- Name: list_partitions(); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.list_partitions() RETURNS TABLE(relation regclass, since timestamp with time zone, until timestamp with time zone, is_default boolean)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS $_$
    select part.oid::regclass,
           substring(bound.expression from $$FROM \('([^']+)'\)$$)::timestamptz,
           substring(bound.expression from $$TO \('([^']+)'\)$$)::timestamptz,
           bound.expression = 'DEFAULT'
      from pg_inherits as link
      join pg_class as part on part.oid = link.inhrelid
     cross join lateral (select pg_get_expr(part.relpartbound, part.oid) as expression) as bound
     where link.inhparent = 'public.integration_logs'::regclass
     order by 2 nulls last
$_$;

--
-- Name: FUNCTION list_partitions(); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.list_partitions() IS 'The partitions of public.integration_logs, oldest first, the default one last';

--
-- Name: look_for_arrivals(); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.look_for_arrivals() RETURNS TABLE(watch bigint, looks bigint, looks_removed bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    -- Renewed once a minute; so it lasts four minutes at least after the last watcher went, and a reconnect finds everything.
    lease        constant interval := interval '5 minutes';
    lease_renew  constant interval := interval '4 minutes';
    kept_for     constant interval := interval '5 minutes';
    -- Some 20 MB.
    arrivals_max constant bigint := 200000;
    found        integration_monitor.arrival_watch;
    is_foreign   boolean;
    has_arrivals boolean;
    removed      bigint;
    removed_seen pg_snapshot;
begin
    -- Without a lock first: mostly there is nothing to do, and then nothing is written.
    select watched.* into found from integration_monitor.arrival_watch as watched;
    has_arrivals := exists (
        select
          from integration_monitor.arrivals as arrival
         where arrival.transaction_id >= pg_snapshot_xmin(found.seen_snapshot)
           and not pg_visible_in_snapshot(arrival.transaction_id, found.seen_snapshot)
    );
    -- Of another cluster, out of a back-up: its numbers of transactions mean nothing here.
    is_foreign := pg_snapshot_xmax(found.seen_snapshot) > pg_snapshot_xmax(pg_current_snapshot());
    if found.until_at > clock_timestamp() + lease_renew and not has_arrivals and not is_foreign then
        return query select found.number, found.looks, found.looks_removed;
        return;
    end if;

    -- A server that is stopped between this and its commit shall not keep the others from looking.
    perform set_config('idle_in_transaction_session_timeout', '5s', true);
    -- One at a time: the looks of all servers are one row after the other.
    select watched.* into found from integration_monitor.arrival_watch as watched for update;
    is_foreign := pg_snapshot_xmax(found.seen_snapshot) > pg_snapshot_xmax(pg_current_snapshot());
    if found.until_at <= clock_timestamp() or is_foreign then
        delete from integration_monitor.arrivals;
        delete from integration_monitor.arrival_looks;
        update integration_monitor.arrival_watch as watched
           set number = watched.number + 1, until_at = clock_timestamp() + lease, seen_snapshot = pg_current_snapshot(),
               looks = 0, looks_removed = 0
        returning watched.* into found;
        return query select found.number, found.looks, found.looks_removed;
        return;
    end if;

    -- One statement, so that what is counted, what is noted as seen, and what a reader of this look finds are the same.
    with look as (
        insert into integration_monitor.arrival_looks as looked (number, since_snapshot, until_snapshot, count)
        select found.looks + 1, found.seen_snapshot, pg_current_snapshot(), count(*)
          from integration_monitor.arrivals as arrival
         where arrival.transaction_id >= pg_snapshot_xmin(found.seen_snapshot)
           and not pg_visible_in_snapshot(arrival.transaction_id, found.seen_snapshot)
        having count(*) > 0
        returning looked.number, looked.until_snapshot
    )
    update integration_monitor.arrival_watch as watched
       set looks = look.number, seen_snapshot = look.until_snapshot
      from look;

    if found.until_at <= clock_timestamp() + lease_renew then
        -- The one behind the last is kept for as long as the last: a reader who has seen it may not have seen the next.
        select max(old.number) into removed
          from (
                   select looked.number,
                          lead(looked.looked_at) over later as next_looked_at,
                          sum(looked.count) over (order by looked.number desc) as count_since
                     from integration_monitor.arrival_looks as looked
                   window later as (order by looked.number)
               ) as old
         where old.next_looked_at < clock_timestamp() - kept_for
            or (old.next_looked_at is not null and old.count_since > arrivals_max);
        if removed is not null then
            select looked.until_snapshot into removed_seen from integration_monitor.arrival_looks as looked where looked.number = removed;
            delete from integration_monitor.arrivals as arrival
             where arrival.transaction_id < pg_snapshot_xmax(removed_seen)
               and pg_visible_in_snapshot(arrival.transaction_id, removed_seen);
            delete from integration_monitor.arrival_looks as looked where looked.number <= removed;
        end if;
        update integration_monitor.arrival_watch as watched
           set until_at = clock_timestamp() + lease, looks_removed = coalesce(removed, watched.looks_removed);
    end if;
    return query select watched.number, watched.looks, watched.looks_removed from integration_monitor.arrival_watch as watched;
end
$$;

--
-- Name: FUNCTION look_for_arrivals(); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.look_for_arrivals() IS 'Keeps the lease, and makes a look of what has arrived since the last; gives the watch, its last look, and the last one removed';

--
-- Name: maintain(); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.maintain() RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    retention constant interval := (select settings.retention from integration_monitor.settings as settings);
    -- A bound on what one transaction does; what is left waits for the next.
    rounds_max  constant integer := 50;
    changes_max constant integer := 20000;
    merged      integer;
    all_merged  integer := 0;
    closed      integer;
    forgotten   integer;
    report      jsonb;
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

    report := integration_monitor.maintain_logs();
    -- What was noted and nobody watches for any more. Last, since looks wait for it; and it waits for none of them.
    with lapsed as (
        select
          from integration_monitor.arrival_watch as watched
         where watched.until_at <= clock_timestamp()
           for update skip locked
    ),
    looks_removed as (
        delete from integration_monitor.arrival_looks where exists (select from lapsed)
    )
    delete from integration_monitor.arrivals where exists (select from lapsed);
    return report
        || jsonb_build_object('records_abandoned', closed, 'writers_removed', forgotten, 'statistics_added_up', all_merged);
end
$$;

--
-- Name: FUNCTION maintain(); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.maintain() IS 'Adds statistics up, makes partitions ahead, moves strays to them, removes what is older than the retention, closes what dead processes left; says what it did. Call it once a day';

--
-- Name: maintain_logs(); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.maintain_logs() RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET lock_timeout TO '200ms'
    AS $$
declare
    -- The first eight bytes of SHA-256 of 'integration_monitor.maintain', as a signed number.
    maintain_lock constant bigint := -3529122305915503799;
    settings      record;
    removed       record;
    times         timestamptz[];
    created       text[] := '{}';
    dropped       text[] := '{}';
    postponed     text[] := '{}';
    is_truncated  boolean;
begin
    -- Bound to the transaction, so that it also works through a transaction pooler.
    if not pg_try_advisory_xact_lock(maintain_lock) then
        return jsonb_build_object('is_skipped', true);
    end if;
    select * into strict settings from integration_monitor.settings;

    select * into strict removed from integration_monitor.remove_logs_before(now() - settings.retention);
    is_truncated := exists (
        select from pg_locks as held
         where held.pid = pg_backend_pid() and held.mode = 'AccessExclusiveLock'
           and held.relation = any (removed.partitions_empty::regclass[])
    );

    -- Strays: what the default partition holds of times that a partition may take. Times further ahead are a clock gone wrong and
    -- wait there until they come.
    select array_agg(wanted.at) into times
      from (
               select now() + days * interval '1 day' as at from generate_series(0, 28) as days
               union
               select distinct date_bin(interval '1 day', stray.created_at, timestamptz '1970-01-01 00:00:00+00')
                 from integration_monitor.integration_logs_default as stray
                where stray.created_at < now() + interval '28 days'
           ) as wanted;
    if is_truncated then
        -- Whoever looks for an id waits for what was truncated, and holds the table's lock meanwhile: all that is left to do is to end.
        postponed := postponed || 'partitions ahead'::text;
    end if;
    for attempt in 1 .. 3 loop
        exit when is_truncated;
        begin
            created := integration_monitor.create_partitions(times);
            exit;
        exception
            when lock_not_available or deadlock_detected then
                if attempt = 3 then
                    postponed := postponed || 'partitions ahead'::text;
                else
                    perform pg_sleep(0.05);
                end if;
        end;
    end loop;

    if removed.partitions_empty <> '{}' then
        dropped := integration_monitor.drop_partitions(removed.partitions_empty);
        if cardinality(dropped) < cardinality(removed.partitions_empty) then
            postponed := postponed || 'dropping empty partitions'::text;
        end if;
    end if;

    return jsonb_build_object(
        'is_skipped', false,
        'rows_deleted', removed.rows_deleted,
        'partitions_created', created,
        'partitions_emptied', removed.partitions_empty,
        'partitions_dropped', dropped,
        'postponed', postponed
    );
end
$$;

--
-- Name: FUNCTION maintain_logs(); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.maintain_logs() IS 'The part of maintain() that keeps public.integration_logs: partitions ahead, strays, retention';

--
-- Name: maintain_turn(); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.maintain_turn() RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET lock_timeout TO '200ms'
    SET jit TO 'off'
    AS $$
declare
    -- That of maintain(), which does the same.
    maintain_lock constant bigint := -3529122305915503799;
    -- A piece takes less than this on any machine that keeps up with its records, and no other is begun afterwards.
    turn_until    constant timestamptz := clock_timestamp() + interval '0.5 seconds';
    rows_max      constant integer := 5000;
    retention     constant interval := (select settings.retention from integration_monitor.settings as settings);
    cutoff        constant timestamptz := now() - retention;
    rows_at_once  integer := 50;
    part          record;
    is_used       boolean;
    counted       integer;
    closed        integer;
    deleted       integer := 0;
    created       text[] := '{}';
    empty         text[] := '{}';
    dropped       text[] := '{}';
    is_done       boolean := true;
begin
    -- Bound to the transaction, so that it also works through a transaction pooler.
    if not pg_try_advisory_xact_lock(maintain_lock) then
        return jsonb_build_object('is_skipped', true, 'is_done', true);
    end if;
    closed := integration_monitor.close_abandoned_logs();
    -- What these have left goes with them.
    delete from integration_monitor.writers as writer where writer.heartbeat_at < cutoff;
    -- Of a process that lives on: the records are older than any record may be.
    delete from integration_monitor.pending as open where open.created_at < cutoff;

    -- The part of a week and strays first, as in remove_logs_before().
    for part in
        select listed.relation, listed.until <= cutoff as is_whole
          from integration_monitor.list_partitions() as listed
         where listed.is_default or listed.since < cutoff
         order by is_whole nulls first, listed.since
    loop
        if part.is_whole then
            begin
                execute format('select exists (select from only %s)', part.relation) into is_used;
                if is_used then
                    execute format('truncate table only %s', part.relation);
                end if;
                empty := empty || part.relation::text;
                continue;
            exception
                when lock_not_available or deadlock_detected then
                    null;  -- somebody reads it: delete instead
            end;
        end if;
        loop
            if deleted >= rows_max or clock_timestamp() >= turn_until then
                is_done := false;
                exit;
            end if;
            -- What somebody has locked is left to the next maintenance, and nobody is waited for.
            execute format(
                'delete from only %s where ctid = any (array('
                '    select old.ctid from only %s as old where old.created_at < %L order by old.created_at limit %s for update skip locked'
                '))',
                part.relation, part.relation, cutoff, rows_at_once
            );
            get diagnostics counted = row_count;
            deleted := deleted + counted;
            exit when counted < rows_at_once;
            rows_at_once := least(rows_at_once * 2, 1000, greatest(rows_max - deleted, 1));
        end loop;
        exit when not is_done;
    end loop;

    -- What holds up others comes last: the locks are held until the transaction ends. Where they cannot be had now, the next day will do,
    -- since there are partitions for four weeks.
    begin
        created := integration_monitor.create_partitions(
            array(select now() + days * interval '1 day' from generate_series(0, 28) as days)
        );
    exception
        when lock_not_available or deadlock_detected then
            null;
    end;
    if empty <> '{}' then
        dropped := integration_monitor.drop_partitions(empty);
    end if;
    return jsonb_build_object(
        'is_skipped', false,
        'is_done', is_done,
        'rows_deleted', deleted,
        'partitions_created', created,
        'partitions_emptied', empty,
        'partitions_dropped', dropped,
        'records_abandoned', closed
    );
end
$$;

--
-- Name: FUNCTION maintain_turn(); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.maintain_turn() IS 'A turn of maintain(), of about half a second: partitions ahead, retention, what dead processes left; `is_done` is false where more is to do';

--
-- Name: name_series(tid[]); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.name_series(places tid[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
$$;

--
-- Name: FUNCTION name_series(places tid[]); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.name_series(places tid[]) IS 'Makes names and series for what is new among the changes; whatever is too many is other';

--
-- Name: note_arrivals(); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.note_arrivals() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    -- A writer sends a thousand at most. Nobody reads along a larger load, which would only fill the table.
    records_max constant integer := 10000;
begin
    if not exists (select from integration_monitor.arrival_watch as watch where watch.until_at > clock_timestamp()) then
        return null;
    end if;
    if (select count(*) from new_rows) > records_max then
        insert into integration_monitor.arrivals (is_new) values (tg_op = 'INSERT');
        return null;
    end if;
    insert into integration_monitor.arrivals (record_id, created_at, is_new)
    select come.id, come.created_at, tg_op = 'INSERT'
      from new_rows as come
     -- What no list shows: infinity, and years that other languages do not have.
     where come.created_at >= timestamptz '0001-01-01 00:00:00+00'
       and come.created_at <= timestamptz '9999-12-31 23:59:59+00';
    return null;
end
$$;

--
-- Name: FUNCTION note_arrivals(); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.note_arrivals() IS 'Trigger: notes the records of a statement in arrivals while somebody watches';

--
-- Name: place_log(); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.place_log() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    -- Each lock takes a place in the server's lock table, which has room for some 6,400 by default: beyond this many in one
    -- transaction ids are looked up without one. Then only two bulk inserts of the same ids at the same moment could meet.
    id_locks_max constant integer := 500;
    -- Keeps these locks apart from others' advisory locks: the first eight bytes of SHA-256 of 'integration_monitor.place_log'.
    lock_seed    constant bigint := -3954650911870374550;
    epoch        constant timestamptz := timestamptz '1970-01-01 00:00:00+00';
    id_text      constant text := new.id::text;
    id_locks     integer;
    placed_at    timestamptz;
begin
    -- xxxxxxxx-xxxx-7xxx-[89ab]xxx-xxxxxxxxxxxx: the first 48 bits are milliseconds since 1970 (RFC 9562, section 5.7).
    if substr(id_text, 15, 1) = '7' and substr(id_text, 20, 1) in ('8', '9', 'a', 'b') then
        placed_at := to_timestamp(('x' || substr(id_text, 1, 8) || substr(id_text, 10, 4))::bit(48)::bigint / 1000.0);
        -- A clock far off, or an id that only looks like one with a time.
        if placed_at > now() + interval '1 day'
           or placed_at < now() - (select settings.retention from integration_monitor.settings as settings) then
            placed_at := null;
        end if;
    end if;

    if placed_at is null then
        id_locks := coalesce(nullif(current_setting('integration_monitor.id_locks', true), ''), '0')::integer;
        if id_locks < id_locks_max then
            perform pg_advisory_xact_lock(hashtextextended(id_text, lock_seed));
            perform set_config('integration_monitor.id_locks', (id_locks + 1)::text, true);
        end if;
        select log.created_at into placed_at from public.integration_logs as log where log.id = new.id limit 1;
    end if;

    if placed_at is null or placed_at = new.created_at then
        return new;
    end if;

    -- A trigger may not move a row to another partition. All of them begin and end at midnight UTC: the same day is the same one.
    if date_bin(interval '1 day', placed_at, epoch) = date_bin(interval '1 day', new.created_at, epoch)
       or integration_monitor.find_partition(placed_at) = tg_relid then
        new.created_at := placed_at;
        return new;
    end if;
    new.created_at := placed_at;
    -- Columns by name: a partition may have them in another order than the table.
    insert into public.integration_logs (
        id, service_name, action, status, related_entity_type, related_entity_id, request_payload, response_payload,
        error_message, error_code, duration_ms, retry_count, created_at, updated_at
    )
    values (
        new.id, new.service_name, new.action, new.status, new.related_entity_type, new.related_entity_id, new.request_payload,
        new.response_payload, new.error_message, new.error_code, new.duration_ms, new.retry_count, new.created_at, new.updated_at
    )
    on conflict do nothing;
    return null;
end
$$;

--
-- Name: FUNCTION place_log(); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.place_log() IS 'Trigger: gives a record that came without created_at the time of its id, so that one id is one record';

--
-- Name: read_extremes(text, text, text, timestamp with time zone, timestamp with time zone, bigint); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.read_extremes(service_name text, action text, status text, since timestamp with time zone, until timestamp with time zone, counted bigint) RETURNS integer[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    found_count bigint;
    min_ms      integer;
    max_ms      integer;
begin
    select count(*), min(record.duration_ms), max(record.duration_ms)
      into found_count, min_ms, max_ms
      from integration_monitor.statistics_records as record
     where record.created_at >= since
       and record.created_at < until
       and record.service_name = read_extremes.service_name
       and record.action = read_extremes.action
       and record.status = read_extremes.status;
    return case when found_count = counted then array[min_ms, max_ms] end;
end
$$;

--
-- Name: FUNCTION read_extremes(service_name text, action text, status text, since timestamp with time zone, until timestamp with time zone, counted bigint); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.read_extremes(service_name text, action text, status text, since timestamp with time zone, until timestamp with time zone, counted bigint) IS 'Shortest and longest duration of records, by the records; null unless there are as many as were counted';

--
-- Name: read_percentiles(timestamp with time zone, timestamp with time zone, interval, text[], text[], text[]); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.read_percentiles(since timestamp with time zone, until timestamp with time zone, step interval, groups text[] DEFAULT '{}'::text[], services text[] DEFAULT NULL::text[], actions text[] DEFAULT NULL::text[]) RETURNS TABLE(bucket timestamp with time zone, service_name text, action text, calls bigint, p50_ms integer, p95_ms integer, p99_ms integer)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
with chosen as (
    select integration_monitor.choose_width(since, until, step) as width
),
widths as materialized (
    select chosen.width, chosen.width * ceil(extract(epoch from step) / extract(epoch from chosen.width))::float8 as step from chosen
),
histograms as (
    select coalesce(date_bin(widths.step, sums.bucket, timestamptz '1970-01-05 00:00:00+00'), read_percentiles.since) as bucket,
           case when 'service' = any (groups) then sums.service_name end                                              as service_name,
           case when 'action' = any (groups) then sums.action end                                                     as action,
           bin.bin,
           sum(bin.count)                                                                                             as count
      from widths
     cross join lateral integration_monitor.read_sums(
               coalesce(date_bin(widths.step, read_percentiles.since, timestamptz '1970-01-05 00:00:00+00'), read_percentiles.since),
               read_percentiles.until, widths.width, true
           ) as sums
     cross join lateral unnest(sums.bins, sums.counts) as bin (bin, count)
     where (services is null or sums.service_name = any (services))
       and (actions is null or sums.action = any (actions))
     group by 1, 2, 3, 4
    having sum(bin.count) > 0
),
running as (
    select histograms.bucket, histograms.service_name, histograms.action, bin.shown_ms,
           sum(histograms.count) over (
               partition by histograms.bucket, histograms.service_name, histograms.action order by histograms.bin
           )                                                                                                            as reached,
           sum(histograms.count) over (partition by histograms.bucket, histograms.service_name, histograms.action)      as calls
      from histograms
      join integration_monitor.statistics_bins as bin on bin.bin = histograms.bin
)
select running.bucket, running.service_name, running.action, max(running.calls)::bigint,
       min(running.shown_ms) filter (where running.reached >= 0.5 * running.calls),
       min(running.shown_ms) filter (where running.reached >= 0.95 * running.calls),
       min(running.shown_ms) filter (where running.reached >= 0.99 * running.calls)
  from running
 group by running.bucket, running.service_name, running.action
 order by 1, 2, 3;
$$;

--
-- Name: FUNCTION read_percentiles(since timestamp with time zone, until timestamp with time zone, step interval, groups text[], services text[], actions text[]); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.read_percentiles(since timestamp with time zone, until timestamp with time zone, step interval, groups text[], services text[], actions text[]) IS 'Half, 95 and 99 percent of the calls took at most so many milliseconds, within 5 %, by bucket of time and, as groups says, by service and action';

--
-- Name: read_states(); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.read_states() RETURNS TABLE(service_name text, state text, judged_calls bigint, judged_faults bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
with minutes as materialized (
    select sums.service_name, sums.bucket, sum(sums.count) as calls,
           coalesce(sum(sums.count) filter (where sums.status = 'failed' and sums.fault not in ('ours', 'recipient')), 0) as faults
      from integration_monitor.read_sums(now() - interval '24 hours', now() + interval '1 hour', interval '1 minute', false) as sums
     group by sums.service_name, sums.bucket
),
seen as (
    select days.service_name
      from integration_monitor.read_sums(now() - interval '30 days', now() + interval '1 hour', interval '1 day', false) as days
     group by days.service_name
    having sum(days.count) > 0
),
recent as (
    select minutes.service_name, sum(minutes.calls) as calls, sum(minutes.faults) as faults
      from minutes
     where minutes.bucket >= date_bin('1 minute', now() - interval '15 minutes', timestamptz '1970-01-05 00:00:00+00')
     group by minutes.service_name
),
latest as (
    select running.service_name, sum(running.calls) as calls, sum(running.faults) as faults
      from (
               select minutes.service_name, minutes.calls, minutes.faults,
                      sum(minutes.calls) over (partition by minutes.service_name order by minutes.bucket desc) - minutes.calls as later_calls
                 from minutes
           ) as running
     where running.later_calls < 20
     group by running.service_name
),
judged as (
    select seen.service_name,
           coalesce(case when recent.calls >= 5 then recent.calls else latest.calls end, 0)::bigint   as calls,
           coalesce(case when recent.calls >= 5 then recent.faults else latest.faults end, 0)::bigint as faults
      from seen
      left join recent on recent.service_name = seen.service_name
      left join latest on latest.service_name = seen.service_name
)
select judged.service_name,
       case when judged.calls = 0 then 'idle'
            when judged.faults * 100 < judged.calls * 5 then 'healthy'
            when judged.faults * 100 < judged.calls * 50 then 'degraded'
            else 'down' end,
       judged.calls,
       judged.faults
  from judged
 order by judged.service_name;
$$;

--
-- Name: FUNCTION read_states(); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.read_states() IS 'The state of each service seen in 30 days (healthy, degraded, down, idle), and how many calls and failures of whose fault it was judged on';

--
-- Name: read_statistics(timestamp with time zone, timestamp with time zone, interval); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.read_statistics(since timestamp with time zone, until timestamp with time zone, step interval) RETURNS TABLE(bucket timestamp with time zone, service_name text, action text, status text, error_code text, fault text, count bigint, timed bigint, sum_ms bigint)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
with chosen as (
    select integration_monitor.choose_width(since, until, step) as width
),
widths as materialized (
    -- A bucket of ninety seconds of sums by minute is one of two minutes.
    select chosen.width, chosen.width * ceil(extract(epoch from step) / extract(epoch from chosen.width))::float8 as step from chosen
)
select coalesce(date_bin(widths.step, sums.bucket, timestamptz '1970-01-05 00:00:00+00'), read_statistics.since),
       sums.service_name, sums.action, sums.status, sums.error_code, sums.fault,
       sum(sums.count)::bigint, sum(sums.timed)::bigint, sum(sums.sum_ms)::bigint
  from widths
 cross join lateral integration_monitor.read_sums(
           coalesce(date_bin(widths.step, read_statistics.since, timestamptz '1970-01-05 00:00:00+00'), read_statistics.since),
           read_statistics.until, widths.width, false
       ) as sums
 group by 1, 2, 3, 4, 5, 6
having sum(sums.count) > 0
 order by 1, 2, 3, 4, 5, 6;
$$;

--
-- Name: FUNCTION read_statistics(since timestamp with time zone, until timestamp with time zone, step interval); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.read_statistics(since timestamp with time zone, until timestamp with time zone, step interval) IS 'Records by bucket of time and series: counts, and the sum of durations in milliseconds. Buckets are whole; one of all the window where step is null';

--
-- Name: read_sums(timestamp with time zone, timestamp with time zone, interval, boolean); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.read_sums(since timestamp with time zone, until timestamp with time zone, width interval, has_durations boolean) RETURNS TABLE(bucket timestamp with time zone, service_name text, action text, status text, error_code text, fault text, count bigint, timed bigint, sum_ms bigint, bins smallint[], counts integer[])
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    first_bucket constant timestamptz := date_bin(width, since, timestamptz '1970-01-05 00:00:00+00');
begin
    if width = interval '1 day' then
        return query
        select tier.bucket, series.service_name, series.action, series.status, series.error_code, series.fault,
               tier.count, tier.timed, tier.sum_ms,
               case when has_durations then tier.bins end, case when has_durations then tier.counts end
          from integration_monitor.statistics_day as tier
          join integration_monitor.statistics_series as series on series.series_id = tier.series_id
         where tier.bucket >= first_bucket and tier.bucket < until;
    elsif width = interval '1 hour' then
        return query
        select tier.bucket, series.service_name, series.action, series.status, series.error_code, series.fault,
               tier.count, tier.timed, tier.sum_ms,
               case when has_durations then tier.bins end, case when has_durations then tier.counts end
          from integration_monitor.statistics_hour as tier
          join integration_monitor.statistics_series as series on series.series_id = tier.series_id
         where tier.bucket >= first_bucket and tier.bucket < until;
    else
        return query
        select tier.bucket, series.service_name, series.action, series.status, series.error_code, series.fault,
               tier.count, tier.timed, tier.sum_ms,
               case when has_durations then tier.bins end, case when has_durations then tier.counts end
          from integration_monitor.statistics_minute as tier
          join integration_monitor.statistics_series as series on series.series_id = tier.series_id
         where tier.bucket >= first_bucket and tier.bucket < until;
    end if;
    return query
    select date_bin(width, change.bucket, timestamptz '1970-01-05 00:00:00+00'),
           change.service_name, change.action, change.status, change.error_code, change.fault,
           change.sign * change.count, change.sign * change.timed, change.sign * change.sum_ms, histogram.bins, histogram.counts
      from integration_monitor.statistics_open as change
     cross join lateral (
               select array_agg(one.bin) as bins, array_agg(one.count) as counts
                 from (
                          select (
                                     select max(bin.bin) from integration_monitor.statistics_bins as bin where bin.least_ms <= duration.ms
                                 ) as bin,
                                 change.sign::integer as count
                            from unnest(case when has_durations then change.durations end) as duration (ms)
                      ) as one
           ) as histogram
     where change.bucket >= first_bucket and change.bucket < until;
end
$$;

--
-- Name: FUNCTION read_sums(since timestamp with time zone, until timestamp with time zone, width interval, has_durations boolean); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.read_sums(since timestamp with time zone, until timestamp with time zone, width interval, has_durations boolean) IS 'Sums of one width and what is not yet added up, some buckets in several rows: what the functions below add up';

--
-- Name: rebuild_statistics(timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.rebuild_statistics(since timestamp with time zone, until timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS $$
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
$$;

--
-- Name: FUNCTION rebuild_statistics(since timestamp with time zone, until timestamp with time zone); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.rebuild_statistics(since timestamp with time zone, until timestamp with time zone) IS 'Counts the records of these whole UTC days anew; gives how many there are. Only where all records of the days remain';

--
-- Name: remove_logs_before(timestamp with time zone, interval); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.remove_logs_before(cutoff timestamp with time zone, longest interval DEFAULT '00:00:20'::interval, OUT rows_deleted bigint, OUT partitions_empty text[]) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET lock_timeout TO '200ms'
    SET jit TO 'off'
    AS $_$
declare
    rows_max constant integer := 5000;
    began_at constant timestamptz := clock_timestamp();
    part     record;
    is_used  boolean;
    counted  bigint;
begin
    rows_deleted := 0;
    partitions_empty := '{}';
    for part in
        select listed.relation, listed.until <= cutoff as is_whole
          from integration_monitor.list_partitions() as listed
         where listed.is_default or listed.since < cutoff
         order by is_whole nulls first, listed.since
    loop
        if part.is_whole then
            begin
                execute format('select exists (select from only %s)', part.relation) into is_used;
                if is_used then
                    execute format('truncate table only %s', part.relation);
                end if;
                partitions_empty := partitions_empty || part.relation::text;
                continue;
            exception
                when lock_not_available or deadlock_detected then
                    null;  -- somebody reads it: delete instead
            end;
        end if;
        -- Row locks may be waited for longer than a table's lock: nobody queues behind.
        perform set_config('lock_timeout', '60s', true);
        loop
            execute format(
                'delete from only %1$s where ctid = any (array(select old.ctid from only %1$s as old where old.created_at < %2$L limit %3$s))',
                part.relation, cutoff, rows_max
            );
            get diagnostics counted = row_count;
            rows_deleted := rows_deleted + counted;
            exit when counted < rows_max or clock_timestamp() > began_at + longest;
        end loop;
        perform set_config('lock_timeout', '200ms', true);
    end loop;
end
$_$;

--
-- Name: FUNCTION remove_logs_before(cutoff timestamp with time zone, longest interval, OUT rows_deleted bigint, OUT partitions_empty text[]); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.remove_logs_before(cutoff timestamp with time zone, longest interval, OUT rows_deleted bigint, OUT partitions_empty text[]) IS 'Removes records older than the given time, for no longer than so long; gives how many were deleted one by one, and the partitions that are empty now';

--
-- Name: reopen_logs(uuid[]); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.reopen_logs(ids uuid[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    with watched as materialized (
        select open.log_id
          from integration_monitor.pending as open
         where open.log_id = any (ids)
         order by open.log_id  -- so that two writers never wait for each other in a circle
           for update
    ),
    taken as (
        delete from integration_monitor.pending as open
         using watched
         where open.log_id = watched.log_id
        returning open.log_id, open.created_at, open.closed_status
    )
    update public.integration_logs as log
       set status           = taken.closed_status,
           error_code       = null,
           error_message    = null,
           response_payload = nullif(log.response_payload - 'fault' - 'retry', '{}')
      from taken
     where log.id = taken.log_id
       and log.created_at = taken.created_at
       and taken.closed_status is not null
       and log.status = 'failed'
       and log.error_code = 'ABANDONED';
end
$$;

--
-- Name: FUNCTION reopen_logs(ids uuid[]); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.reopen_logs(ids uuid[]) IS 'Takes these records from the watch, and gives those closed as ABANDONED their status back: they are about to be finished';

--
-- Name: report_writer(jsonb, uuid[], timestamp with time zone[]); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.report_writer(report jsonb, opened_ids uuid[], opened_at timestamp with time zone[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
declare
    reporter  constant uuid := report ->> 'writer_id';
    known     integration_monitor.writers;
    is_new    boolean;
    losses    jsonb;
    back_ids  uuid[];
    back_at   timestamptz[];
begin
    insert into integration_monitor.writers as writer (writer_id, host, pid, started_at)
    values (reporter, report ->> 'host', (report ->> 'pid')::integer, (report ->> 'started_at')::timestamptz)
    on conflict on constraint writers_pkey do nothing;
    is_new := found;
    select writer.* into strict known
      from integration_monitor.writers as writer
     where writer.writer_id = reporter
       for no key update;

    select coalesce(jsonb_object_agg(loss.reason, loss.count), '{}') into losses
      from (
               select reported.key as reason, max(reported.value::bigint) as count
                 from (
                          select * from jsonb_each_text(known.dropped_by_reason)
                          union all
                          select * from jsonb_each_text(report -> 'dropped')
                      ) as reported
                group by reported.key
           ) as loss;
    update integration_monitor.writers as writer
       set heartbeat_at      = greatest(writer.heartbeat_at, now()),
           ended_at          = case when (report ->> 'is_final')::boolean then coalesce(writer.ended_at, now()) else writer.ended_at end,
           closed_at         = null,
           -- The one count that falls again. A report that comes late, from a session given up, knows less than the row.
           spooled           = case when (report ->> 'taken')::bigint >= writer.taken and (report ->> 'written')::bigint >= writer.written
                                    then (report ->> 'spooled')::bigint else writer.spooled end,
           taken             = greatest(writer.taken, (report ->> 'taken')::bigint),
           written           = greatest(writer.written, (report ->> 'written')::bigint),
           ignored           = greatest(writer.ignored, (report ->> 'ignored')::bigint),
           dropped           = (select coalesce(sum(loss.value::bigint), 0) from jsonb_each_text(losses) as loss),
           dropped_by_reason = losses,
           dead_lettered     = greatest(writer.dead_lettered, (report ->> 'dead_lettered')::bigint)
     where writer.writer_id = reporter;

    if known.closed_at is not null then
        -- It was taken for dead and is not: what it has under way goes on, and is watched again.
        select array_agg(closed.log_id), array_agg(closed.created_at) into back_ids, back_at
          from integration_monitor.pending as closed
         where closed.writer_id = reporter and closed.closed_status is not null;
        perform integration_monitor.reopen_logs(back_ids);
        opened_ids := opened_ids || back_ids;
        opened_at := opened_at || back_at;
    end if;

    insert into integration_monitor.pending as open (log_id, created_at, writer_id)
    select begun.log_id, begun.created_at, reporter
      from unnest(opened_ids, opened_at) as begun (log_id, created_at)
     order by begun.log_id
    on conflict on constraint pending_pkey do nothing;

    -- Once a minute each writer looks after the others.
    if is_new or date_trunc('minute', known.heartbeat_at) < date_trunc('minute', now()) then
        begin
            perform integration_monitor.close_abandoned_logs();
        exception
            when others then  -- the batch that this report came with matters more
                raise warning 'integration_monitor.close_abandoned_logs(): %', sqlerrm;
        end;
    end if;
end
$$;

--
-- Name: FUNCTION report_writer(report jsonb, opened_ids uuid[], opened_at timestamp with time zone[]); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.report_writer(report jsonb, opened_ids uuid[], opened_at timestamp with time zone[]) IS 'Writes a process''s counts, never lower than before, its heartbeat, and the ids and times of records it has begun';

--
-- Name: sees_every_record(name); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.sees_every_record(reader name) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
select has_column_privilege(sees_every_record.reader, logs.oid, 'service_name', 'select')
       and (
           not logs.relrowsecurity
           or role.rolsuper
           or role.rolbypassrls
           or (pg_has_role(role.oid, logs.relowner, 'usage') and not logs.relforcerowsecurity)
           or coalesce(
               (
                   select bool_and(policy.polpermissive) and bool_or(pg_get_expr(policy.polqual, policy.polrelid) = 'true')
                     from pg_policy as policy
                    where policy.polrelid = logs.oid
                      and policy.polcmd in ('r', '*')
                      and exists (
                              select from unnest(policy.polroles) as holder (oid)
                               where holder.oid = 0 or pg_has_role(role.oid, holder.oid, 'usage')
                          )
               ),
               false
           )
       )
  from pg_class as logs
  join pg_roles as role on role.rolname = sees_every_record.reader
 where logs.oid = 'public.integration_logs'::regclass;
$$;

--
-- Name: FUNCTION sees_every_record(reader name); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.sees_every_record(reader name) IS 'Whether a role sees every record of public.integration_logs: then it may see sums of them';

--
-- Name: set_updated_at(); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.set_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    new.updated_at := now();
    return new;
end
$$;

--
-- Name: FUNCTION set_updated_at(); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.set_updated_at() IS 'Trigger: updated_at is when the row was last written';

--
-- Name: settle_extremes(); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.settle_extremes() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
$$;

--
-- Name: FUNCTION settle_extremes(); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.settle_extremes() IS 'Reads shortest and longest durations again where one was removed';

--
-- Name: cleanup_old_integration_logs(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.cleanup_old_integration_logs() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    -- That of maintain(), which could drop a partition while this one is at it. Here the lock is waited for: a promise is to be kept.
    maintain_lock constant bigint := -3529122305915503799;
begin
    perform pg_advisory_xact_lock(maintain_lock);
    perform integration_monitor.remove_logs_before(now() - interval '90 days', interval '1000 years');
end
$$;

--
-- Name: FUNCTION cleanup_old_integration_logs(); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.cleanup_old_integration_logs() IS 'Удаляет записи старше 90 дней';

--
-- Name: api_keys; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.api_keys (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    scope text NOT NULL,
    service text,
    secret_hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT api_keys_name_check CHECK ((name <> ''::text)),
    CONSTRAINT api_keys_scope_check CHECK ((scope = ANY (ARRAY['ingest'::text, 'read'::text, 'service_role'::text, 'anon'::text]))),
    CONSTRAINT api_keys_secret_hash_check CHECK ((octet_length(secret_hash) = 32)),
    CONSTRAINT api_keys_service_check CHECK ((service <> ''::text))
);

--
-- Name: TABLE api_keys; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.api_keys IS 'API keys of programs: one row a key, also when it is revoked';

--
-- Name: COLUMN api_keys.id; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.api_keys.id IS 'Names the key in the audit';

--
-- Name: COLUMN api_keys.name; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.api_keys.name IS 'For people; one key that is not revoked has it';

--
-- Name: COLUMN api_keys.scope; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.api_keys.scope IS 'What it may: ingest (send records) or read (ask, as role authenticated); of a Supabase project''s key, the role that it stands for: service_role, or anon (nobody)';

--
-- Name: COLUMN api_keys.service; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.api_keys.service IS 'The one service that it is for; null for all';

--
-- Name: COLUMN api_keys.secret_hash; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.api_keys.secret_hash IS 'SHA-256 of the key';

--
-- Name: COLUMN api_keys.created_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.api_keys.created_at IS 'When it was made (UTC)';

--
-- Name: COLUMN api_keys.created_by; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.api_keys.created_by IS 'Who made it, as in the audit';

--
-- Name: COLUMN api_keys.revoked_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.api_keys.revoked_at IS 'From when on it opens nothing (UTC); null while it does';

--
-- Name: CONSTRAINT api_keys_name_check ON api_keys; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT api_keys_name_check ON integration_monitor.api_keys IS 'A key that nobody can name cannot be revoked';

--
-- Name: CONSTRAINT api_keys_scope_check ON api_keys; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT api_keys_scope_check ON integration_monitor.api_keys IS 'The scopes that the server knows';

--
-- Name: CONSTRAINT api_keys_secret_hash_check ON api_keys; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT api_keys_secret_hash_check ON integration_monitor.api_keys IS 'A SHA-256 has 32 bytes: no key as it is';

--
-- Name: CONSTRAINT api_keys_service_check ON api_keys; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT api_keys_service_check ON integration_monitor.api_keys IS 'All services are null, and not the empty text';

--
-- Name: arrival_looks; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.arrival_looks (
    number bigint NOT NULL,
    since_snapshot pg_snapshot NOT NULL,
    until_snapshot pg_snapshot NOT NULL,
    count bigint NOT NULL,
    looked_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT arrival_looks_count_check CHECK ((count > 0))
);

--
-- Name: TABLE arrival_looks; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.arrival_looks IS 'Looks for arrivals that found some: one row each, in the order of arrival';

--
-- Name: COLUMN arrival_looks.number; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.arrival_looks.number IS 'From 1 in each watch, without gaps';

--
-- Name: COLUMN arrival_looks.since_snapshot; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.arrival_looks.since_snapshot IS 'What had arrived before';

--
-- Name: COLUMN arrival_looks.until_snapshot; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.arrival_looks.until_snapshot IS 'What had arrived by then: the difference is what this look found';

--
-- Name: COLUMN arrival_looks.count; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.arrival_looks.count IS 'Arrivals that it found';

--
-- Name: COLUMN arrival_looks.looked_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.arrival_looks.looked_at IS 'When (UTC)';

--
-- Name: CONSTRAINT arrival_looks_count_check ON arrival_looks; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT arrival_looks_count_check ON integration_monitor.arrival_looks IS 'A look that finds nothing is no row';

--
-- Name: arrival_watch; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.arrival_watch (
    is_only boolean DEFAULT true NOT NULL,
    number bigint NOT NULL,
    until_at timestamp with time zone NOT NULL,
    seen_snapshot pg_snapshot NOT NULL,
    looks bigint NOT NULL,
    looks_removed bigint NOT NULL,
    CONSTRAINT arrival_watch_is_only_check CHECK (is_only)
);

--
-- Name: TABLE arrival_watch; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.arrival_watch IS 'Whether somebody watches: one row. Arrivals are noted while its lease lasts';

--
-- Name: COLUMN arrival_watch.is_only; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.arrival_watch.is_only IS 'Holds the table to one row';

--
-- Name: COLUMN arrival_watch.number; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.arrival_watch.number IS 'Counts the times that watching began anew; a cursor of an earlier one is worth nothing';

--
-- Name: COLUMN arrival_watch.until_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.arrival_watch.until_at IS 'End of the lease (UTC)';

--
-- Name: COLUMN arrival_watch.seen_snapshot; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.arrival_watch.seen_snapshot IS 'What the last look saw';

--
-- Name: COLUMN arrival_watch.looks; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.arrival_watch.looks IS 'Number of the last look; 0 before the first';

--
-- Name: COLUMN arrival_watch.looks_removed; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.arrival_watch.looks_removed IS 'Number of the last look that is not kept any more; 0 where all are';

--
-- Name: CONSTRAINT arrival_watch_is_only_check ON arrival_watch; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT arrival_watch_is_only_check ON integration_monitor.arrival_watch IS 'One row';

--
-- Name: arrivals; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.arrivals (
    number bigint NOT NULL,
    transaction_id xid8 DEFAULT pg_current_xact_id() NOT NULL,
    record_id uuid,
    created_at timestamp with time zone,
    is_new boolean NOT NULL,
    CONSTRAINT arrivals_record_check CHECK (((record_id IS NULL) = (created_at IS NULL)))
);

--
-- Name: TABLE arrivals; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.arrivals IS 'Records that were written while somebody watched: one row each, kept for some minutes';

--
-- Name: COLUMN arrivals.number; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.arrivals.number IS 'The order within a look';

--
-- Name: COLUMN arrivals.transaction_id; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.arrivals.transaction_id IS 'Who wrote it: it has arrived when this transaction is committed';

--
-- Name: COLUMN arrivals.record_id; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.arrivals.record_id IS 'The record; null for a statement that wrote too many to be told one by one';

--
-- Name: COLUMN arrivals.created_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.arrivals.created_at IS 'The rest of its key: created_at of the record (UTC)';

--
-- Name: COLUMN arrivals.is_new; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.arrivals.is_new IS 'Whether it was inserted; else it was changed';

--
-- Name: CONSTRAINT arrivals_record_check ON arrivals; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT arrivals_record_check ON integration_monitor.arrivals IS 'The key of a record has two parts';

--
-- Name: arrivals_number_seq; Type: SEQUENCE; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.arrivals ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME integration_monitor.arrivals_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: audit; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.audit (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    act text NOT NULL,
    subject text NOT NULL,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT audit_details_check CHECK ((jsonb_typeof(details) = 'object'::text))
);

--
-- Name: TABLE audit; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.audit IS 'Administrative acts: one row each, never changed';

--
-- Name: COLUMN audit.id; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.audit.id IS 'In the order of the acts, near enough';

--
-- Name: COLUMN audit.at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.audit.at IS 'When it was done (UTC)';

--
-- Name: COLUMN audit.actor; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.audit.actor IS 'Who did it: user and machine of the command line, the name in a token, or the login that changed a setting in SQL';

--
-- Name: COLUMN audit.act; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.audit.act IS 'What was done: key_created, key_registered, key_revoked, token_issued, migrated, settings_changed, incident_acknowledged, erasure_begun, erasure_done';

--
-- Name: COLUMN audit.subject; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.audit.subject IS 'To what: the id of a key or an incident, a role, a migration, a table, or what stands for a person';

--
-- Name: COLUMN audit.details; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.audit.details IS 'What else there is to know; never a secret';

--
-- Name: CONSTRAINT audit_details_check ON audit; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT audit_details_check ON integration_monitor.audit IS 'An object, so that every detail has a name';

--
-- Name: audit_id_seq; Type: SEQUENCE; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.audit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME integration_monitor.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: incidents; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.incidents (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    severity text NOT NULL,
    summary text NOT NULL,
    facts jsonb DEFAULT '{}'::jsonb NOT NULL,
    suspected_at timestamp with time zone NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    since_at timestamp with time zone NOT NULL,
    began_at timestamp with time zone,
    calm_at timestamp with time zone,
    well_at timestamp with time zone,
    ended_at timestamp with time zone,
    acknowledged_at timestamp with time zone,
    acknowledged_by text,
    CONSTRAINT incidents_acknowledged_check CHECK (((acknowledged_at IS NULL) = (acknowledged_by IS NULL))),
    CONSTRAINT incidents_ended_at_check CHECK (((ended_at IS NULL) OR (began_at IS NOT NULL))),
    CONSTRAINT incidents_facts_check CHECK ((jsonb_typeof(facts) = 'object'::text)),
    CONSTRAINT incidents_kind_check CHECK ((kind = ANY (ARRAY['service_state'::text, 'service_silent'::text, 'probe_failed'::text, 'writers_lost'::text, 'writers_lagging'::text]))),
    CONSTRAINT incidents_severity_check CHECK ((severity = ANY (ARRAY['degraded'::text, 'down'::text, 'silent'::text, 'failed'::text, 'lost'::text, 'lagging'::text])))
);

--
-- Name: TABLE incidents; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.incidents IS 'What was wrong and for how long: one row each. A row without began_at is a suspicion, which may still go away';

--
-- Name: COLUMN incidents.id; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.incidents.id IS 'Names it in messages, in the API and in the audit';

--
-- Name: COLUMN incidents.kind; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.incidents.kind IS 'service_state (the rule of health), service_silent, probe_failed, writers_lost, writers_lagging';

--
-- Name: COLUMN incidents.subject; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.incidents.subject IS 'The service; empty for writers, who are looked at together';

--
-- Name: COLUMN incidents.severity; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.incidents.severity IS 'The worst it was: degraded, down; silent; failed; lost; lagging';

--
-- Name: COLUMN incidents.summary; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.incidents.summary IS 'What was wrong, in a sentence, as last observed';

--
-- Name: COLUMN incidents.facts; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.incidents.facts IS 'Whom it hurt and what the vendor said when it began: counts, entities, redacted error message';

--
-- Name: COLUMN incidents.suspected_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.incidents.suspected_at IS 'When it was first observed (UTC)';

--
-- Name: COLUMN incidents.observed_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.incidents.observed_at IS 'When it was last looked at (UTC)';

--
-- Name: COLUMN incidents.since_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.incidents.since_at IS 'Since when it was wrong, as far as records tell (UTC)';

--
-- Name: COLUMN incidents.began_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.incidents.began_at IS 'When it had held for long enough to be told (UTC)';

--
-- Name: COLUMN incidents.calm_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.incidents.calm_at IS 'Since when it is not wrong any more (UTC); null while it is';

--
-- Name: COLUMN incidents.well_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.incidents.well_at IS 'Since when it is clearly better (UTC); null while it is not';

--
-- Name: COLUMN incidents.ended_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.incidents.ended_at IS 'When it had been better for long enough (UTC)';

--
-- Name: COLUMN incidents.acknowledged_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.incidents.acknowledged_at IS 'When somebody said that they look after it (UTC)';

--
-- Name: COLUMN incidents.acknowledged_by; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.incidents.acknowledged_by IS 'Who said so, as in the audit';

--
-- Name: CONSTRAINT incidents_acknowledged_check ON incidents; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT incidents_acknowledged_check ON integration_monitor.incidents IS 'Nobody acknowledges without a name';

--
-- Name: CONSTRAINT incidents_ended_at_check ON incidents; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT incidents_ended_at_check ON integration_monitor.incidents IS 'A suspicion is dropped, and never ends';

--
-- Name: CONSTRAINT incidents_facts_check ON incidents; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT incidents_facts_check ON integration_monitor.incidents IS 'An object, so that every fact has a name';

--
-- Name: CONSTRAINT incidents_kind_check ON incidents; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT incidents_kind_check ON integration_monitor.incidents IS 'What is watched';

--
-- Name: CONSTRAINT incidents_severity_check ON incidents; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT incidents_severity_check ON integration_monitor.incidents IS 'The words that messages have for it';

--
-- Name: integration_logs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.integration_logs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    service_name text NOT NULL,
    action text NOT NULL,
    status text NOT NULL,
    related_entity_type text,
    related_entity_id uuid,
    request_payload jsonb,
    response_payload jsonb,
    error_message text,
    error_code text,
    duration_ms integer,
    retry_count integer DEFAULT 0,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now(),
    CONSTRAINT integration_logs_status_check CHECK ((status = ANY (ARRAY['success'::text, 'failed'::text, 'pending'::text, 'retrying'::text])))
)
PARTITION BY RANGE (created_at);

--
-- Name: TABLE integration_logs; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.integration_logs IS 'Централизованные логи всех интеграций с внешними API (AmoCRM, Resend, Telegram, Mobizon, Whapi)';

--
-- Name: COLUMN integration_logs.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.id IS 'Идентификатор записи; у записей SDK это UUIDv7, время в нём равно created_at';

--
-- Name: COLUMN integration_logs.service_name; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.service_name IS 'Название сервиса: amocrm, resend, telegram, mobizon, whapi';

--
-- Name: COLUMN integration_logs.action; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.action IS 'Действие: send_email, sync_lead, send_sms, etc.';

--
-- Name: COLUMN integration_logs.status; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.status IS 'Статус: success, failed, pending, retrying';

--
-- Name: COLUMN integration_logs.related_entity_type; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.related_entity_type IS 'Тип связанной сущности: lead, contact, message, etc.';

--
-- Name: COLUMN integration_logs.related_entity_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.related_entity_id IS 'Связанная сущность: её UUID либо UUIDv5 от её идентификатора в сервисе';

--
-- Name: COLUMN integration_logs.request_payload; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.request_payload IS 'Запрос: method, url, headers, body; без секретов';

--
-- Name: COLUMN integration_logs.response_payload; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.response_payload IS 'Ответ: status_code, headers, body, ttfb_ms, при ошибке fault и retry; без секретов';

--
-- Name: COLUMN integration_logs.error_message; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.error_message IS 'Текст ошибки: слова сервиса, а без ответа наши';

--
-- Name: COLUMN integration_logs.error_code; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.error_code IS 'Код ошибки: код сервиса, иначе HTTP_<status>, иначе TIMEOUT, DNS_FAILURE, etc.';

--
-- Name: COLUMN integration_logs.duration_ms; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.duration_ms IS 'Длительность запроса в миллисекундах';

--
-- Name: COLUMN integration_logs.retry_count; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.retry_count IS 'Количество повторных попыток (для retrying статуса)';

--
-- Name: COLUMN integration_logs.created_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.created_at IS 'Начало операции по часам записавшего процесса (UTC)';

--
-- Name: COLUMN integration_logs.updated_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.updated_at IS 'Последнее изменение записи (UTC)';

--
-- Name: CONSTRAINT integration_logs_status_check ON integration_logs; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT integration_logs_status_check ON public.integration_logs IS 'pending and retrying are records that their writer will finish';

--
-- Name: integration_logs_default; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.integration_logs_default (
    id uuid DEFAULT gen_random_uuid() CONSTRAINT integration_logs_id_not_null NOT NULL,
    service_name text CONSTRAINT integration_logs_service_name_not_null NOT NULL,
    action text CONSTRAINT integration_logs_action_not_null NOT NULL,
    status text CONSTRAINT integration_logs_status_not_null NOT NULL,
    related_entity_type text,
    related_entity_id uuid,
    request_payload jsonb,
    response_payload jsonb,
    error_message text,
    error_code text,
    duration_ms integer,
    retry_count integer DEFAULT 0,
    created_at timestamp with time zone DEFAULT now() CONSTRAINT integration_logs_created_at_not_null NOT NULL,
    updated_at timestamp with time zone DEFAULT now(),
    CONSTRAINT integration_logs_status_check CHECK ((status = ANY (ARRAY['success'::text, 'failed'::text, 'pending'::text, 'retrying'::text])))
);

--
-- Name: TABLE integration_logs_default; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.integration_logs_default IS 'Records whose created_at no other partition takes; maintain() moves them on as soon as one can';

--
-- Name: keys; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.keys (
    purpose text NOT NULL,
    secret bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT keys_secret_check CHECK ((octet_length(secret) >= 32))
);

--
-- Name: TABLE keys; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.keys IS 'Signing keys of the server: one row a purpose';

--
-- Name: COLUMN keys.purpose; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.keys.purpose IS 'What it signs: session, jwt';

--
-- Name: COLUMN keys.secret; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.keys.secret IS 'Random bytes';

--
-- Name: COLUMN keys.created_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.keys.created_at IS 'When it was made (UTC)';

--
-- Name: CONSTRAINT keys_secret_check ON keys; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT keys_secret_check ON integration_monitor.keys IS 'HS256 needs a key of at least 256 bits (RFC 7518, section 3.2)';

--
-- Name: migrations; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.migrations (
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: TABLE migrations; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.migrations IS 'What was applied to this database: one row a migration';

--
-- Name: COLUMN migrations.name; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.migrations.name IS 'File name without its ending, such as 0001_create_history';

--
-- Name: COLUMN migrations.checksum; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.migrations.checksum IS 'SHA-256 of the file, in hexadecimal: a migration is never edited';

--
-- Name: COLUMN migrations.applied_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.migrations.applied_at IS 'When it was applied (UTC)';

--
-- Name: notifications; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.notifications (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    incident_id uuid NOT NULL,
    phase text NOT NULL,
    target text NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    error text,
    CONSTRAINT notifications_phase_check CHECK ((phase = ANY (ARRAY['began'::text, 'ended'::text]))),
    CONSTRAINT notifications_settled_at_check CHECK (((state = 'waiting'::text) = (settled_at IS NULL))),
    CONSTRAINT notifications_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'sent'::text, 'superseded'::text, 'given_up'::text])))
);

--
-- Name: TABLE notifications; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.notifications IS 'Messages about incidents: one row for each beginning or end and target';

--
-- Name: COLUMN notifications.id; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.notifications.id IS 'Names the message';

--
-- Name: COLUMN notifications.incident_id; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.notifications.incident_id IS 'What it is about';

--
-- Name: COLUMN notifications.phase; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.notifications.phase IS 'began or ended';

--
-- Name: COLUMN notifications.target; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.notifications.target IS 'Whom it goes to: the scheme of the Apprise URL and a digest of it. Never the URL, which holds secrets';

--
-- Name: COLUMN notifications.title; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.notifications.title IS 'Its subject';

--
-- Name: COLUMN notifications.body; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.notifications.body IS 'Its words, plain text';

--
-- Name: COLUMN notifications.state; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.notifications.state IS 'waiting; sent; superseded (the end is told with the beginning, after quiet hours); given_up (not delivered in a day)';

--
-- Name: COLUMN notifications.attempts; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.notifications.attempts IS 'How often it was tried';

--
-- Name: COLUMN notifications.created_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.notifications.created_at IS 'When there was something to tell (UTC)';

--
-- Name: COLUMN notifications.due_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.notifications.due_at IS 'Not tried before (UTC): quiet hours, back-off, or a server that is sending it';

--
-- Name: COLUMN notifications.settled_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.notifications.settled_at IS 'When it was no longer waiting (UTC)';

--
-- Name: COLUMN notifications.error; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.notifications.error IS 'Why the last attempt failed';

--
-- Name: CONSTRAINT notifications_phase_check ON notifications; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT notifications_phase_check ON integration_monitor.notifications IS 'One message when it begins, one when it ends';

--
-- Name: CONSTRAINT notifications_settled_at_check ON notifications; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT notifications_settled_at_check ON integration_monitor.notifications IS 'What waits is not settled';

--
-- Name: CONSTRAINT notifications_state_check ON notifications; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT notifications_state_check ON integration_monitor.notifications IS 'What can become of a message';

--
-- Name: observations; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.observations (
    kind text NOT NULL,
    subject text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    seen jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT observations_kind_check CHECK ((kind = ANY (ARRAY['round'::text, 'probe'::text, 'losses'::text])))
);

--
-- Name: TABLE observations; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.observations IS 'What the watch is to do next and saw last: one row for each thing that is looked at';

--
-- Name: COLUMN observations.kind; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.observations.kind IS 'round (all rules), probe (one service), losses (of all writers)';

--
-- Name: COLUMN observations.subject; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.observations.subject IS 'The service of a probe; else empty';

--
-- Name: COLUMN observations.due_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.observations.due_at IS 'When it is looked at next (UTC); whoever moves this does it';

--
-- Name: COLUMN observations.seen; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.observations.seen IS 'What was seen last';

--
-- Name: CONSTRAINT observations_kind_check ON observations; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT observations_kind_check ON integration_monitor.observations IS 'What the watch remembers';

--
-- Name: pending; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.pending (
    log_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    writer_id uuid NOT NULL,
    closed_status text,
    CONSTRAINT pending_closed_status_check CHECK ((closed_status = ANY (ARRAY['pending'::text, 'retrying'::text])))
);

--
-- Name: TABLE pending; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.pending IS 'Records that are pending or retrying, and who is to finish them: one row a record';

--
-- Name: COLUMN pending.log_id; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.pending.log_id IS 'The record''s id';

--
-- Name: COLUMN pending.created_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.pending.created_at IS 'The record''s created_at, which names its partition';

--
-- Name: COLUMN pending.writer_id; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.pending.writer_id IS 'The process that is to finish it';

--
-- Name: COLUMN pending.closed_status; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.pending.closed_status IS 'The status it had when it was closed as ABANDONED, so that it can be had back; null while it is open';

--
-- Name: CONSTRAINT pending_closed_status_check ON pending; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT pending_closed_status_check ON integration_monitor.pending IS 'Nothing else is closed';

--
-- Name: settings; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.settings (
    is_only_row boolean DEFAULT true NOT NULL,
    partition_days smallint DEFAULT 7 NOT NULL,
    retention interval DEFAULT '90 days'::interval NOT NULL,
    CONSTRAINT settings_is_only_row_check CHECK (is_only_row),
    CONSTRAINT settings_partition_days_check CHECK ((partition_days = ANY (ARRAY[1, 7]))),
    CONSTRAINT settings_retention_check CHECK ((retention >= '1 day'::interval))
);

--
-- Name: TABLE settings; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.settings IS 'How maintain() keeps public.integration_logs: one row';

--
-- Name: COLUMN settings.is_only_row; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.settings.is_only_row IS 'Always true, so that there is one row';

--
-- Name: COLUMN settings.partition_days; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.settings.partition_days IS 'Width of partitions made from now on, in days: 7 (Monday to Monday, UTC), or 1 for very large volumes';

--
-- Name: COLUMN settings.retention; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.settings.retention IS 'Age at which maintain() removes a record';

--
-- Name: CONSTRAINT settings_is_only_row_check ON settings; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT settings_is_only_row_check ON integration_monitor.settings IS 'One row: its key has one possible value';

--
-- Name: CONSTRAINT settings_partition_days_check ON settings; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT settings_partition_days_check ON integration_monitor.settings IS 'Days and weeks never overlap in part';

--
-- Name: CONSTRAINT settings_retention_check ON settings; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT settings_retention_check ON integration_monitor.settings IS 'A negative age would remove records as they come';

--
-- Name: sign_in_links; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.sign_in_links (
    token_hash bytea NOT NULL,
    role text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT sign_in_links_role_check CHECK ((role = ANY (ARRAY['service_role'::text, 'authenticated'::text, 'integration_monitor_statistics'::text]))),
    CONSTRAINT sign_in_links_token_hash_check CHECK ((octet_length(token_hash) = 32))
);

--
-- Name: TABLE sign_in_links; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.sign_in_links IS 'One-time links to the dashboard: one row a link';

--
-- Name: COLUMN sign_in_links.token_hash; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.sign_in_links.token_hash IS 'SHA-256 of the link''s token';

--
-- Name: COLUMN sign_in_links.role; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.sign_in_links.role IS 'Database role of the session that the link opens';

--
-- Name: COLUMN sign_in_links.created_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.sign_in_links.created_at IS 'When the link was made (UTC)';

--
-- Name: COLUMN sign_in_links.expires_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.sign_in_links.expires_at IS 'From when on it opens nothing (UTC)';

--
-- Name: COLUMN sign_in_links.used_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.sign_in_links.used_at IS 'When it was used (UTC); null while it still opens a session';

--
-- Name: CONSTRAINT sign_in_links_role_check ON sign_in_links; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT sign_in_links_role_check ON integration_monitor.sign_in_links IS 'The roles that the API knows';

--
-- Name: CONSTRAINT sign_in_links_token_hash_check ON sign_in_links; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT sign_in_links_token_hash_check ON integration_monitor.sign_in_links IS 'A SHA-256 has 32 bytes: no token as it is';

--
-- Name: statistics_bins; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.statistics_bins (
    bin smallint NOT NULL,
    least_ms integer NOT NULL,
    shown_ms integer NOT NULL
);

--
-- Name: TABLE statistics_bins; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.statistics_bins IS 'What durations are sorted into';

--
-- Name: COLUMN statistics_bins.bin; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_bins.bin IS 'Its number, upwards';

--
-- Name: COLUMN statistics_bins.least_ms; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_bins.least_ms IS 'The shortest duration in it, in milliseconds';

--
-- Name: COLUMN statistics_bins.shown_ms; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_bins.shown_ms IS 'What is shown for every duration in it, at most 5 % from each, in milliseconds';

--
-- Name: statistics_changes; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.statistics_changes (
    change_id bigint NOT NULL,
    sign smallint NOT NULL,
    grain text NOT NULL,
    bucket timestamp with time zone NOT NULL,
    service_name text NOT NULL,
    action text NOT NULL,
    status text NOT NULL,
    error_code text NOT NULL,
    fault text NOT NULL,
    count bigint NOT NULL,
    timed bigint NOT NULL,
    sum_ms bigint NOT NULL,
    min_ms integer,
    max_ms integer,
    durations integer[],
    CONSTRAINT statistics_changes_grain_check CHECK ((grain = ANY (ARRAY['minute'::text, 'hour'::text, 'day'::text]))),
    CONSTRAINT statistics_changes_sign_check CHECK ((sign = ANY (ARRAY['-1'::integer, 1])))
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_cost_delay='0', autovacuum_vacuum_insert_scale_factor='0', autovacuum_vacuum_insert_threshold='10000');

--
-- Name: TABLE statistics_changes; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.statistics_changes IS 'What was written to public.integration_logs and is not yet added up: one row a statement, bucket and series. Statistics are the tiers and these';

--
-- Name: COLUMN statistics_changes.change_id; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_changes.change_id IS 'Upwards as they are written: what takes a record away has a higher one than what added it';

--
-- Name: COLUMN statistics_changes.sign; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_changes.sign IS '1 for records that came, -1 for records that went';

--
-- Name: COLUMN statistics_changes.grain; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_changes.grain IS 'Width of the bucket: minute, for records older than 48 hours hour, for those older than 91 days day';

--
-- Name: COLUMN statistics_changes.bucket; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_changes.bucket IS 'Beginning of the minute, hour or day of created_at (UTC)';

--
-- Name: COLUMN statistics_changes.service_name; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_changes.service_name IS 'The record''s, up to 255 characters';

--
-- Name: COLUMN statistics_changes.action; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_changes.action IS 'The record''s, up to 255 characters';

--
-- Name: COLUMN statistics_changes.status; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_changes.status IS 'The record''s';

--
-- Name: COLUMN statistics_changes.error_code; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_changes.error_code IS 'The record''s, up to 100 characters; empty where it has none';

--
-- Name: COLUMN statistics_changes.fault; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_changes.fault IS 'Of a failed record its response_payload.fault, unclassified where that is none of the known ones; else empty';

--
-- Name: COLUMN statistics_changes.count; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_changes.count IS 'Records';

--
-- Name: COLUMN statistics_changes.timed; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_changes.timed IS 'Those of them that have a duration';

--
-- Name: COLUMN statistics_changes.sum_ms; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_changes.sum_ms IS 'Sum of their durations in milliseconds';

--
-- Name: COLUMN statistics_changes.min_ms; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_changes.min_ms IS 'Shortest of their durations in milliseconds';

--
-- Name: COLUMN statistics_changes.max_ms; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_changes.max_ms IS 'Longest of their durations in milliseconds';

--
-- Name: COLUMN statistics_changes.durations; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_changes.durations IS 'Their durations in milliseconds, in no order';

--
-- Name: CONSTRAINT statistics_changes_grain_check ON statistics_changes; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT statistics_changes_grain_check ON integration_monitor.statistics_changes IS 'The tiers there are';

--
-- Name: CONSTRAINT statistics_changes_sign_check ON statistics_changes; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT statistics_changes_sign_check ON integration_monitor.statistics_changes IS 'Nothing is half come';

--
-- Name: statistics_changes_change_id_seq; Type: SEQUENCE; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.statistics_changes ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME integration_monitor.statistics_changes_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: statistics_day; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.statistics_day (
    bucket timestamp with time zone CONSTRAINT statistics_hour_bucket_not_null NOT NULL,
    series_id integer CONSTRAINT statistics_hour_series_id_not_null NOT NULL,
    count bigint CONSTRAINT statistics_hour_count_not_null NOT NULL,
    timed bigint CONSTRAINT statistics_hour_timed_not_null NOT NULL,
    sum_ms bigint CONSTRAINT statistics_hour_sum_ms_not_null NOT NULL,
    min_ms integer,
    max_ms integer,
    removed_min_ms integer,
    removed_max_ms integer,
    bins smallint[] CONSTRAINT statistics_hour_bins_not_null NOT NULL,
    counts integer[] CONSTRAINT statistics_hour_counts_not_null NOT NULL
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='1000');

--
-- Name: TABLE statistics_day; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.statistics_day IS 'Sums by day and series, for good: they outlive the records';

--
-- Name: COLUMN statistics_day.bucket; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_day.bucket IS 'Beginning of the day (UTC)';

--
-- Name: COLUMN statistics_day.series_id; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_day.series_id IS 'What was counted';

--
-- Name: COLUMN statistics_day.count; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_day.count IS 'Records';

--
-- Name: COLUMN statistics_day.timed; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_day.timed IS 'Those of them that have a duration';

--
-- Name: COLUMN statistics_day.sum_ms; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_day.sum_ms IS 'Sum of their durations in milliseconds';

--
-- Name: COLUMN statistics_day.min_ms; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_day.min_ms IS 'Shortest of their durations in milliseconds';

--
-- Name: COLUMN statistics_day.max_ms; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_day.max_ms IS 'Longest of their durations in milliseconds';

--
-- Name: COLUMN statistics_day.removed_min_ms; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_day.removed_min_ms IS 'Shortest of those removed since the extremes were last read, in milliseconds; null where no extreme is in doubt';

--
-- Name: COLUMN statistics_day.removed_max_ms; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_day.removed_max_ms IS 'Longest of those, in milliseconds';

--
-- Name: COLUMN statistics_day.bins; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_day.bins IS 'The bins that their durations fall into, upwards';

--
-- Name: COLUMN statistics_day.counts; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_day.counts IS 'How many fall into each of these';

--
-- Name: statistics_doubts; Type: VIEW; Schema: integration_monitor; Owner: -
--

CREATE VIEW integration_monitor.statistics_doubts WITH (security_invoker='false') AS
 SELECT (count(*) < 50) AS are_few
   FROM (( SELECT
           FROM integration_monitor.statistics_day tier
          WHERE (tier.removed_min_ms IS NOT NULL)
         LIMIT 50)
        UNION ALL
         SELECT
           FROM ( SELECT DISTINCT change.service_name,
                    change.action,
                    change.status,
                    date_bin('1 day'::interval, change.bucket, '1970-01-01 00:00:00+00'::timestamp with time zone) AS date_bin
                   FROM integration_monitor.statistics_changes change
                  WHERE ((change.sign < 0) AND (change.timed > 0))) removal) doubt;

--
-- Name: VIEW statistics_doubts; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON VIEW integration_monitor.statistics_doubts IS 'Whether there are so few removed extremes that they may be read again at once';

--
-- Name: statistics_names; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.statistics_names (
    service_name text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    is_overflow boolean DEFAULT false NOT NULL,
    CONSTRAINT statistics_names_kind_check CHECK ((kind = ANY (ARRAY['action'::text, 'error_code'::text])))
);

--
-- Name: TABLE statistics_names; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.statistics_names IS 'The actions and error codes that statistics tell apart, at most 300 of each a service; whatever comes later is counted as other';

--
-- Name: COLUMN statistics_names.service_name; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_names.service_name IS 'The service they belong to';

--
-- Name: COLUMN statistics_names.kind; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_names.kind IS 'action or error_code';

--
-- Name: COLUMN statistics_names.name; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_names.name IS 'The action or error code';

--
-- Name: COLUMN statistics_names.is_overflow; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_names.is_overflow IS 'True of the name other once there were too many, and for good';

--
-- Name: CONSTRAINT statistics_names_kind_check ON statistics_names; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT statistics_names_kind_check ON integration_monitor.statistics_names IS 'What is bounded';

--
-- Name: statistics_open; Type: VIEW; Schema: integration_monitor; Owner: -
--

CREATE VIEW integration_monitor.statistics_open WITH (security_invoker='false') AS
 SELECT ctid AS place,
    sign,
    grain,
    bucket,
    service_name,
        CASE
            WHEN ((service_name IN ( SELECT full_one.service_name
               FROM integration_monitor.statistics_names full_one
              WHERE ((full_one.kind = 'action'::text) AND full_one.is_overflow))) AND (NOT ((service_name, action) IN ( SELECT known.service_name,
                known.name
               FROM integration_monitor.statistics_names known
              WHERE (known.kind = 'action'::text))))) THEN 'other'::text
            ELSE action
        END AS action,
    status,
        CASE
            WHEN ((error_code <> ''::text) AND (service_name IN ( SELECT full_one.service_name
               FROM integration_monitor.statistics_names full_one
              WHERE ((full_one.kind = 'error_code'::text) AND full_one.is_overflow))) AND (NOT ((service_name, error_code) IN ( SELECT known.service_name,
                known.name
               FROM integration_monitor.statistics_names known
              WHERE (known.kind = 'error_code'::text))))) THEN 'other'::text
            ELSE error_code
        END AS error_code,
    fault,
    count,
    timed,
    sum_ms,
    min_ms,
    max_ms,
    durations
   FROM integration_monitor.statistics_changes change;

--
-- Name: VIEW statistics_open; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON VIEW integration_monitor.statistics_open IS 'The changes that are not yet added up, named as they will be';

--
-- Name: statistics_series; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.statistics_series (
    series_id integer NOT NULL,
    service_name text NOT NULL,
    action text NOT NULL,
    status text NOT NULL,
    error_code text NOT NULL,
    fault text NOT NULL
);

--
-- Name: TABLE statistics_series; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.statistics_series IS 'What statistics are kept for: one row a combination that has occurred';

--
-- Name: COLUMN statistics_series.series_id; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_series.series_id IS 'Its number in the tiers';

--
-- Name: COLUMN statistics_series.service_name; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_series.service_name IS 'As in statistics_changes';

--
-- Name: COLUMN statistics_series.action; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_series.action IS 'As in statistics_changes; other where there are too many';

--
-- Name: COLUMN statistics_series.status; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_series.status IS 'As in statistics_changes';

--
-- Name: COLUMN statistics_series.error_code; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_series.error_code IS 'As in statistics_changes; other where there are too many';

--
-- Name: COLUMN statistics_series.fault; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_series.fault IS 'As in statistics_changes';

--
-- Name: statistics_daily; Type: VIEW; Schema: integration_monitor; Owner: -
--

CREATE VIEW integration_monitor.statistics_daily WITH (security_invoker='false') AS
 SELECT service_name,
    action,
    status,
    day,
    (count)::bigint AS count,
    timed,
    sum_ms,
        CASE
            WHEN (timed = (0)::numeric) THEN NULL::integer
            WHEN (((removed_min_ms <= min_ms) OR (removed_max_ms >= max_ms)) AND ( SELECT doubts.are_few
               FROM integration_monitor.statistics_doubts doubts)) THEN COALESCE((integration_monitor.read_extremes(service_name, action, status, day, (day + '1 day'::interval), (count)::bigint))[1], min_ms)
            ELSE min_ms
        END AS min_ms,
        CASE
            WHEN (timed = (0)::numeric) THEN NULL::integer
            WHEN (((removed_min_ms <= min_ms) OR (removed_max_ms >= max_ms)) AND ( SELECT doubts.are_few
               FROM integration_monitor.statistics_doubts doubts)) THEN COALESCE((integration_monitor.read_extremes(service_name, action, status, day, (day + '1 day'::interval), (count)::bigint))[2], max_ms)
            ELSE max_ms
        END AS max_ms
   FROM ( SELECT part.service_name,
            part.action,
            part.status,
            part.day,
            sum(part.count) AS count,
            sum(part.timed) AS timed,
            sum(part.sum_ms) AS sum_ms,
            min(part.min_ms) AS min_ms,
            max(part.max_ms) AS max_ms,
            min(part.removed_min_ms) AS removed_min_ms,
            max(part.removed_max_ms) AS removed_max_ms
           FROM ( SELECT series.service_name,
                    series.action,
                    series.status,
                    tier.bucket AS day,
                    tier.count,
                    tier.timed,
                    tier.sum_ms,
                        CASE
                            WHEN (tier.timed <> 0) THEN tier.min_ms
                            ELSE NULL::integer
                        END AS min_ms,
                        CASE
                            WHEN (tier.timed <> 0) THEN tier.max_ms
                            ELSE NULL::integer
                        END AS max_ms,
                        CASE
                            WHEN (tier.timed <> 0) THEN tier.removed_min_ms
                            ELSE NULL::integer
                        END AS removed_min_ms,
                        CASE
                            WHEN (tier.timed <> 0) THEN tier.removed_max_ms
                            ELSE NULL::integer
                        END AS removed_max_ms
                   FROM (integration_monitor.statistics_day tier
                     JOIN integration_monitor.statistics_series series ON ((series.series_id = tier.series_id)))
                  WHERE ((tier.bucket >= date_bin('1 day'::interval, (now() - '30 days'::interval), '1970-01-01 00:00:00+00'::timestamp with time zone)) AND (tier.bucket <= now()))
                UNION ALL
                 SELECT change.service_name,
                    change.action,
                    change.status,
                    date_bin('1 day'::interval, change.bucket, '1970-01-01 00:00:00+00'::timestamp with time zone) AS date_bin,
                    (change.sign * change.count),
                    (change.sign * change.timed),
                    (change.sign * change.sum_ms),
                        CASE
                            WHEN (change.sign > 0) THEN change.min_ms
                            ELSE NULL::integer
                        END AS "case",
                        CASE
                            WHEN (change.sign > 0) THEN change.max_ms
                            ELSE NULL::integer
                        END AS "case",
                        CASE
                            WHEN (change.sign < 0) THEN change.min_ms
                            ELSE NULL::integer
                        END AS "case",
                        CASE
                            WHEN (change.sign < 0) THEN change.max_ms
                            ELSE NULL::integer
                        END AS "case"
                   FROM integration_monitor.statistics_open change
                  WHERE ((change.bucket >= date_bin('1 day'::interval, (now() - '30 days'::interval), '1970-01-01 00:00:00+00'::timestamp with time zone)) AND (change.bucket < (date_bin('1 day'::interval, now(), '1970-01-01 00:00:00+00'::timestamp with time zone) + '1 day'::interval)))) part
          GROUP BY part.service_name, part.action, part.status, part.day
         HAVING (sum(part.count) > (0)::numeric)) sums
  WHERE ( SELECT integration_monitor.sees_every_record(CURRENT_USER) AS sees_every_record);

--
-- Name: VIEW statistics_daily; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON VIEW integration_monitor.statistics_daily IS 'What public.integration_stats_daily is made of, with sums instead of averages';

--
-- Name: statistics_hour; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.statistics_hour (
    bucket timestamp with time zone NOT NULL,
    series_id integer NOT NULL,
    count bigint NOT NULL,
    timed bigint NOT NULL,
    sum_ms bigint NOT NULL,
    min_ms integer,
    max_ms integer,
    removed_min_ms integer,
    removed_max_ms integer,
    bins smallint[] NOT NULL,
    counts integer[] NOT NULL
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='1000');

--
-- Name: TABLE statistics_hour; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.statistics_hour IS 'Sums by hour and series, of the last 91 days';

--
-- Name: COLUMN statistics_hour.bucket; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_hour.bucket IS 'Beginning of the hour (UTC)';

--
-- Name: COLUMN statistics_hour.series_id; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_hour.series_id IS 'What was counted';

--
-- Name: COLUMN statistics_hour.count; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_hour.count IS 'Records';

--
-- Name: COLUMN statistics_hour.timed; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_hour.timed IS 'Those of them that have a duration';

--
-- Name: COLUMN statistics_hour.sum_ms; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_hour.sum_ms IS 'Sum of their durations in milliseconds';

--
-- Name: COLUMN statistics_hour.min_ms; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_hour.min_ms IS 'Shortest of their durations in milliseconds';

--
-- Name: COLUMN statistics_hour.max_ms; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_hour.max_ms IS 'Longest of their durations in milliseconds';

--
-- Name: COLUMN statistics_hour.removed_min_ms; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_hour.removed_min_ms IS 'Shortest of those removed since the extremes were last read, in milliseconds; null where no extreme is in doubt';

--
-- Name: COLUMN statistics_hour.removed_max_ms; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_hour.removed_max_ms IS 'Longest of those, in milliseconds';

--
-- Name: COLUMN statistics_hour.bins; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_hour.bins IS 'The bins that their durations fall into, upwards';

--
-- Name: COLUMN statistics_hour.counts; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_hour.counts IS 'How many fall into each of these';

--
-- Name: statistics_hourly; Type: VIEW; Schema: integration_monitor; Owner: -
--

CREATE VIEW integration_monitor.statistics_hourly WITH (security_invoker='false') AS
 SELECT service_name,
    action,
    status,
    hour,
    (count)::bigint AS count,
    timed,
    sum_ms,
        CASE
            WHEN (timed = (0)::numeric) THEN NULL::integer
            WHEN (((removed_min_ms <= min_ms) OR (removed_max_ms >= max_ms)) AND ( SELECT doubts.are_few
               FROM integration_monitor.statistics_doubts doubts)) THEN COALESCE((integration_monitor.read_extremes(service_name, action, status, hour, (hour + '01:00:00'::interval), (count)::bigint))[1], min_ms)
            ELSE min_ms
        END AS min_ms,
        CASE
            WHEN (timed = (0)::numeric) THEN NULL::integer
            WHEN (((removed_min_ms <= min_ms) OR (removed_max_ms >= max_ms)) AND ( SELECT doubts.are_few
               FROM integration_monitor.statistics_doubts doubts)) THEN COALESCE((integration_monitor.read_extremes(service_name, action, status, hour, (hour + '01:00:00'::interval), (count)::bigint))[2], max_ms)
            ELSE max_ms
        END AS max_ms
   FROM ( SELECT part.service_name,
            part.action,
            part.status,
            part.hour,
            sum(part.count) AS count,
            sum(part.timed) AS timed,
            sum(part.sum_ms) AS sum_ms,
            min(part.min_ms) AS min_ms,
            max(part.max_ms) AS max_ms,
            min(part.removed_min_ms) AS removed_min_ms,
            max(part.removed_max_ms) AS removed_max_ms
           FROM ( SELECT series.service_name,
                    series.action,
                    series.status,
                    tier.bucket AS hour,
                    tier.count,
                    tier.timed,
                    tier.sum_ms,
                        CASE
                            WHEN (tier.timed <> 0) THEN tier.min_ms
                            ELSE NULL::integer
                        END AS min_ms,
                        CASE
                            WHEN (tier.timed <> 0) THEN tier.max_ms
                            ELSE NULL::integer
                        END AS max_ms,
                        CASE
                            WHEN (tier.timed <> 0) THEN tier.removed_min_ms
                            ELSE NULL::integer
                        END AS removed_min_ms,
                        CASE
                            WHEN (tier.timed <> 0) THEN tier.removed_max_ms
                            ELSE NULL::integer
                        END AS removed_max_ms
                   FROM (integration_monitor.statistics_hour tier
                     JOIN integration_monitor.statistics_series series ON ((series.series_id = tier.series_id)))
                  WHERE ((tier.bucket >= date_bin('01:00:00'::interval, (now() - '24:00:00'::interval), '1970-01-01 00:00:00+00'::timestamp with time zone)) AND (tier.bucket <= now()))
                UNION ALL
                 SELECT change.service_name,
                    change.action,
                    change.status,
                    date_bin('01:00:00'::interval, change.bucket, '1970-01-01 00:00:00+00'::timestamp with time zone) AS date_bin,
                    (change.sign * change.count),
                    (change.sign * change.timed),
                    (change.sign * change.sum_ms),
                        CASE
                            WHEN (change.sign > 0) THEN change.min_ms
                            ELSE NULL::integer
                        END AS "case",
                        CASE
                            WHEN (change.sign > 0) THEN change.max_ms
                            ELSE NULL::integer
                        END AS "case",
                        CASE
                            WHEN (change.sign < 0) THEN change.min_ms
                            ELSE NULL::integer
                        END AS "case",
                        CASE
                            WHEN (change.sign < 0) THEN change.max_ms
                            ELSE NULL::integer
                        END AS "case"
                   FROM integration_monitor.statistics_open change
                  WHERE ((change.bucket >= date_bin('01:00:00'::interval, (now() - '24:00:00'::interval), '1970-01-01 00:00:00+00'::timestamp with time zone)) AND (change.bucket < (date_bin('01:00:00'::interval, now(), '1970-01-01 00:00:00+00'::timestamp with time zone) + '01:00:00'::interval)))) part
          GROUP BY part.service_name, part.action, part.status, part.hour
         HAVING (sum(part.count) > (0)::numeric)) sums
  WHERE ( SELECT integration_monitor.sees_every_record(CURRENT_USER) AS sees_every_record);

--
-- Name: VIEW statistics_hourly; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON VIEW integration_monitor.statistics_hourly IS 'What public.integration_stats_hourly is made of, with sums instead of averages';

--
-- Name: statistics_minute; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.statistics_minute (
    bucket timestamp with time zone NOT NULL,
    series_id integer NOT NULL,
    count bigint NOT NULL,
    timed bigint NOT NULL,
    sum_ms bigint NOT NULL,
    bins smallint[] NOT NULL,
    counts integer[] NOT NULL
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.05', autovacuum_vacuum_threshold='1000');

--
-- Name: TABLE statistics_minute; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.statistics_minute IS 'Sums by minute and series, of the last 48 hours';

--
-- Name: COLUMN statistics_minute.bucket; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_minute.bucket IS 'Beginning of the minute (UTC)';

--
-- Name: COLUMN statistics_minute.series_id; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_minute.series_id IS 'What was counted';

--
-- Name: COLUMN statistics_minute.count; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_minute.count IS 'Records';

--
-- Name: COLUMN statistics_minute.timed; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_minute.timed IS 'Those of them that have a duration';

--
-- Name: COLUMN statistics_minute.sum_ms; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_minute.sum_ms IS 'Sum of their durations in milliseconds';

--
-- Name: COLUMN statistics_minute.bins; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_minute.bins IS 'The bins that their durations fall into, upwards';

--
-- Name: COLUMN statistics_minute.counts; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_minute.counts IS 'How many fall into each of these';

--
-- Name: statistics_records; Type: VIEW; Schema: integration_monitor; Owner: -
--

CREATE VIEW integration_monitor.statistics_records WITH (security_invoker='true') AS
 SELECT created_at,
    "left"(service_name, 255) AS service_name,
        CASE
            WHEN (("left"(service_name, 255) IN ( SELECT full_one.service_name
               FROM integration_monitor.statistics_names full_one
              WHERE ((full_one.kind = 'action'::text) AND full_one.is_overflow))) AND (NOT (("left"(service_name, 255), "left"(action, 255)) IN ( SELECT known.service_name,
                known.name
               FROM integration_monitor.statistics_names known
              WHERE (known.kind = 'action'::text))))) THEN 'other'::text
            ELSE "left"(action, 255)
        END AS action,
    status,
        CASE
            WHEN ((error_code <> ''::text) AND ("left"(service_name, 255) IN ( SELECT full_one.service_name
               FROM integration_monitor.statistics_names full_one
              WHERE ((full_one.kind = 'error_code'::text) AND full_one.is_overflow))) AND (NOT (("left"(service_name, 255), "left"(error_code, 100)) IN ( SELECT known.service_name,
                known.name
               FROM integration_monitor.statistics_names known
              WHERE (known.kind = 'error_code'::text))))) THEN 'other'::text
            ELSE COALESCE("left"(error_code, 100), ''::text)
        END AS error_code,
    integration_monitor.fault_of(status, response_payload) AS fault,
    duration_ms
   FROM public.integration_logs log;

--
-- Name: VIEW statistics_records; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON VIEW integration_monitor.statistics_records IS 'The records themselves, named as they are counted; bound created_at, as for the table';

--
-- Name: statistics_series_series_id_seq; Type: SEQUENCE; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.statistics_series ALTER COLUMN series_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME integration_monitor.statistics_series_series_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: statistics_total; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.statistics_total (
    series_id integer NOT NULL,
    count bigint NOT NULL,
    sum_ms bigint NOT NULL,
    bins smallint[] NOT NULL,
    counts bigint[] NOT NULL
)
WITH (fillfactor='80');

--
-- Name: TABLE statistics_total; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.statistics_total IS 'Sums of all days by series: what statistics_day has, in one row each';

--
-- Name: COLUMN statistics_total.series_id; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_total.series_id IS 'The series, of statistics_series';

--
-- Name: COLUMN statistics_total.count; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_total.count IS 'Calls';

--
-- Name: COLUMN statistics_total.sum_ms; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_total.sum_ms IS 'Of their durations (milliseconds)';

--
-- Name: COLUMN statistics_total.bins; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_total.bins IS 'Bins of the histogram of durations that are not empty, upwards';

--
-- Name: COLUMN statistics_total.counts; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.statistics_total.counts IS 'Calls in each of them';

--
-- Name: writers; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.writers (
    writer_id uuid NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    started_at timestamp with time zone NOT NULL,
    heartbeat_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    closed_at timestamp with time zone,
    taken bigint DEFAULT 0 NOT NULL,
    written bigint DEFAULT 0 NOT NULL,
    ignored bigint DEFAULT 0 NOT NULL,
    spooled bigint DEFAULT 0 NOT NULL,
    dropped bigint DEFAULT 0 NOT NULL,
    dropped_by_reason jsonb DEFAULT '{}'::jsonb NOT NULL,
    dead_lettered bigint DEFAULT 0 NOT NULL,
    CONSTRAINT writers_counts_check CHECK ((LEAST(taken, written, ignored, spooled, dropped, dead_lettered) >= 0))
)
WITH (fillfactor='50');

--
-- Name: TABLE writers; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.writers IS 'One row a process that writes. What it took is written, ignored, spooled, dropped or dead-lettered; anything else is a gap';

--
-- Name: COLUMN writers.writer_id; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.writers.writer_id IS 'Made by the process when it begins, and anew after a fork';

--
-- Name: COLUMN writers.host; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.writers.host IS 'Name of its machine or container';

--
-- Name: COLUMN writers.pid; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.writers.pid IS 'Its number there';

--
-- Name: COLUMN writers.started_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.writers.started_at IS 'When it began, by its own clock (UTC)';

--
-- Name: COLUMN writers.heartbeat_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.writers.heartbeat_at IS 'When it last reported, by the clock of the database (UTC)';

--
-- Name: COLUMN writers.ended_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.writers.ended_at IS 'When it said that nothing more would come (UTC); null where it never did';

--
-- Name: COLUMN writers.closed_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.writers.closed_at IS 'When it had been silent for so long that its unfinished records were closed (UTC); null again when it comes back';

--
-- Name: COLUMN writers.taken; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.writers.taken IS 'Items that were offered to it';

--
-- Name: COLUMN writers.written; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.writers.written IS 'Records that are in the table';

--
-- Name: COLUMN writers.ignored; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.writers.ignored IS 'Items that are not worth a record';

--
-- Name: COLUMN writers.spooled; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.writers.spooled IS 'Records that wait in its spool on disk';

--
-- Name: COLUMN writers.dropped; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.writers.dropped IS 'Items that were lost, for whichever reason';

--
-- Name: COLUMN writers.dropped_by_reason; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.writers.dropped_by_reason IS 'The same by reason: {queue_full, shutdown, …}';

--
-- Name: COLUMN writers.dead_lettered; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.writers.dead_lettered IS 'Records that the database refused, kept in a file';

--
-- Name: CONSTRAINT writers_counts_check ON writers; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT writers_counts_check ON integration_monitor.writers IS 'Counts begin at nought and are never lowered';

--
-- Name: integration_stats_daily; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.integration_stats_daily WITH (security_invoker='true') AS
 SELECT service_name,
    action,
    status,
    day,
    count,
    avg_duration_ms,
    min_duration_ms,
    max_duration_ms,
        CASE
            WHEN (status = 'failed'::text) THEN count
            ELSE (0)::bigint
        END AS failed_count,
        CASE
            WHEN (status = 'success'::text) THEN count
            ELSE (0)::bigint
        END AS success_count,
    (round((((100)::numeric * COALESCE(sum(count) FILTER (WHERE (status = 'failed'::text)) OVER same_day, (0)::numeric)) / sum(count) OVER same_day), 2))::numeric(5,2) AS failure_rate_percent
   FROM ( SELECT sums.service_name,
            sums.action,
            sums.status,
            sums.day,
            sums.count,
            round((sums.sum_ms / NULLIF(sums.timed, (0)::numeric))) AS avg_duration_ms,
            sums.min_ms AS min_duration_ms,
            sums.max_ms AS max_duration_ms
           FROM integration_monitor.statistics_daily sums
        UNION ALL
         SELECT seen.service_name,
            seen.action,
            seen.status,
            seen.bucket,
            seen.count,
            seen.avg_ms,
            seen.min_ms,
            seen.max_ms
           FROM integration_monitor.count_seen('1 day'::interval, (now() - '30 days'::interval)) seen(service_name, action, status, bucket, count, avg_ms, min_ms, max_ms)
          WHERE (NOT ( SELECT integration_monitor.sees_every_record(CURRENT_USER) AS sees_every_record))) bucket
  WINDOW same_day AS (PARTITION BY service_name, action, day);

--
-- Name: VIEW integration_stats_daily; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON VIEW public.integration_stats_daily IS 'Статистика по дням (UTC) за последние 30 дней: строка на сервис, действие, статус и день; failure_rate_percent по всем статусам действия';

--
-- Name: integration_stats_hourly; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.integration_stats_hourly WITH (security_invoker='true') AS
 SELECT sums.service_name,
    sums.action,
    sums.status,
    sums.hour,
    sums.count,
    round((sums.sum_ms / NULLIF(sums.timed, (0)::numeric))) AS avg_duration_ms,
    sums.min_ms AS min_duration_ms,
    sums.max_ms AS max_duration_ms
   FROM integration_monitor.statistics_hourly sums
UNION ALL
 SELECT seen.service_name,
    seen.action,
    seen.status,
    seen.bucket AS hour,
    seen.count,
    seen.avg_ms AS avg_duration_ms,
    seen.min_ms AS min_duration_ms,
    seen.max_ms AS max_duration_ms
   FROM integration_monitor.count_seen('01:00:00'::interval, (now() - '24:00:00'::interval)) seen(service_name, action, status, bucket, count, avg_ms, min_ms, max_ms)
  WHERE (NOT ( SELECT integration_monitor.sees_every_record(CURRENT_USER) AS sees_every_record));

--
-- Name: VIEW integration_stats_hourly; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON VIEW public.integration_stats_hourly IS 'Статистика по часам (UTC) за последние 24 часа: строка на сервис, действие, статус и час';

--
-- Name: integration_logs_default; Type: TABLE ATTACH; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY public.integration_logs ATTACH PARTITION integration_monitor.integration_logs_default DEFAULT;

--
-- Name: api_keys api_keys_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);

--
-- Name: arrival_looks arrival_looks_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.arrival_looks
    ADD CONSTRAINT arrival_looks_pkey PRIMARY KEY (number);

--
-- Name: arrival_watch arrival_watch_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.arrival_watch
    ADD CONSTRAINT arrival_watch_pkey PRIMARY KEY (is_only);

--
-- Name: arrivals arrivals_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.arrivals
    ADD CONSTRAINT arrivals_pkey PRIMARY KEY (transaction_id, number);

--
-- Name: audit audit_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (id);

--
-- Name: incidents incidents_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.incidents
    ADD CONSTRAINT incidents_pkey PRIMARY KEY (id);

--
-- Name: integration_logs integration_logs_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.integration_logs
    ADD CONSTRAINT integration_logs_pkey PRIMARY KEY (id, created_at);

--
-- Name: integration_logs_default integration_logs_default_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.integration_logs_default
    ADD CONSTRAINT integration_logs_default_pkey PRIMARY KEY (id, created_at);

--
-- Name: keys keys_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.keys
    ADD CONSTRAINT keys_pkey PRIMARY KEY (purpose);

--
-- Name: migrations migrations_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (name);

--
-- Name: notifications notifications_key; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.notifications
    ADD CONSTRAINT notifications_key UNIQUE (incident_id, phase, target);

--
-- Name: CONSTRAINT notifications_key ON notifications; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT notifications_key ON integration_monitor.notifications IS 'Nobody is told the same thing in two messages';

--
-- Name: notifications notifications_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.notifications
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (id);

--
-- Name: observations observations_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.observations
    ADD CONSTRAINT observations_pkey PRIMARY KEY (kind, subject);

--
-- Name: pending pending_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.pending
    ADD CONSTRAINT pending_pkey PRIMARY KEY (log_id);

--
-- Name: settings settings_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.settings
    ADD CONSTRAINT settings_pkey PRIMARY KEY (is_only_row);

--
-- Name: sign_in_links sign_in_links_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.sign_in_links
    ADD CONSTRAINT sign_in_links_pkey PRIMARY KEY (token_hash);

--
-- Name: statistics_bins statistics_bins_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.statistics_bins
    ADD CONSTRAINT statistics_bins_pkey PRIMARY KEY (bin);

--
-- Name: statistics_changes statistics_changes_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.statistics_changes
    ADD CONSTRAINT statistics_changes_pkey PRIMARY KEY (change_id);

--
-- Name: statistics_day statistics_day_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.statistics_day
    ADD CONSTRAINT statistics_day_pkey PRIMARY KEY (bucket, series_id);

--
-- Name: statistics_hour statistics_hour_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.statistics_hour
    ADD CONSTRAINT statistics_hour_pkey PRIMARY KEY (bucket, series_id);

--
-- Name: statistics_minute statistics_minute_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.statistics_minute
    ADD CONSTRAINT statistics_minute_pkey PRIMARY KEY (bucket, series_id);

--
-- Name: statistics_names statistics_names_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.statistics_names
    ADD CONSTRAINT statistics_names_pkey PRIMARY KEY (service_name, kind, name);

--
-- Name: statistics_series statistics_series_key; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.statistics_series
    ADD CONSTRAINT statistics_series_key UNIQUE (service_name, action, status, error_code, fault);

--
-- Name: statistics_series statistics_series_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.statistics_series
    ADD CONSTRAINT statistics_series_pkey PRIMARY KEY (series_id);

--
-- Name: statistics_total statistics_total_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.statistics_total
    ADD CONSTRAINT statistics_total_pkey PRIMARY KEY (series_id);

--
-- Name: writers writers_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.writers
    ADD CONSTRAINT writers_pkey PRIMARY KEY (writer_id);

--
-- Name: api_keys_name_key; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE UNIQUE INDEX api_keys_name_key ON integration_monitor.api_keys USING btree (name) WHERE (revoked_at IS NULL);

--
-- Name: api_keys_secret_hash_key; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE UNIQUE INDEX api_keys_secret_hash_key ON integration_monitor.api_keys USING btree (secret_hash) WHERE (revoked_at IS NULL);

--
-- Name: idx_incidents_began; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE INDEX idx_incidents_began ON integration_monitor.incidents USING btree (began_at DESC, id DESC) WHERE (began_at IS NOT NULL);

--
-- Name: idx_notifications_waiting; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE INDEX idx_notifications_waiting ON integration_monitor.notifications USING btree (due_at) WHERE (state = 'waiting'::text);

--
-- Name: idx_pending_writer; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE INDEX idx_pending_writer ON integration_monitor.pending USING btree (writer_id);

--
-- Name: idx_statistics_changes_bucket; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE INDEX idx_statistics_changes_bucket ON integration_monitor.statistics_changes USING btree (bucket);

--
-- Name: idx_statistics_day_unsure; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE INDEX idx_statistics_day_unsure ON integration_monitor.statistics_day USING btree (bucket) WHERE (removed_min_ms IS NOT NULL);

--
-- Name: idx_statistics_hour_unsure; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE INDEX idx_statistics_hour_unsure ON integration_monitor.statistics_hour USING btree (bucket) WHERE (removed_min_ms IS NOT NULL);

--
-- Name: idx_writers_watched; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE INDEX idx_writers_watched ON integration_monitor.writers USING btree (writer_id) WHERE (closed_at IS NULL);

--
-- Name: incidents_open_key; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE UNIQUE INDEX incidents_open_key ON integration_monitor.incidents USING btree (kind, subject) WHERE (ended_at IS NULL);

--
-- Name: idx_integration_logs_created_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idx_integration_logs_created_at ON ONLY public.integration_logs USING btree (created_at DESC);

--
-- Name: integration_logs_default_created_at_idx; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE INDEX integration_logs_default_created_at_idx ON integration_monitor.integration_logs_default USING btree (created_at DESC);

--
-- Name: idx_integration_logs_failed; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idx_integration_logs_failed ON ONLY public.integration_logs USING btree (created_at DESC) WHERE (status = 'failed'::text);

--
-- Name: integration_logs_default_created_at_idx1; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE INDEX integration_logs_default_created_at_idx1 ON integration_monitor.integration_logs_default USING btree (created_at DESC) WHERE (status = 'failed'::text);

--
-- Name: idx_integration_logs_entity; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idx_integration_logs_entity ON ONLY public.integration_logs USING btree (related_entity_type, related_entity_id) WHERE (related_entity_id IS NOT NULL);

--
-- Name: integration_logs_default_related_entity_type_related_entity_idx; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE INDEX integration_logs_default_related_entity_type_related_entity_idx ON integration_monitor.integration_logs_default USING btree (related_entity_type, related_entity_id) WHERE (related_entity_id IS NOT NULL);

--
-- Name: idx_integration_logs_service_name; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idx_integration_logs_service_name ON ONLY public.integration_logs USING btree (service_name);

--
-- Name: integration_logs_default_service_name_idx; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE INDEX integration_logs_default_service_name_idx ON integration_monitor.integration_logs_default USING btree (service_name);

--
-- Name: idx_integration_logs_service_status; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idx_integration_logs_service_status ON ONLY public.integration_logs USING btree (service_name, status);

--
-- Name: integration_logs_default_service_name_status_idx; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE INDEX integration_logs_default_service_name_status_idx ON integration_monitor.integration_logs_default USING btree (service_name, status);

--
-- Name: idx_integration_logs_status; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idx_integration_logs_status ON ONLY public.integration_logs USING btree (status);

--
-- Name: integration_logs_default_status_idx; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE INDEX integration_logs_default_status_idx ON integration_monitor.integration_logs_default USING btree (status);

--
-- Name: integration_logs_default_created_at_idx; Type: INDEX ATTACH; Schema: integration_monitor; Owner: -
--

ALTER INDEX public.idx_integration_logs_created_at ATTACH PARTITION integration_monitor.integration_logs_default_created_at_idx;

--
-- Name: integration_logs_default_created_at_idx1; Type: INDEX ATTACH; Schema: integration_monitor; Owner: -
--

ALTER INDEX public.idx_integration_logs_failed ATTACH PARTITION integration_monitor.integration_logs_default_created_at_idx1;

--
-- Name: integration_logs_default_pkey; Type: INDEX ATTACH; Schema: integration_monitor; Owner: -
--

ALTER INDEX public.integration_logs_pkey ATTACH PARTITION integration_monitor.integration_logs_default_pkey;

--
-- Name: integration_logs_default_related_entity_type_related_entity_idx; Type: INDEX ATTACH; Schema: integration_monitor; Owner: -
--

ALTER INDEX public.idx_integration_logs_entity ATTACH PARTITION integration_monitor.integration_logs_default_related_entity_type_related_entity_idx;

--
-- Name: integration_logs_default_service_name_idx; Type: INDEX ATTACH; Schema: integration_monitor; Owner: -
--

ALTER INDEX public.idx_integration_logs_service_name ATTACH PARTITION integration_monitor.integration_logs_default_service_name_idx;

--
-- Name: integration_logs_default_service_name_status_idx; Type: INDEX ATTACH; Schema: integration_monitor; Owner: -
--

ALTER INDEX public.idx_integration_logs_service_status ATTACH PARTITION integration_monitor.integration_logs_default_service_name_status_idx;

--
-- Name: integration_logs_default_status_idx; Type: INDEX ATTACH; Schema: integration_monitor; Owner: -
--

ALTER INDEX public.idx_integration_logs_status ATTACH PARTITION integration_monitor.integration_logs_default_status_idx;

--
-- Name: settings audit_settings; Type: TRIGGER; Schema: integration_monitor; Owner: -
--

CREATE TRIGGER audit_settings AFTER UPDATE ON integration_monitor.settings FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION integration_monitor.audit_settings();

--
-- Name: statistics_day statistics_day_add_inserted; Type: TRIGGER; Schema: integration_monitor; Owner: -
--

CREATE TRIGGER statistics_day_add_inserted AFTER INSERT ON integration_monitor.statistics_day REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION integration_monitor.add_to_totals('1');

--
-- Name: statistics_day statistics_day_add_updated; Type: TRIGGER; Schema: integration_monitor; Owner: -
--

CREATE TRIGGER statistics_day_add_updated AFTER UPDATE ON integration_monitor.statistics_day REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION integration_monitor.add_to_totals('1');

--
-- Name: statistics_day statistics_day_take_deleted; Type: TRIGGER; Schema: integration_monitor; Owner: -
--

CREATE TRIGGER statistics_day_take_deleted AFTER DELETE ON integration_monitor.statistics_day REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION integration_monitor.add_to_totals('-1');

--
-- Name: statistics_day statistics_day_take_updated; Type: TRIGGER; Schema: integration_monitor; Owner: -
--

CREATE TRIGGER statistics_day_take_updated AFTER UPDATE ON integration_monitor.statistics_day REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION integration_monitor.add_to_totals('-1');

--
-- Name: integration_logs integration_logs_count_delete; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER integration_logs_count_delete AFTER DELETE ON public.integration_logs REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION integration_monitor.count_changes();

--
-- Name: integration_logs integration_logs_count_insert; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER integration_logs_count_insert AFTER INSERT ON public.integration_logs REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION integration_monitor.count_changes();

--
-- Name: integration_logs integration_logs_count_truncate; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER integration_logs_count_truncate BEFORE TRUNCATE ON public.integration_logs FOR EACH STATEMENT EXECUTE FUNCTION integration_monitor.count_truncation();

--
-- Name: integration_logs integration_logs_count_update; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER integration_logs_count_update AFTER UPDATE ON public.integration_logs REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION integration_monitor.count_changes();

--
-- Name: integration_logs integration_logs_note_insert; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER integration_logs_note_insert AFTER INSERT ON public.integration_logs REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION integration_monitor.note_arrivals();

--
-- Name: integration_logs integration_logs_note_update; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER integration_logs_note_update AFTER UPDATE ON public.integration_logs REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION integration_monitor.note_arrivals();

--
-- Name: integration_logs integration_logs_place; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER integration_logs_place BEFORE INSERT ON public.integration_logs FOR EACH ROW WHEN ((new.created_at = now())) EXECUTE FUNCTION integration_monitor.place_log();

--
-- Name: integration_logs integration_logs_set_updated_at; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER integration_logs_set_updated_at BEFORE UPDATE ON public.integration_logs FOR EACH ROW WHEN ((NOT (new.updated_at IS DISTINCT FROM old.updated_at))) EXECUTE FUNCTION integration_monitor.set_updated_at();

--
-- Name: notifications notifications_incident_id_fkey; Type: FK CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.notifications
    ADD CONSTRAINT notifications_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES integration_monitor.incidents(id) ON DELETE CASCADE;

--
-- Name: pending pending_writer_id_fkey; Type: FK CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.pending
    ADD CONSTRAINT pending_writer_id_fkey FOREIGN KEY (writer_id) REFERENCES integration_monitor.writers(writer_id) ON DELETE CASCADE;

--
-- Name: api_keys; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.api_keys ENABLE ROW LEVEL SECURITY;

--
-- Name: api_keys api_keys_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY api_keys_service_role_all ON integration_monitor.api_keys TO service_role USING (true) WITH CHECK (true);

--
-- Name: arrival_looks; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.arrival_looks ENABLE ROW LEVEL SECURITY;

--
-- Name: arrival_looks arrival_looks_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY arrival_looks_service_role_all ON integration_monitor.arrival_looks TO service_role USING (true) WITH CHECK (true);

--
-- Name: arrival_watch; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.arrival_watch ENABLE ROW LEVEL SECURITY;

--
-- Name: arrival_watch arrival_watch_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY arrival_watch_service_role_all ON integration_monitor.arrival_watch TO service_role USING (true) WITH CHECK (true);

--
-- Name: arrivals; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.arrivals ENABLE ROW LEVEL SECURITY;

--
-- Name: arrivals arrivals_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY arrivals_service_role_all ON integration_monitor.arrivals TO service_role USING (true) WITH CHECK (true);

--
-- Name: audit; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.audit ENABLE ROW LEVEL SECURITY;

--
-- Name: audit audit_add_service_role; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY audit_add_service_role ON integration_monitor.audit FOR INSERT TO service_role WITH CHECK (true);

--
-- Name: audit audit_read_service_role; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY audit_read_service_role ON integration_monitor.audit FOR SELECT TO service_role USING (true);

--
-- Name: incidents; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.incidents ENABLE ROW LEVEL SECURITY;

--
-- Name: incidents incidents_read_statistics; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY incidents_read_statistics ON integration_monitor.incidents FOR SELECT TO integration_monitor_statistics USING ((began_at IS NOT NULL));

--
-- Name: incidents incidents_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY incidents_service_role_all ON integration_monitor.incidents TO service_role USING (true) WITH CHECK (true);

--
-- Name: integration_logs_default; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.integration_logs_default ENABLE ROW LEVEL SECURITY;

--
-- Name: keys; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.keys ENABLE ROW LEVEL SECURITY;

--
-- Name: keys keys_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY keys_service_role_all ON integration_monitor.keys TO service_role USING (true) WITH CHECK (true);

--
-- Name: migrations; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.migrations ENABLE ROW LEVEL SECURITY;

--
-- Name: migrations migrations_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY migrations_service_role_all ON integration_monitor.migrations TO service_role USING (true) WITH CHECK (true);

--
-- Name: notifications; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.notifications ENABLE ROW LEVEL SECURITY;

--
-- Name: notifications notifications_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY notifications_service_role_all ON integration_monitor.notifications TO service_role USING (true) WITH CHECK (true);

--
-- Name: observations; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.observations ENABLE ROW LEVEL SECURITY;

--
-- Name: observations observations_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY observations_service_role_all ON integration_monitor.observations TO service_role USING (true) WITH CHECK (true);

--
-- Name: pending; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.pending ENABLE ROW LEVEL SECURITY;

--
-- Name: pending pending_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY pending_service_role_all ON integration_monitor.pending TO service_role USING (true) WITH CHECK (true);

--
-- Name: settings; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.settings ENABLE ROW LEVEL SECURITY;

--
-- Name: settings settings_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY settings_service_role_all ON integration_monitor.settings TO service_role USING (true) WITH CHECK (true);

--
-- Name: sign_in_links; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.sign_in_links ENABLE ROW LEVEL SECURITY;

--
-- Name: sign_in_links sign_in_links_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY sign_in_links_service_role_all ON integration_monitor.sign_in_links TO service_role USING (true) WITH CHECK (true);

--
-- Name: statistics_bins; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.statistics_bins ENABLE ROW LEVEL SECURITY;

--
-- Name: statistics_bins statistics_bins_read_statistics; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY statistics_bins_read_statistics ON integration_monitor.statistics_bins FOR SELECT TO integration_monitor_statistics USING (true);

--
-- Name: statistics_bins statistics_bins_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY statistics_bins_service_role_all ON integration_monitor.statistics_bins TO service_role USING (true) WITH CHECK (true);

--
-- Name: statistics_changes; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.statistics_changes ENABLE ROW LEVEL SECURITY;

--
-- Name: statistics_changes statistics_changes_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY statistics_changes_service_role_all ON integration_monitor.statistics_changes TO service_role USING (true) WITH CHECK (true);

--
-- Name: statistics_day; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.statistics_day ENABLE ROW LEVEL SECURITY;

--
-- Name: statistics_day statistics_day_read_statistics; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY statistics_day_read_statistics ON integration_monitor.statistics_day FOR SELECT TO integration_monitor_statistics USING (true);

--
-- Name: statistics_day statistics_day_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY statistics_day_service_role_all ON integration_monitor.statistics_day TO service_role USING (true) WITH CHECK (true);

--
-- Name: statistics_hour; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.statistics_hour ENABLE ROW LEVEL SECURITY;

--
-- Name: statistics_hour statistics_hour_read_statistics; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY statistics_hour_read_statistics ON integration_monitor.statistics_hour FOR SELECT TO integration_monitor_statistics USING (true);

--
-- Name: statistics_hour statistics_hour_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY statistics_hour_service_role_all ON integration_monitor.statistics_hour TO service_role USING (true) WITH CHECK (true);

--
-- Name: statistics_minute; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.statistics_minute ENABLE ROW LEVEL SECURITY;

--
-- Name: statistics_minute statistics_minute_read_statistics; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY statistics_minute_read_statistics ON integration_monitor.statistics_minute FOR SELECT TO integration_monitor_statistics USING (true);

--
-- Name: statistics_minute statistics_minute_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY statistics_minute_service_role_all ON integration_monitor.statistics_minute TO service_role USING (true) WITH CHECK (true);

--
-- Name: statistics_names; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.statistics_names ENABLE ROW LEVEL SECURITY;

--
-- Name: statistics_names statistics_names_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY statistics_names_service_role_all ON integration_monitor.statistics_names TO service_role USING (true) WITH CHECK (true);

--
-- Name: statistics_series; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.statistics_series ENABLE ROW LEVEL SECURITY;

--
-- Name: statistics_series statistics_series_read_statistics; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY statistics_series_read_statistics ON integration_monitor.statistics_series FOR SELECT TO integration_monitor_statistics USING (true);

--
-- Name: statistics_series statistics_series_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY statistics_series_service_role_all ON integration_monitor.statistics_series TO service_role USING (true) WITH CHECK (true);

--
-- Name: statistics_total; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.statistics_total ENABLE ROW LEVEL SECURITY;

--
-- Name: statistics_total statistics_total_read_statistics; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY statistics_total_read_statistics ON integration_monitor.statistics_total FOR SELECT TO integration_monitor_statistics USING (true);

--
-- Name: statistics_total statistics_total_service_role_read; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY statistics_total_service_role_read ON integration_monitor.statistics_total FOR SELECT TO service_role USING (true);

--
-- Name: writers; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.writers ENABLE ROW LEVEL SECURITY;

--
-- Name: writers writers_read_statistics; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY writers_read_statistics ON integration_monitor.writers FOR SELECT TO integration_monitor_statistics USING (true);

--
-- Name: writers writers_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY writers_service_role_all ON integration_monitor.writers TO service_role USING (true) WITH CHECK (true);

--
-- Name: integration_logs; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.integration_logs ENABLE ROW LEVEL SECURITY;

--
-- Name: integration_logs integration_logs_finish_writer; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY integration_logs_finish_writer ON public.integration_logs FOR UPDATE TO integration_monitor_writer USING ((status = ANY (ARRAY['pending'::text, 'retrying'::text]))) WITH CHECK (true);

--
-- Name: integration_logs integration_logs_insert_writer; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY integration_logs_insert_writer ON public.integration_logs FOR INSERT TO integration_monitor_writer WITH CHECK (true);

--
-- Name: integration_logs integration_logs_read_authenticated; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY integration_logs_read_authenticated ON public.integration_logs FOR SELECT TO authenticated USING (true);

--
-- Name: integration_logs integration_logs_read_statistics; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY integration_logs_read_statistics ON public.integration_logs FOR SELECT TO integration_monitor_statistics USING (true);

--
-- Name: integration_logs integration_logs_read_writer; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY integration_logs_read_writer ON public.integration_logs FOR SELECT TO integration_monitor_writer USING (true);

--
-- Name: integration_logs integration_logs_service_role_all; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY integration_logs_service_role_all ON public.integration_logs TO service_role USING (true) WITH CHECK (true);

--
-- Name: SCHEMA integration_monitor; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA integration_monitor TO service_role;
GRANT USAGE ON SCHEMA integration_monitor TO integration_monitor_writer;
GRANT USAGE ON SCHEMA integration_monitor TO integration_monitor_statistics;

--
-- Name: FUNCTION add_extremes(timed bigint, more_timed bigint, extremes integer[], more_extremes integer[], OUT min_ms integer, OUT max_ms integer, OUT removed_min_ms integer, OUT removed_max_ms integer); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.add_extremes(timed bigint, more_timed bigint, extremes integer[], more_extremes integer[], OUT min_ms integer, OUT max_ms integer, OUT removed_min_ms integer, OUT removed_max_ms integer) FROM PUBLIC;

--
-- Name: FUNCTION add_histograms(bins smallint[], counts integer[], more_bins smallint[], more_counts integer[], OUT all_bins smallint[], OUT all_counts integer[]); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.add_histograms(bins smallint[], counts integer[], more_bins smallint[], more_counts integer[], OUT all_bins smallint[], OUT all_counts integer[]) FROM PUBLIC;

--
-- Name: FUNCTION add_to_totals(); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.add_to_totals() FROM PUBLIC;

--
-- Name: FUNCTION audit_settings(); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.audit_settings() FROM PUBLIC;

--
-- Name: FUNCTION bucket_of(created_at timestamp with time zone, minute_since timestamp with time zone, hour_since timestamp with time zone); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.bucket_of(created_at timestamp with time zone, minute_since timestamp with time zone, hour_since timestamp with time zone) FROM PUBLIC;

--
-- Name: FUNCTION choose_width(since timestamp with time zone, until timestamp with time zone, step interval); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.choose_width(since timestamp with time zone, until timestamp with time zone, step interval) FROM PUBLIC;
GRANT ALL ON FUNCTION integration_monitor.choose_width(since timestamp with time zone, until timestamp with time zone, step interval) TO service_role;
GRANT ALL ON FUNCTION integration_monitor.choose_width(since timestamp with time zone, until timestamp with time zone, step interval) TO integration_monitor_statistics;

--
-- Name: FUNCTION close_abandoned_logs(); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.close_abandoned_logs() FROM PUBLIC;

--
-- Name: FUNCTION compact_statistics(changes_max integer); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.compact_statistics(changes_max integer) FROM PUBLIC;
GRANT ALL ON FUNCTION integration_monitor.compact_statistics(changes_max integer) TO service_role;
GRANT ALL ON FUNCTION integration_monitor.compact_statistics(changes_max integer) TO integration_monitor_writer;

--
-- Name: FUNCTION count_changes(); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.count_changes() FROM PUBLIC;

--
-- Name: FUNCTION count_seen(grain interval, since timestamp with time zone); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.count_seen(grain interval, since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION integration_monitor.count_seen(grain interval, since timestamp with time zone) TO service_role;
GRANT ALL ON FUNCTION integration_monitor.count_seen(grain interval, since timestamp with time zone) TO authenticated;
GRANT ALL ON FUNCTION integration_monitor.count_seen(grain interval, since timestamp with time zone) TO integration_monitor_statistics;

--
-- Name: FUNCTION count_truncation(); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.count_truncation() FROM PUBLIC;

--
-- Name: FUNCTION create_partitions(times timestamp with time zone[]); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.create_partitions(times timestamp with time zone[]) FROM PUBLIC;

--
-- Name: FUNCTION drop_partitions(names text[]); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.drop_partitions(names text[]) FROM PUBLIC;

--
-- Name: FUNCTION fault_of(status text, response_payload jsonb); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.fault_of(status text, response_payload jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION integration_monitor.fault_of(status text, response_payload jsonb) TO service_role;

--
-- Name: FUNCTION find_partition(moment timestamp with time zone); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.find_partition(moment timestamp with time zone) FROM PUBLIC;

--
-- Name: FUNCTION grain_of(bucket timestamp with time zone, minute_since timestamp with time zone, hour_since timestamp with time zone); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.grain_of(bucket timestamp with time zone, minute_since timestamp with time zone, hour_since timestamp with time zone) FROM PUBLIC;

--
-- Name: FUNCTION list_partitions(); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.list_partitions() FROM PUBLIC;
GRANT ALL ON FUNCTION integration_monitor.list_partitions() TO service_role;

--
-- Name: FUNCTION look_for_arrivals(); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.look_for_arrivals() FROM PUBLIC;
GRANT ALL ON FUNCTION integration_monitor.look_for_arrivals() TO service_role;

--
-- Name: FUNCTION maintain(); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.maintain() FROM PUBLIC;
GRANT ALL ON FUNCTION integration_monitor.maintain() TO service_role;
GRANT ALL ON FUNCTION integration_monitor.maintain() TO integration_monitor_writer;

--
-- Name: FUNCTION maintain_logs(); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.maintain_logs() FROM PUBLIC;

--
-- Name: FUNCTION maintain_turn(); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.maintain_turn() FROM PUBLIC;
GRANT ALL ON FUNCTION integration_monitor.maintain_turn() TO service_role;
GRANT ALL ON FUNCTION integration_monitor.maintain_turn() TO integration_monitor_writer;

--
-- Name: FUNCTION name_series(places tid[]); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.name_series(places tid[]) FROM PUBLIC;

--
-- Name: FUNCTION note_arrivals(); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.note_arrivals() FROM PUBLIC;

--
-- Name: FUNCTION place_log(); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.place_log() FROM PUBLIC;

--
-- Name: FUNCTION read_extremes(service_name text, action text, status text, since timestamp with time zone, until timestamp with time zone, counted bigint); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.read_extremes(service_name text, action text, status text, since timestamp with time zone, until timestamp with time zone, counted bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION integration_monitor.read_extremes(service_name text, action text, status text, since timestamp with time zone, until timestamp with time zone, counted bigint) TO service_role;
GRANT ALL ON FUNCTION integration_monitor.read_extremes(service_name text, action text, status text, since timestamp with time zone, until timestamp with time zone, counted bigint) TO authenticated;
GRANT ALL ON FUNCTION integration_monitor.read_extremes(service_name text, action text, status text, since timestamp with time zone, until timestamp with time zone, counted bigint) TO integration_monitor_statistics;

--
-- Name: FUNCTION read_percentiles(since timestamp with time zone, until timestamp with time zone, step interval, groups text[], services text[], actions text[]); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.read_percentiles(since timestamp with time zone, until timestamp with time zone, step interval, groups text[], services text[], actions text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION integration_monitor.read_percentiles(since timestamp with time zone, until timestamp with time zone, step interval, groups text[], services text[], actions text[]) TO service_role;
GRANT ALL ON FUNCTION integration_monitor.read_percentiles(since timestamp with time zone, until timestamp with time zone, step interval, groups text[], services text[], actions text[]) TO integration_monitor_statistics;

--
-- Name: FUNCTION read_states(); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.read_states() FROM PUBLIC;
GRANT ALL ON FUNCTION integration_monitor.read_states() TO service_role;
GRANT ALL ON FUNCTION integration_monitor.read_states() TO integration_monitor_statistics;

--
-- Name: FUNCTION read_statistics(since timestamp with time zone, until timestamp with time zone, step interval); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.read_statistics(since timestamp with time zone, until timestamp with time zone, step interval) FROM PUBLIC;
GRANT ALL ON FUNCTION integration_monitor.read_statistics(since timestamp with time zone, until timestamp with time zone, step interval) TO service_role;
GRANT ALL ON FUNCTION integration_monitor.read_statistics(since timestamp with time zone, until timestamp with time zone, step interval) TO integration_monitor_statistics;

--
-- Name: FUNCTION read_sums(since timestamp with time zone, until timestamp with time zone, width interval, has_durations boolean); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.read_sums(since timestamp with time zone, until timestamp with time zone, width interval, has_durations boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION integration_monitor.read_sums(since timestamp with time zone, until timestamp with time zone, width interval, has_durations boolean) TO service_role;
GRANT ALL ON FUNCTION integration_monitor.read_sums(since timestamp with time zone, until timestamp with time zone, width interval, has_durations boolean) TO integration_monitor_statistics;

--
-- Name: FUNCTION rebuild_statistics(since timestamp with time zone, until timestamp with time zone); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.rebuild_statistics(since timestamp with time zone, until timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION integration_monitor.rebuild_statistics(since timestamp with time zone, until timestamp with time zone) TO service_role;

--
-- Name: FUNCTION remove_logs_before(cutoff timestamp with time zone, longest interval, OUT rows_deleted bigint, OUT partitions_empty text[]); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.remove_logs_before(cutoff timestamp with time zone, longest interval, OUT rows_deleted bigint, OUT partitions_empty text[]) FROM PUBLIC;

--
-- Name: FUNCTION reopen_logs(ids uuid[]); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.reopen_logs(ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION integration_monitor.reopen_logs(ids uuid[]) TO service_role;
GRANT ALL ON FUNCTION integration_monitor.reopen_logs(ids uuid[]) TO integration_monitor_writer;

--
-- Name: FUNCTION report_writer(report jsonb, opened_ids uuid[], opened_at timestamp with time zone[]); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.report_writer(report jsonb, opened_ids uuid[], opened_at timestamp with time zone[]) FROM PUBLIC;
GRANT ALL ON FUNCTION integration_monitor.report_writer(report jsonb, opened_ids uuid[], opened_at timestamp with time zone[]) TO service_role;
GRANT ALL ON FUNCTION integration_monitor.report_writer(report jsonb, opened_ids uuid[], opened_at timestamp with time zone[]) TO integration_monitor_writer;

--
-- Name: FUNCTION sees_every_record(reader name); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.sees_every_record(reader name) FROM PUBLIC;
GRANT ALL ON FUNCTION integration_monitor.sees_every_record(reader name) TO service_role;
GRANT ALL ON FUNCTION integration_monitor.sees_every_record(reader name) TO authenticated;
GRANT ALL ON FUNCTION integration_monitor.sees_every_record(reader name) TO integration_monitor_statistics;

--
-- Name: FUNCTION set_updated_at(); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.set_updated_at() FROM PUBLIC;

--
-- Name: FUNCTION settle_extremes(); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.settle_extremes() FROM PUBLIC;

--
-- Name: FUNCTION cleanup_old_integration_logs(); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.cleanup_old_integration_logs() FROM PUBLIC;
GRANT ALL ON FUNCTION public.cleanup_old_integration_logs() TO service_role;

--
-- Name: TABLE api_keys; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.api_keys TO service_role;

--
-- Name: TABLE arrival_looks; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.arrival_looks TO service_role;

--
-- Name: TABLE arrival_watch; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.arrival_watch TO service_role;

--
-- Name: TABLE arrivals; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.arrivals TO service_role;

--
-- Name: TABLE audit; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT SELECT,INSERT ON TABLE integration_monitor.audit TO service_role;

--
-- Name: TABLE incidents; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.incidents TO service_role;

--
-- Name: COLUMN incidents.id; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT SELECT(id) ON TABLE integration_monitor.incidents TO integration_monitor_statistics;

--
-- Name: COLUMN incidents.kind; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT SELECT(kind) ON TABLE integration_monitor.incidents TO integration_monitor_statistics;

--
-- Name: COLUMN incidents.subject; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT SELECT(subject) ON TABLE integration_monitor.incidents TO integration_monitor_statistics;

--
-- Name: COLUMN incidents.severity; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT SELECT(severity) ON TABLE integration_monitor.incidents TO integration_monitor_statistics;

--
-- Name: COLUMN incidents.since_at; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT SELECT(since_at) ON TABLE integration_monitor.incidents TO integration_monitor_statistics;

--
-- Name: COLUMN incidents.began_at; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT SELECT(began_at) ON TABLE integration_monitor.incidents TO integration_monitor_statistics;

--
-- Name: COLUMN incidents.ended_at; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT SELECT(ended_at) ON TABLE integration_monitor.incidents TO integration_monitor_statistics;

--
-- Name: COLUMN incidents.acknowledged_at; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT SELECT(acknowledged_at) ON TABLE integration_monitor.incidents TO integration_monitor_statistics;

--
-- Name: TABLE integration_logs; Type: ACL; Schema: public; Owner: -
--

GRANT ALL ON TABLE public.integration_logs TO service_role;
GRANT SELECT ON TABLE public.integration_logs TO authenticated;
GRANT INSERT ON TABLE public.integration_logs TO integration_monitor_writer;

--
-- Name: COLUMN integration_logs.id; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(id) ON TABLE public.integration_logs TO integration_monitor_writer;

--
-- Name: COLUMN integration_logs.service_name; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(service_name) ON TABLE public.integration_logs TO integration_monitor_statistics;

--
-- Name: COLUMN integration_logs.action; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(action) ON TABLE public.integration_logs TO integration_monitor_statistics;

--
-- Name: COLUMN integration_logs.status; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(status),UPDATE(status) ON TABLE public.integration_logs TO integration_monitor_writer;
GRANT SELECT(status) ON TABLE public.integration_logs TO integration_monitor_statistics;

--
-- Name: COLUMN integration_logs.related_entity_type; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(related_entity_type) ON TABLE public.integration_logs TO integration_monitor_writer;

--
-- Name: COLUMN integration_logs.related_entity_id; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(related_entity_id) ON TABLE public.integration_logs TO integration_monitor_writer;

--
-- Name: COLUMN integration_logs.request_payload; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(request_payload) ON TABLE public.integration_logs TO integration_monitor_writer;

--
-- Name: COLUMN integration_logs.response_payload; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(response_payload) ON TABLE public.integration_logs TO integration_monitor_writer;

--
-- Name: COLUMN integration_logs.error_message; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(error_message) ON TABLE public.integration_logs TO integration_monitor_writer;

--
-- Name: COLUMN integration_logs.error_code; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(error_code) ON TABLE public.integration_logs TO integration_monitor_writer;

--
-- Name: COLUMN integration_logs.duration_ms; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(duration_ms) ON TABLE public.integration_logs TO integration_monitor_writer;
GRANT SELECT(duration_ms) ON TABLE public.integration_logs TO integration_monitor_statistics;

--
-- Name: COLUMN integration_logs.retry_count; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(retry_count) ON TABLE public.integration_logs TO integration_monitor_writer;

--
-- Name: COLUMN integration_logs.created_at; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(created_at) ON TABLE public.integration_logs TO integration_monitor_writer;
GRANT SELECT(created_at) ON TABLE public.integration_logs TO integration_monitor_statistics;

--
-- Name: COLUMN integration_logs.updated_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(updated_at) ON TABLE public.integration_logs TO integration_monitor_writer;

--
-- Name: TABLE keys; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.keys TO service_role;

--
-- Name: TABLE migrations; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.migrations TO service_role;

--
-- Name: TABLE notifications; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.notifications TO service_role;

--
-- Name: TABLE observations; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.observations TO service_role;

--
-- Name: TABLE pending; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.pending TO service_role;

--
-- Name: TABLE settings; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.settings TO service_role;

--
-- Name: TABLE sign_in_links; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.sign_in_links TO service_role;

--
-- Name: TABLE statistics_bins; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.statistics_bins TO service_role;
GRANT SELECT ON TABLE integration_monitor.statistics_bins TO integration_monitor_statistics;

--
-- Name: TABLE statistics_changes; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.statistics_changes TO service_role;

--
-- Name: TABLE statistics_day; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.statistics_day TO service_role;
GRANT SELECT ON TABLE integration_monitor.statistics_day TO integration_monitor_statistics;

--
-- Name: TABLE statistics_doubts; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT SELECT ON TABLE integration_monitor.statistics_doubts TO service_role;

--
-- Name: TABLE statistics_names; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.statistics_names TO service_role;

--
-- Name: TABLE statistics_open; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT SELECT ON TABLE integration_monitor.statistics_open TO service_role;
GRANT SELECT ON TABLE integration_monitor.statistics_open TO integration_monitor_statistics;

--
-- Name: TABLE statistics_series; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.statistics_series TO service_role;
GRANT SELECT ON TABLE integration_monitor.statistics_series TO integration_monitor_statistics;

--
-- Name: TABLE statistics_daily; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT SELECT ON TABLE integration_monitor.statistics_daily TO service_role;
GRANT SELECT ON TABLE integration_monitor.statistics_daily TO authenticated;
GRANT SELECT ON TABLE integration_monitor.statistics_daily TO integration_monitor_statistics;

--
-- Name: TABLE statistics_hour; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.statistics_hour TO service_role;
GRANT SELECT ON TABLE integration_monitor.statistics_hour TO integration_monitor_statistics;

--
-- Name: TABLE statistics_hourly; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT SELECT ON TABLE integration_monitor.statistics_hourly TO service_role;
GRANT SELECT ON TABLE integration_monitor.statistics_hourly TO authenticated;
GRANT SELECT ON TABLE integration_monitor.statistics_hourly TO integration_monitor_statistics;

--
-- Name: TABLE statistics_minute; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.statistics_minute TO service_role;
GRANT SELECT ON TABLE integration_monitor.statistics_minute TO integration_monitor_statistics;

--
-- Name: TABLE statistics_records; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT SELECT ON TABLE integration_monitor.statistics_records TO service_role;

--
-- Name: TABLE statistics_total; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT SELECT ON TABLE integration_monitor.statistics_total TO service_role;
GRANT SELECT ON TABLE integration_monitor.statistics_total TO integration_monitor_statistics;

--
-- Name: TABLE writers; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.writers TO service_role;
GRANT SELECT ON TABLE integration_monitor.writers TO integration_monitor_statistics;

--
-- Name: TABLE integration_stats_daily; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.integration_stats_daily TO service_role;
GRANT SELECT ON TABLE public.integration_stats_daily TO authenticated;
GRANT SELECT ON TABLE public.integration_stats_daily TO integration_monitor_statistics;

--
-- Name: TABLE integration_stats_hourly; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.integration_stats_hourly TO service_role;
GRANT SELECT ON TABLE public.integration_stats_hourly TO authenticated;
GRANT SELECT ON TABLE public.integration_stats_hourly TO integration_monitor_statistics;

--
-- PostgreSQL database dump complete
--
