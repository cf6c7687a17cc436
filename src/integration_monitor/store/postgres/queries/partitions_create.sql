-- Purpose: partitions for a stretch of time before its records are written, so that none of them has to be moved later.
-- Parameters: since, until (timestamptz, both included). Only the owner of the tables may ask.
-- Columns: one array of text, the names of those made; empty where all are there.
-- Index: none.
select integration_monitor.create_partitions(
    -- Days are counted from the hour of `since`: the last of them may begin after `until`.
    array(select generate_series(%(since)s::timestamptz, %(until)s::timestamptz, interval '1 day')) || %(until)s::timestamptz
)
