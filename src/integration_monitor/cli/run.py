"""`integration-monitor run`: instruments a program that does not know of it.

Needs nothing but the base install. The program takes the place of this process, so its id, its signals, its streams and its exit code are its own.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from integration_monitor import settings as settings_table
from integration_monitor.errors import IntegrationMonitorError, SettingsError
from integration_monitor.pipeline import check

if TYPE_CHECKING:
    import typer

USAGE = """\
Usage: integration-monitor run -- COMMAND [ARGUMENT]…

Runs a Python program, and what it starts, with every call to an API recorded: python app.py, gunicorn, uvicorn, celery.

The settings come from the environment: INTEGRATION_MONITOR_DATABASE_URL=postgresql://user:password@host/database
Without it the program runs unmonitored. Exit code: the program's own; 126 where it cannot be executed, 127 where it is not found.
"""
#: holds the id of the process that became the program
PROCESS_VARIABLE = f"{settings_table.ENVIRONMENT_PREFIX}RUN"

# As a shell says it.
CANNOT_EXECUTE = 126
NOT_FOUND = 127
WRONG_USAGE = 2


def register(application: "typer.Typer") -> None:
    """For the list of commands: `main` hands `run` to `run_command` before there is a Typer."""

    @application.command(
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
    def run() -> None:
        """Run a Python program, as in `run -- gunicorn app:app`, with every call recorded."""
        run_command(sys.argv[2:])


def run_command(arguments: Sequence[str]) -> NoReturn:
    """Becomes the program; ends with an exit code where that is not possible.

    Args:
        arguments: What follows the word `run`.
    """
    if list(arguments[:1]) in (["--help"], ["-h"]):
        sys.stdout.write(USAGE)
        sys.exit(0)
    command = list(arguments[1:] if list(arguments[:1]) == ["--"] else arguments)
    if not command or (arguments[0] != "--" and command[0].startswith("-")):
        sys.stderr.write(USAGE)
        sys.exit(WRONG_USAGE)
    environment = dict(os.environ)
    try:
        settings = settings_table.load(environment=environment)
        if settings.database_url is None:
            raise SettingsError(
                f"set {settings_table.variable('database_url')} to postgresql://user:password@host/database", name="database_url"
            )
        check(settings)
    except IntegrationMonitorError as error:
        _say(f"the program runs unmonitored: {error}")
    else:
        environment = instrumented(environment)
    _become(command, environment)


def instrumented(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in which every Python instruments itself when it starts."""
    hook = str(Path(__file__).parent.parent / "site_hook")
    others = [folder for folder in environment.get("PYTHONPATH", "").split(os.pathsep) if folder != hook]
    path = os.pathsep.join([hook, *others] if any(others) else [hook])
    return {**environment, "PYTHONPATH": path, PROCESS_VARIABLE: str(os.getpid())}


def _become(command: list[str], environment: Mapping[str, str]) -> NoReturn:
    # Python ignores these two, and a program that is executed inherits what is ignored.
    for name in ("SIGPIPE", "SIGXFSZ"):
        with contextlib.suppress(AttributeError):  # not on Windows
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606 -- the command is the user's own
    except (FileNotFoundError, NotADirectoryError):
        _say(f"there is no command {command[0]!r}, or its interpreter is missing")
        sys.exit(NOT_FOUND)
    except OSError as error:
        _say(f"{command[0]!r} cannot be executed: {error.strerror}")
        sys.exit(CANNOT_EXECUTE)


def _say(text: str) -> None:
    sys.stderr.write(f"integration-monitor: {' '.join(text.split())}\n")
