"""Programs as a user's shell starts them, the command `integration-monitor` among them, and what they leave behind."""

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

# Longer than any machine needs; a test that waits for it has failed.
PATIENCE_S = 120
# Settings of the developer, and of a `make` that runs the tests, are nothing that a fresh shell has.
_NOT_FRESH = ("INTEGRATION_MONITOR_", "MAKE", "MFLAGS", "PYTEST_", "RESEND_")
_STAND_IN = """#!/bin/sh
exec {python} -c 'from integration_monitor.cli import main; main()' "$@"
"""


class Shell:
    """A fresh shell in a folder of its own, with the product installed.

    settings:
        Settings of the product, as environment variables.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        programs = Path(sys.executable).parent
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_FRESH)}
        self._environment["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
        # A build that nobody wants to wait for, and no output that waits in a buffer.
        self._environment |= {"INTEGRATION_MONITOR_SKIP_FRONTEND": "1", "PYTHONUNBUFFERED": "1"}
        self._environment |= {f"INTEGRATION_MONITOR_{name.upper()}": value for name, value in settings.items()}
        if not (programs / "integration-monitor").exists():
            self._stand_in()

    def run(self, script: str, *, folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """Runs a script of POSIX shell; its first command that fails ends it."""
        return self._run(["sh", "-eu", "-c", script], folder or self.folder)

    def run_python(self, code: str) -> "subprocess.CompletedProcess[str]":
        return self._run([sys.executable, "-c", code], self.folder)

    def start(self, command: str) -> "Program":
        """Starts one command that runs until it is stopped."""
        name, *arguments = shlex.split(command)
        path = shutil.which(name, path=self._environment["PATH"])
        assert path is not None, f"there is no command {name}"
        return Program([path, *arguments], self._environment, self.folder)

    def _run(self, command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, env=self._environment, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )

    def _stand_in(self) -> None:
        """The command, where the package is only on the path and not installed."""
        folder = self.folder / "programs"
        folder.mkdir(exist_ok=True)
        command = folder / "integration-monitor"
        command.write_text(_STAND_IN.format(python=shlex.quote(sys.executable)), "utf-8")
        command.chmod(0o755)
        self._environment["PATH"] = f"{folder}{os.pathsep}{self._environment['PATH']}"


class Program:
    """A running program, in a session of its own as in a terminal.

    A context manager: what still runs at its end is killed.
    """

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path) -> None:
        # A file and no pipe: whatever outlives the program may hold it open, and nobody waits for it.
        self._printed = folder / "printed.txt"
        with self._printed.open("w", encoding="utf-8") as file:
            self._process = subprocess.Popen(
                command,
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.kill()

    @property
    def output(self) -> str:
        """What it has printed, both streams together."""
        return self._printed.read_text("utf-8", errors="replace")

    def wait_for(self, pattern: str) -> str:
        """The first group of the first line that holds the pattern."""
        lines = re.compile(f"^.*{pattern}.*\n", re.MULTILINE)
        until(lambda: lines.search(self.output) is not None or self._process.poll() is not None, f"the words {pattern}")
        found = lines.search(self.output)
        assert found is not None, f"the program ended with {self._process.returncode} without saying {pattern!r}:\n{self.output}"
        return found[1]

    @property
    def is_over(self) -> bool:
        return self._process.poll() is not None

    def reload(self) -> None:
        """SIGHUP to the program alone: servers take it for a wish to start their workers anew."""
        self._process.send_signal(signal.SIGHUP)

    def interrupt(self) -> int:
        """Ctrl-C in its terminal. Its exit code."""
        os.killpg(self._process.pid, signal.SIGINT)
        return self._process.wait(PATIENCE_S)

    def terminate(self) -> int:
        """SIGTERM to the program alone, as a service manager sends it. Its exit code."""
        self._process.terminate()
        return self._process.wait(PATIENCE_S)

    def kill(self) -> None:
        """Ends it so that it notices nothing."""
        self._process.kill()
        self._process.wait(PATIENCE_S)


def processes_of(folder: Path) -> list[str]:
    """The command lines of all processes that have something to do with a folder: it is their working folder, or below it, or is
    named in their command line or environment."""
    if not Path("/proc/self/environ").exists():
        pytest.skip("there is no /proc, which tells of running processes")
    mark = os.fsencode(folder)
    return [command for command, traces in _processes() if mark in traces]


def _processes() -> Iterator[tuple[str, bytes]]:
    """(command line, everything that tells where it belongs) of every process that still runs."""
    for process in Path("/proc").glob("[0-9]*"):
        # It may just have ended, or be another user's.
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes()
            environment = (process / "environ").read_bytes()
            yield (
                command.replace(b"\0", b" ").decode(errors="replace"),
                b"\n".join([command, environment, os.fsencode((process / "cwd").readlink())]),
            )


def until(is_true: Callable[[], bool], what: str) -> None:
    """Waits for something to become true; fails where it does not."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_true():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.1)
