-- Purpose: a beginning that is told together with its end.
-- Parameters: incident_id (uuid), target (text), now (timestamptz). Columns: none.
-- Index: notifications_key.
update integration_monitor.notifications
   set state      = 'superseded',
       settled_at = %(now)s
 where incident_id = %(incident_id)s
   and phase = 'began'
   and target = %(target)s
   and state = 'waiting'
