"""Any host that nobody described: the record is still sensible.

The service's name is the host, the action is method and route with identifiers folded, the outcome is the HTTP status.
"""

from integration_monitor.services.description import Service, is_safe_method
from integration_monitor.services.exchange import Exchange, Outcome
from integration_monitor.services.outcome import by_status


def describe(name: str) -> Service:
    """A service of which only the name is known: a host, or the name that the application gave an operation."""
    return Service(name=name, read=read)


def read(exchange: Exchange, action: str) -> Outcome:
    return by_status(exchange, is_repeatable=is_safe_method(exchange, action))
