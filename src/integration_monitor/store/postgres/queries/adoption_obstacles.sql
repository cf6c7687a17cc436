-- Purpose: what of an old, unpartitioned public.integration_logs stands in the way of taking it over: what cannot be made anew on the
-- partitioned table, or would be lost or changed without a word. Takes no lock but that of a reader, and changes nothing.
-- Parameters: none. Columns: name (what it is), remedy. One row an obstacle, in a fixed order.
-- Index: the catalogue's own.
with recursive logs as (
    select class.*, class.oid as relation
      from pg_class as class
     where class.oid = 'public.integration_logs'::regclass
),
promised_columns (name, type, is_required) as (
    values ('id', 'uuid', true), ('service_name', 'text', true), ('action', 'text', true), ('status', 'text', true),
           ('related_entity_type', 'text', false), ('related_entity_id', 'uuid', false), ('request_payload', 'jsonb', false),
           ('response_payload', 'jsonb', false), ('error_message', 'text', false), ('error_code', 'text', false),
           ('duration_ms', 'integer', false), ('retry_count', 'integer', false),
           ('created_at', 'timestamp with time zone', false), ('updated_at', 'timestamp with time zone', false)
),
columns as (
    select attribute.*, format_type(attribute.atttypid, attribute.atttypmod) as type
      from logs
      join pg_attribute as attribute on attribute.attrelid = logs.relation and attribute.attnum > 0 and not attribute.attisdropped
),
-- The promised views, and whatever stands on them or on the table.
standing (oid) as (
    select class.oid
      from pg_class as class
     where class.oid in (to_regclass('public.integration_stats_hourly'), to_regclass('public.integration_stats_daily'))
    union
    select rewrite.ev_class
      from logs
      join pg_depend as depend on depend.refclassid = 'pg_class'::regclass and depend.refobjid = logs.relation
      join pg_rewrite as rewrite on depend.classid = 'pg_rewrite'::regclass and rewrite.oid = depend.objid
     where rewrite.ev_class <> logs.relation
    union
    select rewrite.ev_class
      from standing
      join pg_depend as depend on depend.refclassid = 'pg_class'::regclass and depend.refobjid = standing.oid
      join pg_rewrite as rewrite on depend.classid = 'pg_rewrite'::regclass and rewrite.oid = depend.objid
     where rewrite.ev_class <> standing.oid
),
standing_classes as (
    select class.oid, class.relkind, class.relowner, class.reltype, format('%I.%I', namespace.nspname, class.relname) as name
      from standing
      join pg_class as class on class.oid = standing.oid
      join pg_namespace as namespace on namespace.oid = class.relnamespace
),
clean_up as (
    select proc.oid, proc.proowner
      from pg_proc as proc
     where proc.oid = to_regprocedure('public.cleanup_old_integration_logs()')
),
keys as (
    select con.* from logs join pg_constraint as con on con.conrelid = logs.relation and con.contype in ('p', 'u', 'x')
),
id_key as (
    select keys.*
      from keys
      join columns on columns.attname = 'id'
     where keys.contype = 'p' and keys.conkey = array[columns.attnum] and not keys.condeferrable
),
owned_types as (
    select type.oid
      from pg_type as type
     where type.oid in (select logs.reltype from logs union select standing_classes.reltype from standing_classes)
        or type.typelem in (select logs.reltype from logs union select standing_classes.reltype from standing_classes)
),
-- What depends on any of these and is neither part of the table nor a view that is made anew.
others as (
    select distinct depend.classid, depend.objid
      from pg_depend as depend
     where depend.deptype in ('n', 'a')
       and (
               (depend.refclassid = 'pg_class'::regclass
                and depend.refobjid in (select logs.relation from logs union select standing_classes.oid from standing_classes))
               or (depend.refclassid = 'pg_type'::regclass and depend.refobjid in (select owned_types.oid from owned_types))
               or (depend.refclassid = 'pg_constraint'::regclass and depend.refobjid in (select keys.oid from keys))
               or (depend.refclassid = 'pg_proc'::regclass and depend.refobjid in (select clean_up.oid from clean_up))
           )
       and not (depend.classid = 'pg_class'::regclass and depend.objid in (
                   select index.indexrelid from logs join pg_index as index on index.indrelid = logs.relation
               ))
       and not (depend.classid = 'pg_class'::regclass and depend.objid in (
                   select class.oid from pg_class as class where class.relkind = 'S' or class.relkind = 't'
               ))
       and not (depend.classid = 'pg_type'::regclass and depend.objid in (select owned_types.oid from owned_types))
       and not (depend.classid = 'pg_attrdef'::regclass and depend.objid in (
                   select fallback.oid from logs join pg_attrdef as fallback on fallback.adrelid = logs.relation
               ))
       and not (depend.classid = 'pg_constraint'::regclass and depend.objid in (
                   select con.oid from logs join pg_constraint as con on con.conrelid = logs.relation or con.confrelid = logs.relation
               ))
       and not (depend.classid = 'pg_policy'::regclass and depend.objid in (
                   select policy.oid from logs join pg_policy as policy on policy.polrelid = logs.relation
               ))
       and not (depend.classid = 'pg_trigger'::regclass and depend.objid in (
                   select tg.oid from pg_trigger as tg
                    where tg.tgrelid in (select logs.relation from logs union select standing_classes.oid from standing_classes)
               ))
       and not (depend.classid = 'pg_rewrite'::regclass and (
                   depend.objid in (
                       select rewrite.oid
                         from pg_rewrite as rewrite
                        where rewrite.ev_class in (select logs.relation from logs union select standing_classes.oid from standing_classes)
                   )
                   and not (depend.refclassid = 'pg_constraint'::regclass)
               ))
       and depend.classid not in (
               'pg_publication_rel'::regclass, 'pg_statistic_ext'::regclass, 'pg_inherits'::regclass
           )
),
obstacles (position, name, remedy) as (
    select 1, format('the table belongs to %I', pg_get_userbyid(logs.relowner)),
           format('run it as %I, or as a superuser: alter table public.integration_logs owner to %I', pg_get_userbyid(logs.relowner), current_user)
      from logs
     where pg_get_userbyid(logs.relowner) <> current_user
    union all
    select 1, format('%s belongs to %I', standing_classes.name, pg_get_userbyid(standing_classes.relowner)),
           format('as a superuser: alter view %s owner to %I; or drop it, and make it again afterwards', standing_classes.name, current_user)
      from standing_classes
     where not pg_has_role(standing_classes.relowner, 'usage')
    union all
    select 1, format('public.cleanup_old_integration_logs() belongs to %I', pg_get_userbyid(clean_up.proowner)),
           format('as a superuser: alter function public.cleanup_old_integration_logs() owner to %I', current_user)
      from clean_up
     where not pg_has_role(clean_up.proowner, 'usage')
    union all
    select 2, format('%I may not create schemas in this database', current_user),
           format('as its owner: grant create on database %I to %I', current_database(), current_user)
     where not has_database_privilege(current_database(), 'create') and to_regnamespace('integration_monitor') is null
    union all
    select 2, format('%I may not create tables in schema public', current_user),
           format('as its owner: grant create on schema public to %I', current_user)
     where not has_schema_privilege('public', 'create')
    union all
    select 2, format('the role %I is missing, and %I may not create roles', role.name, current_user),
           format('as a superuser: alter role %I createrole', current_user)
      from unnest(array['service_role', 'authenticated', 'anon', 'integration_monitor_writer', 'integration_monitor_statistics']) as role (name)
     where to_regrole(role.name) is null
       and not exists (select from pg_roles as me where me.rolname = current_user and (me.rolsuper or me.rolcreaterole))
    union all
    select 3, 'a column ' || promised.name || ' is missing',
           format('alter table public.integration_logs add column %I %s', promised.name, promised.type)
      from promised_columns as promised
     where not exists (select from columns where columns.attname = promised.name)
    union all
    select 3, format('the column %I has the type %s', columns.attname, columns.type || case when columns.attcollation not in (0, 100) then ' with a collation of its own' else '' end),
           format('alter table public.integration_logs alter column %I type %s%s', columns.attname, promised.type,
                  case when promised.type = 'text' then ' collate "default"' else '' end)
      from promised_columns as promised
      join columns on columns.attname = promised.name
     where columns.type <> promised.type or columns.attcollation not in (0, 100)
    union all
    select 3, format('the column %I may be null', columns.attname),
           format('alter table public.integration_logs alter column %I set not null', columns.attname)
      from promised_columns as promised
      join columns on columns.attname = promised.name
     where promised.is_required and not columns.attnotnull
    union all
    select 3, format('the column %I may not be null', columns.attname),
           format('alter table public.integration_logs alter column %I drop not null', columns.attname)
      from promised_columns as promised
      join columns on columns.attname = promised.name
     where not promised.is_required and columns.attname <> 'created_at' and columns.attnotnull
    union all
    select 3, format('the column %I is generated', columns.attname),
           format('alter table public.integration_logs alter column %I drop %s', columns.attname,
                  case when columns.attidentity <> '' then 'identity' else 'expression' end)
      from columns
     where columns.attidentity <> '' or columns.attgenerated <> ''
    union all
    select 3, format('the column %I is not of the contract', columns.attname),
           format('keep it in a table of its own, then: alter table public.integration_logs drop column %I', columns.attname)
      from columns
     where columns.attname not in (select promised.name from promised_columns as promised)
    union all
    select 4, 'no primary key on id alone', 'alter table public.integration_logs add primary key (id)'
     where not exists (select from id_key)
    union all
    select 4, format('the unique index %I', class.relname),
           format('a partitioned table cannot keep it: %s',
                  case when con.oid is null then format('drop index public.%I', class.relname)
                       else format('alter table public.integration_logs drop constraint %I', con.conname) end)
      from logs
      join pg_index as index on index.indrelid = logs.relation and (index.indisunique or index.indisexclusion)
      join pg_class as class on class.oid = index.indexrelid
      left join pg_constraint as con on con.conindid = index.indexrelid and con.contype in ('p', 'u', 'x')
     where index.indexrelid not in (select id_key.conindid from id_key)
       and class.relname <> 'integration_logs_adopted_pkey'
    union all
    select 4, format('the index %I is not valid', class.relname), format('drop index public.%I, or reindex it', class.relname)
      from logs
      join pg_index as index on index.indrelid = logs.relation and not index.indisvalid and not index.indisunique
      join pg_class as class on class.oid = index.indexrelid
     where class.relname not like 'integration\_logs\_adopted\_%'
    union all
    select 5, format('the constraint integration_logs_status_check says %s', pg_get_constraintdef(con.oid)),
           'it should know success, failed, pending and retrying: alter table public.integration_logs drop constraint integration_logs_status_check'
      from logs
      join pg_constraint as con on con.conrelid = logs.relation and con.conname = 'integration_logs_status_check'
     where pg_get_constraintdef(con.oid) not in (
               'CHECK ((status = ANY (ARRAY[''success''::text, ''failed''::text, ''pending''::text, ''retrying''::text])))',
               'CHECK ((status = ANY (ARRAY[''success''::text, ''failed''::text, ''pending''::text, ''retrying''::text]))) NOT VALID'
           )
    union all
    select 5, format('the constraint %I is not validated', con.conname),
           format('alter table public.integration_logs validate constraint %I', con.conname)
      from logs
      join pg_constraint as con on con.conrelid = logs.relation and con.contype = 'c' and not con.convalidated
     where con.conname not in ('integration_logs_status_check', 'integration_logs_adoption_check')
    union all
    select 5, format('the constraint %I holds for no table below this one', con.conname),
           format('alter table public.integration_logs drop constraint %I', con.conname)
      from logs
      join pg_constraint as con on con.conrelid = logs.relation and con.contype = 'c' and con.connoinherit
    union all
    select 6, format('the foreign key %I of %s', con.conname, con.conrelid::regclass),
           format('alter table %s drop constraint %I', con.conrelid::regclass, con.conname)
      from logs
      join pg_constraint as con on (con.conrelid = logs.relation or con.confrelid = logs.relation) and con.contype = 'f'
    union all
    select 7, format('the trigger %I %s', tg.tgname,
                     case when tg.tgconstraint <> 0 or tg.tgdeferrable then 'is a constraint'
                          when tg.tgenabled <> 'O' then 'is not simply enabled'
                          else 'sees the rows of its statement one by one' end),
           format(case when tg.tgenabled <> 'O' then 'alter table public.integration_logs enable trigger %I, or drop it'
                       else 'drop trigger %I on public.integration_logs' end, tg.tgname)
      from logs
      join pg_trigger as tg on tg.tgrelid = logs.relation and not tg.tgisinternal
     where tg.tgname not like 'zz\_integration\_monitor\_%'
       and (
               tg.tgconstraint <> 0 or tg.tgdeferrable or tg.tgenabled <> 'O'
               or (tg.tgtype & 1 = 1 and (tg.tgoldtable is not null or tg.tgnewtable is not null))
           )
    union all
    select 7, format('the rule %I', rewrite.rulename), format('drop rule %I on public.integration_logs', rewrite.rulename)
      from logs
      join pg_rewrite as rewrite on rewrite.ev_class = logs.relation
    union all
    select 8, format('the publication %I publishes the table', publication.pubname),
           case when publication.puballtables or not exists (
                         select from logs join pg_publication_rel as listed on listed.prrelid = logs.relation and listed.prpubid = publication.oid
                     )
                then format('alter publication %I set (publish_via_partition_root = true)', publication.pubname)
                else format('alter publication %1$I drop table public.integration_logs; and afterwards: alter publication %1$I add table '
                            'public.integration_logs, with publish_via_partition_root', publication.pubname) end
      from pg_publication as publication
      join pg_publication_tables as published
        on published.pubname = publication.pubname and published.schemaname = 'public' and published.tablename = 'integration_logs'
     where not publication.pubviaroot
        or exists (select from logs join pg_publication_rel as listed on listed.prrelid = logs.relation and listed.prpubid = publication.oid)
    union all
    select 9, format('row level security is off, and %s may use the table', string_agg(distinct pg_get_userbyid(acl.grantee), ', ')),
           'make policies for them, then: alter table public.integration_logs enable row level security'
      from logs
     cross join lateral aclexplode(logs.relacl) as acl
     where not logs.relrowsecurity
       and acl.grantee not in (0, logs.relowner)
       and pg_get_userbyid(acl.grantee) not in ('service_role', 'integration_monitor_writer', 'integration_monitor_statistics')
       and not (pg_get_userbyid(acl.grantee) = 'authenticated' and acl.privilege_type = 'SELECT')
    having count(*) > 0
    union all
    select 9, 'row level security is forced on the owner', 'alter table public.integration_logs no force row level security'
      from logs
     where logs.relforcerowsecurity
    union all
    select 9, format('PUBLIC may %s the table, and so may anon', string_agg(distinct lower(acl.privilege_type), ', ')),
           'grant it to roles by name, then: revoke all on public.integration_logs from public'
      from logs
     cross join lateral aclexplode(logs.relacl) as acl
     where acl.grantee = 0
    having count(*) > 0
    union all
    select 9, format('the policy %I lets %s %s', policy.policyname, array_to_string(policy.roles, ', '), lower(policy.cmd)),
           format('the contract gives anon nothing, and authenticated the reading: drop policy %1$I on public.integration_logs, or alter policy '
                  '%1$I on public.integration_logs to the roles that it is for', policy.policyname)
      from pg_policies as policy
     where policy.schemaname = 'public'
       and policy.tablename = 'integration_logs'
       and policy.permissive = 'PERMISSIVE'
       and (policy.roles && array['anon', 'public']::name[] or ('authenticated' = any (policy.roles) and policy.cmd <> 'SELECT'))
    union all
    select 10, 'the table is a part or the parent of another', 'detach it: alter table … no inherit public.integration_logs'
      from logs
     where exists (select from pg_inherits as link where logs.relation in (link.inhrelid, link.inhparent)) or logs.reloftype <> 0
    union all
    select 10, 'the table is not logged', 'alter table public.integration_logs set logged'
      from logs
     where logs.relpersistence <> 'p'
    union all
    select 11, format('the %s %s', case standing_classes.relkind when 'm' then 'materialized view' else 'relation' end, standing_classes.name)
               || case when standing_classes.relkind = 'v' then ' has rules or triggers of its own' else ' stands on the table' end,
           case standing_classes.relkind when 'm' then format('drop materialized view %s, and make it again afterwards', standing_classes.name)
                                         else 'drop what depends on the table, and make it again afterwards' end
      from standing_classes
     where standing_classes.relkind <> 'v'
        or exists (select from pg_trigger as tg where tg.tgrelid = standing_classes.oid)
        or exists (select from pg_rewrite as rewrite where rewrite.ev_class = standing_classes.oid and rewrite.rulename <> '_RETURN')
    union all
    select 12, pg_describe_object(others.classid, others.objid, 0) || ' depends on the table',
           'drop it, and make it again afterwards'
      from others
)
select obstacles.name, obstacles.remedy
  from obstacles
 order by obstacles.position, obstacles.name
