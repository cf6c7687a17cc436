-- Which of these records are there.
-- Parameters: ids (uuid[]).
-- Columns: id.
-- Index: integration_logs_pkey of each partition.
select log.id
  from public.integration_logs as log
 where log.id = any(%(ids)s::uuid[])
