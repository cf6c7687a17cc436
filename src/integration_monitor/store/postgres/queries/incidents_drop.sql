-- Purpose: drops a suspicion that went away.
-- Parameters: id (uuid). Columns: none.
-- Index: incidents_pkey.
delete from integration_monitor.incidents
 where id = %(id)s
   and began_at is null
