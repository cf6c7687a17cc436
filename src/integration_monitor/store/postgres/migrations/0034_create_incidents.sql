-- What is wrong, since when, and who was told: incidents, their messages, and what the watch saw last.
--
-- Why messages are rows: they are added in the transaction in which their incident begins or ends, and sent afterwards. So no server that dies
-- in between loses one; a message may come twice, and then says so by its reference.
-- Why observations: several servers watch one database. A look belongs to whoever moves its row's due_at first.
-- Locks: none that anybody waits for; everything here is new.
-- In a transaction.

create table integration_monitor.incidents (
    id              uuid        not null default gen_random_uuid(),
    kind            text        not null,
    subject         text        not null,
    severity        text        not null,
    summary         text        not null,
    facts           jsonb       not null default '{}',
    suspected_at    timestamptz not null,
    observed_at     timestamptz not null,
    since_at        timestamptz not null,
    began_at        timestamptz,
    calm_at         timestamptz,
    well_at         timestamptz,
    ended_at        timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    constraint incidents_pkey primary key (id),
    constraint incidents_kind_check
        check (kind in ('service_state', 'service_silent', 'probe_failed', 'writers_lost', 'writers_lagging')),
    constraint incidents_severity_check check (severity in ('degraded', 'down', 'silent', 'failed', 'lost', 'lagging')),
    constraint incidents_facts_check check (jsonb_typeof(facts) = 'object'),
    constraint incidents_ended_at_check check (ended_at is null or began_at is not null),
    constraint incidents_acknowledged_check check ((acknowledged_at is null) = (acknowledged_by is null))
);

-- For incidents_open.sql: one thing is wrong once at a time, whichever servers notice it.
create unique index incidents_open_key on integration_monitor.incidents (kind, subject) where ended_at is null;
-- For incidents_list.sql.
create index idx_incidents_began on integration_monitor.incidents (began_at desc, id desc) where began_at is not null;

create table integration_monitor.notifications (
    id          uuid        not null default gen_random_uuid(),
    incident_id uuid        not null,
    phase       text        not null,
    target      text        not null,
    title       text        not null,
    body        text        not null,
    state       text        not null default 'waiting',
    attempts    integer     not null default 0,
    created_at  timestamptz not null,
    due_at      timestamptz not null,
    settled_at  timestamptz,
    error       text,
    constraint notifications_pkey primary key (id),
    constraint notifications_incident_id_fkey foreign key (incident_id) references integration_monitor.incidents on delete cascade,
    constraint notifications_key unique (incident_id, phase, target),
    constraint notifications_phase_check check (phase in ('began', 'ended')),
    constraint notifications_state_check check (state in ('waiting', 'sent', 'superseded', 'given_up')),
    constraint notifications_settled_at_check check ((state = 'waiting') = (settled_at is null))
);

-- For notifications_claim.sql.
create index idx_notifications_waiting on integration_monitor.notifications (due_at) where state = 'waiting';

create table integration_monitor.observations (
    kind    text        not null,
    subject text        not null,
    due_at  timestamptz not null,
    seen    jsonb       not null default '{}',
    constraint observations_pkey primary key (kind, subject),
    constraint observations_kind_check check (kind in ('round', 'probe', 'losses'))
);

alter table integration_monitor.incidents enable row level security;
alter table integration_monitor.notifications enable row level security;
alter table integration_monitor.observations enable row level security;

create policy incidents_service_role_all on integration_monitor.incidents
    for all to service_role using (true) with check (true);
create policy notifications_service_role_all on integration_monitor.notifications
    for all to service_role using (true) with check (true);
create policy observations_service_role_all on integration_monitor.observations
    for all to service_role using (true) with check (true);

revoke all on integration_monitor.incidents, integration_monitor.notifications, integration_monitor.observations
    from public, anon, authenticated;
grant all on integration_monitor.incidents, integration_monitor.notifications, integration_monitor.observations to service_role;

comment on table integration_monitor.incidents is
    'What was wrong and for how long: one row each. A row without began_at is a suspicion, which may still go away';
comment on column integration_monitor.incidents.id is 'Names it in messages, in the API and in the audit';
comment on column integration_monitor.incidents.kind is
    'service_state (the rule of health), service_silent, probe_failed, writers_lost, writers_lagging';
comment on column integration_monitor.incidents.subject is 'The service; empty for writers, who are looked at together';
comment on column integration_monitor.incidents.severity is 'The worst it was: degraded, down; silent; failed; lost; lagging';
comment on column integration_monitor.incidents.summary is 'What was wrong, in a sentence, as last observed';
comment on column integration_monitor.incidents.facts is
    'Whom it hurt and what the vendor said when it began: counts, entities, redacted error message';
comment on column integration_monitor.incidents.suspected_at is 'When it was first observed (UTC)';
comment on column integration_monitor.incidents.observed_at is 'When it was last looked at (UTC)';
comment on column integration_monitor.incidents.since_at is 'Since when it was wrong, as far as records tell (UTC)';
comment on column integration_monitor.incidents.began_at is 'When it had held for long enough to be told (UTC)';
comment on column integration_monitor.incidents.calm_at is 'Since when it is not wrong any more (UTC); null while it is';
comment on column integration_monitor.incidents.well_at is 'Since when it is clearly better (UTC); null while it is not';
comment on column integration_monitor.incidents.ended_at is 'When it had been better for long enough (UTC)';
comment on column integration_monitor.incidents.acknowledged_at is 'When somebody said that they look after it (UTC)';
comment on column integration_monitor.incidents.acknowledged_by is 'Who said so, as in the audit';
comment on constraint incidents_kind_check on integration_monitor.incidents is 'What is watched';
comment on constraint incidents_severity_check on integration_monitor.incidents is 'The words that messages have for it';
comment on constraint incidents_facts_check on integration_monitor.incidents is 'An object, so that every fact has a name';
comment on constraint incidents_ended_at_check on integration_monitor.incidents is 'A suspicion is dropped, and never ends';
comment on constraint incidents_acknowledged_check on integration_monitor.incidents is 'Nobody acknowledges without a name';

comment on table integration_monitor.notifications is 'Messages about incidents: one row for each beginning or end and target';
comment on column integration_monitor.notifications.id is 'Names the message';
comment on column integration_monitor.notifications.incident_id is 'What it is about';
comment on column integration_monitor.notifications.phase is 'began or ended';
comment on column integration_monitor.notifications.target is
    'Whom it goes to: the scheme of the Apprise URL and a digest of it. Never the URL, which holds secrets';
comment on column integration_monitor.notifications.title is 'Its subject';
comment on column integration_monitor.notifications.body is 'Its words, plain text';
comment on column integration_monitor.notifications.state is
    'waiting; sent; superseded (the end is told with the beginning, after quiet hours); given_up (not delivered in a day)';
comment on column integration_monitor.notifications.attempts is 'How often it was tried';
comment on column integration_monitor.notifications.created_at is 'When there was something to tell (UTC)';
comment on column integration_monitor.notifications.due_at is 'Not tried before (UTC): quiet hours, back-off, or a server that is sending it';
comment on column integration_monitor.notifications.settled_at is 'When it was no longer waiting (UTC)';
comment on column integration_monitor.notifications.error is 'Why the last attempt failed';
comment on constraint notifications_key on integration_monitor.notifications is 'Nobody is told the same thing in two messages';
comment on constraint notifications_phase_check on integration_monitor.notifications is 'One message when it begins, one when it ends';
comment on constraint notifications_state_check on integration_monitor.notifications is 'What can become of a message';
comment on constraint notifications_settled_at_check on integration_monitor.notifications is 'What waits is not settled';

comment on table integration_monitor.observations is 'What the watch is to do next and saw last: one row for each thing that is looked at';
comment on column integration_monitor.observations.kind is 'round (all rules), probe (one service), losses (of all writers)';
comment on column integration_monitor.observations.subject is 'The service of a probe; else empty';
comment on column integration_monitor.observations.due_at is 'When it is looked at next (UTC); whoever moves this does it';
comment on column integration_monitor.observations.seen is 'What was seen last';
comment on constraint observations_kind_check on integration_monitor.observations is 'What the watch remembers';
