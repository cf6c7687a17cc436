-- The beginning of error_groups.sql and of error_group.sql: failures of a window, and the shape of each message that they have: the message
-- without what differs from call to call.
-- Parameters: since, until (timestamptz, both included); the conditions, each null where it is not asked for: service, action, error_code
--   (text).
-- Columns: failures (one row a failure) and shapes (one row a message), for the statement that goes on behind them.
-- Index: idx_integration_logs_failed, bounded at both ends.
with failures as materialized (
    select
        log.id, log.created_at, log.service_name, log.action, coalesce(log.error_code, '') as error_code,
        -- What tells two errors apart stands at the beginning; a page of HTML behind it does not.
        left(coalesce(log.error_message, ''), 500)  as message,
        log.related_entity_type                     as entity_type,
        log.related_entity_id                       as entity_id,
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
