-- Uses a one-time link: of several who try at once, one gets the row.
-- Parameters: token_hash (bytea, SHA-256).
-- Columns: role (text); one row, or none where the link is unknown, used or expired.
-- Index: sign_in_links_pkey.
update integration_monitor.sign_in_links
set used_at = now()
where token_hash = %(token_hash)s
  and used_at is null
  and expires_at > now()
returning role
