-- Purpose: keeps the lease of whoever watches, and makes a look of what has arrived since the last one.
-- Parameters: none. Columns: watch, looks, looks_removed, as in arrivals_watch.sql; one row.
-- Index: arrivals_pkey, from the oldest transaction that was not at its end at the last look.
select looked.watch, looked.looks, looked.looks_removed
  from integration_monitor.look_for_arrivals() as looked
