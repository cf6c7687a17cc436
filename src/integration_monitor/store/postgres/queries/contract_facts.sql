-- Purpose: what a database has of the contract, as texts to be compared with what it should have.
-- Parameters: none. Columns: name (kind and object), fact. One row an object, none for what is missing.
-- Index: the catalogue's own.
with relations as (
    select class.oid, class.relname, class.relkind, class.reloptions, class.relrowsecurity, class.relowner,
           namespace.nspname || '.' || class.relname as name
      from pg_class as class
      join pg_namespace as namespace on namespace.oid = class.relnamespace
     where class.relkind in ('r', 'p', 'v')
       and (
               namespace.nspname = 'integration_monitor'
               or (
                   namespace.nspname = 'public'
                   and class.relname in ('integration_logs', 'integration_stats_hourly', 'integration_stats_daily')
               )
           )
),
functions as (
    select proc.oid, proc.prosecdef, proc.proconfig, proc.proowner,
           namespace.nspname || '.' || proc.proname as name
      from pg_proc as proc
      join pg_namespace as namespace on namespace.oid = proc.pronamespace
     where namespace.nspname = 'integration_monitor'
        or (namespace.nspname = 'public' and proc.proname = 'cleanup_old_integration_logs')
)
select 'column ' || relation.relname || '.' || attribute.attname as name,
       concat_ws(
           ' ',
           row_number() over (partition by relation.oid order by attribute.attnum),
           format_type(attribute.atttypid, attribute.atttypmod),
           case when attribute.attnotnull then 'not null' end,
           'default ' || pg_get_expr(fallback.adbin, fallback.adrelid)
       ) as fact
  from relations as relation
  join pg_attribute as attribute on attribute.attrelid = relation.oid and attribute.attnum > 0 and not attribute.attisdropped
  left join pg_attrdef as fallback on fallback.adrelid = relation.oid and fallback.adnum = attribute.attnum
 where relation.relname in ('integration_logs', 'integration_stats_hourly', 'integration_stats_daily')
union all
select 'table ' || relation.name, 'partitioned by ' || pg_get_partkeydef(relation.oid)
  from relations as relation
 where relation.relkind = 'p'
union all
select 'partition ' || case when part.is_default then 'default' else 'of the present' end, 'there'
  from integration_monitor.list_partitions() as part
 where part.is_default or (part.since <= now() and now() < part.until)
union all
select 'row level security of ' || case when relation.name like 'integration_monitor.integration_logs_%'
                                        then 'the partitions' else relation.name end,
       case when bool_and(relation.relrowsecurity) then 'on' else 'off' end
  from relations as relation
 where relation.relkind in ('r', 'p')
 group by 1
union all
select 'index ' || index_class.relname,
       regexp_replace(pg_get_indexdef(index_class.oid), '^CREATE (UNIQUE )?INDEX \S+ ON (ONLY )?', '\1')
  from relations as relation
  join pg_index as index on index.indrelid = relation.oid
  join pg_class as index_class on index_class.oid = index.indexrelid
 where relation.name = 'public.integration_logs' and index.indisvalid
union all
select 'constraint ' || con.conname, pg_get_constraintdef(con.oid)
  from relations as relation
  join pg_constraint as con on con.conrelid = relation.oid
 where relation.name = 'public.integration_logs' and con.contype = 'c'
union all
select 'trigger ' || tg.tgname,
       case tg.tgenabled when 'O' then '' else 'not enabled: ' end
       || regexp_replace(pg_get_triggerdef(tg.oid), '^CREATE TRIGGER \S+ ', '')
  from relations as relation
  join pg_trigger as tg on tg.tgrelid = relation.oid
 where relation.name = 'public.integration_logs' and not tg.tgisinternal
union all
select 'policy ' || policy.policyname,
       concat_ws(' ', lower(policy.cmd), 'to', array_to_string(policy.roles, ', '), 'using ' || policy.qual, 'check ' || policy.with_check)
  from pg_policies as policy
 where policy.schemaname = 'public' and policy.tablename = 'integration_logs'
union all
select 'view ' || relation.name, array_to_string(relation.reloptions, ', ')
  from relations as relation
 where relation.relkind = 'v'
union all
select 'function ' || function.name,
       concat_ws(
           ', ',
           case when function.prosecdef then 'security definer' end,
           (select setting from unnest(function.proconfig) as setting where setting like 'search_path=%')
       )
  from functions as function
union all
select 'role ' || role.rolname, 'there'
  from pg_roles as role
 where role.rolname in ('service_role', 'authenticated', 'anon', 'integration_monitor_writer', 'integration_monitor_statistics')
union all
-- Behind a policy that lets nothing through, a right too many would not be noticed by trying.
select 'rights of ' || role.rolname,
       coalesce(
           string_agg(held.name || ' on ' || relation.name, ', ' order by relation.name, held.name) filter (
               where has_table_privilege(role.oid, relation.oid, held.name)
           ),
           'none'
       )
  from pg_roles as role
 cross join relations as relation
 cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as held (name)
 where role.rolname in ('anon', 'authenticated')
 group by role.rolname
union all
select 'owner', string_agg(distinct pg_get_userbyid(owner), ', ')
  from (select relowner as owner from relations union select proowner from functions) as owners
union all
select 'comment on ' || relation.relname || coalesce('.' || attribute.attname, ''), description.description
  from relations as relation
  join pg_description as description on description.classoid = 'pg_class'::regclass and description.objoid = relation.oid
  left join pg_attribute as attribute on attribute.attrelid = relation.oid and attribute.attnum = description.objsubid
                                     and description.objsubid > 0
 where relation.name = 'public.integration_logs'
