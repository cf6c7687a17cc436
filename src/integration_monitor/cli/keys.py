"""`integration-monitor keys`: API keys for programs, made, registered, listed and revoked."""

import asyncio
import getpass
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from integration_monitor.cli.options import DatabaseUrl, load_settings, open_database
from integration_monitor.store import keys
from integration_monitor.store.embedded import EMBEDDED
from integration_monitor.store.keys import ApiKey, OwnScope
from integration_monitor.store.postgres.api_keys import PostgresApiKeys
from integration_monitor.store.postgres.migrator import migrate
from integration_monitor.store.postgres.pool import Connections

Result = TypeVar("Result")

# Shown in tables and logs; longer ones are no names.
_NAME_LENGTH_MAX = 100


def register(app: typer.Typer) -> None:
    """Adds the commands to the command line."""
    group = typer.Typer(name="keys", help="API keys of programs: create, register, list, revoke.", no_args_is_help=True)
    group.command("create")(create_key)
    group.command("register")(register_key)
    group.command("list")(list_keys)
    group.command("revoke")(revoke_key)
    app.add_typer(group)


def create_key(
    name: Annotated[str, typer.Argument(help="What people call it, such as `shop-backend`.")],
    scope: Annotated[OwnScope, typer.Option(help="What it may: ingest sends records, read asks questions.")],
    service: Annotated[str | None, typer.Option(help="The one service that it is for; by default all.")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make a key and print it, once: only its hash is kept."""
    _check_name(name)
    if service is not None and not service.strip():
        raise typer.BadParameter("the name of a service; leave it out for all of them", param_hint="--service")
    secret = keys.new_secret()
    added = _run(
        database_url,
        lambda store: store.add(name=name, scope=scope, service=service, secret_hash=keys.hashed(secret), actor=actor()),
    )
    if added is None:
        typer.echo(f"integration-monitor: there is a key {name!r} already; choose another name, or revoke it first", err=True)
        raise typer.Exit(1)
    typer.echo(secret)
    typer.echo("Keep it now: it is shown this once.", err=True)


def register_key(
    name: Annotated[str, typer.Argument(help="What people call it, such as `shop-project`.")],
    database_url: DatabaseUrl = None,
) -> None:
    """Let a key of a Supabase project in: sb_secret_… as service_role, sb_publishable_… beside a user's token. Only its hash is kept.

    The key is asked for, or read from standard input: an argument would stay in the shell's history.
    """
    _check_name(name)
    secret = (typer.prompt("Key", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()).strip()
    scope = keys.project_scope(secret)
    if scope is None:
        typer.echo(
            "integration-monitor: this is no key of a Supabase project, which begins with sb_secret_ or sb_publishable_; tokens (eyJ…) need no "
            "registration: set `jwt_secret` or `jwks`",
            err=True,
        )
        raise typer.Exit(1)
    secret_hash = keys.hashed(secret)
    if _run(database_url, lambda store: store.register(name=name, scope=scope, secret_hash=secret_hash, actor=actor())) is None:
        typer.echo(f"integration-monitor: this key is registered already, or there is another one called {name!r}", err=True)
        raise typer.Exit(1)
    typer.echo(f"registered {name} as {scope}")
    if scope == "anon":
        typer.echo("It opens nothing by itself: requests need the token of a user who has signed in.", err=True)


def list_keys(
    database_url: DatabaseUrl = None,
    *,
    is_json: Annotated[bool, typer.Option("--json", help="For programs: a JSON array.")] = False,
) -> None:
    """List every key, without its secret."""
    found = _run(database_url, lambda store: store.list())
    if is_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
        return
    table = Table("name", "scope", "service", "created", "by", "revoked", box=None)
    for key in found:
        # As text: what somebody called a key is no markup.
        table.add_row(*map(Text, _cells(key)))
    Console().print(table)


def revoke_key(
    name: Annotated[str, typer.Argument(help="The key's name.")],
    database_url: DatabaseUrl = None,
) -> None:
    """Revoke a key: within two seconds it opens nothing any more."""
    if _run(database_url, lambda store: store.revoke(name=name, actor=actor())) is None:
        typer.echo(
            f"integration-monitor: there is no key {name!r} that could be revoked; see: integration-monitor keys list", err=True
        )
        raise typer.Exit(1)
    typer.echo(f"revoked {name}")


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > _NAME_LENGTH_MAX or not name.isprintable():
        raise typer.BadParameter(f"1 to {_NAME_LENGTH_MAX} printable characters", param_hint="NAME")


def _cells(key: ApiKey) -> list[str]:
    revoked = "" if key.revoked_at is None else f"{key.revoked_at:%Y-%m-%d %H:%M} UTC"
    return [key.name, key.scope, key.service or "all", f"{key.created_at:%Y-%m-%d %H:%M} UTC", key.created_by, revoked]


def actor() -> str:
    """Who sits at the command line, as the audit tells it."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        user = "unknown"
    return f"{user}@{socket.gethostname()}, command line"


def _run(database_url: str | None, act: Callable[[PostgresApiKeys], Awaitable[Result]]) -> Result:
    given = load_settings(database_url)
    with open_database(given) as database:
        if given.database_url in {None, EMBEDDED}:
            migrate(database.url)
        return asyncio.run(_with_store(database.url, act))


async def _with_store(database_url: str, act: Callable[[PostgresApiKeys], Awaitable[Result]]) -> Result:
    connections = Connections(database_url, connections_max=1)
    await connections.open()
    try:
        return await act(PostgresApiKeys(connections))
    finally:
        await connections.close()
