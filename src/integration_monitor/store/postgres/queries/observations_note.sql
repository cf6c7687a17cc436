-- Purpose: keeps what the watch saw, and when it looks next.
-- Parameters: kind, subject (text), due_at (timestamptz), seen (jsonb).
-- Columns: none.
-- Index: observations_pkey.
insert into integration_monitor.observations (kind, subject, due_at, seen)
values (%(kind)s, %(subject)s, %(due_at)s, %(seen)s)
on conflict on constraint observations_pkey do update
   set due_at = excluded.due_at,
       seen   = excluded.seen
