-- Purpose: whom failures of a service hurt, and what the vendor said: for the one message that an incident begins with.
-- Parameters: service (text), since, until (timestamptz), excused_faults (text[]): faults that do not speak against a service, failed_max
-- (integer): so many of the latest failures are looked at, entities_max (integer): so many entities are named.
-- Columns: failed_count, entity_count, first_failed_at, last_failed_at, actions, entities (text[], latest first), error_code, error_message
-- (of the latest failure with the most frequent code), error_count (failures with it), fault (the most frequent); one row.
-- Index: idx_integration_logs_failed.
with failed as materialized (
    select log.id, log.action, log.error_code, log.error_message, log.related_entity_type, log.related_entity_id, log.created_at,
           integration_monitor.fault_of(log.status, log.response_payload) as fault,
           coalesce(log.request_payload #>> '{entity,id}', log.related_entity_id::text) as entity_id
      from public.integration_logs as log
     where log.status = 'failed'
       and log.service_name = %(service)s
       and log.created_at >= %(since)s
       and log.created_at <= %(until)s
       and integration_monitor.fault_of(log.status, log.response_payload) <> all (%(excused_faults)s::text[])
     order by log.created_at desc
     limit %(failed_max)s
),
entities as (
    select failed.related_entity_type, failed.related_entity_id,
           max(failed.created_at) as last_at,
           (array_agg(failed.entity_id order by failed.created_at desc))[1] as entity_id
      from failed
     where failed.related_entity_id is not null
     group by failed.related_entity_type, failed.related_entity_id
),
words as (
    select failed.error_code, count(*) as error_count,
           (array_agg(failed.error_message order by failed.created_at desc, failed.id))[1] as error_message
      from failed
     group by failed.error_code
     order by count(*) desc, max(failed.created_at) desc
     limit 1
)
select (select count(*) from failed)                             as failed_count,
       (select count(*) from entities)                           as entity_count,
       (select min(failed.created_at) from failed)               as first_failed_at,
       (select max(failed.created_at) from failed)               as last_failed_at,
       coalesce((
           select array_agg(counted.action || ' ' || counted.count order by counted.count desc, counted.action)
             from (
                      select left(failed.action, 100) as action, count(*) as count
                        from failed
                       group by left(failed.action, 100)
                       order by count(*) desc, left(failed.action, 100)
                       limit %(entities_max)s
                  ) as counted
       ), '{}')                                                  as actions,
       coalesce((
           select array_agg(left(coalesce(latest.related_entity_type || ' ', '') || latest.entity_id, 80) order by latest.last_at desc)
             from (select entities.* from entities order by entities.last_at desc limit %(entities_max)s) as latest
       ), '{}')                                                  as entities,
       (select words.error_code from words)                      as error_code,
       (select left(words.error_message, 2000) from words)       as error_message,
       coalesce((select words.error_count from words), 0)        as error_count,
       (select failed.fault from failed group by failed.fault order by count(*) desc, failed.fault limit 1) as fault
