-- Purpose: one id is one record, also for ids that do not tell their time: whoever looks one up first holds the lock that the trigger
-- integration_monitor.place_log() takes, until the end of the transaction.
-- Parameters: ids, in order, so that two writers never wait for each other. Columns: a void for each.
-- Index: none.
select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(wanted.id::text, -3954650911870374550))
  from pg_catalog.unnest(%(ids)s::uuid[]) as wanted (id)
