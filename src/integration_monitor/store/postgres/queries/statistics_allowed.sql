-- Whether the role may read statistics at all: what it may read of them is asked next.
-- Parameters: none.
-- Columns: none, and no row; an error where the role may not.
-- Index: none; nothing is read.
select from public.integration_stats_hourly where false
