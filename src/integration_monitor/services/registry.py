"""Which service a call went to, and what the call meant."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Literal

from integration_monitor.errors import SettingsError
from integration_monitor.services import undescribed
from integration_monitor.services.bodies import field_at, id_text, request_field
from integration_monitor.services.description import EntityPlace, Match, Service
from integration_monitor.services.exchange import Exchange, Meaning, Outcome, RateLimit
from integration_monitor.services.folding import folded_action
from integration_monitor.services.outcome import by_status, without_answer
from integration_monitor.services.routes import RouteTable
from integration_monitor.services.sources import OnError, describe_all

# Hosts remembered with their service. An application talks to far fewer; a crawler must not fill the memory.
HOSTS_REMEMBERED_MAX = 4096
# Requests by method and path, where these tell the route and nothing varies in the path.
MATCHES_REMEMBERED_MAX = 1024


class Registry:
    """The services that are known to this process.

    service_hosts:
        `host:port` or `host` → name of the service that it stands for; it wins over everything else.
    services_dir:
        Folder of the user's descriptions.
    on_description_error:
        Is told of each description that cannot be used, which is then left out; without it the first one raises.
    on_error:
        Is told what a description's functions raise on a call, which is then understood by HTTP alone.

    Errors:
        ServiceDescriptionError: a description of the user's, or of an installed package, cannot be used.
        SettingsError: `service_hosts` names a service that there is not.
    """

    def __init__(
        self,
        service_hosts: Mapping[str, str] | None = None,
        *,
        services_dir: str | None = None,
        on_description_error: OnError | None = None,
        on_error: Callable[[Exception], None] = lambda _error: None,
    ) -> None:
        self._on_error = on_error
        described = [one.service for one in describe_all(services_dir, on_error=on_description_error).values()]
        self._named = {service.name: service for service in described}
        self._tables = {service.name: RouteTable(service.routes) for service in described}
        self._configured = {
            host.strip().lower(): self._configured_service(host, name) for host, name in (service_hosts or {}).items()
        }
        self._hosts: dict[str, Service] = {}
        self._domains: dict[str, Service] = {}
        for service in described:
            for pattern in service.hosts:
                domains = self._domains if pattern.startswith("*.") else self._hosts
                domains[pattern.removeprefix("*.")] = service
        # The user's own come last, and count first.
        self._by_path = tuple(service for service in reversed(described) if service.path_pattern is not None)
        self._remembered: dict[str, Service] = {}
        self._matches: dict[tuple[str, str, str], Match] = {}
        self._undescribed: dict[str, Service] = {}

    def find(self, exchange: Exchange) -> Service:
        """The service of a request."""
        return self.service_at(exchange.host, exchange.port, exchange.path)

    def service_at(self, host: str, port: int, path: str) -> Service:
        """The service of an address: by the settings, by its host, by the shape of its path, else one that is named as the host."""
        if self._configured:
            name = f"[{host}]" if ":" in host else host
            service = self._configured.get(f"{name}:{port}") or self._configured.get(name)
            if service is not None:
                return service
        service = self._remembered.get(host) or self._remember(host)
        if service.name not in self._tables:
            for candidate in self._by_path:
                if candidate.path_pattern is not None and candidate.path_pattern.search(path):
                    return candidate
        return service

    def reason(self, exchange: Exchange) -> Literal["settings", "host", "path", "undescribed"]:
        """By what `find` knew the service of a request, for people who ask."""
        service = self.find(exchange)
        name = f"[{exchange.host}]" if ":" in exchange.host else exchange.host
        if {f"{name}:{exchange.port}", name} & self._configured.keys():
            return "settings"
        if service.name not in self._tables:
            return "undescribed"
        return "host" if self._remembered.get(exchange.host) is service else "path"

    def named(self, service_name: str) -> Service:
        """The service of a name, for calls that are not HTTP: a described one, or one of which only the name is known."""
        service = self._named.get(service_name) or self._undescribed.get(service_name)
        if service is None:
            service = undescribed.describe(service_name)
            if len(self._undescribed) >= HOSTS_REMEMBERED_MAX:
                self._undescribed.clear()
            self._undescribed[service_name] = service
        return service

    def match(self, exchange: Exchange, service: Service | None = None) -> Match:
        """The service and the route of a request.

        service:
            Of this exchange, where it is known already.
        """
        service = service or self.find(exchange)
        key = (service.name, exchange.method, exchange.path)
        match = self._matches.get(key)
        if match is not None:
            return match
        match, is_told_by_path = self._search(exchange, service)
        if is_told_by_path:
            if len(self._matches) >= MATCHES_REMEMBERED_MAX:
                self._matches.clear()
            self._matches[key] = match
        return match

    def _search(self, exchange: Exchange, service: Service) -> tuple[Match, bool]:
        """The match, and whether every request of this method and path has the same."""
        table = self._tables.get(service.name)
        try:
            path = service.route_path(exchange.path)
            found = table.find(exchange, path) if table else None
            action = "" if found else _text(service.fallback_action(exchange.method, path))
        except Exception as error:  # noqa: BLE001 -- a description may be anybody's code
            self._on_error(error)
            found, action = None, folded_action(exchange.method, exchange.path)
        if found is None:
            return Match(service=service, route=None, action=action, placeholders={}), False
        route, placeholders = found
        match = Match(service=service, route=route, action=route.action, placeholders=placeholders)
        return match, table is not None and table.is_told_by_path(route)

    def understand(self, exchange: Exchange, match: Match | None = None) -> Meaning:
        """What the call was and what became of it.

        match:
            Of this exchange, where it is known already.
        """
        match = match or self.match(exchange)
        outcome = self._outcome(exchange, match)
        return Meaning(
            service_name=match.service.name,
            action=match.action,
            entity=_entity(exchange, match),
            outcome=outcome,
            rate_limit=self._rate_limit(exchange, match.service) if exchange.response_headers else None,
            is_recorded=not outcome.is_success or match.route is None or match.route.is_recorded,
        )

    def _outcome(self, exchange: Exchange, match: Match) -> Outcome:
        """By the service's own semantics; by HTTP's, with a note, where its description raises."""
        service, no_answer = match.service, exchange.no_answer
        try:
            if no_answer is not None:
                return without_answer(no_answer, is_repeatable=service.is_repeatable(exchange, match.action))
            if not exchange.is_body_seen:
                outcome = by_status(exchange, is_repeatable=service.is_repeatable(exchange, match.action))
                return dataclasses.replace(outcome, is_verified=not service.is_told_by_body)
            return _outcome(service.read(exchange, match.action))
        except Exception as error:  # noqa: BLE001 -- a description may be anybody's code
            self._on_error(error)
            # Whether a repetition does harm, only the description knew.
            outcome = without_answer(no_answer, is_repeatable=False) if no_answer else by_status(exchange, is_repeatable=False)
            note = f"the description of {service.name} raised {type(error).__name__}: understood by HTTP alone"
            return dataclasses.replace(outcome, note=note)

    def _rate_limit(self, exchange: Exchange, service: Service) -> RateLimit | None:
        try:
            found = service.read_rate_limit(exchange)
        except Exception as error:  # noqa: BLE001 -- as above
            self._on_error(error)
            return None
        return found if isinstance(found, RateLimit) else None

    def _configured_service(self, host: str, name: str) -> Service:
        service = self._named.get(name.strip())
        if service is None:
            raise SettingsError(
                f"service_hosts: {host}={name}: there is no service {name!r}; known are {', '.join(sorted(self._named))}",
                name="service_hosts",
            )
        return service

    def _remember(self, host: str) -> Service:
        service = self._hosts.get(host)
        domain = host
        while service is None and "." in domain:
            domain = domain.partition(".")[2]
            service = self._domains.get(domain)
        # A container may be called as a service is: what is remembered by a service's name must mean one description.
        service = service or self._named.get(host) or undescribed.describe(host)
        if len(self._remembered) >= HOSTS_REMEMBERED_MAX:
            self._remembered.clear()
        self._remembered[host] = service
        return service


def _outcome(given: object) -> Outcome:
    """What a reading gave.

    Errors:
        TypeError: it is no outcome.
    """
    if not isinstance(given, Outcome):
        raise TypeError(f"a reading must give an Outcome, and gave {type(given).__name__}")
    return given


def _text(given: object) -> str:
    """An action that a description made. Errors as of `_outcome`."""
    if not isinstance(given, str):
        raise TypeError(f"an action must be a text, and is {type(given).__name__}")
    return given


def _entity(exchange: Exchange, match: Match) -> tuple[str, str] | None:
    service_places, route = match.service.entities, match.route
    # Hardly any service has places of its own.
    places = service_places if route is None else (*service_places, *route.entities) if service_places else route.entities
    for place in places:
        if place.when is not None and str(field_at(exchange.response_body, place.when[0])) != place.when[1]:
            continue
        entity_id = id_text(_value_at(exchange, match, place))
        if entity_id is not None:
            return place.type, entity_id
    return None


def _value_at(exchange: Exchange, match: Match, place: EntityPlace) -> object:
    if place.source == "response":
        return field_at(exchange.response_body, place.field)
    if place.source == "path":
        return match.placeholders.get(place.field)
    if place.source == "request":
        return request_field(exchange, place.field)
    return exchange.host
