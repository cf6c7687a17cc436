-- services_latest.sql for a role that sees some of the records only: of those, under its own rights, and exact.
-- Parameters: since, minute_since (timestamptz; the earlier one counts), probe (text: the probe's action).
-- Columns: those of services_latest.sql.
-- Index: idx_integration_logs_created_at for the window.
select
    log.service_name,
    max(log.created_at) filter (where log.status = 'failed')                                              as failed_at,
    max(log.created_at) filter (where log.action = %(probe)s::text and log.status = 'success')            as probe_succeeded_at,
    max(log.created_at) filter (where log.action = %(probe)s::text and log.status = 'failed')             as probe_failed_at
from public.integration_logs as log
where log.created_at >= least(%(since)s::timestamptz, %(minute_since)s::timestamptz)
group by log.service_name
order by log.service_name
