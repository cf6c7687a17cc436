"""`integration-monitor probe`: asks each service whether it can be used, and records the answers."""

import dataclasses
import json
import sys
from collections.abc import Iterable
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from integration_monitor import instrumentation
from integration_monitor.cli.options import DatabaseUrl, load_settings, open_database
from integration_monitor.probing import Probed, probe_all
from integration_monitor.store.embedded import EMBEDDED
from integration_monitor.store.postgres.migrator import migrate

_STYLES = {"healthy": "green", "failed": "red", "not configured": "dim"}


def register(app: typer.Typer) -> None:
    """Adds the command to the command line."""
    app.command()(probe)


def probe(
    services: Annotated[list[str] | None, typer.Argument(metavar="SERVICE", help="Only these.", show_default=False)] = None,
    *,
    database_url: DatabaseUrl = None,
    is_json: Annotated[bool, typer.Option("--json", help="For programs: a JSON list.")] = False,
) -> None:
    """Ask each service, with the credentials of the settings, whether it can be used. Exit code 1 if one cannot.

    It is a real call that changes nothing, and it is recorded like any other. A service without credentials does not fail.
    """
    settings = load_settings(database_url)
    with open_database(settings) as database:
        if settings.database_url in {None, EMBEDDED}:
            migrate(database.url)
        instrumentation.instrument(database.url)
        try:
            probed = list(probe_all(settings, services or ()))
        finally:
            is_recorded = instrumentation.shutdown()
            instrumentation.uninstrument()
    if not is_recorded:
        sys.stderr.write("the probes were not recorded: the database could not be written to\n")
    if is_json:
        typer.echo(json.dumps([dataclasses.asdict(one) for one in probed], ensure_ascii=False, indent=2))
    else:
        _print(probed)
    if any(one.state == "failed" for one in probed):
        raise typer.Exit(1)


def _print(probed: Iterable[Probed]) -> None:
    table = Table("service", "state", "code", "message", "duration", box=None)
    for one in probed:
        duration = "" if one.duration_ms is None else f"{one.duration_ms} ms"
        # The vendor's words are text, not Rich's markup.
        cells = (one.service_name, Text(one.state, _STYLES[one.state]), one.error_code, Text(one.message or ""), duration)
        table.add_row(*cells)
    Console().print(table)
