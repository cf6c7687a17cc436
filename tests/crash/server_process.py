"""A PostgreSQL server of the test's own, and the ways in which it goes away."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from integration_monitor.errors import StoreUnavailable
from integration_monitor.store.cluster import Cluster
from tests.acceptance.programs import PATIENCE_S, until


class ServerProcess:
    """The processes of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def kill(self) -> None:
        """kill -9 of the postmaster. Its sessions notice and end."""
        os.kill(self._postmaster(), signal.SIGKILL)

    def stop(self) -> None:
        """As an administrator does."""
        self._cluster.stop()

    def ensure_running(self) -> None:
        if not self._cluster.is_answering():
            self.start()

    def start(self) -> None:
        """Again, once nothing of the one that was killed is left."""
        until(lambda: not self._process_ids(), "the end of the sessions of a server that was killed")
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self._cluster.start()
            except StoreUnavailable:
                assert time.monotonic() < deadline, "in vain: the server's start"

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """SIGSTOP to all its processes: connections stay open, and nobody answers. They go on after the block."""
        process_ids = self._process_ids()
        try:
            for process_id in process_ids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process_id, signal.SIGSTOP)
            yield
        finally:
            for process_id in process_ids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process_id, signal.SIGCONT)

    def connect(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """A session of the test's own."""
        return psycopg.connect(self._cluster.url(), autocommit=True)

    def _postmaster(self) -> int:
        return int((self._cluster.data_folder / "postmaster.pid").read_text("utf-8").split()[0])

    def _process_ids(self) -> list[int]:
        """Of the server and its sessions: their working folder is the data directory."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (process / "cwd").readlink() == self._cluster.data_folder:
                    found.append(int(process.name))
        return found
