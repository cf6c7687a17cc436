-- Purpose: what of the old table's preparation is still to be done, each as a statement that runs outside a transaction, beside readers and
-- writers: checks to validate, and indexes that the partitioned table will look for. What was broken off is begun again.
-- Parameters: names, definitions: of the contract's indexes. Columns: what, statement, step (1 and 2 for indexes, 3 for checks); in order.
-- Index: the catalogue's own.
with wanted as (
    select 'integration_logs_adopted_' || case promised.name when 'integration_logs_pkey' then 'pkey' else substr(promised.name, 22) end as name,
           promised.definition
      from unnest(%(names)s::text[], %(definitions)s::text[]) as promised (name, definition)
),
present as (
    select class.relname, index.indisvalid, index.indisready,
           regexp_replace(pg_get_indexdef(class.oid), '^CREATE (UNIQUE )?INDEX \S+ ON (ONLY )?', '\1') as definition
      from pg_index as index
      join pg_class as class on class.oid = index.indexrelid
     where index.indrelid = 'public.integration_logs'::regclass
)
select 'index ' || wanted.name as what, format('drop index concurrently public.%%I', wanted.name) as statement, 1 as step
  from wanted
  join present on present.relname = wanted.name and not present.indisvalid
union all
select 'index ' || wanted.name,
       format('create %%sindex concurrently %%I on %%s', case when wanted.definition like 'UNIQUE %%' then 'unique ' else '' end, wanted.name,
              regexp_replace(wanted.definition, '^UNIQUE ', '')),
       2
  from wanted
 where not exists (select from present where present.definition = wanted.definition and present.indisvalid)
union all
select 'check ' || con.conname, format('alter table public.integration_logs validate constraint %%I', con.conname), 3
  from pg_constraint as con
 where con.conrelid = 'public.integration_logs'::regclass
   and con.conname in ('integration_logs_adoption_check', 'integration_logs_status_check')
   and not con.convalidated
 order by 3, 1
