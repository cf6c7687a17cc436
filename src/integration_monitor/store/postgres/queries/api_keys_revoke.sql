-- Purpose: revokes an API key, and keeps the audit row of it.
-- Parameters: name, actor (text).
-- Columns: id of the key; one row, or none where no key of this name opens anything.
-- Index: api_keys_name_key.
with revoked as (
    update integration_monitor.api_keys
       set revoked_at = now()
     where name = %(name)s
       and revoked_at is null
    returning id, name, scope, service
),
audited as (
    insert into integration_monitor.audit (actor, act, subject, details)
    select %(actor)s, 'key_revoked', revoked.id::text,
           jsonb_build_object('name', revoked.name, 'scope', revoked.scope, 'service', revoked.service)
      from revoked
)
select id from revoked
