"""A server that does nothing: a Litestar handler that answers 201 at once. The most that framework, parser and loop leave to anybody.

It prints its port.
"""

import socket
from typing import Any

import uvicorn
from litestar import Litestar, Request, post


@post("/")
async def take(request: Request[Any, Any, Any]) -> dict[str, int]:
    """Reads the body, as everybody must."""
    await request.body()
    return {"stored": 1}


def main() -> None:
    app = Litestar([take], logging_config=None, openapi_config=None)
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(listener.getsockname()[1], flush=True)
    server = uvicorn.Server(uvicorn.Config(app, access_log=False, log_config=None))
    server.run(sockets=[listener])


if __name__ == "__main__":
    main()
