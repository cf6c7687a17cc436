-- Purpose: the API keys that open something, for the server to keep in memory.
-- Parameters: none.
-- Columns: secret_hash, name, scope, service.
-- Index: none; there are few.
select secret_hash, name, scope, service
  from integration_monitor.api_keys
 where revoked_at is null
