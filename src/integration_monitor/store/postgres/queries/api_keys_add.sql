-- Purpose: keeps a new API key, and the audit row of it.
-- Parameters: name, scope, service (text or null), secret_hash (bytea, SHA-256), act, actor (text).
-- Columns: id of the key; one row, or none where a key of this name or with this secret is not revoked.
-- Index: api_keys_name_key, api_keys_secret_hash_key.
with added as (
    insert into integration_monitor.api_keys (name, scope, service, secret_hash, created_by)
    values (%(name)s, %(scope)s, %(service)s, %(secret_hash)s, %(actor)s)
    on conflict do nothing
    returning id, name, scope, service
),
audited as (
    insert into integration_monitor.audit (actor, act, subject, details)
    select %(actor)s, %(act)s, added.id::text,
           jsonb_build_object('name', added.name, 'scope', added.scope, 'service', added.service)
      from added
)
select id from added
