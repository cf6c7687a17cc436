-- Purpose: every API key, those that open something first, then the newest first.
-- Parameters: none.
-- Columns: id, name, scope, service, created_at, created_by, revoked_at.
-- Index: none; there are few.
select id, name, scope, service, created_at, created_by, revoked_at
  from integration_monitor.api_keys
 order by revoked_at is not null, created_at desc, id
