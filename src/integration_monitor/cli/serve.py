"""`integration-monitor serve`: the JSON API and the dashboard, in one process or several."""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Iterable
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
import typer

from integration_monitor import settings
from integration_monitor.cli.options import DatabaseUrl, end_in_order, open_database
from integration_monitor.cli.serving import answer, log_to_stderr
from integration_monitor.cli.workers import Workers
from integration_monitor.errors import SettingsError, StoreError, StoreUnavailable
from integration_monitor.server.app import create_app
from integration_monitor.server.auth import entrance_of
from integration_monitor.server.entrance import LINK_LIFETIME, Entrance
from integration_monitor.server.published_keys import is_open_to_others
from integration_monitor.server.tokens import SECRET_BYTES_MIN
from integration_monitor.services.registry import Registry
from integration_monitor.settings import Settings
from integration_monitor.store.embedded import EMBEDDED
from integration_monitor.store.postgres.migrator import list_migrations, migrate
from integration_monitor.store.postgres.pool import Connections
from integration_monitor.store.postgres.upkeep import applied_migrations

# How often a database that is away is asked for the sign-in link.
_RETRY_S: Final = 2
# Addresses that mean "every one of this machine": nobody can open them.
_ANY_HOSTS: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  # compared with, not listened on


def register(app: typer.Typer) -> None:
    """Adds the command to the command line."""
    app.command()(serve)


def serve(  # noqa: PLR0913, PLR0917 -- its options
    host: Annotated[str | None, typer.Option(help="Address to listen on; by default 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, by default 8321; 0 picks a free one.")] = None,
    database_url: DatabaseUrl = None,
    public_url: Annotated[
        str | None, typer.Option(help="The dashboard's address as browsers see it, where a proxy stands in front.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that answer, by default 1; more than there are cores gain nothing.")
    ] = None,
    proxy_headers: Annotated[
        bool | None,
        typer.Option(
            "--proxy-headers/--no-proxy-headers",
            help="Believe X-Forwarded-For and X-Forwarded-Proto of --trusted-proxies; by default nobody's.",
            show_default=False,
        ),
    ] = None,
    trusted_proxies: Annotated[
        str | None,
        typer.Option(help="Addresses or networks of proxies, separated by commas; by default this machine's own: 127.0.0.1,::1."),
    ] = None,
) -> None:
    """Runs the server: dashboard at /, JSON API at /api/admin/integrations/monitoring. Prints a one-time link to sign in.

    Every setting can also come from the environment (INTEGRATION_MONITOR_…) or from a file. Ctrl-C stops it.
    """
    given = settings.load(
        {
            "server_host": host,
            "server_port": port,
            "database_url": database_url or None,
            "public_url": public_url,
            "server_workers": workers,
            "proxy_headers": proxy_headers,
            "trusted_proxies": trusted_proxies,
        }
    )
    # A description that cannot be used is told now, to who starts the server, and not when the first call comes in.
    Registry(given.service_hosts, services_dir=given.services_dir)
    for warning in warnings_about(given):
        typer.secho(f"WARNING: {warning}", fg=typer.colors.RED, bold=True, err=True)
    end_in_order()
    with contextlib.suppress(KeyboardInterrupt), open_database(given) as database:
        if given.database_url in {None, EMBEDDED}:
            migrate(database.url)
        run(msgspec.structs.replace(given, database_url=database.url))


def run(given: Settings) -> None:
    """Serves until Ctrl-C. `given.database_url` must be that of a real database, which need not be there yet.

    Errors:
        SettingsError: the address cannot be listened on, or `public_url` is none, or one of `trusted_proxies`.
        WorkersFailed: a worker did not start.
        StoreError: the database is there and was not migrated.
        KeyboardInterrupt: Ctrl-C, after everything has been closed.
    """
    log_to_stderr()
    _check_proxies(given.trusted_proxies)
    with _listen(given) as listener:
        asyncio.run(_check(given))
        address = _address(given, listener)
        if given.server_workers > 1:
            try:
                asyncio.run(_look_after_workers(given, listener, address))
            finally:
                # The event loop has given back other handlers than it found.
                end_in_order()
            return
        announcements: list[asyncio.Task[None]] = []
        answer(
            given,
            listener,
            lambda app: announcements.append(asyncio.create_task(_announce(entrance_of(app.state), address))),
        )


def warnings_about(given: Settings) -> list[str]:
    """What is dangerous about how a server is set up; one text for people each."""
    found = []
    if not given.required_claims:
        found.append(
            "`required_claims` is empty: every token of role `authenticated` may read everything here, payloads included. In a "
            "Supabase project that is every user who signs up. Set "
            "INTEGRATION_MONITOR_REQUIRED_CLAIMS=app_metadata.integration_monitor=reader"
        )
    if any(path.split(".")[0] == "user_metadata" for path in given.required_claims):
        found.append(
            "`required_claims` asks for a claim in `user_metadata`, which every user can change: ask for one in `app_metadata`."
        )
    if given.jwt_secret and len(given.jwt_secret.encode()) < SECRET_BYTES_MIN:
        found.append(f"`jwt_secret` has fewer than {SECRET_BYTES_MIN} bytes: it can be guessed, and tokens forged.")
    if given.jwks and is_open_to_others(given.jwks):
        found.append(
            "`jwks` is read over http: whoever sits on the way can put keys of their own there, and forge tokens. Use https."
        )
    return found


def _check_proxies(proxies: Iterable[str]) -> None:
    """Whether each is an address, a network, or `*` for everybody.

    Errors:
        SettingsError
    """
    for proxy in proxies:
        try:
            if proxy != "*":
                ipaddress.ip_network(proxy)
        except ValueError as error:
            raise SettingsError(
                f"trusted_proxies: {proxy!r} is neither an address nor a network, such as 10.0.0.0/8", name="trusted_proxies"
            ) from error


def _listen(given: Settings) -> socket.socket:
    """A socket, so that the port is known before anything is printed.

    Errors:
        SettingsError: the port is taken, or the address is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in given.server_host else socket.AF_INET
    try:
        listener = socket.create_server((given.server_host, given.server_port), family=family, backlog=2048)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {given.server_host}, port {given.server_port}: {error.strerror or error}; choose another --port",
            name="server_port",
        ) from error
    # What is accepted inherits it. asyncio sets it only on sockets that say they are TCP, which these do not; without it each answer that
    # follows another on its connection waits 40 ms for the client's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def _look_after_workers(given: Settings, listener: socket.socket, address: str) -> None:
    """Workers answer; this process looks after them, and has of the application only what makes the link."""
    state = create_app(given).state
    connections: Connections = state.connections
    await connections.open()
    announcements: list[asyncio.Task[None]] = []
    try:
        await Workers(given, listener, count=given.server_workers).run(
            lambda: announcements.append(asyncio.create_task(_announce(entrance_of(state), address)))
        )
    finally:
        for announcement in announcements:
            announcement.cancel()
        await connections.close()


async def _check(given: Settings) -> None:
    """Whether the database has every migration. One that is away may come later.

    Errors:
        StoreError: it was not migrated, or not by this version.
    """
    assert given.database_url is not None
    connections = Connections(given.database_url, connections_max=1)
    await connections.open()
    try:
        missing = {migration.name for migration in list_migrations()} - await applied_migrations(connections)
    except StoreUnavailable:
        return
    finally:
        await connections.close()
    if missing:
        raise StoreError(f"the database lacks {len(missing)} migrations of this version; run: integration-monitor migrate")


async def _announce(entrance: Entrance, address: str) -> None:
    """Prints where the server is and a one-time link, as soon as there is a database to keep it in."""
    typer.echo(f"Integration Monitor listens on {address}")
    is_told = False
    while True:
        try:
            link = await entrance.new_link()
        except StoreError as error:
            if not is_told:
                typer.secho(f"The sign-in link follows when the database can be used: {error}", fg=typer.colors.YELLOW, err=True)
            is_told = True
            await asyncio.sleep(_RETRY_S)
        else:
            hours = int(LINK_LIFETIME.total_seconds() // 3600)
            typer.echo(f"Sign in (works once, within {hours} hours): {address}/sign-in/{link}")
            return


def _address(given: Settings, listener: socket.socket) -> str:
    """Where browsers find the server, without a slash at the end."""
    if given.public_url:
        return given.public_url.rstrip("/")
    host = "127.0.0.1" if given.server_host in _ANY_HOSTS else given.server_host
    return urlsplit(f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}").geturl()
