"""A call that passes through several libraries is one call: requests sends through urllib3, and urllib3 through http.client.

The outermost records it. A library that sends through another says so here while it does; what is below records nothing of its own, and
tells the call what only it can see: when headers came, what was sent, that an attempt failed and is made again.

Application code runs meanwhile: hooks, handlers, generators that give a body. A call that it makes (a token fetched by an authentication
hook) is no part of the one that is under way, so each library below asks first whether it was really asked by the one above.
"""

import contextvars

from integration_monitor.capture.call import Call


class Carrier:
    """Who is sending in this context."""

    __slots__ = ("call", "connection", "headers", "library", "mark", "phase", "sender", "url")

    def __init__(  # noqa: PLR0913, PLR0917 -- made for every call, and arguments by name cost twice as much
        self, library: str, sender: object, call: Call, url: str | None = None, headers: object = None, mark: object = None
    ) -> None:
        #: as `library` of its patch
        self.library = library
        #: the session, pool or opener, by which a library knows its own calls of itself
        self.sender = sender
        self.call = call
        #: what is asked for now; of a redirected call the last one
        self.url = url
        #: the very object that is handed down, where it is
        self.headers = headers
        #: what the sender hands on to its own further requests for the same call
        self.mark = mark
        #: of http.client, from the request to the headers of the answer
        self.connection: object = None
        #: what was being waited for when http.client failed: connect, write or read; None where it has not
        self.phase: str | None = None

    def go_on(self, url: str | None, headers: object = None) -> None:
        """The sender asks for something else for the same call: it was redirected."""
        self.url, self.headers = url, headers

    @property
    def is_sending(self) -> bool:
        """Whether a request is under way on a connection: a generator may be giving its body."""
        return getattr(self.connection, "sock", None) is not None

    def asks_for(self, host: str, url: str) -> bool:
        """Whether a request to this host for this path (or, through a proxy, this URL) is what is asked for."""
        if not isinstance(self.url, str) or not isinstance(url, str):
            return False
        asked = self.url.partition("#")[0]
        return asked.endswith(url.lstrip("/")) and ("://" in url or str(host).lower() in asked.lower())


carrier: contextvars.ContextVar[Carrier | None] = contextvars.ContextVar("integration_monitor_carrier", default=None)
