-- Purpose: whom the beginning of an incident was told, or is to be told.
-- Parameters: incident_id (uuid).
-- Columns: target, is_untold (whether it waits and was never tried), due_at; one row a target.
-- Index: notifications_key.
select target, state = 'waiting' and attempts = 0 as is_untold, due_at
  from integration_monitor.notifications
 where incident_id = %(incident_id)s
   and phase = 'began'
 order by target
