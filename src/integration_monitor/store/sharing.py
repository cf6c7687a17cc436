"""Who uses a server of our own: the first one starts it, the last one stops it.

Each process holds a shared lock on a file while it uses the server. The kernel lets go of it whatever becomes of the process, even
when it is killed, and whoever can have the lock alone is the last one. A list of process ids, the usual way, keeps those that were killed.
"""

import contextlib
import fcntl
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from integration_monitor.errors import SettingsError
from integration_monitor.store.cluster import Cluster, make_folder


class Sharing:
    """One process's share in a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._users_file: int | None = None

    def join(self) -> None:
        """Begins to use the server, and starts it when it does not run. Errors as of `Cluster.start`."""
        make_folder(self._cluster.folder)
        with self._alone():
            users_file = _open(self._cluster.folder / "users.lock")
            try:
                fcntl.flock(users_file, fcntl.LOCK_SH)
                with _ends_held():
                    self._cluster.start()
            except BaseException:
                os.close(users_file)
                self._stop_unless_used()
                raise
            self._users_file = users_file

    def leave(self) -> None:
        """Ends the use of the server, and stops it when nobody else uses it."""
        if self._users_file is None:
            return
        with self._alone():
            # Closing is letting go; a child that was forked meanwhile has the file open too, and keeps its parent's share.
            os.close(self._users_file)
            self._users_file = None
            self._stop_unless_used()

    def _stop_unless_used(self) -> None:
        users_file = _open(self._cluster.folder / "users.lock")
        try:
            fcntl.flock(users_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        else:
            self._cluster.stop()
        finally:
            os.close(users_file)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else starts or stops the server meanwhile."""
        file = _open(self._cluster.folder / "start.lock")
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)


@contextlib.contextmanager
def _ends_held() -> Iterator[None]:
    """Ctrl-C and its like take effect at the end of the block: a server whose start is broken off half-way can be found by nobody."""
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _open(path: Path) -> int:
    try:
        # Not inherited by programs that are started: they would keep the share of a process that is gone.
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingsError(f"{path} cannot be opened: {error.strerror}", name="data_dir") from error
