-- Purpose: removes arrivals that were noted and that nobody watches for any more; the next one who watches begins anew anyway.
-- Parameters: none. Columns: none.
-- Index: none; the tables are small.
with lapsed as (
    select from integration_monitor.arrival_watch as watched where watched.until_at <= clock_timestamp() for update
),
forgotten as (
    delete from integration_monitor.arrivals where exists (select from lapsed)
)
delete from integration_monitor.arrival_looks where exists (select from lapsed)
