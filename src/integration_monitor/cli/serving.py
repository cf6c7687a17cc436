"""One process that answers: our application under uvicorn, on a socket that it may share with others of its kind."""

import asyncio
import gc
import logging
import socket
from collections.abc import Callable
from types import FrameType
from typing import Final

import uvicorn
from litestar import Litestar

from integration_monitor.server.app import create_app
from integration_monitor.server.connections import HTTP_PROTOCOL
from integration_monitor.settings import Settings

#: What is still being answered when the server stops gets this long.
SHUTDOWN_TIMEOUT_S: Final = 3
# A body of records becomes some 50,000 objects, all of which go without a collection's help: with Python's own 700 it would look at them again and
# again, in vain.
_YOUNG_OBJECTS_MAX: Final = 50_000
# Where most proxies run.
_THIS_MACHINE: Final = ("127.0.0.1", "::1")


def answer(given: Settings, listener: socket.socket, when_started: Callable[[Litestar], None]) -> None:
    """Answers until SIGINT or SIGTERM, whose former handler is called then.

    when_started:
        Is called with the application, on the event loop, once requests are taken.
    """
    app = create_app(given)
    config = uvicorn.Config(
        app,
        # Its lines would hold the sign-in link.
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        http=HTTP_PROTOCOL,
        # Who stands in front of us is for the user to say, not for a header, nor for uvicorn's own variable in the environment.
        proxy_headers=given.proxy_headers,
        forwarded_allow_ips=given.trusted_proxies or list(_THIS_MACHINE),
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
    )
    server = _Server(config, lambda: when_started(app), app.state.feed.end)
    # uvloop where there is one: with its parser of HTTP a bare request takes less than half of the processor's time.
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=[listener]))


def log_to_stderr() -> None:
    """What a process of the server tells of itself."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


class _Server(uvicorn.Server):
    """Tells when it has started, and when it is about to wait for what is still being answered."""

    def __init__(self, config: uvicorn.Config, when_started: Callable[[], None], when_stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_started = when_started
        self._when_stopping = when_stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What has been loaded stays; no collection need look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS_MAX)
        self._when_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # uvicorn's own breaks off at a second Ctrl-C, and what is being stored with it. The end has a bound anyway.
        if not self.should_exit:
            super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Live streams have no end of their own.
        self._when_stopping()
        await super().shutdown(sockets)
