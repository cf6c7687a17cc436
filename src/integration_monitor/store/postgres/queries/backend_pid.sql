-- Purpose: which server process serves this connection at this moment.
-- Parameters: none. Columns: one number.
-- Index: none.
select pg_catalog.pg_backend_pid()
