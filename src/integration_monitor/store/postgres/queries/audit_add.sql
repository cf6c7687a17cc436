-- Purpose: writes down what was done to the installation by hand.
-- Parameters: actor, act, subject (text); details (jsonb). Columns: none.
-- Index: none.
insert into integration_monitor.audit (actor, act, subject, details)
values (%(actor)s, %(act)s, %(subject)s, %(details)s)
