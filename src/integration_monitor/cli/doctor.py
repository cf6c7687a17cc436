"""`integration-monitor doctor`: everything that a person asks first when something seems wrong."""

import platform
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib import metadata
from typing import Annotated, get_args, get_type_hints

import msgspec
import psycopg
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from integration_monitor import settings as settings_table
from integration_monitor.cli.options import DatabaseUrl, load_settings, open_database
from integration_monitor.cli.spool import print_holdings
from integration_monitor.errors import IntegrationMonitorError
from integration_monitor.settings import Settings
from integration_monitor.store.monitor import SCHEMES
from integration_monitor.store.postgres.completeness import WriterReport, list_gaps, list_writers
from integration_monitor.store.postgres.contract import verify
from integration_monitor.writer.destination import destination_of
from integration_monitor.writer.estate import list_dead_letters, list_holdings
from integration_monitor.writer.folder import spool_dir

_HIDDEN = "(set, hidden)"

# Whoever asks wants to know of the processes that run, or ran lately. A machine that starts a process a minute does not fill the screen.
_WRITERS_AGE = timedelta(hours=1)
_WRITERS_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Adds the command to the command line."""
    app.command()(doctor)


def doctor(
    database_url: DatabaseUrl = None,
    *,
    is_offline: Annotated[bool, typer.Option("--offline", help="Do not connect to the database.")] = False,
) -> None:
    """Show settings, versions, the database and the spool, and what is wrong with them. Exit code 1 if something is."""
    settings = load_settings(database_url)
    console = Console()
    _print_versions(console)
    _print_settings(console, settings)
    is_well = _print_spool(console, settings)
    if not is_offline:
        is_well = _print_database(console, settings) and is_well
    if not is_well:
        raise typer.Exit(1)


def _print_versions(console: Console) -> None:
    console.print(Text("versions", "bold"))
    table = Table(show_header=False, box=None)
    for name in ("integration-monitor", "psycopg", "msgspec"):
        table.add_row(name, _version(name))
    table.add_row("Python", f"{platform.python_version()} on {platform.system()} {platform.release()}")
    table.add_row("SQLite", sqlite3.sqlite_version)
    table.add_row("libpq", str(psycopg.pq.version()))
    console.print(table)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _print_settings(console: Console, settings: Settings) -> None:
    console.print(Text("settings that differ from their defaults", "bold"))
    table = Table(show_header=False, box=None)
    for name, shown in _changed(settings):
        table.add_row(name, Text(shown))
    console.print(table)


def _changed(settings: Settings) -> list[tuple[str, str]]:
    """(setting, value) of what is set; values that are secret are not shown."""
    hints = get_type_hints(Settings, include_extras=True)
    changed = []
    for field in msgspec.structs.fields(Settings):
        value = getattr(settings, field.name)
        default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
        if value == default:
            continue
        is_secret = any((meta.extra or {}).get("secret", False) for meta in get_args(hints[field.name])[1:])
        shown = destination_of(settings) if field.name == "database_url" else _HIDDEN if is_secret else str(value)
        changed.append((field.name, shown))
    return changed or [("none", f"see {settings_table.CONFIG_VARIABLE}")]


def _print_spool(console: Console, settings: Settings) -> bool:
    console.print(Text("spool", "bold"))
    try:
        holdings = list_holdings(settings)
        typer.echo(f"folder: {spool_dir(settings)}, durability: {settings.durability}")
        print_holdings(holdings)
        letters = list_dead_letters(settings)
    except (IntegrationMonitorError, OSError) as error:
        console.print(Text(f"cannot be used: {error}", "bold red"))
        return False
    for path, size in letters:
        console.print(Text(f"refused by the database: {path} ({size} bytes)", "yellow"))
    return not letters and all(holding.is_owned and not holding.damaged_count for holding in holdings)


def _print_database(console: Console, settings: Settings) -> bool:
    console.print(Text("database", "bold"))
    if (settings.database_url or "").partition("://")[0].lower() in SCHEMES:
        typer.echo(f"records go to the monitor at {destination_of(settings)}: `doctor` over there looks at the database")
        return True
    try:
        with open_database(settings) as database:
            checks = verify(database.url, required_claims=settings.required_claims)
            gaps = list_gaps(database.url)
            writers = list_writers(database.url, since=datetime.now(UTC) - _WRITERS_AGE, limit=_WRITERS_SHOWN)
    except IntegrationMonitorError as error:
        console.print(Text(f"{type(error).__name__}: {error}", "bold red"))
        return False
    failed = [check for check in checks if not check.is_ok]
    typer.echo(f"reached; {len(checks) - len(failed)} of {len(checks)} checks of the contract passed")
    for check in failed:
        console.print(Text(f"FAILED {check.name}: {check.detail}", "bold red"))
    _print_writers(console, writers)
    for gap in gaps:
        what = f"process {gap.pid} on {gap.host}, last heard of at {gap.heartbeat_at:%Y-%m-%d %H:%M} UTC"
        console.print(Text(f"{what}: {gap.missing} of {gap.taken} items are nowhere", "yellow"))
    if not gaps:
        typer.echo("every process that has ended accounts for all it took")
    return not failed and not gaps


def _print_writers(console: Console, writers: Sequence[WriterReport]) -> None:
    """What the processes of the last hour told: the counts of `integration_monitor.stats()`, one row a process."""
    if not writers:
        typer.echo("no process has written in the last hour")
        return
    table = Table("process", "heard of", "taken", "written", "ignored", "on disk", "lost", "refused", box=None)
    for writer in writers:
        lost = ", ".join(f"{reason} {count}" for reason, count in sorted(writer.dropped_by_reason.items()) if count)
        table.add_row(
            Text(f"{writer.pid} on {writer.host}"),
            f"{writer.heartbeat_at:%H:%M:%S}{' (ended)' if writer.ended_at else ''}",
            *(str(count) for count in (writer.taken, writer.written, writer.ignored)),
            Text(str(writer.spooled), "yellow" if writer.spooled else ""),
            Text(lost, "bold red") if lost else "0",
            Text(str(writer.dead_lettered), "yellow" if writer.dead_lettered else ""),
        )
    console.print(table)
    if writers[0].writer_count > len(writers):
        typer.echo(f"and {writers[0].writer_count - len(writers)} more")
