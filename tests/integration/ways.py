"""Each way of making a call that is captured, with the same methods, so that one table fits all: `WAYS` in ways_table.py.

What a library cannot do is told in `cannot`, with the reason.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import ClassVar

# Short, because it is waited for in full where a server does not answer.
TIMEOUT_S = 0.2

#: status and body
Answer = tuple[int, bytes]

#: what may end a call, or be peculiar to one: the rows of the table
ENDINGS = (
    "success",
    "HTTP error",
    "redirect",
    "compressed body",
    "body that cannot be unpacked",
    "no complete answer",
    "late body",
    "connect time-out",
    "pool time-out",
    "refused connection",
    "unknown name",
    "TLS error",
    "trusted certificate",
    "cancelled",
    "connection cut between two calls",
    "streamed request",
    "streamed answer",
    "closed early",
    "dropped",
    "event stream",
)


class Way:
    """How a library is asked. A method that a library has not the means for is missing, and its ending in `cannot`."""

    #: as its records name it
    library: str
    #: what it cannot do, by the name of an ending, and why
    cannot: ClassVar[dict[str, str]] = {}
    #: how a message tells that the pool was waited for
    pool_words = "pool time-out"
    #: status and error of what follows a connection that the server has cut; whether the application is told of it
    after_a_cut: ClassVar[list[tuple[int | None, str | None]]] = [(200, None)]
    is_helpless_against_cuts = False
    #: what a connection that ends in the middle of an answer, or speaks no HTTP, is taken for
    code_of_a_cut = "INVALID_RESPONSE"
    #: whether its vendor speaks HTTP/2
    is_http2 = False
    #: whether it unpacks a compressed body before the application, and the record, get it
    is_unpacking = True

    def call(self, url: str, *, body: bytes | None = None, timeout_s: float = TIMEOUT_S, trusted: str | None = None) -> Answer:
        """One call whose answer is read. `trusted` is the file of a certificate."""
        raise NotImplementedError

    def stream(self, url: str) -> contextlib.AbstractContextManager[Iterator[bytes]]:
        """The pieces of an answer as they come; closed with the block."""
        raise NotImplementedError

    def lines(self, url: str) -> contextlib.AbstractContextManager[Iterator[bytes]]:
        """The lines of an answer as they come, without their ends."""
        raise NotImplementedError

    def drop(self, url: str) -> None:
        """Asks for an answer, and neither reads nor closes it."""
        raise NotImplementedError

    def upload(self, url: str, pieces: list[bytes]) -> Answer:
        """Sends a body piece by piece."""
        raise NotImplementedError

    def twice(self, url: str, between: Callable[[], object]) -> Answer:
        """Two calls of one client, which would use one connection; gives the second answer."""
        raise NotImplementedError

    def wait_for_pool(self, held_url: str, url: str) -> None:
        """A call while the only connection is held by another, whose answer is not read."""
        raise NotImplementedError

    def cancel(self, url: str, is_asked: Callable[[], bool]) -> None:
        """Cancels the task of a call once it has arrived."""
        raise NotImplementedError


#: why it is in `cannot` under "cancelled"
NO_TASK = "a blocking call has no task that could be cancelled"

#: for `cannot` of ways over HTTP/2
NOT_OVER_HTTP2 = {
    "pool time-out": "one connection carries any number of requests at a time, so that none waits for another",
    "trusted certificate": "the vendor here speaks HTTP/2 without TLS only",
}
