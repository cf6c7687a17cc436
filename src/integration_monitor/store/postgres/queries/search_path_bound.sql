-- Purpose: makes the catalogue print names and expressions in one way, whatever the session's search_path, for this transaction.
-- Parameters: none. Columns: one text.
-- Index: none.
select pg_catalog.set_config('search_path', 'pg_catalog', true)
