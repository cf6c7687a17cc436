-- Purpose: somebody looks after an incident; and the audit row of it, the first time.
-- Parameters: id (uuid), actor (text), now (timestamptz).
-- Columns: acknowledged_at, acknowledged_by, of whoever was first; one row, or none where there is no such incident.
-- Index: incidents_pkey.
with acknowledged as (
    update integration_monitor.incidents
       set acknowledged_at = %(now)s,
           acknowledged_by = %(actor)s
     where id = %(id)s
       and began_at is not null
       and acknowledged_at is null
    returning id, kind, subject, acknowledged_at, acknowledged_by
),
audited as (
    insert into integration_monitor.audit (actor, act, subject, details)
    select %(actor)s, 'incident_acknowledged', acknowledged.id::text,
           jsonb_build_object('kind', acknowledged.kind, 'subject', acknowledged.subject)
      from acknowledged
)
select acknowledged.acknowledged_at, acknowledged.acknowledged_by from acknowledged
union all
select incident.acknowledged_at, incident.acknowledged_by
  from integration_monitor.incidents as incident
 where incident.id = %(id)s
   and incident.began_at is not null
   and incident.acknowledged_at is not null
 limit 1
