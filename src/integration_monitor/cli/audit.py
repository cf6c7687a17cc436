"""`integration-monitor audit`: what was done to the installation by hand."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from integration_monitor.cli.keys import actor
from integration_monitor.cli.options import DatabaseUrl, load_settings, open_database
from integration_monitor.store.postgres.audit import PostgresAudit
from integration_monitor.store.postgres.pool import Connections

Result = TypeVar("Result")


def register(app: typer.Typer) -> None:
    """Adds the command to the command line."""
    app.command("audit")(list_acts)


def list_acts(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many of the latest acts.")] = 100,
    database_url: DatabaseUrl = None,
    *,
    is_json: Annotated[bool, typer.Option("--json", help="For programs: a JSON array.")] = False,
) -> None:
    """List administrative acts, newest first: who made a key or a token, erased a person, changed how long records are kept."""
    with open_database(load_settings(database_url)) as database:
        acts = _run(database.url, lambda audit: audit.list(limit=limit))
    if is_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(acts)).decode())
        return
    table = Table("at", "actor", "act", "subject", "details", box=None)
    for act in acts:
        # As text: what somebody called a key, or themselves in a token, is no markup and steers no terminal.
        cells = (f"{act.at:%Y-%m-%d %H:%M:%S} UTC", act.actor, act.act, act.subject, msgspec.json.encode(act.details).decode())
        table.add_row(*(Text(_printable(cell)) for cell in cells))
    Console().print(table)


def _printable(text: str) -> str:
    """A text in which nothing acts unseen: what steers a terminal becomes its escape."""
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in text)


def note_act(database_url: str, *, act: str, subject: str, details: Mapping[str, object]) -> None:
    """Keeps what whoever sits at the command line has done. Errors: StoreUnavailable, StoreError."""
    _run(database_url, lambda audit: audit.add(actor=actor(), act=act, subject=subject, details=details))


def _run(database_url: str, ask: Callable[[PostgresAudit], Awaitable[Result]]) -> Result:
    return asyncio.run(_with_audit(database_url, ask))


async def _with_audit(database_url: str, ask: Callable[[PostgresAudit], Awaitable[Result]]) -> Result:
    connections = Connections(database_url, connections_max=1)
    await connections.open()
    try:
        return await ask(PostgresAudit(connections))
    finally:
        await connections.close()
