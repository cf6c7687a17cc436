"""The command that takes a person out of the records."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from integration_monitor.cli.keys import actor
from integration_monitor.cli.options import DatabaseUrl, load_settings, open_database
from integration_monitor.store.postgres import erasure


def register(app: typer.Typer) -> None:
    """Adds the command to the command line."""
    app.command()(erase)


def erase(
    database_url: DatabaseUrl = None,
    *,
    entity: Annotated[
        str | None, typer.Option("--entity", help="All records of an entity, as type:id, such as lead:123.")
    ] = None,
    value: Annotated[
        str | None,
        typer.Option("--value", help="All records that hold this phone number or e-mail address, however it is written."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count them.")] = False,
) -> None:
    """Empty the payloads of one person's records. Records, statuses and statistics stay."""
    if (entity is None) == (value is None):
        raise typer.BadParameter("give either --entity type:id or --value PHONE_OR_EMAIL")
    subject = erasure.value_subject(value) if value is not None else erasure.entity_subject(entity or "")
    done = erasure.Erasure(read_count=0, found_count=0, erased_count=0)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with (
        open_database(load_settings(database_url)) as database,
        Progress(*columns, console=Console(stderr=True), transient=True) as progress,
    ):
        task = progress.add_task("looking")
        for done in erasure.erase(database.url, subject, actor=actor(), is_dry=dry_run):
            progress.update(task, description=f"{done.read_count} records read, {done.found_count} found")
    if dry_run:
        typer.echo(f"{done.found_count} records would be emptied, and {done.incident_count} incidents")
    else:
        typer.echo(f"{done.erased_count} records emptied, and {done.incident_count} incidents")
        typer.echo(
            "what lies in spools, dead letters, back-ups and the server's log of changes is not reached: see docs/operations.md"
        )
