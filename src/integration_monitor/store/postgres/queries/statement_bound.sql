-- Purpose: what the following statements of a transaction may take at most.
-- Parameters: timeout (text), with its unit: 1500ms.
-- Columns: the same, one row. Index: none.
select set_config('statement_timeout', %(timeout)s::text, true)
