"""Conversations of aiohttp with a server, and what was captured of them."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

import aiohttp
from aiohttp import web

from integration_monitor.capture.aiohttp import AiohttpPatch
from integration_monitor.capture.call import Capture, operation_of
from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.guard import Guard

KEPT_BYTES = 100
PATIENCE_S = 30

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Talk = Callable[[aiohttp.ClientSession, str], Coroutine[Any, Any, Any]]


@contextlib.contextmanager
def watched() -> Iterator[list[Operation]]:
    """What is captured of aiohttp in the block."""
    operations: list[Operation] = []
    patch = make_patch(operations.append)
    patch.patch(aiohttp)
    yield operations
    patch.unpatch()


def make_patch(take: Callable[[Operation], None]) -> AiohttpPatch:
    return AiohttpPatch(Capture(take=lambda taken: take(operation_of(taken)), body_bytes_max=KEPT_BYTES, guard=Guard()))


def only_attempt(operations: list[Operation]) -> Attempt:
    (operation,) = operations
    (attempt,) = operation.attempts
    return attempt


def header(attempt: Attempt, name: str) -> Any:
    headers: Any = attempt.request_headers
    return headers.get(name)


async def answer_ok(_request: web.Request) -> web.Response:
    return web.json_response({"id": 1})


def converse(talk: Talk, handler: Handler = answer_ok, **options: Any) -> Any:
    """What `talk` gives, with a session and the address of a server that answers with `handler`."""

    async def main() -> Any:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            address = f"http://127.0.0.1:{runner.addresses[0][1]}"
            async with aiohttp.ClientSession(**options) as session:
                return await asyncio.wait_for(talk(session, address), PATIENCE_S)
        finally:
            await runner.cleanup()

    return asyncio.run(main())


def send(**options: Any) -> Talk:
    """A talk: one POST whose answer is read."""

    async def talk(session: aiohttp.ClientSession, address: str) -> Any:
        async with session.post(f"{address}/v1/leads", **options) as response:
            return await response.read()

    return talk
