"""Options that several commands have, and what they stand for."""

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
