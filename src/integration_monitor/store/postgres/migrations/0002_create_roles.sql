-- The five roles of the contract, and who may enter the product's schema.
--
-- Why: row level security decides by role. service_role, authenticated and anon are Supabase's; elsewhere they are made here.
-- Roles belong to the whole cluster: another database may have made them, or be making them now, and then they are left as they are.
-- The server takes a role with SET LOCAL ROLE, so the login that migrates becomes a member of each, where it has the right to.
-- Locks: none that anybody waits for.
-- In a transaction.

do $block$
declare
    role_name text;
begin
    foreach role_name in array array[
        'service_role', 'authenticated', 'anon', 'integration_monitor_writer', 'integration_monitor_statistics'
    ] loop
        begin
            if not exists (select from pg_catalog.pg_roles as existing where existing.rolname = role_name) then
                execute format('create role %I nologin noinherit', role_name);
            end if;
        exception
            when duplicate_object or unique_violation then
                null;  -- another database of this cluster was faster
        end;

        -- Before PostgreSQL 16 a membership that can be used to SET ROLE is plain membership, and CREATEROLE is enough to grant
        -- it. Since then the two are apart: the one who made a role may grant it on, and need not inherit what it may do.
        begin
            if current_setting('server_version_num')::integer < 160000 then
                if not pg_has_role(current_user, role_name, 'member') then
                    execute format('grant %I to current_user', role_name);
                end if;
            elsif not pg_has_role(current_user, role_name, 'set') then
                execute format('grant %I to current_user with inherit false, set true', role_name);
            end if;
        exception
            when insufficient_privilege or reserved_name then  -- the second is how Supabase guards its own roles
                raise warning 'role % may not take the role %, which the server needs', current_user, role_name
                    using hint = format('As a superuser: grant %I to %I', role_name, current_user);
        end;
    end loop;
end
$block$;

grant usage on schema integration_monitor to service_role, integration_monitor_writer, integration_monitor_statistics;

revoke all on schema integration_monitor from anon, authenticated;

create policy migrations_service_role_all on integration_monitor.migrations
    for all to service_role using (true) with check (true);

revoke all on integration_monitor.migrations from anon, authenticated;
grant all on integration_monitor.migrations to service_role;
