-- Purpose: whether a look at something is due, and ours: of several servers one gets it.
-- Parameters: kind, subject (text), now, next_at (timestamptz: when it is due again).
-- Columns: is_ours; one row, or none where it is not due, or another server has it. A time further ahead than twice the interval is of a
-- clock that was wrong.
-- Index: observations_pkey.
insert into integration_monitor.observations as observation (kind, subject, due_at)
values (%(kind)s, %(subject)s, %(next_at)s)
on conflict on constraint observations_pkey do update
   set due_at = excluded.due_at
 where observation.due_at <= %(now)s
    or observation.due_at > %(now)s::timestamptz + 2 * (%(next_at)s::timestamptz - %(now)s::timestamptz)
returning true as is_ours
