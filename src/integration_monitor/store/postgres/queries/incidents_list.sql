-- Purpose: incidents that were told of, newest first, with what became of their messages.
-- Parameters: service (text or null: only of this subject), is_open (boolean or null), before_began_at, before_id (timestamptz, uuid or null:
-- those behind it), limit (integer).
-- Columns: those of Incident.
-- Index: idx_incidents_began; notifications_key.
select incident.id, incident.kind, nullif(incident.subject, '') as service_name, incident.severity, incident.summary, incident.facts,
       incident.since_at, incident.began_at, incident.ended_at, incident.acknowledged_at, incident.acknowledged_by,
       coalesce((
           select jsonb_agg(
                      jsonb_build_object(
                          'phase', message.phase, 'target', message.target, 'state', message.state, 'attempts', message.attempts,
                          'settled_at', message.settled_at, 'due_at', message.due_at, 'error', message.error
                      )
                      order by message.phase, message.target
                  )
             from integration_monitor.notifications as message
            where message.incident_id = incident.id
       ), '[]') as notifications
  from integration_monitor.incidents as incident
 where incident.began_at is not null
   and (%(service)s::text is null or incident.subject = %(service)s)
   and (%(is_open)s::boolean is null or (incident.ended_at is null) = %(is_open)s)
   and (%(before_began_at)s::timestamptz is null
        or (incident.began_at, incident.id) < (%(before_began_at)s::timestamptz, %(before_id)s::uuid))
 order by incident.began_at desc, incident.id desc
 limit %(limit)s
