-- What became of each operation, without what was said: enough to judge a service's health, and no payload.
--
-- Why: the role integration_monitor_statistics may never read a payload, yet the state of a service depends on the fault of its
-- failures, which lies in response_payload. PostgreSQL grants columns, not parts of them. So this one view runs with its owner's rights
-- and not its reader's: a deliberate exception to "views are security_invoker". It gives the fault alone, is a security_barrier,
-- so that no function of the reader sees a row's other columns, and is granted to two roles by name.
-- Locks: none that anybody waits for.
-- In a transaction.

create view integration_monitor.outcomes with (security_invoker = false, security_barrier = true) as
select log.id,
       log.service_name,
       log.action,
       log.status,
       log.error_code,
       log.response_payload ->> 'fault' as fault,
       log.duration_ms,
       log.created_at
  from public.integration_logs as log;

revoke all on integration_monitor.outcomes from public, anon, authenticated, service_role;

grant select on integration_monitor.outcomes to service_role, integration_monitor_statistics;

comment on view integration_monitor.outcomes is
    'One row a record: its outcome and fault, never a payload; bound created_at, as for the table';
comment on column integration_monitor.outcomes.fault is 'Whose failure it was, from response_payload; null for what did not fail';
