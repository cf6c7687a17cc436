-- The server's own secrets: what signs its session cookies, and its tokens where no shared secret is set.
--
-- Why here and not in a file: every worker and every machine of one installation must have the same.
-- Locks: none that anybody waits for; the table is new.
-- In a transaction.

create table integration_monitor.keys (
    purpose    text        not null,
    secret     bytea       not null,
    created_at timestamptz not null default now(),
    constraint keys_pkey primary key (purpose),
    constraint keys_secret_check check (octet_length(secret) >= 32)
);

alter table integration_monitor.keys enable row level security;

create policy keys_service_role_all on integration_monitor.keys
    for all to service_role using (true) with check (true);

revoke all on integration_monitor.keys from public, anon, authenticated;
grant all on integration_monitor.keys to service_role;

comment on table integration_monitor.keys is 'Signing keys of the server: one row a purpose';
comment on column integration_monitor.keys.purpose is 'What it signs: session, jwt';
comment on column integration_monitor.keys.secret is 'Random bytes';
comment on column integration_monitor.keys.created_at is 'When it was made (UTC)';
comment on constraint keys_secret_check on integration_monitor.keys is 'HS256 needs a key of at least 256 bits (RFC 7518, section 3.2)';
