-- Purpose: what arrivals there are to be read.
-- Parameters: none. Columns: watch (counts the times that watching began anew), looks (number of the last look), looks_removed (number of
--   the last look that is not kept any more); one row.
-- Index: none; the table has one row.
select watched.number as watch, watched.looks, watched.looks_removed
  from integration_monitor.arrival_watch as watched
