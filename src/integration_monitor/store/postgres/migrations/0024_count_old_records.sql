-- Counts the records that were there before anything counted.
--
-- Why apart from the triggers: they are in force by now, so writers go on meanwhile and nothing is counted twice or forgotten, and no lock of
-- the table is held while this takes its time, some two seconds a million records.
-- Locks: access share on public.integration_logs, as a reader.
-- In a transaction.

select integration_monitor.rebuild_statistics('-infinity', 'infinity');
