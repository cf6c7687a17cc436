"""Puts the groups of commands together."""

import importlib
import pkgutil
from importlib import metadata
from typing import Annotated

import typer

import integration_monitor.cli


def build() -> typer.Typer:
    """The command line, with the commands of every module of this folder that has a `register`."""
    application = typer.Typer(
        name="integration-monitor",
        help="Records every call your backend makes to other companies' APIs, and knows whether it really succeeded.",
        no_args_is_help=True,
        # Errors of ours are printed by `main`; any other is a defect, and its traceback is wanted as it is.
        pretty_exceptions_enable=False,
        callback=_callback,
    )
    for module in pkgutil.iter_modules(integration_monitor.cli.__path__, f"{integration_monitor.cli.__name__}."):
        register = getattr(importlib.import_module(module.name), "register", None)
        if register is not None:
            register(application)
    return application


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        try:
            typer.echo(metadata.version("integration-monitor"))
        except metadata.PackageNotFoundError:
            typer.echo("not installed: run from its source")
        raise typer.Exit


def _callback(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options that belong to no command."""
