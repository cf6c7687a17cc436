"""Counts what was refused to an address of late, so that nobody tries tokens and keys without end.

Each worker counts for itself: with several, an address has as many attempts as each allows. An address is what the server is connected to, or what
a proxy tells that the command line says to believe; see docs/security.md.
"""

import contextlib
import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Final

from litestar.connection import ASGIConnection

from integration_monitor.server.refusals import NotAllowed, NotSignedIn, TooManyAttempts

#: Of an address, within the window. A person mistypes some times, a program that has the wrong key needs no more to learn so.
ATTEMPTS_MAX: Final = 20
#: It begins with the first refusal, and after it the address has all its attempts again.
WINDOW_S: Final = 60.0
#: Addresses that are remembered, some 200 bytes each; beyond it the one whose window began first is forgotten.
ADDRESSES_MAX: Final = 10_000
# What is no address may have been sent by whoever tries, where a proxy passes it on.
_NAME_LENGTH_MAX: Final = 64
# Who has IPv6 has a network of so many bits at least, and can send from each address in it.
_IPV6_NETWORK_BITS: Final = 64


class Attempts:
    """What was refused, by address. For one event loop."""

    def __init__(self) -> None:
        #: address → (attempts, monotonic time of the first), the oldest window first
        self._refused: OrderedDict[str, tuple[int, float]] = OrderedDict()

    @contextlib.contextmanager
    def counted(self, address: str) -> Iterator[None]:
        """Lets nobody into the block who has no attempt left, and counts it where it ends in a refusal.

        Errors:
            TooManyAttempts
        """
        self.check(address)
        try:
            yield
        except (NotSignedIn, NotAllowed):
            self.note(address)
            raise

    def note(self, address: str) -> None:
        """Counts a refusal.

        Errors:
            TooManyAttempts: there were too many before it.
        """
        self.check(address)
        count, began_at = self._refused.get(address, (0, time.monotonic()))
        self._refused[address] = (count + 1, began_at)
        if len(self._refused) > ADDRESSES_MAX:
            self._refused.popitem(last=False)

    def check(self, address: str) -> None:
        """Errors: TooManyAttempts: the address has no attempt left in its window."""
        count, began_at = self._refused.get(address, (0, 0.0))
        left_s = began_at + WINDOW_S - time.monotonic()
        if count and left_s <= 0:
            del self._refused[address]
        elif count >= ATTEMPTS_MAX:
            raise TooManyAttempts(
                f"{ATTEMPTS_MAX} attempts from this address were refused within {WINDOW_S:.0f} seconds.",
                retry_after_s=math.ceil(left_s),
            )


def address_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Whom the attempts of a request are counted for: an IPv4 address, or a network of IPv6."""
    host = connection.client.host if connection.client is not None else ""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:  # a socket in the file system has none
        return host[:_NAME_LENGTH_MAX]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _IPV6_NETWORK_BITS), strict=False))
