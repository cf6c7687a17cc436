-- Whether a role sees every record: then it may see sums of them, which are read under another role, that may do nothing else.
-- Parameters: role (text).
-- Columns: sees_every_record (boolean); one row.
-- Index: none; catalogues only.
select integration_monitor.sees_every_record(%(role)s) as sees_every_record
