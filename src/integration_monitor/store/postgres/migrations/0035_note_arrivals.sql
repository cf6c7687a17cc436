-- In which order records arrive: what the live stream goes by.
--
-- Why not created_at: records that waited in a spool are old when they come. Why not a sequence: transactions commit in another order than
-- they took their numbers in. So a statement's trigger notes its records with the transaction that wrote them, and a look finds those whose
-- transaction ended between two snapshots: each exactly once, however long it took, and whatever other transactions are still at it.
-- Only while somebody watches: a server that has readers keeps the lease of arrival_watch. Else a statement costs one look at a row.
-- Locks: share row exclusive on public.integration_logs, for a moment: writers wait for that.
-- In a transaction.

create table integration_monitor.arrivals (
    number         bigint  not null generated always as identity,
    transaction_id xid8    not null default pg_current_xact_id(),
    record_id      uuid,
    created_at     timestamptz,
    is_new         boolean not null,
    -- For arrivals_after.sql and look_for_arrivals(): what one look found.
    constraint arrivals_pkey primary key (transaction_id, number),
    constraint arrivals_record_check check ((record_id is null) = (created_at is null))
);

create table integration_monitor.arrival_looks (
    number         bigint      not null,
    since_snapshot pg_snapshot not null,
    until_snapshot pg_snapshot not null,
    count          bigint      not null,
    looked_at      timestamptz not null default clock_timestamp(),
    constraint arrival_looks_pkey primary key (number),
    constraint arrival_looks_count_check check (count > 0)
);

create table integration_monitor.arrival_watch (
    is_only       boolean     not null default true,
    number        bigint      not null,
    until_at      timestamptz not null,
    seen_snapshot pg_snapshot not null,
    looks         bigint      not null,
    looks_removed bigint      not null,
    constraint arrival_watch_pkey primary key (is_only),
    constraint arrival_watch_is_only_check check (is_only)
);

insert into integration_monitor.arrival_watch (number, until_at, seen_snapshot, looks, looks_removed)
values (0, '-infinity', pg_current_snapshot(), 0, 0);

-- Runs as the owner: whoever writes records has no rights on arrivals.
create function integration_monitor.note_arrivals()
    returns trigger
    language plpgsql
    volatile
    security definer
    set search_path to pg_catalog, pg_temp
as $function$
declare
    -- A writer sends a thousand at most. Nobody reads along a larger load, which would only fill the table.
    records_max constant integer := 10000;
begin
    if not exists (select from integration_monitor.arrival_watch as watch where watch.until_at > clock_timestamp()) then
        return null;
    end if;
    if (select count(*) from new_rows) > records_max then
        insert into integration_monitor.arrivals (is_new) values (tg_op = 'INSERT');
        return null;
    end if;
    insert into integration_monitor.arrivals (record_id, created_at, is_new)
    select come.id, come.created_at, tg_op = 'INSERT'
      from new_rows as come
     -- What no list shows: infinity, and years that other languages do not have.
     where come.created_at >= timestamptz '0001-01-01 00:00:00+00'
       and come.created_at <= timestamptz '9999-12-31 23:59:59+00';
    return null;
end
$function$;

create trigger integration_logs_note_insert
    after insert on public.integration_logs
    referencing new table as new_rows
    for each statement
    execute function integration_monitor.note_arrivals();

create trigger integration_logs_note_update
    after update on public.integration_logs
    referencing new table as new_rows
    for each statement
    execute function integration_monitor.note_arrivals();

-- Every statement below sees what was committed when it began. That is what makes the order of the steps right.
create function integration_monitor.look_for_arrivals()
    returns table (watch bigint, looks bigint, looks_removed bigint)
    language plpgsql
    volatile
    set search_path to pg_catalog, pg_temp
as $function$
declare
    -- Renewed once a minute; so it lasts four minutes at least after the last watcher went, and a reconnect finds everything.
    lease        constant interval := interval '5 minutes';
    lease_renew  constant interval := interval '4 minutes';
    kept_for     constant interval := interval '5 minutes';
    -- Some 20 MB.
    arrivals_max constant bigint := 200000;
    found        integration_monitor.arrival_watch;
    is_foreign   boolean;
    has_arrivals boolean;
    removed      bigint;
    removed_seen pg_snapshot;
begin
    -- Without a lock first: mostly there is nothing to do, and then nothing is written.
    select watched.* into found from integration_monitor.arrival_watch as watched;
    has_arrivals := exists (
        select
          from integration_monitor.arrivals as arrival
         where arrival.transaction_id >= pg_snapshot_xmin(found.seen_snapshot)
           and not pg_visible_in_snapshot(arrival.transaction_id, found.seen_snapshot)
    );
    -- Of another cluster, out of a back-up: its numbers of transactions mean nothing here.
    is_foreign := pg_snapshot_xmax(found.seen_snapshot) > pg_snapshot_xmax(pg_current_snapshot());
    if found.until_at > clock_timestamp() + lease_renew and not has_arrivals and not is_foreign then
        return query select found.number, found.looks, found.looks_removed;
        return;
    end if;

    -- A server that is stopped between this and its commit shall not keep the others from looking.
    perform set_config('idle_in_transaction_session_timeout', '5s', true);
    -- One at a time: the looks of all servers are one row after the other.
    select watched.* into found from integration_monitor.arrival_watch as watched for update;
    is_foreign := pg_snapshot_xmax(found.seen_snapshot) > pg_snapshot_xmax(pg_current_snapshot());
    if found.until_at <= clock_timestamp() or is_foreign then
        delete from integration_monitor.arrivals;
        delete from integration_monitor.arrival_looks;
        update integration_monitor.arrival_watch as watched
           set number = watched.number + 1, until_at = clock_timestamp() + lease, seen_snapshot = pg_current_snapshot(),
               looks = 0, looks_removed = 0
        returning watched.* into found;
        return query select found.number, found.looks, found.looks_removed;
        return;
    end if;

    -- One statement, so that what is counted, what is noted as seen, and what a reader of this look finds are the same.
    with look as (
        insert into integration_monitor.arrival_looks as looked (number, since_snapshot, until_snapshot, count)
        select found.looks + 1, found.seen_snapshot, pg_current_snapshot(), count(*)
          from integration_monitor.arrivals as arrival
         where arrival.transaction_id >= pg_snapshot_xmin(found.seen_snapshot)
           and not pg_visible_in_snapshot(arrival.transaction_id, found.seen_snapshot)
        having count(*) > 0
        returning looked.number, looked.until_snapshot
    )
    update integration_monitor.arrival_watch as watched
       set looks = look.number, seen_snapshot = look.until_snapshot
      from look;

    if found.until_at <= clock_timestamp() + lease_renew then
        -- The one behind the last is kept for as long as the last: a reader who has seen it may not have seen the next.
        select max(old.number) into removed
          from (
                   select looked.number,
                          lead(looked.looked_at) over later as next_looked_at,
                          sum(looked.count) over (order by looked.number desc) as count_since
                     from integration_monitor.arrival_looks as looked
                   window later as (order by looked.number)
               ) as old
         where old.next_looked_at < clock_timestamp() - kept_for
            or (old.next_looked_at is not null and old.count_since > arrivals_max);
        if removed is not null then
            select looked.until_snapshot into removed_seen from integration_monitor.arrival_looks as looked where looked.number = removed;
            delete from integration_monitor.arrivals as arrival
             where arrival.transaction_id < pg_snapshot_xmax(removed_seen)
               and pg_visible_in_snapshot(arrival.transaction_id, removed_seen);
            delete from integration_monitor.arrival_looks as looked where looked.number <= removed;
        end if;
        update integration_monitor.arrival_watch as watched
           set until_at = clock_timestamp() + lease, looks_removed = coalesce(removed, watched.looks_removed);
    end if;
    return query select watched.number, watched.looks, watched.looks_removed from integration_monitor.arrival_watch as watched;
end
$function$;

-- maintain() also removes the arrivals of a watch that has lapsed: the last server may have ended with its watchers.
create or replace function integration_monitor.maintain()
    returns jsonb
    language plpgsql
    volatile
    security definer
    set search_path to pg_catalog, pg_temp
as $function$
declare
    retention constant interval := (select settings.retention from integration_monitor.settings as settings);
    -- A bound on what one transaction does; what is left waits for the next.
    rounds_max  constant integer := 50;
    changes_max constant integer := 20000;
    merged      integer;
    all_merged  integer := 0;
    closed      integer;
    forgotten   integer;
    report      jsonb;
begin
    for round in 1 .. rounds_max loop
        merged := integration_monitor.compact_statistics(changes_max);
        all_merged := all_merged + coalesce(merged, 0);
        -- Fewer than were asked for are all there were: what writers add meanwhile is no reason to begin again.
        exit when coalesce(merged, 0) < changes_max;
    end loop;
    -- A record that was pending and is finished leaves a sum of nought.
    delete from integration_monitor.statistics_hour as tier where tier.count = 0 and tier.timed = 0 and merged is not null;
    delete from integration_monitor.statistics_day as tier where tier.count = 0 and tier.timed = 0 and merged is not null;

    closed := integration_monitor.close_abandoned_logs();
    -- What these have left goes with them.
    delete from integration_monitor.writers as writer where writer.heartbeat_at < now() - retention;
    get diagnostics forgotten = row_count;
    -- Of a process that lives on: the records are older than any record may be.
    delete from integration_monitor.pending as open where open.created_at < now() - retention;

    report := integration_monitor.maintain_logs();
    -- What was noted and nobody watches for any more. Last, since looks wait for it; and it waits for none of them.
    with lapsed as (
        select
          from integration_monitor.arrival_watch as watched
         where watched.until_at <= clock_timestamp()
           for update skip locked
    ),
    looks_removed as (
        delete from integration_monitor.arrival_looks where exists (select from lapsed)
    )
    delete from integration_monitor.arrivals where exists (select from lapsed);
    return report
        || jsonb_build_object('records_abandoned', closed, 'writers_removed', forgotten, 'statistics_added_up', all_merged);
end
$function$;

alter table integration_monitor.arrivals enable row level security;
alter table integration_monitor.arrival_looks enable row level security;
alter table integration_monitor.arrival_watch enable row level security;

create policy arrivals_service_role_all on integration_monitor.arrivals
    for all to service_role using (true) with check (true);
create policy arrival_looks_service_role_all on integration_monitor.arrival_looks
    for all to service_role using (true) with check (true);
create policy arrival_watch_service_role_all on integration_monitor.arrival_watch
    for all to service_role using (true) with check (true);

revoke all on integration_monitor.arrivals, integration_monitor.arrival_looks, integration_monitor.arrival_watch
    from public, anon, authenticated;
grant all on integration_monitor.arrivals, integration_monitor.arrival_looks, integration_monitor.arrival_watch to service_role;
revoke all on function integration_monitor.note_arrivals() from public, anon, authenticated;
revoke all on function integration_monitor.look_for_arrivals() from public, anon, authenticated;
grant execute on function integration_monitor.look_for_arrivals() to service_role;

comment on table integration_monitor.arrivals is
    'Records that were written while somebody watched: one row each, kept for some minutes';
comment on column integration_monitor.arrivals.number is 'The order within a look';
comment on column integration_monitor.arrivals.transaction_id is 'Who wrote it: it has arrived when this transaction is committed';
comment on column integration_monitor.arrivals.record_id is 'The record; null for a statement that wrote too many to be told one by one';
comment on column integration_monitor.arrivals.created_at is 'The rest of its key: created_at of the record (UTC)';
comment on column integration_monitor.arrivals.is_new is 'Whether it was inserted; else it was changed';
comment on constraint arrivals_record_check on integration_monitor.arrivals is 'The key of a record has two parts';
comment on table integration_monitor.arrival_looks is 'Looks for arrivals that found some: one row each, in the order of arrival';
comment on column integration_monitor.arrival_looks.number is 'From 1 in each watch, without gaps';
comment on column integration_monitor.arrival_looks.since_snapshot is 'What had arrived before';
comment on column integration_monitor.arrival_looks.until_snapshot is 'What had arrived by then: the difference is what this look found';
comment on column integration_monitor.arrival_looks.count is 'Arrivals that it found';
comment on column integration_monitor.arrival_looks.looked_at is 'When (UTC)';
comment on constraint arrival_looks_count_check on integration_monitor.arrival_looks is 'A look that finds nothing is no row';
comment on table integration_monitor.arrival_watch is 'Whether somebody watches: one row. Arrivals are noted while its lease lasts';
comment on column integration_monitor.arrival_watch.is_only is 'Holds the table to one row';
comment on column integration_monitor.arrival_watch.number is 'Counts the times that watching began anew; a cursor of an earlier one is worth nothing';
comment on column integration_monitor.arrival_watch.until_at is 'End of the lease (UTC)';
comment on column integration_monitor.arrival_watch.seen_snapshot is 'What the last look saw';
comment on column integration_monitor.arrival_watch.looks is 'Number of the last look; 0 before the first';
comment on column integration_monitor.arrival_watch.looks_removed is 'Number of the last look that is not kept any more; 0 where all are';
comment on constraint arrival_watch_is_only_check on integration_monitor.arrival_watch is 'One row';
comment on function integration_monitor.note_arrivals() is 'Trigger: notes the records of a statement in arrivals while somebody watches';
comment on function integration_monitor.look_for_arrivals() is
    'Keeps the lease, and makes a look of what has arrived since the last; gives the watch, its last look, and the last one removed';
