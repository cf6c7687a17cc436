-- A signing key, unless there is one for this purpose already: the first of several servers wins.
-- Parameters: purpose (text), secret (bytea, at least 32 bytes).
-- Columns: none.
-- Index: keys_pkey.
insert into integration_monitor.keys (purpose, secret)
values (%(purpose)s, %(secret)s)
on conflict (purpose) do nothing
