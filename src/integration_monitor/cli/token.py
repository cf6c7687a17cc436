"""`integration-monitor token`: issues tokens, for the embedded and the self-hosted case."""

import asyncio
import re
from datetime import timedelta
from typing import Annotated, Final

import typer

from integration_monitor.cli.audit import note_act
from integration_monitor.cli.options import DatabaseUrl, load_settings, open_database
from integration_monitor.server import tokens
from integration_monitor.settings import Settings
from integration_monitor.store.answers import Role
from integration_monitor.store.embedded import EMBEDDED
from integration_monitor.store.postgres.entrance import PostgresEntrance
from integration_monitor.store.postgres.migrator import migrate
from integration_monitor.store.postgres.pool import Connections

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION: Final = re.compile(r"([1-9][0-9]{0,5})([smhd])")


def register(app: typer.Typer) -> None:
    """Adds the command to the command line."""
    app.command()(token)


def token(
    role: Annotated[Role, typer.Option(help="Database role that its questions run under.")],
    expires: Annotated[str, typer.Option(help="How long it is good for: 90s, 30m, 12h, 7d.")] = "12h",
    database_url: DatabaseUrl = None,
) -> None:
    """Prints a token for the API and the dashboard, with the claims that `required_claims` asks for.

    It is signed with the setting `jwt_secret`, else with the key that the server keeps in its database; the audit then tells of it.
    """
    lifetime = duration(expires)
    given = load_settings(database_url)
    secret = given.jwt_secret or _kept_secret(given, role, lifetime)
    typer.echo(tokens.issue(role, secret, lifetime=lifetime, required_claims=given.required_claims))


def duration(text: str) -> timedelta:
    """A duration such as `12h`.

    Errors:
        typer.BadParameter: it is not of this form.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a duration such as 90s, 30m, 12h or 7d", param_hint="--expires")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def _kept_secret(given: Settings, role: Role, lifetime: timedelta) -> bytes:
    """The key in the database, made if there is none yet, for a token whose row in the audit is written first."""
    with open_database(given) as database:
        if given.database_url in {None, EMBEDDED}:
            migrate(database.url)
        note_act(database.url, act="token_issued", subject=role, details={"lifetime_s": int(lifetime.total_seconds())})
        return asyncio.run(_read_secret(database.url))


async def _read_secret(database_url: str) -> bytes:
    connections = Connections(database_url, connections_max=1)
    await connections.open()
    try:
        return await PostgresEntrance(connections).secret("jwt")
    finally:
        await connections.close()
