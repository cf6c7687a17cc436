-- API keys of programs: what they may, and for which service.
--
-- Why the hash: who reads this table, or a backup of it, must not be able to use the keys. A key holds 256 random bits, which nobody
-- guesses: so a plain SHA-256 is enough, and a slow hash, as for passwords, would only make every request dearer.
-- Locks: none that anybody waits for; the table is new.
-- In a transaction.

create table integration_monitor.api_keys (
    id          uuid        not null default gen_random_uuid(),
    name        text        not null,
    scope       text        not null,
    service     text,
    secret_hash bytea       not null,
    created_at  timestamptz not null default now(),
    created_by  text        not null,
    revoked_at  timestamptz,
    constraint api_keys_pkey primary key (id),
    constraint api_keys_secret_hash_key unique (secret_hash),
    constraint api_keys_secret_hash_check check (octet_length(secret_hash) = 32),
    constraint api_keys_scope_check check (scope in ('ingest', 'read')),
    constraint api_keys_name_check check (name <> ''),
    constraint api_keys_service_check check (service <> '')
);

-- For keys_revoke.sql: a name means one key. That of a revoked key is free again.
create unique index api_keys_name_key on integration_monitor.api_keys (name) where revoked_at is null;

alter table integration_monitor.api_keys enable row level security;

create policy api_keys_service_role_all on integration_monitor.api_keys
    for all to service_role using (true) with check (true);

revoke all on integration_monitor.api_keys from public, anon, authenticated;
grant all on integration_monitor.api_keys to service_role;

comment on table integration_monitor.api_keys is 'API keys of programs: one row a key, also when it is revoked';
comment on column integration_monitor.api_keys.id is 'Names the key in the audit';
comment on column integration_monitor.api_keys.name is 'For people; one key that is not revoked has it';
comment on column integration_monitor.api_keys.scope is 'What it may: ingest (send records) or read (ask, as role authenticated)';
comment on column integration_monitor.api_keys.service is 'The one service that it is for; null for all';
comment on column integration_monitor.api_keys.secret_hash is 'SHA-256 of the key';
comment on column integration_monitor.api_keys.created_at is 'When it was made (UTC)';
comment on column integration_monitor.api_keys.created_by is 'Who made it, as in the audit';
comment on column integration_monitor.api_keys.revoked_at is 'From when on it opens nothing (UTC); null while it does';
comment on constraint api_keys_secret_hash_check on integration_monitor.api_keys is 'A SHA-256 has 32 bytes: no key as it is';
comment on constraint api_keys_scope_check on integration_monitor.api_keys is 'The scopes that the server knows';
comment on constraint api_keys_name_check on integration_monitor.api_keys is 'A key that nobody can name cannot be revoked';
comment on constraint api_keys_service_check on integration_monitor.api_keys is 'All services are null, and not the empty text';
