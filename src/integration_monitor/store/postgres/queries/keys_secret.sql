-- The secret of a signing key.
-- Parameters: purpose (text).
-- Columns: secret (bytea); one row or none.
-- Index: keys_pkey.
select secret
from integration_monitor.keys
where purpose = %(purpose)s
