-- Purpose: the next records of one entity whose payloads are to be emptied, oldest first.
-- Parameters: entity_type, entity_id (uuid); after_at (text), after_id (uuid): the last record seen; records_max.
-- Columns: read_count (records looked at), last_at (text), last_id (uuid), ids (uuid[]), times (text[]: created_at of each of them); one row.
-- Index: idx_integration_logs_entity.
with page as materialized (
    select log.id, log.created_at
    from public.integration_logs as log
    where log.related_entity_type = %(entity_type)s::text
      and log.related_entity_id = %(entity_id)s::uuid
      and (log.created_at, log.id) > (%(after_at)s::timestamptz, %(after_id)s::uuid)
    order by log.created_at, log.id
    limit %(records_max)s
)
select
    count(*)::integer                                                                           as read_count,
    (array_agg(page.created_at::text order by page.created_at desc, page.id desc))[1]           as last_at,
    (array_agg(page.id order by page.created_at desc, page.id desc))[1]                         as last_id,
    coalesce(array_agg(page.id order by page.created_at, page.id), '{}')                        as ids,
    coalesce(array_agg(page.created_at::text order by page.created_at, page.id), '{}')          as times
from page
