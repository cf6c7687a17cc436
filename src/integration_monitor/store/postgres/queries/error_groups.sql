-- Failures of a window by service, action, error code and the shape of their message: the message without what differs from call to call.
-- Parameters: since, until (timestamptz, both included); the conditions, each null where it is not asked for: service, action, error_code,
--   fault (text); after_count (bigint or null) and after_key (text): only groups behind this place; limit (integer).
-- Columns: those of ErrorGroup; one row a group, most failures first, equal ones by key.
-- Index: idx_integration_logs_failed, bounded at both ends.
with failures as materialized (
    select
        log.id, log.created_at, log.service_name, log.action, coalesce(log.error_code, '') as error_code,
        -- What tells two errors apart stands at the beginning; a page of HTML behind it does not.
        left(coalesce(log.error_message, ''), 500)  as message,
        case when log.related_entity_id is not null then row (log.related_entity_type, log.related_entity_id)::text end as entity,
        case
            when log.response_payload ->> 'fault' in ('ours', 'auth', 'limit', 'recipient', 'vendor', 'network')
            then log.response_payload ->> 'fault'
            else 'unclassified'
        end                                         as fault,
        log.response_payload ->> 'retry'            as retry
    from public.integration_logs as log
    where log.status = 'failed'
      and log.created_at >= %(since)s
      and log.created_at <= %(until)s
      and (%(service)s::text is null or log.service_name = %(service)s::text)
      and (%(action)s::text is null or log.action = %(action)s::text)
      and (%(error_code)s::text is null or log.error_code = %(error_code)s::text)
),
-- Each text is folded once, however often it came.
shapes as materialized (
    select
        message.message,
        left(
            btrim(regexp_replace(
                regexp_replace(
                    regexp_replace(
                        regexp_replace(
                            regexp_replace(
                                regexp_replace(
                                    message.message,
                                    -- A reference to a secret, or a mask, keeps its name.
                                    '\$\{([a-z0-9_.]+)(:[^}]*)?\}', '<\1>', 'gi'
                                ),
                                '[[:alnum:]._%%+-]+@[[:alnum:]-]+(\.[[:alnum:]-]+)+', '<email>', 'g'
                            ),
                            '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', '<uuid>', 'gi'
                        ),
                        -- A long word with a digit in it is an identifier: a key, a message's id, a hash.
                        '\m(?=[[:alpha:]_-]*[0-9])[[:alnum:]_-]{12,}', '<id>', 'g'
                    ),
                    '[0-9]+([.,][0-9]+)*', '<n>', 'g'
                ),
                '\s+', ' ', 'g'
            )),
            200
        ) as shape
    from (select distinct failures.message from failures) as message
),
groups as (
    select
        failures.service_name, failures.action, failures.error_code, shapes.shape,
        count(*)                                                            as count,
        min(failures.created_at)                                            as first_seen_at,
        max(failures.created_at)                                            as last_seen_at,
        count(distinct failures.entity)                                     as entity_count,
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
        left(encode(sha256(convert_to(
            concat_ws(E'\x1f', groups.service_name, groups.action, groups.error_code, groups.shape), 'UTF8'
        )), 'hex'), 24) as key
    from groups
)
select
    named.key, named.service_name, named.action, nullif(named.error_code, '') as error_code, named.shape, named.fault, named.count,
    named.entity_count, named.retry_safe_count, named.retry_after_count,
    named.first_seen_at, named.last_seen_at, named.sample_id, named.sample_message
from named
where %(after_count)s::bigint is null
   or named.count < %(after_count)s::bigint
   or (named.count = %(after_count)s::bigint and named.key > %(after_key)s::text)
order by named.count desc, named.key
limit %(limit)s
