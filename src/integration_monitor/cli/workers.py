"""Several processes that answer on one socket, and the one that looks after them.

A worker that dies is replaced, and workers end when their parent does, however it ends. They share nothing but the socket: what they have to agree
on lies in the database, as between servers.
"""

import asyncio
import contextlib
import dataclasses
import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final, NoReturn

from integration_monitor.cli.options import end_in_order
from integration_monitor.cli.serving import answer, log_to_stderr
from integration_monitor.errors import WorkersFailed
from integration_monitor.settings import Settings

# How often the parent looks whether all are alive.
_LOOK_S: Final = 0.2
# A worker that died is replaced at once, unless it had only just begun: then something is wrong that will not pass by itself.
_SHORT_LIFE_S: Final = 10.0
_PAUSE_S: Final = 2.0
# Answers under way get three seconds, and the batch that is being written ten: whoever has not ended then does not end by itself.
_END_TIMEOUT_S: Final = 20.0

logger = logging.getLogger(__name__)


@dataclasses.dataclass(kw_only=True, slots=True, eq=False)
class _Worker:
    process: BaseProcess
    #: the parent's end of a pipe: through it the worker says that it has started, and at its end it notices that the parent is gone
    pipe: Connection
    #: by time.monotonic()
    began_at: float
    has_started: bool = False


class Workers:
    """Looks after `count` processes that answer on one socket."""

    def __init__(self, given: Settings, listener: socket.socket, *, count: int) -> None:
        self._given = given
        self._listener = listener
        # Not forked: what libraries keep in threads, and open connections, would be copied half.
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker | None] = [None] * count
        self._resume_at = 0.0
        self._have_started = False

    async def run(self, when_started: Callable[[], None]) -> None:
        """Keeps them running until SIGINT or SIGTERM, and ends them then.

        when_started:
            Is called once, when all of them take requests.

        Errors:
            WorkersFailed: one ended before all had started.
        """
        ending, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C cancels this task
                loop.add_signal_handler(number, ending.set)
        try:
            while not ending.is_set():
                self._look(when_started)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ending.wait(), _LOOK_S)
        finally:
            await self._end()

    def _look(self, when_started: Callable[[], None]) -> None:
        for place, worker in enumerate(self._workers):
            if worker is not None:
                self._listen(worker)
                if worker.process.is_alive():
                    continue
                self._bury(worker)
                self._workers[place] = None
            if time.monotonic() >= self._resume_at:
                self._workers[place] = self._begin()
        if not self._have_started and all(worker is not None and worker.has_started for worker in self._workers):
            self._have_started = True
            when_started()

    def _begin(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_work, args=(self._given, self._listener, theirs), name="integration-monitor worker"
        )
        process.start()
        # Theirs alone now: so each side notices the other's end.
        theirs.close()
        return _Worker(process=process, pipe=ours, began_at=time.monotonic())

    def _listen(self, worker: _Worker) -> None:
        with contextlib.suppress(OSError, EOFError):
            if not worker.has_started and worker.pipe.poll():
                worker.pipe.recv_bytes()
                worker.has_started = True

    def _bury(self, worker: _Worker) -> None:
        """Tells of a worker that has died.

        Errors:
            WorkersFailed: it had not started, and neither had all the others: no other would fare better.
        """
        worker.pipe.close()
        if not self._have_started and not worker.has_started:
            raise WorkersFailed(
                f"a worker ended with code {worker.process.exitcode} before it had started; its reason stands above"
            )
        if time.monotonic() - worker.began_at < _SHORT_LIFE_S:
            self._resume_at = time.monotonic() + _PAUSE_S
        logger.warning("worker %s ended with code %s and is replaced", worker.process.pid, worker.process.exitcode)

    async def _end(self) -> None:
        processes = [worker.process for worker in self._workers if worker is not None]
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + _END_TIMEOUT_S
        while any(process.is_alive() for process in processes) and time.monotonic() < deadline:  # noqa: ASYNC110 -- processes set no event
            await asyncio.sleep(_LOOK_S / 4)
        for process in processes:
            if process.is_alive():
                logger.error("worker %s did not end within %.0f s and is killed", process.pid, _END_TIMEOUT_S)
                process.kill()
            process.join()


def _work(given: Settings, listener: socket.socket, parent: Connection) -> None:
    """What a worker does."""
    end_in_order()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end_once)
    log_to_stderr()
    threading.Thread(target=_end_with, args=(parent,), name="integration-monitor parent", daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        answer(given, listener, lambda _app: parent.send_bytes(b"started"))


def _end_once(_number: int, _frame: object) -> NoReturn:
    """Ctrl-C. The terminal, the parent and the end of the parent may each tell a worker to end: it does so at the first word."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _end_with(parent: Connection) -> None:
    """Waits for the parent's end, which says nothing through this pipe, and ends this process then."""
    with contextlib.suppress(OSError, EOFError):
        parent.recv_bytes()
    os.kill(os.getpid(), signal.SIGTERM)
