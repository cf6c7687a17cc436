-- Purpose: the table is taken over and counted: the retention holds again, and what kept the adoption's state goes.
-- Parameters: none. Columns: none.
-- Index: none.
update integration_monitor.settings as settings
   set retention = adoption.retention
  from integration_monitor.adoption as adoption
 where settings.retention = interval '1000 years' and adoption.retention is not null;

drop table integration_monitor.adoption, integration_monitor.integration_logs_ahead;
drop function integration_monitor.prepare_log()
