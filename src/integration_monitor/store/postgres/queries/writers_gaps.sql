-- Purpose: completeness. Processes that have ended, or have been silent for ten minutes, and took items that are nowhere.
-- Parameters: none. Columns: writer_id, host, pid, started_at, heartbeat_at, is_ended (whether it ended in order), taken, written,
-- ignored, spooled, dropped, dead_lettered, missing; one row a process with a gap, the latest first.
-- Index: none; the table has a row for each process of the last 90 days.
select writer.writer_id,
       writer.host,
       writer.pid,
       writer.started_at,
       writer.heartbeat_at,
       writer.ended_at is not null as is_ended,
       writer.taken,
       writer.written,
       writer.ignored,
       writer.spooled,
       writer.dropped,
       writer.dead_lettered,
       gap.missing
  from integration_monitor.writers as writer
 cross join lateral (
           select writer.taken - writer.written - writer.ignored - writer.spooled - writer.dropped - writer.dead_lettered as missing
       ) as gap
 where gap.missing > 0
   and (writer.ended_at is not null or writer.heartbeat_at < now() - interval '10 minutes')
 order by writer.heartbeat_at desc, writer.writer_id
