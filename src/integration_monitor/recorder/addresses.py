"""URLs in their parts. Most calls repeat one of few, so the last ones are remembered."""

import re
from urllib.parse import urlsplit

import msgspec

from integration_monitor.body import parse_pairs

# URLs remembered; longer ones hold what changes from call to call.
ADDRESSES_MAX = 256
ADDRESS_CHARS_MAX = 300

# What nearly all URLs are. The others, with a user, an IPv6 address or an international name, are left to the standard library.
_PLAIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?(?P<path>/[^?#\x00-\x20]*)?(?:\?(?P<query>[^#\x00-\x20]*))?"
    r"(?:#[^\x00-\x20]*)?"
)
_PORT_DIGITS_MAX = 5


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A URL in its parts, as of `services.exchange.Exchange`."""

    scheme: str = ""
    host: str = ""
    port: int = 80
    path: str = "/"
    query: list[tuple[str, str]] = []


class AddressBook:
    """Reads URLs."""

    def __init__(self) -> None:
        self._remembered: dict[str, Address] = {}

    def read(self, url: str) -> Address:
        """The parts of a URL; what is none has a path alone."""
        address = self._remembered.get(url)
        if address is None:
            address = _parse(url)
            if len(url) <= ADDRESS_CHARS_MAX:
                if len(self._remembered) >= ADDRESSES_MAX:
                    self._remembered.clear()
                self._remembered[url] = address
        return address


def _parse(url: str) -> Address:
    found = _PLAIN.fullmatch(url)
    if found is None:
        return _parse_any(url)
    scheme, host, port, path, query = found.group("scheme", "host", "port", "path", "query")
    return Address(
        scheme=scheme,
        host=host.lower(),
        port=int(port) if port else 443 if scheme == "https" else 80,
        path=path or "/",
        query=parse_pairs(query) if query else [],
    )


def _parse_any(url: str) -> Address:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:  # a bracket that nobody closed
        return Address(path=url or "/")
    digits = parts.netloc.rpartition("]")[2].rpartition(":")[2]
    is_told = digits.isdecimal() and len(digits) <= _PORT_DIGITS_MAX
    return Address(
        scheme=parts.scheme,
        host=host,
        port=int(digits) if is_told else 443 if parts.scheme == "https" else 80,
        path=parts.path or "/",
        query=parse_pairs(parts.query),
    )
