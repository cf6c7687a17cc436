-- Purpose: gives some of the records without created_at one, and moves some beyond the bound to where they wait: an update that changes
-- nothing, since the trigger zz_integration_monitor_update does it.
-- Parameters: rows_max. Columns: none; the number of rows is what the statement says.
-- Index: idx_integration_logs_created_at of the old table.
update public.integration_logs as log
   set created_at = log.created_at
 where log.ctid = any (
           array(
               (select empty.ctid from public.integration_logs as empty where empty.created_at is null limit %(rows_max)s)
               union all
               (
                   select beyond.ctid
                     from public.integration_logs as beyond
                    where beyond.created_at >= (select adoption.bound from integration_monitor.adoption as adoption)
                    limit %(rows_max)s
               )
           )
       )
