-- The processes that write, and what became of what they took.
-- Parameters: since (timestamptz): those heard of from then on; limit (integer).
-- Columns: those of WriterRow; one row a process, those that have not ended first, then the latest heard of.
-- Index: none; the table has a row for each process of the last 90 days.
select
    writer.writer_id,
    writer.host,
    writer.pid,
    writer.started_at,
    writer.heartbeat_at,
    writer.ended_at,
    writer.taken,
    writer.written,
    writer.ignored,
    writer.spooled,
    writer.dropped,
    writer.dropped_by_reason,
    writer.dead_lettered,
    writer.taken - writer.written - writer.ignored - writer.spooled - writer.dropped - writer.dead_lettered as open_count,
    count(*) over ()                                                                                      as writer_count
from integration_monitor.writers as writer
where writer.heartbeat_at >= %(since)s::timestamptz
order by writer.ended_at is not null, writer.heartbeat_at desc, writer.writer_id
limit %(limit)s
