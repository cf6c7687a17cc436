-- What this database was set to, and the last migration that was applied to it. Only the service role may ask.
-- Parameters: none.
-- Columns: those of SystemSettings; one row.
-- Index: none; one row, and a few dozen.
select
    settings.retention,
    settings.partition_days,
    (select max(one.name) from integration_monitor.migrations as one)       as migration,
    (select max(one.applied_at) from integration_monitor.migrations as one) as migrated_at
from integration_monitor.settings as settings
