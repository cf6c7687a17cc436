-- Purpose: the latest administrative acts, newest first.
-- Parameters: limit (integer).
-- Columns: id, at, actor, act, subject, details.
-- Index: audit_pkey.
select id, at, actor, act, subject, details
  from integration_monitor.audit
 order by id desc
 limit %(limit)s
