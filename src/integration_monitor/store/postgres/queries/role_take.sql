-- Purpose: takes a role until the end of the transaction, or of its savepoint: SET LOCAL ROLE with a parameter.
-- Parameters: role. Columns: one text.
-- Index: none.
select pg_catalog.set_config('role', %(role)s, true)
