-- Purpose: what a database has of the contract, as texts to be compared with what it should have.
-- Parameters: none. Columns: name (kind and object), fact. One row an object, none for what is missing.
-- Index: the catalogue's own.
with relations as (
    select class.oid, class.relname, class.relkind, class.reloptions, class.relrowsecurity, class.relforcerowsecurity, class.relowner,
           namespace.nspname || '.' || class.relname as name,
           namespace.nspname = 'integration_monitor' and class.relname like 'integration\_logs\_%' as is_partition
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
           -- Of a function whose body was parsed when it was made, the parsed one.
           coalesce(pg_get_function_sqlbody(proc.oid), proc.prosrc) as body,
           namespace.nspname || '.' || proc.proname as name
      from pg_proc as proc
      join pg_namespace as namespace on namespace.oid = proc.pronamespace
     where namespace.nspname = 'integration_monitor'
        or (namespace.nspname = 'public' and proc.proname = 'cleanup_old_integration_logs')
),
roles as (
    select role.oid, role.rolname as name, role.rolsuper or role.rolbypassrls as is_beyond_policies
      from pg_roles as role
     where role.rolname in ('service_role', 'authenticated', 'anon', 'integration_monitor_writer', 'integration_monitor_statistics')
),
-- Behind a policy that lets nothing through, a right too many would not be noticed by trying. A right on one column counts.
rights as (
    select role.name as role, relation.is_partition, held.name || ' on ' || relation.name as name
      from roles as role
     cross join relations as relation
     cross join unnest(array['select', 'insert', 'update', 'references', 'delete', 'truncate', 'trigger']) as held (name)
     where case when held.name in ('delete', 'truncate', 'trigger') then has_table_privilege(role.oid, relation.oid, held.name)
                else has_any_column_privilege(role.oid, relation.oid, held.name) end
    union all
    select role.name, false, held.name || ' on schema integration_monitor'
      from roles as role
     cross join unnest(array['create', 'usage']) as held (name)
     where has_schema_privilege(role.oid, 'integration_monitor', held.name)
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
select 'number of columns of ' || relation.name, count(*)::text
  from relations as relation
  join pg_attribute as attribute on attribute.attrelid = relation.oid and attribute.attnum > 0 and not attribute.attisdropped
 where relation.name like 'public.%'
 group by 1
union all
select 'table ' || relation.name, 'partitioned by ' || pg_get_partkeydef(relation.oid)
  from relations as relation
 where relation.relkind = 'p'
union all
select 'partition ' || case when part.is_default then 'default' else 'of the present' end, 'there'
  from integration_monitor.list_partitions() as part
 where part.is_default or (part.since <= now() and now() < part.until)
union all
select 'row level security of ' || case when relation.is_partition then 'the partitions' else relation.name end,
       case when bool_or(relation.relforcerowsecurity) then 'forced on the owner, whose functions would see no row'
            when bool_and(relation.relrowsecurity) then 'on' else 'off' end
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
       case when tg.tgenabled <> 'O'
                 or exists (select from pg_trigger as clone where clone.tgparentid = tg.oid and clone.tgenabled <> 'O')
            then 'not enabled everywhere: ' else '' end
       || regexp_replace(pg_get_triggerdef(tg.oid), '^CREATE TRIGGER \S+ ', '')
  from relations as relation
  join pg_trigger as tg on tg.tgrelid = relation.oid
 where relation.name = 'public.integration_logs' and not tg.tgisinternal
union all
select 'policy ' || policy.policyname,
       concat_ws(
           ' ', nullif(lower(policy.permissive), 'permissive'), lower(policy.cmd), 'to', array_to_string(policy.roles, ', '),
           'using ' || policy.qual, 'check ' || policy.with_check
       )
  from relations as relation
  join pg_policies as policy on policy.schemaname || '.' || policy.tablename = relation.name
union all
select 'policies for ' || role.name, coalesce(string_agg(policy.policyname, ', ' order by policy.policyname), 'none')
  from roles as role
  left join (
           relations as relation
           join pg_policies as policy on policy.schemaname || '.' || policy.tablename = relation.name
       ) on policy.roles && array[role.name, 'public']
 where role.name in ('anon', 'authenticated')
 group by role.name
union all
select 'view ' || relation.name, array_to_string(relation.reloptions, ', ')
  from relations as relation
 where relation.relkind = 'v'
union all
select 'function ' || function.name,
       concat_ws(
           ', ',
           case when function.prosecdef then 'security definer' end,
           (select setting from unnest(function.proconfig) as setting where setting like 'search_path=%'),
           -- A SQL editor may have changed the ends of its lines.
           'body ' || left(encode(sha256(convert_to(replace(function.body, e'\r', ''), 'UTF8')), 'hex'), 12)
       )
  from functions as function
union all
-- Supabase's service_role is beyond policies; nobody else may be.
select 'role ' || role.name,
       case when role.is_beyond_policies and role.name <> 'service_role' then 'passes by row level security' else 'there' end
  from roles as role
union all
select 'rights of ' || role.name, coalesce(string_agg(held.name, ', ' order by held.name), 'none')
  from roles as role
  left join rights as held on held.role = role.name
 where role.name <> 'service_role'
 group by role.name
union all
select 'rights of service_role on partitions', coalesce(string_agg(held.name, ', ' order by held.name), 'none')
  from rights as held
 where held.role = 'service_role' and held.is_partition
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
