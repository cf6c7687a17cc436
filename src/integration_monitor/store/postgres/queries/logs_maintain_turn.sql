-- Purpose: a turn of the maintenance, for writers; see migrations/0015_maintain_in_turns.sql.
-- Parameters: none. Columns: one boolean, whether there is nothing left to do.
-- Index: idx_integration_logs_created_at.
select (integration_monitor.maintain_turn() ->> 'is_done')::boolean
