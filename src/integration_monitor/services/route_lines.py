"""The routes of a description in TOML: single ones, and the usual five of a resource."""

import dataclasses
import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from integration_monitor.services.condition import Scalar
from integration_monitor.services.description import Direction, EntityPlace, Route, in_path, in_response
from integration_monitor.services.forms import Action, FieldPath, Method, Name, PathTemplate

# No vendor has that many; a generated file may.
ROUTES_MAX = 5000

_PLACEHOLDER = re.compile(r"\{([a-z0-9_]+)(?::(number))?\}")


class FieldEquals(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A field that must have a value."""

    field: FieldPath
    equals: Scalar = msgspec.field(name="is")

    def pair(self) -> tuple[str, str]:
        return self.field, str(self.equals)


class EntityLine(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Where an entity's id stands: an `EntityPlace`."""

    type: Name
    source: Literal["path", "request", "response", "host"]
    field: FieldPath | None = None
    when: FieldEquals | None = None

    def place(self) -> EntityPlace:
        when = self.when.pair() if self.when else None
        return EntityPlace(type=self.type, source=self.source, field=self.field or "", when=when)


class RouteLine(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """An entry of `[[routes]]`: a `Route`."""

    methods: list[Method] = []
    path: PathTemplate
    action: Action
    entities: Annotated[list[EntityLine], Meta(max_length=20)] = []
    when: FieldEquals | None = None
    secrets: dict[str, Name] = {}
    withheld: list[Direction] = []
    response_fields_kept: list[str] | None = None
    is_recorded: bool = True

    def route(self) -> Route:
        return Route(
            methods=frozenset(self.methods),
            path=self.path,
            action=self.action,
            entities=tuple(line.place() for line in self.entities),
            when=self.when.pair() if self.when else None,
            secrets=self.secrets,
            withheld=frozenset(self.withheld),
            response_fields_kept=None if self.response_fields_kept is None else frozenset(self.response_fields_kept),
            is_recorded=self.is_recorded,
        )


class ResourceLine(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """An entry of `[[resources]]`: up to five routes with the usual names, and others that do something to one of them."""

    #: of the collection
    path: PathTemplate
    #: the entity's type: `customer` makes `create_customer`, `get_customer`, …
    one: Name
    #: makes `list_customers`
    many: Name
    verbs: tuple[Literal["create", "list", "get", "update", "delete"], ...] = ("create", "list", "get", "update", "delete")
    #: `confirm` makes `POST <path>/{id}/confirm` the action `confirm_<one>`
    also: list[Name] = []
    #: where the answer to a creation has the id
    id: FieldPath = "id"

    def routes(self) -> Iterator[Route]:
        item, entity = f"{self.path.rstrip('/')}/{{id}}", in_path(self.one)
        created = in_response(self.one, self.id)
        usual = {
            "create": Route(methods=frozenset({"POST"}), path=self.path, action=f"create_{self.one}", entities=(created,)),
            "list": Route(methods=frozenset({"GET"}), path=self.path, action=f"list_{self.many}"),
            "get": Route(methods=frozenset({"GET"}), path=item, action=f"get_{self.one}", entities=(entity,)),
            "update": Route(
                methods=frozenset({"POST", "PUT", "PATCH"}), path=item, action=f"update_{self.one}", entities=(entity,)
            ),
            "delete": Route(methods=frozenset({"DELETE"}), path=item, action=f"delete_{self.one}", entities=(entity,)),
        }
        yield from (usual[verb] for verb in self.verbs)
        for verb in self.also:
            path = f"{item}/{verb}"
            yield Route(methods=frozenset({"POST"}), path=path, action=f"{verb}_{self.one}", entities=(entity,))


def placeholders(path: str) -> list[str]:
    return [found[1] for found in _PLACEHOLDER.finditer(path)]


def shape(path: str) -> str:
    """A path template as the route table sees it: placeholders have no names."""
    return _PLACEHOLDER.sub(lambda found: f"{{{found[2] or ''}}}", path.strip("/"))


def merged(own: tuple[Route, ...], base: Iterable[Route]) -> tuple[Route, ...]:
    """Own routes, and those of the base that no own one stands for."""
    taken: dict[str, set[str]] = {}
    for route in own:
        taken.setdefault(shape(route.path), set()).update(route.methods or {""})
    kept = []
    for route in base:
        methods = taken.get(shape(route.path))
        if methods is None:
            kept.append(route)
        elif "" not in methods and not (route.methods and route.methods <= methods):
            kept.append(dataclasses.replace(route, methods=route.methods - methods))
    return (*own, *kept)


def first_wrong(routes: Iterable[tuple[str, Route]]) -> tuple[str, str] | None:
    """The first route that cannot be meant: its key and what is wrong with it.

    routes:
        (key in the file, route)
    """
    seen: dict[tuple[str, str, tuple[str, str] | None], str] = {}
    for at, (key, route) in enumerate(routes):
        if at >= ROUTES_MAX:
            return key, f"there are more than {ROUTES_MAX} routes"
        names = placeholders(route.path)
        if len(set(names)) < len(names):
            return f"{key}.path", "two placeholders have the same name"
        for method in sorted(route.methods) or [""]:
            other = seen.setdefault((method, shape(route.path), route.when), key)
            if other != key:
                return f"{key}.path", f"{other} takes the same requests already"
        for place, entity in enumerate(route.entities):
            if entity.source == "path" and entity.field not in names:
                return f"{key}.entities[{place}].field", f"the path has no placeholder {entity.field!r}"
    return None
