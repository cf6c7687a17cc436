"""The real server on a free port of loopback, in a thread of the test process."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import jwt
import uvicorn
from litestar import Litestar

from integration_monitor import record, settings
from integration_monitor.server.app import create_app
from integration_monitor.server.auth import entrance_of
from integration_monitor.server.connections import HTTP_PROTOCOL
from integration_monitor.server.live.feed import Feed
from integration_monitor.store.answers import Role

SECRET = "a shared secret of more than 32 bytes"
START_TIMEOUT_S = 10


class LiveServer:
    """A server that listens. `url` has no slash at its end."""

    def __init__(self, app: Litestar, loop: asyncio.AbstractEventLoop, port: int) -> None:
        self._app = app
        self._loop = loop
        self.url = f"http://127.0.0.1:{port}"

    def sign_in_link(self, role: Role = "authenticated") -> str:
        """The address of a new one-time link, as `serve` prints it."""
        link = asyncio.run_coroutine_threadsafe(entrance_of(self._app.state).new_link(role), self._loop).result(START_TIMEOUT_S)
        return f"{self.url}/sign-in/{link}"

    @property
    def feed(self) -> Feed:
        """What the live streams of this server share."""
        feed: Feed = self._app.state.feed
        return feed

    def token(self, role: Role = "authenticated") -> str:
        """A token as Supabase issues them."""
        return jwt.encode({"role": role, "exp": record.now().timestamp() + 600}, SECRET, algorithm="HS256")


@contextlib.contextmanager
def live_server(database_url: str, *, port: int = 0, **others: object) -> Iterator[LiveServer]:
    """Serves a database until the block ends, on any free port unless one is given; other keyword arguments are settings."""
    app = create_app(settings.load({"database_url": database_url, "jwt_secret": SECRET, **others}, environment={}))
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, http=HTTP_PROTOCOL, timeout_graceful_shutdown=1)
    )
    loop = asyncio.new_event_loop()
    with socket.create_server(("127.0.0.1", port)) as listener:
        # What is accepted inherits it. asyncio sets it only on sockets that say they are TCP, which these do not; without it each answer that
        # follows another on its connection waits 40 ms for the client's acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        thread = threading.Thread(target=_run, args=(loop, server, listener), name="live-server")
        thread.start()
        try:
            yield LiveServer(app, loop, listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(START_TIMEOUT_S)
            loop.close()


def _run(loop: asyncio.AbstractEventLoop, server: uvicorn.Server, listener: socket.socket) -> Any:
    asyncio.set_event_loop(loop)
    loop.run_until_complete(server.serve(sockets=[listener]))
