-- Purpose: what became of an attempt to send a message.
-- Parameters: id (uuid), state (text: waiting, sent or given_up), now, due_at (timestamptz: the next attempt), error (text or null).
-- Columns: none.
-- Index: notifications_pkey.
update integration_monitor.notifications
   set state      = %(state)s,
       settled_at = case when %(state)s = 'waiting' then null else %(now)s::timestamptz end,
       due_at     = %(due_at)s,
       error      = %(error)s
 where id = %(id)s
   and state = 'waiting'
