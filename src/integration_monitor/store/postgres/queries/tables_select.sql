-- Rows of the promised table or of one of its views, by their own columns, as one JSON array: JSON and times as PostgreSQL writes them.
-- Fragments: columns, table, conditions, ordering; table_questions.py composes them of names out of a fixed list.
-- Parameters: limit, offset (bigint), and one for each condition.
-- Columns: array (text), count (bigint).
-- Index: whichever fits the conditions.
select coalesce(json_agg(found), '[]')::text as array,
       count(*)                              as count
  from (
           select {columns}
             from public.{table}
            where {conditions}
            {ordering}
            limit %(limit)s
           offset %(offset)s
       ) as found
