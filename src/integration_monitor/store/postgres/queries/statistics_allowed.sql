-- Whether the role may read statistics: the sums behind the promised views are read under another role, which may do nothing else.
-- Parameters: none.
-- Columns: none, and no row; an error where the role may not.
-- Index: none; nothing is read.
select from public.integration_stats_hourly where false
