-- Purpose: looks through the next records, oldest first, for a phone number or an e-mail address in payloads and error message.
-- Parameters: pattern (a regular expression, of which case does not count); after_at (text), after_id (uuid): the last record seen; records_max.
-- Columns: read_count (records looked at), last_at (text), last_id (uuid), ids (uuid[]), times (text[]: created_at of each that has it); one row.
-- Index: idx_integration_logs_created_at. What JSON writes as \n or \t ends a word, and is made a blank for that.
with page as materialized (
    select
        log.id,
        log.created_at,
        regexp_replace(concat_ws(' ', log.request_payload::text, log.response_payload::text), '\\[bfnrt]', ' ', 'g') ~* %(pattern)s::text
            or coalesce(log.error_message ~* %(pattern)s::text, false) as has_value
    from public.integration_logs as log
    where (log.created_at, log.id) > (%(after_at)s::timestamptz, %(after_id)s::uuid)
    order by log.created_at, log.id
    limit %(records_max)s
)
select
    count(*)::integer                                                                           as read_count,
    (array_agg(page.created_at::text order by page.created_at desc, page.id desc))[1]           as last_at,
    (array_agg(page.id order by page.created_at desc, page.id desc))[1]                         as last_id,
    coalesce(array_agg(page.id order by page.created_at, page.id) filter (where page.has_value), '{}')               as ids,
    coalesce(array_agg(page.created_at::text order by page.created_at, page.id) filter (where page.has_value), '{}') as times
from page
