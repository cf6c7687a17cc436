-- Purpose: writes the two test records of `verify`, one finished and one not, as a user without the SDK would: with defaults.
-- Parameters: action. Columns: id, status.
-- Index: none.
insert into public.integration_logs (service_name, action, status, duration_ms)
values ('integration_monitor', %(action)s, 'success', 150),
       ('integration_monitor', %(action)s, 'pending', null)
returning id, status
