-- Purpose: what becomes otherwise when an old public.integration_logs is taken over, and hinders nothing.
-- Parameters: none. Columns: note; one row each.
-- Index: idx_integration_logs_created_at of the old table.
with logs as (
    select class.*, class.oid as relation
      from pg_class as class
     where class.oid = 'public.integration_logs'::regclass
),
times as (
    select (select log.created_at from public.integration_logs as log where log.created_at < now() - interval '90 days' limit 1) is not null
               as has_old,
           exists (select from public.integration_logs as log where log.created_at is null) as has_null
)
select 'there are records older than 90 days: the first maintenance removes them, unless integration_monitor.settings says otherwise by then, as in '
       'update integration_monitor.settings set retention = ''2 years''' as note
  from times
 where times.has_old
union all
select 'records without created_at get their updated_at, or the time of the migration; from then on created_at = null is refused'
  from times
 where times.has_null
union all
select format('%s loses %s: the contract gives it no such right', pg_get_userbyid(acl.grantee),
              string_agg(lower(acl.privilege_type), ', ' order by acl.privilege_type))
  from logs
 cross join lateral aclexplode(logs.relacl) as acl
 where pg_get_userbyid(acl.grantee) in ('anon', 'authenticated')
   and not (pg_get_userbyid(acl.grantee) = 'authenticated' and acl.privilege_type = 'SELECT')
 group by acl.grantee
union all
select format('the policy %I is kept as it is, and not as the contract says: `verify` will name it', policy.policyname)
  from pg_policies as policy
 where policy.schemaname = 'public'
   and policy.tablename = 'integration_logs'
   and policy.policyname in ('integration_logs_service_role_all', 'integration_logs_read_authenticated')
   and not (
           policy.permissive = 'PERMISSIVE'
           and policy.roles = array[case policy.policyname when 'integration_logs_service_role_all' then 'service_role' else 'authenticated' end]::name[]
           and policy.cmd = case policy.policyname when 'integration_logs_service_role_all' then 'ALL' else 'SELECT' end
           and policy.qual = 'true'
           and coalesce(policy.with_check, 'true') = 'true'
       )
