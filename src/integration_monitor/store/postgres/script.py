"""The migrations as one script for a SQL editor, such as Supabase's, where no program of ours can run.

It is one statement, so it is applied as a whole or not at all, whether or not the editor opens a transaction or stops at errors. It
takes the lock, makes the checks and writes the history as `migrate` does, which then finds everything applied.
"""

from integration_monitor.store.postgres import sql
from integration_monitor.store.postgres.migrator import MIGRATE_LOCK, Migration, list_migrations

_HEAD = """\
-- Integration Monitor: everything that `integration-monitor migrate` applies, as one statement. It may be run again: what is
-- applied already is left alone. Where the table is in use, it ends with "lock timeout" after a second, so that nobody waits longer: run it again.
do $integration_monitor$
declare
    applied text;
begin
    perform pg_catalog.pg_advisory_xact_lock({lock});
    perform pg_catalog.set_config('lock_timeout', '1s', true);

    execute $require${require}$require$;
    execute $unadopted${unadopted}$unadopted$;
"""
_MIGRATION = """
    applied := null;
    if pg_catalog.to_regclass('integration_monitor.migrations') is not null then
        execute 'select checksum from integration_monitor.migrations where name = $1' into applied using '{name}';
    end if;
    if applied is null then
        execute $migration_{number}$
{text}
$migration_{number}$;
        execute 'insert into integration_monitor.migrations (name, checksum) values ($1, $2)' using '{name}', '{checksum}';
        raise notice 'applied {name}';
    elsif applied <> '{checksum}' then
        raise exception '{name} was applied with another checksum: %', applied;
    end if;
"""
_TAIL = """
end
$integration_monitor$;
"""


def script() -> str:
    """One SQL statement that gives the same database as `migrate()`, and the same history."""
    head = _HEAD.format(
        lock=MIGRATE_LOCK,
        require=sql.query("migration_require").replace("$require$", "$check$"),
        unadopted=sql.query("migration_unadopted").replace("$unadopted$", "$check$"),
    )
    return head + "".join(map(_block, list_migrations())) + _TAIL


def schedule_script() -> str:
    """One SQL statement that has pg_cron do what a running server does: add statistics up, and maintain. Source: maintenance_schedule.sql."""
    return sql.query("maintenance_schedule")


def _block(migration: Migration) -> str:
    number = migration.name.partition("_")[0]
    return _MIGRATION.format(name=migration.name, number=number, checksum=migration.checksum, text=migration.text)
