-- Purpose: what was applied to this database.
-- Parameters: none. Columns: name, checksum, applied_at; oldest first.
-- Index: none; the table has a dozen rows.
select name, checksum, applied_at
  from integration_monitor.migrations
 order by name
