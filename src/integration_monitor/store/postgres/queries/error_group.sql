-- One group of failures in a stretch of time: when they happened, what they were about, and examples. Asked for stretch by stretch.
-- Goes on behind failures_shaped.sql, whose parameters it needs, too.
-- Parameters: key (text, as error_groups.sql makes it); step (interval), the width of a bucket; before (timestamptz, not included): what the
--   stretch before has counted; entities_max (integer).
-- Columns: those of ErrorGroupPart; one row, with a count of 0 where there are none.
-- Index: that of failures_shaped.sql.
kinds as materialized (
    select kind.service_name, kind.action, kind.error_code, kind.message, shapes.shape
    from (select distinct failures.service_name, failures.action, failures.error_code, failures.message from failures) as kind
    join shapes on shapes.message = kind.message
    where left(encode(sha256(convert_to(
              concat_ws(E'\x1f', kind.service_name, kind.action, kind.error_code, shapes.shape), 'UTF8'
          )), 'hex'), 24) = %(key)s
),
members as materialized (
    select
        failures.id, failures.created_at, failures.message, failures.entity_type, failures.entity_id, failures.fault, failures.retry,
        kinds.service_name, kinds.action, kinds.error_code, kinds.shape
    from failures
    join kinds
      on kinds.service_name = failures.service_name and kinds.action = failures.action
     and kinds.error_code = failures.error_code and kinds.message = failures.message
    where failures.created_at < %(before)s
),
whole as (
    select
        min(members.service_name) as service_name, min(members.action) as action, min(members.error_code) as error_code,
        min(members.shape) as shape, count(*) as count,
        count(*) filter (where members.retry = 'safe')  as retry_safe_count,
        count(*) filter (where members.retry = 'after') as retry_after_count,
        count(*) filter (where members.entity_id is null) as without_entity_count,
        min(members.created_at) as first_seen_at, max(members.created_at) as last_seen_at
    from members
),
buckets as (
    -- Weeks begin on a Monday, as those of the statistics.
    select date_bin(%(step)s, members.created_at, timestamptz '1970-01-05 00:00:00+00') as at, count(*) as count
    from members
    group by at
),
faults as (
    select members.fault, count(*) as count from members group by members.fault
),
entities as (
    select
        members.entity_type, members.entity_id, count(*) as count, max(members.created_at) as last_at,
        (array_agg(members.id order by members.created_at desc, members.id desc))[1] as last_id
    from members
    where members.entity_id is not null
    group by members.entity_type, members.entity_id
    order by count desc, last_at desc, members.entity_id
    limit %(entities_max)s
),
examples as (
    (select members.id, members.created_at, members.message from members order by members.created_at desc, members.id desc limit 1)
    union
    (
        select members.id, members.created_at, members.message
        from members, whole
        order by abs(extract(epoch from members.created_at - (whole.first_seen_at + (whole.last_seen_at - whole.first_seen_at) / 2))),
            members.id
        limit 1
    )
    union
    (select members.id, members.created_at, members.message from members order by members.created_at, members.id limit 1)
)
select
    whole.service_name, whole.action, nullif(whole.error_code, '') as error_code, whole.shape, whole.count,
    whole.retry_safe_count, whole.retry_after_count, whole.without_entity_count, whole.first_seen_at, whole.last_seen_at,
    coalesce((select jsonb_agg(jsonb_build_array(buckets.at, buckets.count) order by buckets.at) from buckets), '[]') as buckets,
    coalesce((select jsonb_object_agg(faults.fault, faults.count) from faults), '{}')                                 as faults,
    coalesce((
        select jsonb_agg(jsonb_build_array(entities.entity_type, entities.entity_id, entities.count, entities.last_at, entities.last_id))
        from entities
    ), '[]')                                                                                                          as entities,
    coalesce((
        select jsonb_agg(jsonb_build_array(examples.id, examples.created_at, examples.message) order by examples.created_at desc, examples.id desc)
        from examples
    ), '[]')                                                                                                          as examples
from whole
