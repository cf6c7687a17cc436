"""The command line, `integration-monitor`: arguments come in, tables or JSON go out, and an exit code.

Each module here that has a function `register(app)` is a group of commands, and adding a file adds its commands: `application.py`
puts them together. `options.py` holds what several of them share. `run.py` alone works without the extra `server`.

Exit codes: 0 done, 1 failed (one line on standard error says what and what to do), 2 wrong usage, 130 broken off by Ctrl-C.
"""

import sys

from integration_monitor.errors import IntegrationMonitorError, MissingExtraError


def main() -> None:
    """The entry point of `integration-monitor`."""
    if sys.argv[1:2] == ["run"]:
        # The one command that an application's own environment needs, which has no reason to hold the extra.
        from integration_monitor.cli.run import run_command  # noqa: PLC0415

        run_command(sys.argv[2:])
    try:
        from integration_monitor.cli.application import build  # noqa: PLC0415 - without the extra, say which one is missing
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("integration_monitor"):
            raise
        _fail(MissingExtraError("The command line", extra="server"))
    try:
        build()(prog_name="integration-monitor")
    except IntegrationMonitorError as error:
        _fail(error)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. Python would complain again when it flushes at exit.
        sys.stdout = None
        sys.exit(0)


def _fail(error: IntegrationMonitorError) -> None:
    sys.stderr.write(f"integration-monitor: {error}\n")
    sys.exit(1)
