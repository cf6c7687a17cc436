-- Purpose: when services were called: by hours for the habit of their weeks, by minutes for how evenly. Reads sums alone.
-- Parameters: services (text[]), hours_since, minutes_since (timestamptz).
-- Columns: service_name, is_minute, bucket, calls; one row a service and hour or minute with calls, oldest first.
-- Index: statistics_hour_pkey, statistics_minute_pkey.
with parts as (
    select series.service_name, false as is_minute, tier.bucket, tier.count
      from integration_monitor.statistics_hour as tier
      join integration_monitor.statistics_series as series on series.series_id = tier.series_id
     where tier.bucket >= %(hours_since)s
       and series.service_name = any (%(services)s)
    union all
    select series.service_name, true, tier.bucket, tier.count
      from integration_monitor.statistics_minute as tier
      join integration_monitor.statistics_series as series on series.series_id = tier.series_id
     where tier.bucket >= %(minutes_since)s
       and series.service_name = any (%(services)s)
    union all
    select change.service_name, width.is_minute,
           date_bin(width.step, change.bucket, timestamptz '1970-01-01 00:00:00+00'),
           change.sign * change.count
      from integration_monitor.statistics_open as change
     cross join (values (false, interval '1 hour'), (true, interval '1 minute')) as width (is_minute, step)
     where change.bucket >= case when width.is_minute then %(minutes_since)s::timestamptz else %(hours_since)s::timestamptz end
       and change.service_name = any (%(services)s)
)
select parts.service_name, parts.is_minute, parts.bucket, sum(parts.count)::bigint as calls
  from parts
 group by parts.service_name, parts.is_minute, parts.bucket
having sum(parts.count) > 0
 order by parts.service_name, parts.is_minute, parts.bucket
