"""`integration-monitor spool`: records that wait on this machine's disk."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from integration_monitor.cli.options import DatabaseUrl, load_settings, open_database
from integration_monitor.store.monitor import SCHEMES, MonitorSink
from integration_monitor.store.postgres.sink import PostgresSink
from integration_monitor.writer.estate import Holding, deliver, list_dead_letters, list_holdings
from integration_monitor.writer.folder import spool_dir

_MIB = 1024 * 1024


def register(app: typer.Typer) -> None:
    """Adds the commands to the command line."""
    group = typer.Typer(help="Records that wait on this machine's disk for the database.", no_args_is_help=True)
    group.command("status")(status)
    group.command("drain")(drain)
    app.add_typer(group, name="spool")


def status(*, is_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")] = False) -> None:
    """Show what waits, for which database, and whether the process that took it is alive."""
    settings = load_settings(None)
    holdings, letters = list_holdings(settings), list_dead_letters(settings)
    if is_json:
        found = {
            "folder": str(spool_dir(settings)),
            "spools": [_as_json(holding) for holding in holdings],
            "dead_letters": [{"path": str(path), "bytes": size} for path, size in letters],
        }
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    typer.echo(f"folder: {spool_dir(settings)}")
    print_holdings(holdings)
    for path, size in letters:
        typer.echo(f"refused by the database: {path} ({size} bytes)")


def drain(database_url: DatabaseUrl = None) -> None:
    """Deliver what processes left that are dead. Those of living processes see to it by themselves.

    Only what was meant for this database is delivered: host, port and name must be those that the process was given.
    """
    settings = load_settings(database_url)
    with open_database(settings) as database:
        is_monitor = database.url.partition("://")[0].lower() in SCHEMES
        done = deliver(settings, lambda: MonitorSink(database.url) if is_monitor else PostgresSink(database.url))
    typer.echo(f"delivered {done.records_count} records of {done.spools_count} spools")
    if done.lost_count:
        typer.echo(f"lost {done.lost_count} records in files that were damaged")
    if done.error is not None:
        raise done.error


def print_holdings(holdings: list[Holding]) -> None:
    """A table with a row a process."""
    if not holdings:
        typer.echo("nothing waits on disk")
        return
    table = Table("for", "process", "records", "MiB", "from", "damaged files", box=None)
    for holding in holdings:
        owner = Text("alive", "green") if holding.is_owned else Text("dead: `spool drain` delivers it", "yellow")
        table.add_row(
            Text(holding.destination),
            owner,
            str(holding.records_count),
            f"{holding.bytes_used / _MIB:.1f}",
            _moment(holding.first_at_ms) or "",
            Text(str(holding.damaged_count), "bold red") if holding.damaged_count else "0",
        )
    Console().print(table)


def _as_json(holding: Holding) -> dict[str, object]:
    return {
        "destination": holding.destination,
        "path": str(holding.path),
        "is_owned": holding.is_owned,
        "records": holding.records_count,
        "bytes": holding.bytes_used,
        "from": _moment(holding.first_at_ms),
        "to": _moment(holding.last_at_ms),
        "damaged_files": holding.damaged_count,
    }


def _moment(at_ms: int | None) -> str | None:
    return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")
