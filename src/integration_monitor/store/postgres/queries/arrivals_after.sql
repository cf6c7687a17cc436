-- Purpose: what arrived behind a position, in the order of arrival.
-- Parameters: look, number: the position; limit.
-- Columns: look, number, record_id, created_at, is_new; one row an arrival.
-- Index: arrival_looks_pkey; arrivals_pkey, from the oldest transaction that was not at its end at the look before. No look is empty, so
--   twenty of them make for progress, and a reader who is behind does not have all of them sorted.
select look.number as look, arrival.number, arrival.record_id, arrival.created_at, arrival.is_new
  from (
           select looked.number, looked.since_snapshot, looked.until_snapshot
             from integration_monitor.arrival_looks as looked
            where looked.number >= %(look)s::bigint
            order by looked.number
            limit 20
       ) as look
  join integration_monitor.arrivals as arrival
    on arrival.transaction_id >= pg_snapshot_xmin(look.since_snapshot)
   and arrival.transaction_id < pg_snapshot_xmax(look.until_snapshot)
   and not pg_visible_in_snapshot(arrival.transaction_id, look.since_snapshot)
   and pg_visible_in_snapshot(arrival.transaction_id, look.until_snapshot)
 where look.number > %(look)s::bigint
    or arrival.number > %(number)s::bigint
 order by look.number, arrival.number
 limit %(limit)s
