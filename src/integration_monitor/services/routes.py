"""Which route a request takes: a tree of path segments, so that a vendor with hundreds of routes costs as little as one with three."""

from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from integration_monitor.services.bodies import request_field
from integration_monitor.services.description import Route
from integration_monitor.services.exchange import Exchange

_ANY = ""  # the key of routes that take every method


class _Node:
    """What can follow a path's beginning."""

    __slots__ = ("any", "ends", "literals", "number")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        #: after a placeholder that takes digits only
        self.number: _Node | None = None
        #: after a placeholder that takes everything
        self.any: _Node | None = None
        #: method → routes that end here, with the names of their placeholders in order
        self.ends: dict[str, list[tuple[Route, tuple[str, ...]]]] = {}


class RouteTable:
    """The routes of one service."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._root = _Node()
        # The templates that have a condition on the request: their path alone does not tell the route.
        self._conditional = {route.path for route in routes if route.when is not None}
        for route in routes:
            self._add(route)

    def find(self, exchange: Exchange, path: str) -> tuple[Route, Mapping[str, str]] | None:
        """The route of a request and what its placeholders stand for; None where no route fits.

        path:
            As the routes write it.
        """
        segments = [segment for segment in path.split("/") if segment]
        values: list[str] = []
        return self._search(self._root, segments, 0, values, exchange)

    def is_told_by_path(self, route: Route) -> bool:
        """Whether every request of the same method and path takes this route."""
        return "{" not in route.path and route.path not in self._conditional

    def _add(self, route: Route) -> None:
        node = self._root
        names = []
        for segment in filter(None, route.path.split("/")):
            if not segment.startswith("{"):
                node = node.literals.setdefault(segment, _Node())
                continue
            name, _, kind = segment.strip("{}").partition(":")
            names.append(name)
            if kind == "number":
                node.number = node.number or _Node()
                node = node.number
            else:
                node.any = node.any or _Node()
                node = node.any
        for method in route.methods or {_ANY}:
            ends = node.ends.setdefault(method, [])
            ends.append((route, tuple(names)))
            ends.sort(key=lambda end: end[0].when is None)

    def _search(
        self, node: _Node, segments: list[str], at: int, values: list[str], exchange: Exchange
    ) -> tuple[Route, Mapping[str, str]] | None:
        if at == len(segments):
            return _ending(node, values, exchange)
        segment = segments[at]
        literal = node.literals.get(segment)
        found = self._search(literal, segments, at + 1, values, exchange) if literal is not None else None
        for placeholder in (node.number if segment.isdecimal() else None, node.any):
            if found is None and placeholder is not None:
                values.append(segment)
                found = self._search(placeholder, segments, at + 1, values, exchange)
                if found is None:
                    values.pop()
        return found


def _ending(node: _Node, values: list[str], exchange: Exchange) -> tuple[Route, Mapping[str, str]] | None:
    for key in (exchange.method, _ANY):
        for route, names in node.ends.get(key, ()):
            if route.when is None or str(request_field(exchange, route.when[0])) == route.when[1]:
                return route, {name: unquote(value) for name, value in zip(names, values, strict=True)}
    return None
