"""The folder that the spools of all processes lie in, and who owns which.

<spool_dir>/<destination>/                   0700; one a database: what is meant for one never goes to another
    destination                              where the records go, for people; without user and password
    dead-letters.jsonl                       what the store refused
    <began>-<writer's id>/                   the home of one process
        lock                                 held with flock by the process that owns the home: the kernel lets go of it when the process dies
        <number>-<began>.sqlite              segments
"""

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from integration_monitor.errors import SpoolError
from integration_monitor.settings import Settings
from integration_monitor.writer.destination import destination_of
from integration_monitor.writer.segment import SUFFIX

if sys.platform != "win32":
    import fcntl

# Where services keep what they need, as the embedded database of root.
ROOT_FOLDER = Path("/var/lib/integration-monitor")

LOCK_NAME = "lock"
DESTINATION_NAME = "destination"
# A home that is not finished: it is renamed when its lock is held, so that nobody takes it for one whose owner has died.
UNFINISHED_PREFIX = ".new-"

# Enough that two databases do not share a folder.
_DIGEST_DIGITS = 16


class Home:
    """The folder of one process's spool, owned until it is released or the process ends."""

    def __init__(self, path: Path, lock_file: int) -> None:
        self.path = path
        self._lock_file: int | None = lock_file

    def segments(self) -> list[Path]:
        """The segments' paths, oldest first."""
        return segments_in(self.path)

    def release(self) -> None:
        """Lets go of it: what lies in it is anybody's. In the child of a fork this leaves the parent's lock as it is."""
        lock_file, self._lock_file = self._lock_file, None
        if lock_file is not None:
            os.close(lock_file)

    def remove(self) -> None:
        """Removes it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.release()


class Folder:
    """The spools of this machine whose records go to the same place."""

    def __init__(self, path: Path, destination: str) -> None:
        self.path = path
        #: where the records go, without user and password
        self.destination = destination

    def claim(self, writer_id: uuid.UUID, began_ms: int) -> Home:
        """A new home.

        Errors:
            SpoolError: the folder cannot be made or used.
        """
        if sys.platform == "win32":
            raise SpoolError("the spool needs Linux or macOS: records wait in memory only")
        self.ensure()
        path = self.path / f"{began_ms:014d}-{writer_id}"
        home = None
        try:
            unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED_PREFIX, dir=self.path))
            try:
                home = Home(unfinished, _lock(unfinished, is_new=True))
                unfinished.rename(path)
            except BaseException:
                # It is tried again every few seconds, and what is left of each time would pile up.
                shutil.rmtree(unfinished, ignore_errors=True)
                if home is not None:
                    home.release()
                raise
        except OSError as error:
            raise SpoolError(f"{self.path} cannot be used for the spool: {error.strerror}") from error
        home.path = path
        return home

    def ensure(self) -> None:
        """Makes the folder. Errors as of `claim`."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.mkdir(mode=0o700, exist_ok=True)
            status = self.path.lstat()
            # A link leads into a folder of another's choice, though that may be one of ours.
            if not stat.S_ISDIR(status.st_mode):
                raise SpoolError(f"{self.path} is no folder: set spool_dir, or remove it")
            if status.st_uid != os.geteuid():
                raise SpoolError(f"{self.path} belongs to another user: set spool_dir, or run as its owner")
            if status.st_mode & 0o077:
                self.path.chmod(0o700)
            note = self.path / DESTINATION_NAME
            if not note.exists():
                with open_private(note) as file:
                    file.write(f"{self.destination}\n")
        except OSError as error:
            raise SpoolError(f"{self.path} cannot be used for the spool: {error.strerror}") from error

    def homes(self) -> list[Path]:
        """The homes' paths, oldest first, whoever owns them."""
        with contextlib.suppress(OSError):
            return sorted(path for path in self.path.iterdir() if path.is_dir() and not path.name.startswith("."))
        return []

    def adopt(self, path: Path) -> Home | None:
        """The home, if nobody owns it: its process has died."""
        if sys.platform == "win32":
            return None
        try:
            return Home(path, _lock(path))
        except OSError:
            return None

    def adopt_any(self) -> Iterator[Home]:
        """Every home that nobody owns, oldest first, each adopted when it is asked for."""
        for path in self.homes():
            home = self.adopt(path)
            if home is not None:
                yield home

    def bytes_used(self) -> int:
        """What all the segments take on the disk."""
        return sum(segment_bytes(path) for path in self.segments())

    def segments(self) -> list[Path]:
        """The paths of all segments, home by home."""
        return [path for home in self.homes() for path in segments_in(home)]

    def clear(self) -> None:
        """Removes homes that were never finished: their processes died within a moment."""
        with contextlib.suppress(OSError):
            for path in self.path.glob(f"{UNFINISHED_PREFIX}*"):
                home = self.adopt(path)
                if home is not None:
                    home.remove()


def folder_of(settings: Settings) -> Folder:
    """The folder for the records that these settings send on.

    Errors:
        SpoolError: there is no folder to keep them in.
    """
    destination = destination_of(settings)
    digest = hashlib.sha256(destination.encode()).hexdigest()[:_DIGEST_DIGITS]
    return Folder(spool_dir(settings) / digest, destination)


def folders(settings: Settings) -> list[Folder]:
    """The folders of all destinations in the spool's folder. Errors as of `folder_of`."""
    with contextlib.suppress(OSError):
        paths = sorted(path.parent for path in spool_dir(settings).glob(f"*/{DESTINATION_NAME}"))
        return [Folder(path, (path / DESTINATION_NAME).read_text("utf-8").strip()) for path in paths]
    return []


def spool_dir(settings: Settings) -> Path:
    """The setting, else the user's state folder. Errors as of `folder_of`."""
    if settings.spool_dir:
        return Path(settings.spool_dir).expanduser()
    state = os.environ.get("XDG_STATE_HOME")
    if state:
        return Path(state) / "integration-monitor" / "spool"
    if sys.platform != "win32" and os.geteuid() == 0:
        return ROOT_FOLDER / "spool"
    try:
        home = Path.home()
    except RuntimeError as error:
        raise SpoolError("this user has no home for the spool: set spool_dir") from error
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "integration-monitor" / "spool"
    return home / ".local" / "state" / "integration-monitor" / "spool"


def segments_in(home: Path) -> list[Path]:
    """The paths of a home's segments, oldest first; none where the home was removed meanwhile."""
    with contextlib.suppress(OSError):
        return sorted(home.glob(f"*{SUFFIX}"))
    return []


def segment_bytes(path: Path) -> int:
    """What a segment takes on the disk, with its write-ahead log. The log's index of 32 KiB lives in memory and is not counted."""
    size_bytes = 0
    for name in (path.name, f"{path.name}-wal"):
        with contextlib.suppress(OSError):
            size_bytes += path.with_name(name).stat().st_size
    return size_bytes


@contextlib.contextmanager
def open_private(path: Path) -> Iterator[TextIO]:
    """A text file to append to, that nobody else may read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "a", encoding="utf-8") as file:
        yield file


def _lock(home: Path, *, is_new: bool = False) -> int:
    """The home's file, locked.

    Errors:
        OSError: another process holds it, or has removed it meanwhile; or the file system knows no locks.
    """
    path = home / LOCK_NAME
    # Not inherited by programs that are started: they would keep the home of a process that is gone.
    lock_file = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if is_new else 0), 0o600)
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(lock_file).st_ino != path.stat().st_ino:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))  # noqa: TRY301 -- as from `stat`
    except BaseException:
        os.close(lock_file)
        raise
    return lock_file
