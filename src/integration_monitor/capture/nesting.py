"""A call that passes through several libraries is one call: requests sends through urllib3, and urllib3 through http.client.

The outermost records it. A library that sends through another says so here while it does; what is below records nothing of its own, and
tells the call what only it can see: when headers came, that an attempt failed and is made again.
"""

import contextvars
import dataclasses

from integration_monitor.capture.call import Call


@dataclasses.dataclass(frozen=True, slots=True)
class Carrier:
    """Who is sending in this context."""

    #: the session, pool or opener, by which a library knows its own calls of itself
    sender: object
    #: None where the call is not to be recorded: then nothing below is
    call: Call | None


carrier: contextvars.ContextVar[Carrier | None] = contextvars.ContextVar("integration_monitor_carrier", default=None)


def is_carried_by(sender: object) -> bool:
    """Whether the outermost call of this context was made by this very object."""
    above = carrier.get()
    return above is not None and above.sender is sender
