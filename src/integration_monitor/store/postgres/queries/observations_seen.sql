-- Purpose: what the watch saw last.
-- Parameters: none.
-- Columns: kind, subject, seen; one row a subject.
-- Index: none; a row for each service that is probed, and two.
select kind, subject, seen
  from integration_monitor.observations
 order by kind, subject
