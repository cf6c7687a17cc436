"""Where a process ends, or stands still, without Python's atexit: what was taken is written before.

uvicorn         ends by the signal that stopped it, so nothing runs after its `Server.shutdown`
Celery          ends the children of its prefork pool with `os._exit`
uWSGI           lets no thread run between two requests, unless it is started with --enable-threads

multiprocessing is seen to in `deferred.py`. gunicorn, and any program that returns or calls `sys.exit`, need nothing.
"""

import functools
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from integration_monitor.capture.patching import Method, Replacement
from integration_monitor.deferred import DeferredWriter
from integration_monitor.guard import Guard, logger

# A worker of uWSGI that waits for the store answers nobody meanwhile: not for long, and where the store is away not after every request.
UWSGI_FLUSH_S = 1.0
UWSGI_PAUSE_S = 30.0


class UvicornEnding:
    """Flushes, or puts on disk what the store does not take in time, when a server of uvicorn has shut down, and its lifespan with it."""

    library = "uvicorn.server"

    def __init__(self, writer: DeferredWriter[Any], guard: Guard) -> None:
        self._writer = writer
        self._guard = guard
        self._replacements: list[Replacement] = []

    def patch(self, module: ModuleType) -> None:
        """Does nothing where it is done already."""
        if not self._replacements:
            self._replacements = [Replacement(module.Server, "shutdown", self._shutdown)]

    def unpatch(self) -> None:
        for replacement in self._replacements:
            replacement.undo()
        self._replacements = []

    def _shutdown(self, replacement: Replacement) -> Method:
        original, writer, guard = replacement.original, self._writer, self._guard

        import asyncio  # noqa: PLC0415 -- uvicorn has it already, and others shall not pay for it

        @functools.wraps(original)
        async def shutdown(*args: Any, **kwargs: Any) -> Any:
            try:
                return await original(*args, **kwargs)
            finally:
                with guard:
                    if replacement.is_active:
                        # The loop may be more than uvicorn's.
                        await asyncio.to_thread(writer.secure)

        return shutdown


class CeleryEnding:
    """Flushes, or puts on disk what the store does not take in time, in each child of a prefork pool that is about to end."""

    library = "celery.signals"

    def __init__(self, writer: DeferredWriter[Any], guard: Guard) -> None:
        self._writer = writer
        self._guard = guard
        self._module: ModuleType | None = None

    def patch(self, module: ModuleType) -> None:
        self._module = module
        module.worker_process_shutdown.connect(self._end, weak=False)

    def unpatch(self) -> None:
        if self._module is not None:
            self._module.worker_process_shutdown.disconnect(self._end)

    def _end(self, **_of_the_signal: object) -> None:
        with self._guard:
            self._writer.secure()


class UwsgiEnding:
    """Flushes after each request where no other thread would do it, and at once while the application is loaded before the fork.

    uWSGI forks from C: nothing of Python's runs before it, and nothing at the end of the process that loaded the application.
    """

    library = "uwsgi"

    def __init__(
        self,
        writer: DeferredWriter[Any],
        guard: Guard,
        *,
        flush_s: float = UWSGI_FLUSH_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._writer = writer
        self._guard = guard
        self._flush_s = flush_s
        self._clock = clock
        self._flush_at = clock()
        self._uwsgi: Any = None
        self._hook_before: Callable[[], object] | None = None

    def patch(self, module: ModuleType) -> None:
        self._uwsgi = module
        self._writer.after_take = self._after_take
        if has_threads(module):
            return
        # With --lazy-apps each worker loads the application; the first one speaks for all.
        if self._uwsgi.worker_id() <= 1:
            logger.warning(
                "integration_monitor: uWSGI runs without --enable-threads, so each request's records are written at its end, "
                "while the worker waits; start uWSGI with --enable-threads"
            )
        self._hook_before = getattr(module, "after_req_hook", None)
        self._uwsgi.after_req_hook = self._after_request

    def unpatch(self) -> None:
        self._writer.after_take = None
        if getattr(self._uwsgi, "after_req_hook", None) == self._after_request:
            self._uwsgi.after_req_hook = self._hook_before or _nothing

    def _after_take(self) -> None:
        # As long as a shutdown takes: what the loading process has not written when it forks is lost.
        if self._uwsgi.worker_id() == 0:
            self._flush(None)

    def _after_request(self) -> None:
        try:
            if self._hook_before is not None:
                self._hook_before()
        finally:
            with self._guard:
                self._flush(self._flush_s)

    def _flush(self, timeout_s: float | None) -> None:
        if self._clock() < self._flush_at or self._writer.flush(timeout_s):
            return
        # The first one may only be slow: it imports the driver and connects.
        if self._writer.stats().last_error is not None:
            self._flush_at = self._clock() + UWSGI_PAUSE_S


def has_threads(uwsgi: ModuleType) -> bool:
    """Whether uWSGI lets threads of ours run. `uwsgi.opt` has the options that are set, with True or text as bytes; --threads implies it."""
    options = {name if isinstance(name, str) else name.decode(): value for name, value in uwsgi.opt.items()}
    return "threads" in options or options.get("enable-threads", b"false") not in (b"false", b"0", b"off", b"no")


def _nothing() -> None:
    pass
