"""Options that several commands have, what they stand for, and how a command that runs on is ended."""

import signal
from pathlib import Path
from typing import Annotated

import typer

from integration_monitor.settings import Settings, load
from integration_monitor.store.embedded import EMBEDDED, Database, resolve

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        help="postgresql://… or `embedded`; by default INTEGRATION_MONITOR_DATABASE_URL, else `embedded`.",
        show_default=False,
    ),
]


def load_settings(database_url: str | None) -> Settings:
    """The settings, where the option counts before the environment. Errors as of `settings.load`."""
    return load({"database_url": database_url or None})


def open_database(settings: Settings) -> Database:
    """The database of the settings, started if it is an embedded one. Errors as of `embedded.resolve`."""
    return resolve(settings.database_url or EMBEDDED, Path(settings.data_dir) if settings.data_dir else None)


def end_in_order() -> None:
    """Makes Ctrl-C of a service manager's SIGTERM and of a closed terminal's SIGHUP: what was started is stopped with us."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # `nohup` ignores SIGHUP, and Windows has none.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        # By way of SIGTERM, which uvicorn takes over while it runs.
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
