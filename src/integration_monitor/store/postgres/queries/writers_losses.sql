-- What writers lost, by reason, and what the database refused: of all processes heard of since a time.
-- Parameters: since (timestamptz).
-- Columns: reason (text; dead_lettered for what lies in a file), count (bigint), writer_count (bigint), last_at (timestamptz: the last
--   heartbeat of such a process); one row a reason, most first.
-- Index: none; the table has a row for each process of the last 90 days.
select
    loss.reason,
    sum(loss.count)::bigint         as count,
    count(*)                        as writer_count,
    max(writer.heartbeat_at)        as last_at
from integration_monitor.writers as writer
cross join lateral (
    select reason.key as reason, reason.value::bigint as count from jsonb_each_text(writer.dropped_by_reason) as reason
    union all
    select 'dead_lettered', writer.dead_lettered
) as loss
where writer.heartbeat_at >= %(since)s::timestamptz
  and loss.count > 0
group by loss.reason
order by count desc, loss.reason
