"""`integration-monitor alerts`: whether alerts would arrive."""

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from integration_monitor.alerts import wording
from integration_monitor.alerts.plan import plan
from integration_monitor.settings import load


def register(app: typer.Typer) -> None:
    """Adds the commands to the command line."""
    group = typer.Typer(name="alerts", help="Messages about incidents.", no_args_is_help=True)
    # With one command alone, Typer would make the group that command.
    group.callback()(_group)
    group.command("test")(test)
    app.add_typer(group)


def test() -> None:
    """Send a test message to each URL of the settings `alerts_urls` and `alerts_routes`, and tell what became of it.

    Exit code 1 if one did not arrive, or if there is none.
    """
    given = plan(load())
    targets = given.all_targets()
    if not targets:
        typer.echo("integration-monitor: nobody is told of incidents; set INTEGRATION_MONITOR_ALERTS_URLS", err=True)
        raise typer.Exit(1)
    message = wording.trial(given)
    routes = {target.name: [route for route, all_of in given.routes.items() if target in all_of] for target in targets.values()}
    table = Table("target", "for", "result", box=None)
    is_each_sent = True
    for name, target in targets.items():
        error = target.send(title=message.title, body=message.body, is_end=True)
        is_each_sent = is_each_sent and error is None
        whom = ", ".join(["everything else"] * (target in given.everyone) + routes[name])
        table.add_row(name, Text(whom), Text(error or "sent", "red" if error else "green"))
    Console().print(table)
    if not is_each_sent:
        raise typer.Exit(1)


def _group() -> None:
    """Messages about incidents."""
