-- Purpose: a status among the records that the contract does not know, and that no constraint forbids.
-- Parameters: none. Columns: name, remedy; one row or none.
-- Index: none: reads the table up to the first such record, unless the constraint is there and valid.
select format('records have the status %L, which the contract does not know', left(log.status, 50)) as name,
       format('for example: update public.integration_logs set status = ''failed'' where status = %L', log.status) as remedy
  from public.integration_logs as log
 where log.status not in ('success', 'failed', 'pending', 'retrying')
   and not exists (
           select
             from pg_constraint as con
            where con.conrelid = 'public.integration_logs'::regclass
              and con.conname = 'integration_logs_status_check'
              and con.convalidated
       )
 limit 1
