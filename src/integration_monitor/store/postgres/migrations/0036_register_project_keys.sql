-- Keys of a Supabase project beside our own, and an audit that also sees how long records are kept.
--
-- Why the roles as scopes: a key of a project stands for a role there (sb_secret_… for service_role, sb_publishable_… for anon), and for the same
-- one here. Why a hash may come again after it was revoked: such a key is not made anew here, and who revoked it by mistake registers it again.
-- Why a trigger: the settings are changed in SQL, where no program of ours would tell the audit.
-- Locks: ACCESS EXCLUSIVE on api_keys and SHARE ROW EXCLUSIVE on settings, for a moment: both have some rows.
-- In a transaction.

alter table integration_monitor.api_keys
    drop constraint api_keys_scope_check,
    drop constraint api_keys_secret_hash_key,
    add constraint api_keys_scope_check check (scope in ('ingest', 'read', 'service_role', 'anon'));

-- For api_keys_add.sql: a secret means one key that is not revoked.
create unique index api_keys_secret_hash_key on integration_monitor.api_keys (secret_hash) where revoked_at is null;

comment on column integration_monitor.api_keys.scope is
    'What it may: ingest (send records) or read (ask, as role authenticated); of a Supabase project''s key, the role that it stands for: '
    'service_role, or anon (nobody)';
comment on constraint api_keys_scope_check on integration_monitor.api_keys is 'The scopes that the server knows';

create function integration_monitor.audit_settings()
    returns trigger
    language plpgsql
    volatile
    set search_path to pg_catalog, pg_temp
as $function$
begin
    insert into integration_monitor.audit (actor, act, subject, details)
    values (session_user || ', SQL', 'settings_changed', 'integration_monitor.settings',
            jsonb_build_object('before', to_jsonb(old), 'after', to_jsonb(new)));
    return null;
end
$function$;

revoke all on function integration_monitor.audit_settings() from public, anon, authenticated;

create trigger audit_settings
    after update on integration_monitor.settings
    for each row
    when (old is distinct from new)
    execute function integration_monitor.audit_settings();

comment on function integration_monitor.audit_settings() is 'Keeps in the audit what the settings were before and after';
comment on column integration_monitor.audit.actor is
    'Who did it: user and machine of the command line, the name in a token, or the login that changed a setting in SQL';
comment on column integration_monitor.audit.act is
    'What was done: key_created, key_registered, key_revoked, token_issued, migrated, settings_changed, incident_acknowledged, '
    'erasure_begun, erasure_done';
comment on column integration_monitor.audit.subject is
    'To what: the id of a key or an incident, a role, a migration, a table, or what stands for a person';
