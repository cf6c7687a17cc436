-- One-time links that sign a person in to the dashboard.
--
-- Why the hash: who reads this table, or a backup of it, must not be able to sign in.
-- Locks: none that anybody waits for; the table is new.
-- In a transaction.

create table integration_monitor.sign_in_links (
    token_hash bytea       not null,
    role       text        not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at    timestamptz,
    constraint sign_in_links_pkey primary key (token_hash),
    constraint sign_in_links_token_hash_check check (octet_length(token_hash) = 32),
    constraint sign_in_links_role_check check (role in ('service_role', 'authenticated', 'integration_monitor_statistics'))
);

alter table integration_monitor.sign_in_links enable row level security;

create policy sign_in_links_service_role_all on integration_monitor.sign_in_links
    for all to service_role using (true) with check (true);

revoke all on integration_monitor.sign_in_links from public, anon, authenticated;
grant all on integration_monitor.sign_in_links to service_role;

comment on table integration_monitor.sign_in_links is 'One-time links to the dashboard: one row a link';
comment on column integration_monitor.sign_in_links.token_hash is 'SHA-256 of the link''s token';
comment on column integration_monitor.sign_in_links.role is 'Database role of the session that the link opens';
comment on column integration_monitor.sign_in_links.created_at is 'When the link was made (UTC)';
comment on column integration_monitor.sign_in_links.expires_at is 'From when on it opens nothing (UTC)';
comment on column integration_monitor.sign_in_links.used_at is 'When it was used (UTC); null while it still opens a session';
comment on constraint sign_in_links_token_hash_check on integration_monitor.sign_in_links is 'A SHA-256 has 32 bytes: no token as it is';
comment on constraint sign_in_links_role_check on integration_monitor.sign_in_links is 'The roles that the API knows';
