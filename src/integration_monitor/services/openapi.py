"""A vendor's OpenAPI document becomes the beginning of a description: hosts, routes with their actions and entities, names of secrets.

What no such document tells, the meaning of answers, is left for a person to add.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from itertools import chain, count, islice, product
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from integration_monitor.errors import IntegrationMonitorError
from integration_monitor.record import Json
from integration_monitor.services.forms import HOSTS_MAX, Host, PathTemplate
from integration_monitor.services.route_lines import ROUTES_MAX, shape
from integration_monitor.services.toml_text import document

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# An action is read in a table; longer ones are cut and numbered.
_ACTION_CHARS_MAX = 64
_NAME_CHARS_MAX = 40
# Variables of servers are tried in all their values; more hosts than that are one pattern.
_SERVERS_MAX = 50
_BASE_PATHS_MAX = 5
# Of a path that is left out.
_PATH_CHARS_TOLD = 200

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_ANY = "*"
_NO_PATH = re.compile(r"[\s{}*]")
_HOST = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_ID_ENDING = re.compile(r"_(?:id|ids|uuid|key|code|name|slug|number)$")
_NO_IDS = frozenset({"version", "api_version", "format", "locale", "language", "lang", "type", "status", "date", "page"})
_IDS = frozenset({"id", "uuid", "key", "uid", "guid", "slug", "identifier"})


class ImportRefused(IntegrationMonitorError):
    """A document is no OpenAPI document that can be read."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """A description, and what was left out of it."""

    #: TOML
    text: str
    routes_count: int
    #: one text for people each
    left_out: tuple[str, ...]


def import_document(api: Json, *, name: str, hosts: tuple[str, ...] = ()) -> Imported:
    """The description of what an OpenAPI document describes.

    api:
        The document, parsed: OpenAPI 3.
    name:
        Of the service.
    hosts:
        Where the document names none.

    Errors:
        ImportRefused: it is another kind of document, or no host is known.
    """
    if not isinstance(api, dict) or not str(api.get("openapi", "")).startswith("3."):
        version = api.get("swagger") if isinstance(api, dict) else None
        found = f"Swagger {version}, convert it first" if version else "no key `openapi`"
        raise ImportRefused(f"this is no OpenAPI 3 document: {found}")
    addresses = list(_addresses(api))
    # Those that the user gives are checked with the description; of the document's own a wrong one is nobody's loss.
    of_document = [host for host, _path in addresses if _is_of_form(host, Host)]
    found_hosts = list(dict.fromkeys([*hosts, *of_document]))[:HOSTS_MAX]
    if not found_hosts:
        raise ImportRefused("its `servers` name no host: give one with --host api.example.com")
    base_paths = list(dict.fromkeys(path for _host, path in addresses))[:_BASE_PATHS_MAX] or [""]
    routes, left_out = _Routes(api, base_paths).collect()
    if not routes:
        raise ImportRefused("it describes no paths")
    info = _object(api.get("info"))
    values: dict[str, Json] = {
        "name": name,
        "sources": [f"OpenAPI document: {info.get('title', name)}, version {info.get('version', 'unknown')}"],
        "hosts": found_hosts,
        "routes": routes,
    }
    secrets = _secrets(api)
    if secrets:
        values["secrets"] = {"names": secrets}
    comment = "Made of the vendor's OpenAPI document. What answers mean it does not say: add [outcome], [repeatable] and [probe]."
    return Imported(text=document(values, comment=comment), routes_count=len(routes), left_out=tuple(left_out))


class _Routes:
    """The routes of one document, under each of its base paths."""

    def __init__(self, api: Mapping[str, Json], base_paths: list[str]) -> None:
        self._api = api
        self._base_paths = base_paths
        self._actions: set[str] = set()
        self._seen: set[tuple[str, str]] = set()

    def collect(self) -> tuple[list[dict[str, Json]], list[str]]:
        routes: list[dict[str, Json]] = []
        left_out: list[str] = []
        for path, item in _object(self._api.get("paths")).items():
            resolved = _object(self._resolved(item))
            for method in _METHODS:
                operation = resolved.get(method)
                if not isinstance(operation, dict):
                    continue
                for route in self._routes_of(str(path), method.upper(), operation, resolved):
                    key = (method, shape(route["path"]))
                    reason = self._refusal(key, route["path"], len(routes))
                    if reason is not None:
                        left_out.append(f"{method.upper()} {route['path'][:_PATH_CHARS_TOLD]}: {reason}")
                    else:
                        self._seen.add(key)
                        routes.append(route)
        return routes, left_out

    def _refusal(self, key: tuple[str, str], path: str, routes_count: int) -> str | None:
        """Why a route cannot be one of the description; None where it can."""
        if key in self._seen:
            return "another route takes the same requests"
        if routes_count >= ROUTES_MAX:
            return f"more than {ROUTES_MAX} routes"
        # One odd path, such as `/orders?action=pay`, is no reason to do without the others.
        return None if _is_of_form(path, PathTemplate) else "no path that a description can have"

    def _routes_of(
        self, path: str, method: str, operation: Mapping[str, Json], item: Mapping[str, Json]
    ) -> Iterator[dict[str, Json]]:
        action = self._action(method, path, operation)
        parameters = [*_items(item.get("parameters")), *_items(operation.get("parameters"))]
        numbers = {name for name, schema in self._path_parameters(parameters) if schema.get("type") == "integer"}
        template, entity = _template(path, numbers)
        for base in self._base_paths:
            route: dict[str, Json] = {"methods": [method], "path": f"{base}{template}" or "/", "action": action}
            if entity is not None:
                route["entities"] = [{"type": entity[0], "source": "path", "field": entity[1]}]
            yield route

    def _action(self, method: str, path: str, operation: Mapping[str, Json]) -> str:
        """The operationId in snake case, else method and path; bounded, and unlike all others."""
        given = operation.get("operationId")
        name = _snake(given) if isinstance(given, str) else ""
        if not name:
            segments = [segment for segment in path.split("/") if segment]
            name = _snake("_".join([method.lower(), *(f"by_{s}" if "{" in s else s for s in segments)]))
        if not name[0].isalpha():
            name = f"{method.lower()}_{name}"
        action, number = name[:_ACTION_CHARS_MAX].rstrip("_"), 1
        while action in self._actions:
            number += 1
            action = f"{name[: _ACTION_CHARS_MAX - len(str(number)) - 1].rstrip('_')}_{number}"
        self._actions.add(action)
        return action

    def _path_parameters(self, parameters: list[Json]) -> Iterator[tuple[str, Mapping[str, Json]]]:
        """(name, schema) of each."""
        for given in parameters:
            parameter = _object(self._resolved(given))
            if parameter.get("in") == "path" and isinstance(parameter.get("name"), str):
                yield parameter["name"], _object(self._resolved(parameter.get("schema")))

    def _resolved(self, value: Json) -> Json:
        """What a reference inside the document leads to; None where it leads nowhere."""
        for _ in range(10):
            reference = value.get("$ref") if isinstance(value, dict) else None
            if not isinstance(reference, str):
                return value
            value = self._api if reference.startswith("#/") else None
            for step in reference[2:].split("/"):
                value = _object(value).get(unquote(step).replace("~1", "/").replace("~0", "~"))
        return None


def _template(path: str, numbers: set[str]) -> tuple[str, tuple[str, str] | None]:
    """The path as routes write it, and the entity: (type, placeholder) of the last identifier in it.

    numbers:
        Names of the parameters that are whole numbers.
    """
    segments: list[str] = []
    names: set[str] = set()
    entity = None
    literal = ""
    for segment in filter(None, path.split("/")):
        parameters = _PLACEHOLDER.findall(segment)
        if not parameters:
            literal = re.sub(r"[\s{}]", "", segment)
            segments.append(literal)
            continue
        # A segment such as `{id}.json` is a whole placeholder here, and no identifier.
        name = _snake(parameters[0])[:_NAME_CHARS_MAX] or "part"
        name = name if name[0].isalpha() else f"part_{name}"
        placeholder = next(one for one in chain([name], (f"{name}_{number}" for number in count(2))) if one not in names)
        names.add(placeholder)
        is_whole = segment == f"{{{parameters[0]}}}"
        is_number = is_whole and parameters[0] in numbers
        segments.append(f"{{{placeholder}:number}}" if is_number else f"{{{placeholder}}}")
        if is_whole and name not in _NO_IDS:
            entity = (_entity_type(name, literal), placeholder)
    return "".join(f"/{segment}" for segment in segments), entity


def _entity_type(name: str, literal: str) -> str:
    """What a parameter identifies: `customer` of {customer_id}, or of {id} behind /customers."""
    kind = _ID_ENDING.sub("", name)
    if name in _IDS or kind in _IDS:
        kind = _singular(_snake(literal)) or "object"
    return kind[:_NAME_CHARS_MAX] if kind[0].isalpha() else "object"


def _singular(plural: str) -> str:
    if plural.endswith("ies"):
        return f"{plural[:-3]}y"
    if plural.endswith(("sses", "xes", "ches", "shes")):
        return plural[:-2]
    return plural[:-1] if plural.endswith("s") and not plural.endswith(("ss", "us", "is")) else plural


def _snake(text: str) -> str:
    """`PostPaymentIntents`, `repos/list-for-org` and `issues.list` in snake case."""
    return "_".join(word.lower() for word in _WORD.findall(text))


def _addresses(api: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """(host, path before the routes) of every server; the host is empty where a server has none."""
    servers = _items(api.get("servers"))
    for server in servers:
        yield from _server_addresses(_object(server))
    # Servers of single paths add hosts; their routes are told apart by the paths.
    for item in _object(api.get("paths")).values():
        for holder in (item, *(_object(item).get(method) for method in _METHODS)):
            for server in _items(_object(holder).get("servers")):
                for host, _path in _server_addresses(_object(server)):
                    yield host, (next(_server_addresses(_object(servers[0])), ("", ""))[1] if servers else "")


def _server_addresses(server: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """(host, path before the routes) by each value that the address's variables may have."""
    url = str(server.get("url", ""))
    variables = _object(server.get("variables"))
    choices = {name: _choices(_object(variables.get(name)), name, url) for name in _PLACEHOLDER.findall(url)}
    for values in islice(product(*choices.values()), _SERVERS_MAX):
        text = url
        for name, value in zip(choices, values, strict=True):
            text = text.replace(f"{{{name}}}", value)
        try:
            address = urlsplit(text)
        except ValueError:  # a bracket that nobody closed
            continue
        host = address.netloc.rpartition("@")[2].partition(":")[0].lower()
        if _ANY in host:
            # Whatever stands before it may be anything, too.
            host = f"*{host[host.index('.', host.rindex(_ANY)) :]}"
        yield (host if _HOST.fullmatch(host) else ""), ("" if _NO_PATH.search(address.path) else address.path.rstrip("/"))


def _choices(variable: Mapping[str, Json], name: str, url: str) -> list[str]:
    """The values of a variable; anything, where it is a part of a host that has others behind it."""
    values = [str(value) for value in _items(variable.get("enum"))]
    is_label = f"{{{name}}}." in url.partition("://")[2].partition("/")[0]
    return values or ([_ANY] if is_label else [str(variable.get("default", ""))])


def _secrets(api: Mapping[str, Json]) -> dict[str, str]:
    """Names of headers and parameters that carry credentials → names in references."""
    secrets: dict[str, str] = {}
    for scheme_name, given in _object(_object(api.get("components")).get("securitySchemes")).items():
        scheme = _object(given)
        name = _snake(scheme_name)[:_NAME_CHARS_MAX]
        reference = name if name[:1].isalpha() else "credential"
        if scheme.get("type") in ("http", "oauth2", "openIdConnect"):
            secrets.setdefault("authorization", reference)
        elif scheme.get("type") == "apiKey" and isinstance(scheme.get("name"), str):
            secrets.setdefault("cookie" if scheme.get("in") == "cookie" else scheme["name"].lower(), reference)
    return secrets


def _is_of_form(text: str, form: Any) -> bool:
    """Whether a description may hold the text in the place of a form."""
    try:
        msgspec.convert(text, form)
    except msgspec.ValidationError:
        return False
    return True


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _items(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
