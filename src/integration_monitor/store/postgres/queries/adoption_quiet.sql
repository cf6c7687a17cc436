-- Purpose: keeps vacuum away from the old table, and ends one that is at it, while writers and readers go on: an exclusive lock that is asked
-- for shortly would never outlast it. A vacuum gives way after deadlock_timeout, a second, and only to who waits that long.
-- Parameters: none. Columns: none.
-- Index: none.
lock table public.integration_logs in share update exclusive mode
