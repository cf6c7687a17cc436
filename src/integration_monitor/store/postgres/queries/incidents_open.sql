-- Purpose: incidents and suspicions that have not ended, to be decided about.
-- Parameters: none.
-- Columns: id, kind, subject, severity, summary, facts, suspected_at, observed_at, since_at, began_at, calm_at, well_at.
-- Index: incidents_open_key.
select id, kind, subject, severity, summary, facts, suspected_at, observed_at, since_at, began_at, calm_at, well_at
  from integration_monitor.incidents
 where ended_at is null
 order by suspected_at, id
   for update
