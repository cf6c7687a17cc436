-- What records were about as their writer gave it: the vendor's own ids, of which the columns hold UUIDs.
-- Parameters: ids (uuid[]) and times (timestamptz[]), the keys of the records.
-- Columns: id, given (jsonb or null); one row a record that there is.
-- Index: idx_integration_logs_created_at.
select log.id, log.request_payload -> 'entity' as given
from unnest(%(ids)s::uuid[], %(times)s::timestamptz[]) as wanted (id, created_at)
join public.integration_logs as log on log.id = wanted.id and log.created_at = wanted.created_at
