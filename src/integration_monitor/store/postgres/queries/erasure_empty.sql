-- Purpose: empties the payloads of these records. What is counted stays: the fault, of which statistics are kept, and the status code.
-- Parameters: ids (uuid[]), times (text[]: created_at of each); pattern (text or null): the error message goes where it has it, and
--   without a pattern in any case.
-- Columns: none; the number of rows is that of the records emptied.
-- Index: integration_logs_pkey.
update public.integration_logs as log
   set request_payload  = case when log.request_payload is not null then '{"erased": true}'::jsonb end,
       response_payload = case when log.response_payload is not null then jsonb_strip_nulls(
           jsonb_build_object(
               'erased', true,
               'fault', case when log.response_payload ->> 'fault'
                                  in ('ours', 'auth', 'limit', 'recipient', 'vendor', 'network', 'unclassified')
                             then log.response_payload ->> 'fault' end,
               'status_code', case when jsonb_typeof(log.response_payload -> 'status_code') = 'number'
                                   then log.response_payload -> 'status_code' end
           )
       ) end,
       error_message    = case when log.error_message is null then null
                               when %(pattern)s::text is null or log.error_message ~* %(pattern)s::text then 'erased'
                               else log.error_message end
  from unnest(%(ids)s::uuid[], %(times)s::text[]) as chosen (id, created_at)
 where log.id = chosen.id
   and log.created_at = chosen.created_at::timestamptz
