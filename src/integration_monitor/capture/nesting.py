"""A call that passes through several libraries is one call: requests sends through urllib3, and urllib3 through http.client.

The outermost records it. A library that sends through another says so here while it does; what is below records nothing of its own, and
tells the call what only it can see: when headers came, what was sent, that an attempt failed and is made again.

Application code runs meanwhile: hooks, handlers, generators that give a body. A call that it makes (a token fetched by an authentication
hook) is no part of the one that is under way, so each library below asks first whether it was really asked by the one above.

httpx and requests let the application put a transport or an adapter of its own in the place of theirs, which may send through any other
library: there the same URL tells.
"""

import contextvars
from typing import cast

from integration_monitor.capture.call import Call


class Carrier:
    """Who is sending in this context."""

    __slots__ = ("_before", "call", "connection", "headers", "is_over", "library", "mark", "phase", "sender", "url")

    def __init__(  # noqa: PLR0913, PLR0917 -- made for every call, and arguments by name cost twice as much
        self, library: str, sender: object, call: Call, url: object = None, headers: object = None, mark: object = None
    ) -> None:
        #: as `library` of its patch
        self.library = library
        #: the session, pool or opener, by which a library knows its own calls of itself
        self.sender = sender
        self.call = call
        #: what is asked for now, as text or an object whose text it is; of a redirected call the last one
        self.url = url
        #: the very object that is handed down, where it is
        self.headers = headers
        #: what the sender hands on to its own further requests for the same call
        self.mark = mark
        #: of http.client, from the request to the headers of the answer
        self.connection: object = None
        #: what was being waited for when http.client failed: connect, write or read; None where it has not
        self.phase: str | None = None
        #: whether it has sent: a task or a connection that was made meanwhile keeps the context for as long as it lives. Set by itself
        #: before `end` is called, in whose first step a signal handler may raise
        self.is_over = False
        self._before = carrier.get()

    def begin(self) -> None:
        """It sends now. To be called inside the block that ends it: a signal handler may raise here."""
        carrier.set(self)

    def end(self) -> None:
        """It has sent, and `is_over` says so already. There is no token, which would be missing where `begin` was interrupted."""
        carrier.set(self._before)
        # A context that is kept shall not keep the call and its answer.
        self.call = cast("Call", None)
        self._before = self.sender = self.headers = self.mark = self.connection = self.url = None

    def go_on(self, url: str | None, headers: object = None) -> None:
        """The sender asks for something else for the same call: it was redirected."""
        self.url, self.headers = url, headers

    @property
    def is_sending(self) -> bool:
        """Whether a request is under way on a connection: a generator may be giving its body."""
        return getattr(self.connection, "sock", None) is not None

    def asks_for(self, host: str, url: str) -> bool:
        """Whether a request to this host for this path (or, through a proxy, this URL) is what is asked for."""
        if self.url is None or not isinstance(url, str):
            return False
        asked = str(self.url).partition("#")[0]
        return asked.endswith(url.lstrip("/")) and ("://" in url or str(host).lower() in asked.lower())

    def sends_through(self, library: str, url: object) -> bool:
        """Whether a call of this other library is how it sends, by a transport or an adapter of the application's own."""
        return self.library != library and self.url is not None and _bare(self.url) == _bare(url)


def _bare(url: object) -> str:
    """As libraries agree on it."""
    return str(url).partition("#")[0].rstrip("/")


carrier: contextvars.ContextVar[Carrier | None] = contextvars.ContextVar("integration_monitor_carrier", default=None)


def carrier_above() -> Carrier | None:
    """Who is sending; None where nobody is."""
    above = carrier.get()
    return None if above is None or above.is_over else above
