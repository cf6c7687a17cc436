-- Failures of a window by service, action, error code and the shape of their message.
-- Goes on behind failures_shaped.sql, whose parameters it needs, too.
-- Parameters: fault (text, null where it is not asked for); after_is_excused (boolean), after_hurt_count, after_count (bigint) and after_key
--   (text), all null or none: only groups behind this place; limit (integer).
-- Columns: those of ErrorGroup; one row a group, most hurtful first: those that somebody can do something about before those that are the
--   recipients' own, most of those that were hurt first, then most failures, equal ones by key.
-- Index: that of failures_shaped.sql.
groups as (
    select
        failures.service_name, failures.action, failures.error_code, shapes.shape,
        count(*)                                                            as count,
        min(failures.created_at)                                            as first_seen_at,
        max(failures.created_at)                                            as last_seen_at,
        count(distinct row (failures.entity_type, failures.entity_id)) filter (where failures.entity_id is not null)
                                                                            as entity_count,
        count(*) filter (where failures.entity_id is null)                  as without_entity_count,
        mode() within group (order by failures.fault)                       as fault,
        count(*) filter (where failures.retry = 'safe')                     as retry_safe_count,
        count(*) filter (where failures.retry = 'after')                    as retry_after_count,
        (array_agg(failures.id order by failures.created_at desc, failures.id desc))[1]      as sample_id,
        (array_agg(failures.message order by failures.created_at desc, failures.id desc))[1] as sample_message
    from failures
    join shapes on shapes.message = failures.message
    where %(fault)s::text is null or failures.fault = %(fault)s::text
    group by failures.service_name, failures.action, failures.error_code, shapes.shape
),
named as (
    select
        groups.*,
        -- A failure about nobody that is known hurts somebody all the same.
        groups.entity_count + groups.without_entity_count as hurt_count,
        left(encode(sha256(convert_to(
            concat_ws(E'\x1f', groups.service_name, groups.action, groups.error_code, groups.shape), 'UTF8'
        )), 'hex'), 24) as key
    from groups
)
select
    named.key, named.service_name, named.action, nullif(named.error_code, '') as error_code, named.shape, named.fault, named.count,
    named.entity_count, named.hurt_count, named.retry_safe_count, named.retry_after_count,
    named.first_seen_at, named.last_seen_at, named.sample_id, named.sample_message
from named
where %(after_key)s::text is null
   or (named.fault = 'recipient', -named.hurt_count, -named.count, named.key)
    > (%(after_is_excused)s::boolean, -%(after_hurt_count)s::bigint, -%(after_count)s::bigint, %(after_key)s::text)
order by named.fault = 'recipient', -named.hurt_count, -named.count, named.key
limit %(limit)s
