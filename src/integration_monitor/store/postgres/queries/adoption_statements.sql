-- Purpose: how an old public.integration_logs is moved aside, and what of it is made again on the partitioned table, as statements to be run:
-- the catalogue knows best how to quote and to spell them.
-- Parameters: indexes: the names of the contract's indexes. Columns: phase, statement, in the order in which they are run. Phases:
-- lock (before anything else), down (before the new table is made), attach (once it is there), up (at the end).
-- Index: the catalogue's own.
with recursive logs as (
    select class.*, class.oid as relation
      from pg_class as class
     where class.oid = 'public.integration_logs'::regclass
),
standing (oid, depth) as (
    select class.oid, 0
      from pg_class as class
     where class.oid in (to_regclass('public.integration_stats_hourly'), to_regclass('public.integration_stats_daily'))
    union
    select rewrite.ev_class, 0
      from logs
      join pg_depend as depend on depend.refclassid = 'pg_class'::regclass and depend.refobjid = logs.relation
      join pg_rewrite as rewrite on depend.classid = 'pg_rewrite'::regclass and rewrite.oid = depend.objid
     where rewrite.ev_class <> logs.relation
    union
    select rewrite.ev_class, standing.depth + 1
      from standing
      join pg_depend as depend on depend.refclassid = 'pg_class'::regclass and depend.refobjid = standing.oid
      join pg_rewrite as rewrite on depend.classid = 'pg_rewrite'::regclass and rewrite.oid = depend.objid
     where rewrite.ev_class <> standing.oid
),
views as (
    select class.oid, max(standing.depth) as depth, class.relowner, class.relacl, class.reloptions,
           format('%%I.%%I', namespace.nspname, class.relname) as name,
           class.oid in (to_regclass('public.integration_stats_hourly'), to_regclass('public.integration_stats_daily')) as is_promised
      from standing
      join pg_class as class on class.oid = standing.oid
      join pg_namespace as namespace on namespace.oid = class.relnamespace
     group by class.oid, namespace.nspname
),
user_triggers as (
    select tg.tgname, pg_get_triggerdef(tg.oid) as definition
      from logs
      join pg_trigger as tg on tg.tgrelid = logs.relation and not tg.tgisinternal and tg.tgname not like 'zz\_integration\_monitor\_%%'
),
-- Rights that the contract does not decide on: of the table and the promised views those of other roles, of other views all.
kept_relations as (
    select logs.relation, 'public.integration_logs' as name, logs.relacl as acl, logs.relowner as owner, true as is_promised
      from logs
    union all
    select views.oid, views.name, views.relacl, views.relowner, views.is_promised from views
),
rights as (
    select kept.name, kept.owner, kept.is_promised, acl.grantee, acl.privilege_type as privilege, acl.is_grantable
      from kept_relations as kept
     cross join lateral aclexplode(kept.acl) as acl
    union all
    select kept.name, kept.owner, kept.is_promised, acl.grantee, format('%%s (%%I)', acl.privilege_type, attribute.attname), acl.is_grantable
      from kept_relations as kept
      join pg_attribute as attribute on attribute.attrelid = kept.relation and attribute.attnum > 0 and not attribute.attisdropped
     cross join lateral aclexplode(attribute.attacl) as acl
    union all
    select 'function public.cleanup_old_integration_logs()', proc.proowner, true, acl.grantee, acl.privilege_type, acl.is_grantable
      from pg_proc as proc
     cross join lateral aclexplode(proc.proacl) as acl
     where proc.oid = to_regprocedure('public.cleanup_old_integration_logs()')
),
grants as (
    select format('grant %%s on %%s to %%s%%s', rights.privilege, rights.name,
                  case rights.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(rights.grantee)) end,
                  case when rights.is_grantable then ' with grant option' else '' end) as statement
      from rights
     where rights.grantee <> rights.owner
       and not (
               rights.is_promised
               and (
                       rights.grantee = 0
                       or pg_get_userbyid(rights.grantee) in (
                              'anon', 'authenticated', 'service_role', 'integration_monitor_writer', 'integration_monitor_statistics'
                          )
                   )
           )
),
holders as (
    select distinct acl.grantee
      from logs
     cross join lateral (
               select * from aclexplode(logs.relacl)
               union all
               select column_acl.*
                 from pg_attribute as attribute
                cross join lateral aclexplode(attribute.attacl) as column_acl
                where attribute.attrelid = logs.relation
           ) as acl
     where acl.grantee <> logs.relowner
),
policies as (
    select policy.policyname, policy.cmd, policy.permissive, policy.qual, policy.with_check,
           array_to_string(array(
               select case role.name when 'public' then 'public' else quote_ident(role.name) end from unnest(policy.roles) as role (name)
           ), ', ') as roles,
           policy.policyname in ('integration_logs_service_role_all', 'integration_logs_read_authenticated')
               and policy.permissive = 'PERMISSIVE'
               and policy.roles = array[
                       case policy.policyname when 'integration_logs_service_role_all' then 'service_role' else 'authenticated' end
                   ]::name[]
               and policy.cmd = case policy.policyname when 'integration_logs_service_role_all' then 'ALL' else 'SELECT' end
               and policy.qual = 'true'
               and coalesce(policy.with_check, 'true') = 'true' as is_promised
      from pg_policies as policy
     where policy.schemaname = 'public' and policy.tablename = 'integration_logs'
),
indexes as (
    select class.relname, pg_get_indexdef(index.indexrelid) as definition
      from logs
      join pg_index as index on index.indrelid = logs.relation and not index.indisunique and index.indisvalid
      join pg_class as class on class.oid = index.indexrelid
     where class.relname <> all (%(indexes)s::text[])
       and class.relname not like 'integration\_logs\_adopted\_%%'
),
statements (phase, step, depth, statement) as (
    -- Whoever reads a view locks it before the table; so do we, or two of us would wait for each other. To lock a view is to lock what it shows.
    select 'lock', 1, -views.depth, format('lock table %%s in access exclusive mode', views.name) from views
    union all
    select 'lock', 2, 0, 'lock table public.integration_logs in access exclusive mode'
    union all
    select 'down', 1, -views.depth, 'drop view ' || views.name from views
    union all
    select 'down', 2, 0, 'drop function public.cleanup_old_integration_logs()'
     where to_regprocedure('public.cleanup_old_integration_logs()') is not null
    union all
    select 'down', 3, 0, format('drop trigger %%I on public.integration_logs', tg.tgname)
      from logs
      join pg_trigger as tg on tg.tgrelid = logs.relation and not tg.tgisinternal
    union all
    select 'down', 4, 0, format('drop policy %%I on public.integration_logs', policies.policyname) from policies
    union all
    select 'down', 5, 0,
           format('revoke all on public.integration_logs from %%s',
                  case holders.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(holders.grantee)) end)
      from holders
    union all
    select 'down', 6, 0, format('alter table public.integration_logs drop constraint %%I', con.conname)
      from logs
      join pg_constraint as con on con.conrelid = logs.relation and con.contype = 'p'
    union all
    select 'down', 7, 0,
           'alter table public.integration_logs'
           ' add constraint integration_logs_adopted_pkey primary key using index integration_logs_adopted_pkey,'
           ' enable row level security'
    union all
    select 'down', 8, 0, 'alter table public.integration_logs rename to integration_logs_adopted'
    union all
    select 'down', 9, 0, 'alter table public.integration_logs_adopted set schema integration_monitor'
    union all
    select 'attach', 1, 0, format('alter table public.integration_logs add constraint %%I %%s', con.conname, pg_get_constraintdef(con.oid))
      from logs
      join pg_constraint as con on con.conrelid = logs.relation and con.contype = 'c'
     where con.conname not in ('integration_logs_status_check', 'integration_logs_adoption_check')
    union all
    select 'attach', 2, 0, indexes.definition from indexes
    union all
    select 'up', 1, 0, user_triggers.definition from user_triggers
    union all
    select 'up', 2, 0, format('drop policy if exists %%I on public.integration_logs', policies.policyname)
      from policies
     where not policies.is_promised
    union all
    select 'up', 3, 0,
           format('create policy %%I on public.integration_logs as %%s for %%s to %%s', policies.policyname, policies.permissive, policies.cmd,
                  policies.roles)
           || coalesce(' using (' || policies.qual || ')', '') || coalesce(' with check (' || policies.with_check || ')', '')
      from policies
     where not policies.is_promised
    union all
    select 'up', 4, views.depth,
           format('create view %%s%%s as %%s', views.name, ' with (' || array_to_string(views.reloptions, ', ') || ')', pg_get_viewdef(views.oid))
      from views
     where not views.is_promised
    union all
    select 'up', 5, 0, format('alter view %%s owner to %%I', views.name, pg_get_userbyid(views.relowner))
      from views
     where not views.is_promised and pg_get_userbyid(views.relowner) <> current_user
    union all
    -- What default privileges gave to the new view.
    select 'up', 6, 0, format('revoke all on %%s from public, anon, authenticated, service_role', views.name)
      from views
     where not views.is_promised
    union all
    select 'up', 7, 0, grants.statement from grants
    union all
    select 'up', 8, 0, format('comment on view %%s is %%L', views.name, description.description)
      from views
      join pg_description as description on description.classoid = 'pg_class'::regclass and description.objoid = views.oid
                                        and description.objsubid = 0
     where not views.is_promised
    union all
    select 'up', 8, 0, format('comment on column %%s.%%I is %%L', views.name, attribute.attname, description.description)
      from views
      join pg_description as description on description.classoid = 'pg_class'::regclass and description.objoid = views.oid
      join pg_attribute as attribute on attribute.attrelid = views.oid and attribute.attnum = description.objsubid
     where not views.is_promised
)
select statements.phase, statements.statement
  from statements
 order by statements.phase, statements.step, statements.depth, statements.statement
