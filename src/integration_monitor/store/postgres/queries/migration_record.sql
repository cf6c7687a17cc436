-- Purpose: notes that a migration was applied, in its own transaction.
-- Parameters: name, checksum. Columns: none.
-- Index: none; an insert.
insert into integration_monitor.migrations (name, checksum)
values (%(name)s, %(checksum)s)
