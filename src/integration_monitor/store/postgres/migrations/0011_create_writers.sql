-- Who writes, and what of it is still under way: the tables that prove completeness and find what a dead process left behind.
--
-- Why a side table for unfinished records: the contract's 14 columns name no writer.
-- Locks: none that anybody waits for; everything here is new.
-- In a transaction.

create table integration_monitor.writers (
    writer_id         uuid        not null,
    host              text        not null,
    pid               integer     not null,
    started_at        timestamptz not null,
    heartbeat_at      timestamptz not null default now(),
    ended_at          timestamptz,
    closed_at         timestamptz,
    taken             bigint      not null default 0,
    written           bigint      not null default 0,
    ignored           bigint      not null default 0,
    spooled           bigint      not null default 0,
    dropped           bigint      not null default 0,
    dropped_by_reason jsonb       not null default '{}',
    dead_lettered     bigint      not null default 0,
    constraint writers_pkey primary key (writer_id),
    constraint writers_counts_check check (least(taken, written, ignored, spooled, dropped, dead_lettered) >= 0)
) with (fillfactor = 50);  -- a row is updated with every batch, and finds room for that on its own page

-- Writers that may have fallen silent. Not on heartbeat_at: no column of it changes with a batch, so that the update touches no index.
create index idx_writers_watched on integration_monitor.writers (writer_id) where closed_at is null;

create table integration_monitor.pending (
    log_id        uuid        not null,
    created_at    timestamptz not null,
    writer_id     uuid        not null,
    closed_status text,
    constraint pending_pkey primary key (log_id),
    constraint pending_writer_id_fkey foreign key (writer_id) references integration_monitor.writers on delete cascade,
    constraint pending_closed_status_check check (closed_status in ('pending', 'retrying'))
);

-- What a writer has left unfinished.
create index idx_pending_writer on integration_monitor.pending (writer_id);

alter table integration_monitor.writers enable row level security;
alter table integration_monitor.pending enable row level security;

create policy writers_service_role_all on integration_monitor.writers
    for all to service_role using (true) with check (true);
create policy writers_read_statistics on integration_monitor.writers
    for select to integration_monitor_statistics using (true);
create policy pending_service_role_all on integration_monitor.pending
    for all to service_role using (true) with check (true);

revoke all on integration_monitor.writers, integration_monitor.pending from public, anon, authenticated;

grant all on integration_monitor.writers, integration_monitor.pending to service_role;
grant select on integration_monitor.writers to integration_monitor_statistics;

comment on table integration_monitor.writers is
    'One row a process that writes. What it took is written, ignored, spooled, dropped or dead-lettered; anything else is a gap';
comment on column integration_monitor.writers.writer_id is 'Made by the process when it begins, and anew after a fork';
comment on column integration_monitor.writers.host is 'Name of its machine or container';
comment on column integration_monitor.writers.pid is 'Its number there';
comment on column integration_monitor.writers.started_at is 'When it began, by its own clock (UTC)';
comment on column integration_monitor.writers.heartbeat_at is 'When it last reported, by the clock of the database (UTC)';
comment on column integration_monitor.writers.ended_at is 'When it said that nothing more would come (UTC); null where it never did';
comment on column integration_monitor.writers.closed_at is
    'When it had been silent for so long that its unfinished records were closed (UTC); null again when it comes back';
comment on column integration_monitor.writers.taken is 'Items that were offered to it';
comment on column integration_monitor.writers.written is 'Records that are in the table';
comment on column integration_monitor.writers.ignored is 'Items that are not worth a record';
comment on column integration_monitor.writers.spooled is 'Records that wait in its spool on disk';
comment on column integration_monitor.writers.dropped is 'Items that were lost, for whichever reason';
comment on column integration_monitor.writers.dropped_by_reason is 'The same by reason: {queue_full, shutdown, …}';
comment on column integration_monitor.writers.dead_lettered is 'Records that the database refused, kept in a file';
comment on constraint writers_counts_check on integration_monitor.writers is 'Counts begin at nought and are never lowered';

comment on table integration_monitor.pending is 'Records that are pending or retrying, and who is to finish them: one row a record';
comment on column integration_monitor.pending.log_id is 'The record''s id';
comment on column integration_monitor.pending.created_at is 'The record''s created_at, which names its partition';
comment on column integration_monitor.pending.writer_id is 'The process that is to finish it';
comment on column integration_monitor.pending.closed_status is
    'The status it had when it was closed as ABANDONED, so that it can be had back; null while it is open';
comment on constraint pending_closed_status_check on integration_monitor.pending is 'Nothing else is closed';
