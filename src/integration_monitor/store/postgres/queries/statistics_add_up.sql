-- Purpose: adds up the changes of statistics; see migrations/0022_add_up_statistics.sql. Who finds another session at it waits for nothing.
-- Parameters: changes_max. Columns: one integer, how many; null where another session is at it.
-- Index: statistics_changes_pkey.
select integration_monitor.compact_statistics(%(changes_max)s)
