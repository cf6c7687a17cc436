-- The schema that holds everything of the product but the promised contract, and the history of what was applied to it.
--
-- Why: Supabase exposes every table of `public` over REST and grants new ones to anon by default; what lies in a schema of
-- its own is out of reach.
-- Locks: none that anybody waits for; everything here is new.
-- In a transaction.

create schema integration_monitor;

revoke all on schema integration_monitor from public;

comment on schema integration_monitor is
    'Integration Monitor: everything the product needs beside public.integration_logs, its views and its clean-up function';

create table integration_monitor.migrations (
    name       text        not null,
    checksum   text        not null,
    applied_at timestamptz not null default now(),
    constraint migrations_pkey primary key (name)
);

-- No policy yet: only the owner reads it until the next migration has made the roles.
alter table integration_monitor.migrations enable row level security;

revoke all on integration_monitor.migrations from public;

comment on table integration_monitor.migrations is 'What was applied to this database: one row a migration';
comment on column integration_monitor.migrations.name is 'File name without its ending, such as 0001_create_history';
comment on column integration_monitor.migrations.checksum is 'SHA-256 of the file, in hexadecimal: a migration is never edited';
comment on column integration_monitor.migrations.applied_at is 'When it was applied (UTC)';
