-- Purpose: a message that is to be sent.
-- Parameters: incident_id (uuid), phase, target, title, body (text), created_at, due_at (timestamptz).
-- Columns: none.
-- Index: notifications_key.
insert into integration_monitor.notifications (incident_id, phase, target, title, body, created_at, due_at)
values (%(incident_id)s, %(phase)s, %(target)s, %(title)s, %(body)s, %(created_at)s, %(due_at)s)
on conflict on constraint notifications_key do nothing
