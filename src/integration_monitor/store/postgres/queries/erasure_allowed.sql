-- Purpose: whether the login sees and may change every record: row level security does not concern it, or it has the rights of service_role.
-- Parameters: none. Columns: login (text), is_allowed (boolean); one row.
-- Index: none; reads the catalogue.
select
    current_user::text                                                                                 as login,
    not row_security_active('public.integration_logs') or pg_has_role('service_role', 'usage')         as is_allowed
