-- Those of some records that fit every condition given, as they are now.
-- Parameters: ids (uuid[]) and times (timestamptz[]): the keys, one in each array a record; since and until (timestamptz): the window of
--   created_at; the conditions, each null where it is not asked for, as in logs_search.sql.
-- Columns: the 14 of IntegrationLog; one row a record, in no order.
-- Index: integration_logs_pkey. Both ends of created_at are bounded, so that the planner leaves partitions out.
select
    log.id,
    log.service_name,
    log.action,
    log.status,
    log.related_entity_type,
    log.related_entity_id,
    log.request_payload,
    log.response_payload,
    log.error_message,
    log.error_code,
    log.duration_ms,
    coalesce(log.retry_count, 0)     as retry_count,
    log.created_at,
    -- Nobody's infinity shall keep others from reading the list: Python's years are 1 to 9999.
    least(
        greatest(coalesce(log.updated_at, log.created_at), timestamptz '0001-01-01 00:00:00+00'),
        timestamptz '9999-12-31 23:59:59+00'
    )                                as updated_at
from unnest(%(ids)s::uuid[], %(times)s::timestamptz[]) as arrived (id, created_at)
join public.integration_logs as log on log.id = arrived.id and log.created_at = arrived.created_at
where log.created_at >= %(since)s::timestamptz
  and log.created_at <= %(until)s::timestamptz
  and (%(service)s::text is null or log.service_name = %(service)s::text)
  and (%(action)s::text is null or log.action = %(action)s::text)
  and (%(status)s::text is null or log.status = %(status)s::text)
  and (%(entity_type)s::text is null or log.related_entity_type = %(entity_type)s::text)
  and (%(entity_id)s::uuid is null or log.related_entity_id = %(entity_id)s::uuid)
  and (%(error_code)s::text is null or log.error_code = %(error_code)s::text)
  and (%(duration_min_ms)s::bigint is null or log.duration_ms >= %(duration_min_ms)s::bigint)
  and (%(duration_max_ms)s::bigint is null or log.duration_ms <= %(duration_max_ms)s::bigint)
  -- Only failures have a fault, and it is then one of seven words, as statistics count them.
  and (
      %(fault)s::text is null
      or log.status = 'failed'
      and case
              when log.response_payload ->> 'fault' in ('ours', 'auth', 'limit', 'recipient', 'vendor', 'network')
              then log.response_payload ->> 'fault'
              else 'unclassified'
          end = %(fault)s::text
  )
  and (
      %(text)s::text is null
      or strpos(lower(log.error_message), lower(%(text)s::text)) > 0
      or strpos(lower(log.response_payload::text), lower(%(text_json)s::text)) > 0
      or strpos(lower(log.request_payload::text), lower(%(text_json)s::text)) > 0
  )
