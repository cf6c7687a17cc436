-- Purpose: retention: incidents that ended long ago, with their messages.
-- Parameters: before (timestamptz). Columns: none.
-- Index: none; there are few.
delete from integration_monitor.incidents
 where ended_at < %(before)s
