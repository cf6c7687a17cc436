-- Purpose: keeps an incident or a suspicion as it is now.
-- Parameters: those of its columns.
-- Columns: none.
-- Index: incidents_pkey.
insert into integration_monitor.incidents as incident (
    id, kind, subject, severity, summary, facts, suspected_at, observed_at, since_at, began_at, calm_at, well_at, ended_at
)
values (
    %(id)s, %(kind)s, %(subject)s, %(severity)s, %(summary)s, %(facts)s, %(suspected_at)s, %(observed_at)s, %(since_at)s,
    %(began_at)s, %(calm_at)s, %(well_at)s, %(ended_at)s
)
on conflict on constraint incidents_pkey do update
   set severity     = excluded.severity,
       summary      = excluded.summary,
       facts        = excluded.facts,
       suspected_at = excluded.suspected_at,
       observed_at  = excluded.observed_at,
       since_at     = excluded.since_at,
       began_at     = excluded.began_at,
       calm_at      = excluded.calm_at,
       well_at      = excluded.well_at,
       ended_at     = excluded.ended_at
