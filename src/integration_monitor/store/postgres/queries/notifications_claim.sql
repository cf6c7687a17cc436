-- Purpose: messages that are due, for this server to send: no other gets them until claimed_until. An end waits for its beginning.
-- Parameters: now, claimed_until (timestamptz), limit (integer).
-- Columns: id, incident_id, phase, target, title, body, attempts (this one included), created_at.
-- Index: idx_notifications_waiting.
with due as (
    select message.id
      from integration_monitor.notifications as message
     where message.state = 'waiting'
       and message.due_at <= %(now)s
       and not exists (
               select
                 from integration_monitor.notifications as earlier
                where earlier.incident_id = message.incident_id
                  and earlier.target = message.target
                  and earlier.state = 'waiting'
                  and earlier.phase = 'began'
                  and message.phase = 'ended'
           )
     order by message.due_at, message.id
     limit %(limit)s
       for update skip locked
)
update integration_monitor.notifications as message
   set attempts = message.attempts + 1,
       due_at   = %(claimed_until)s
  from due
 where message.id = due.id
returning message.id, message.incident_id, message.phase, message.target, message.title, message.body, message.attempts,
          message.created_at
