-- A one-time link; those that expired a day ago or more are removed on the way.
-- Parameters: token_hash (bytea, SHA-256), role (text), lifetime (interval, from now by the database's clock).
-- Columns: expires_at (timestamptz); one row.
-- Index: sign_in_links_pkey.
with removed as (
    delete from integration_monitor.sign_in_links
    where expires_at < now() - interval '1 day'
)
insert into integration_monitor.sign_in_links (token_hash, role, expires_at)
values (%(token_hash)s, %(role)s, now() + %(lifetime)s)
returning expires_at
