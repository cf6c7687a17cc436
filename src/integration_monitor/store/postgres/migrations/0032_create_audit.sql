-- What was done to the installation by hand: who made or revoked a key, and when.
--
-- Why rows that nobody may change: whoever got in should not be able to hide it. `service_role` adds and reads; only the owner of the
-- table, who may do anything, can take a row away.
-- Locks: none that anybody waits for; the table is new.
-- In a transaction.

create table integration_monitor.audit (
    id      bigint      generated always as identity,
    at      timestamptz not null default now(),
    actor   text        not null,
    act     text        not null,
    subject text        not null,
    details jsonb       not null default '{}',
    constraint audit_pkey primary key (id),
    constraint audit_details_check check (jsonb_typeof(details) = 'object')
);

alter table integration_monitor.audit enable row level security;

create policy audit_read_service_role on integration_monitor.audit
    for select to service_role using (true);
create policy audit_add_service_role on integration_monitor.audit
    for insert to service_role with check (true);

revoke all on integration_monitor.audit from public, anon, authenticated, service_role;
grant select, insert on integration_monitor.audit to service_role;

comment on table integration_monitor.audit is 'Administrative acts: one row each, never changed';
comment on column integration_monitor.audit.id is 'In the order of the acts, near enough';
comment on column integration_monitor.audit.at is 'When it was done (UTC)';
comment on column integration_monitor.audit.actor is 'Who did it: user and machine of the command line, or the name in a token';
comment on column integration_monitor.audit.act is 'What was done: key_created, key_revoked';
comment on column integration_monitor.audit.subject is 'To what: the id of a key';
comment on column integration_monitor.audit.details is 'What else there is to know; never a secret';
comment on constraint audit_details_check on integration_monitor.audit is 'An object, so that every detail has a name';
