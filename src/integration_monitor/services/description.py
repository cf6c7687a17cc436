"""The shape of a service description: hosts, routes, secrets, and how the service's answers are read.

Each vendor's file holds one such description. The registry finds it, the redactor reads its secrets; nobody else looks inside.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from integration_monitor.record import Json
from integration_monitor.services.error_lines import ErrorLine
from integration_monitor.services.exchange import Exchange, Outcome, RateLimit
from integration_monitor.services.folding import folded_action
from integration_monitor.services.rate_limit import read_rate_limit

#: Which of the two messages of a call.
Direction = Literal["request", "response"]

# Methods that RFC 9110 calls safe: a repetition changes nothing at the vendor's.
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class EntityPlace:
    """Where the id stands of what a call was about."""

    #: lead, chat, message, …
    type: str
    #: path: a placeholder; request: a field of the body, else a query parameter; response: a field of the body; host: the host itself
    source: Literal["path", "request", "response", "host"]
    #: placeholder or field; steps are divided by dots, a number is an index, `[]` is the one item of a list that has just one
    field: str = ""
    #: (field of the answer, its value as text): only then
    when: tuple[str, str] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One kind of call: which requests are of this kind, what they are called, and what is special about their bodies."""

    #: upper case; none means any
    methods: frozenset[str]
    #: template with {placeholders}, each for one segment; `{id:number}` takes digits only. A literal segment wins over both
    path: str
    action: str
    #: the first that gives an id counts
    entities: tuple[EntityPlace, ...] = ()
    #: (field of the request, its value as text): only then; a route without condition comes after those that have one
    when: tuple[str, str] | None = None
    #: secrets of this route alone: name of a field or query parameter → name in the reference
    secrets: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: bodies that are not stored at all
    withheld: frozenset[Direction] = frozenset()
    #: of the answer only these fields are stored, and references in place of secrets; None means all
    response_fields_kept: frozenset[str] | None = None
    #: False where only a failure is worth a record
    is_recorded: bool = True


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SecretShape:
    """What a secret of one service looks like, in this service's messages only."""

    #: in the reference `${service.name}`; what the group `id` finds follows it after a colon
    name: str
    pattern: re.Pattern[str]
    #: texts one of which is in every such secret: the pattern is tried only where there is one
    marks: tuple[str, ...] = ()
    #: letters and digits that every such secret has in a row, where it has no marks
    run_chars_min: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Secrets:
    """What must not be stored of a service's calls, beside what is secret anywhere."""

    #: header, field or query parameter (case, dashes and underscores alike) → name in the reference `${service.name}`
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    shapes: tuple[SecretShape, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """A harmless call that shows whether a service can be used: it changes nothing and costs nothing."""

    method: str = "GET"
    #: whole; `${token}` stands for the credential of that name, as in `https://api.telegram.org/bot${token}/getMe`
    url: str
    #: values with `${…}` as in the URL
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: name in `${…}` → environment variable that holds the credential
    credentials: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: of HTTP, that mean that the service can be used; its reading must call the answer a success, too
    statuses: frozenset[int] = frozenset({200})


def is_safe_method(exchange: Exchange, _action: str) -> bool:
    """Whether the request may be repeated by HTTP's own rule: it only reads."""
    return exchange.method in _SAFE_METHODS


def same_path(path: str) -> str:
    return path


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """What is known of one vendor."""

    #: such as `amocrm`; the host itself where nobody described it
    name: str
    #: exact, or `*.example.com` for every host below it
    hosts: tuple[str, ...] = ()
    #: recognises the service by path on hosts that nobody described (self-hosted servers)
    path_pattern: re.Pattern[str] | None = None
    routes: tuple[Route, ...] = ()
    #: the path as the routes write it: without a token in it, in lower case, …
    route_path: Callable[[str], str] = same_path
    #: (method, path as the routes write it) → action of a call that no route knows; must not grow with identifiers
    fallback_action: Callable[[str, str], str] = folded_action
    #: come before those of the route
    entities: tuple[EntityPlace, ...] = ()
    secrets: Secrets = Secrets()
    #: fields that hold the text of a message, in bodies, forms and queries, at any depth; in lower case. With `message_text="digest"`
    #: only their digest and length are stored
    message_fields: frozenset[str] = frozenset({"text", "html", "caption", "body", "subject", "content", "message_text"})
    #: (exchange with an answer, action) → what became of it, by the vendor's own semantics
    read: Callable[[Exchange, str], Outcome]
    #: (exchange, action) → whether repeating it can do no harm; the retry advice after time-outs and 5xx rests on it
    is_repeatable: Callable[[Exchange, str], bool] = is_safe_method
    #: whether the body of an answer below 400 may say that it failed: then the HTTP status alone proves no success
    is_told_by_body: bool = False
    read_rate_limit: Callable[[Exchange], RateLimit | None] = read_rate_limit
    probe: Probe | None = None
    #: what its error codes mean; those of a built-in service stand in the folder `explained`, which recording never reads
    errors: tuple[ErrorLine, ...] = ()
    #: the service that this one only tells the differences to: what that one's codes mean holds here, too
    extends: str | None = None


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """The service and route that an exchange belongs to."""

    service: Service
    #: None where the service knows no such route
    route: Route | None
    action: str
    #: the segments that the template's placeholders stand for, percent-decoded
    placeholders: Mapping[str, str]


def route(methods: str, path: str, action: str, *entities: EntityPlace, **special: Json) -> Route:
    """A route, written shortly; the methods are divided by spaces, none means any."""
    return Route(methods=frozenset(methods.split()), path=path, action=action, entities=entities, **special)


def in_path(entity_type: str, placeholder: str = "id") -> EntityPlace:
    return EntityPlace(type=entity_type, source="path", field=placeholder)


def in_request(entity_type: str, field: str) -> EntityPlace:
    return EntityPlace(type=entity_type, source="request", field=field)


def in_response(entity_type: str, field: str) -> EntityPlace:
    return EntityPlace(type=entity_type, source="response", field=field)
