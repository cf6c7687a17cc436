-- Purpose: processes that lag or have lost something, for the rules of alerts.
-- Parameters: heard_since (timestamptz: others are of no account), dead_since (timestamptz: not heard of since then means dead),
-- waiting_min (bigint): so many records in memory mean that it lags.
-- Columns: writer_id, host, pid, heartbeat_at, spooled, waiting (in memory of a process that lives), lost (dropped, dead-lettered, and of a
-- process that is over what is nowhere).
-- Index: none; the table has a row for each process of the last 90 days.
select writer.writer_id, writer.host, writer.pid, writer.heartbeat_at, writer.spooled,
       case when state.is_over then 0 else greatest(state.waiting, 0) end                                  as waiting,
       writer.dropped + writer.dead_lettered + case when state.is_over then greatest(state.waiting, 0) else 0 end as lost
  from integration_monitor.writers as writer
 cross join lateral (
           select writer.taken - writer.written - writer.ignored - writer.spooled - writer.dropped - writer.dead_lettered as waiting,
                  writer.ended_at is not null or writer.heartbeat_at < %(dead_since)s as is_over
       ) as state
 where writer.heartbeat_at >= %(heard_since)s
   and (writer.spooled > 0
        or writer.dropped + writer.dead_lettered > 0
        or (state.is_over and state.waiting > 0)
        or state.waiting >= %(waiting_min)s)
 order by writer.heartbeat_at desc, writer.writer_id
