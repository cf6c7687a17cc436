"""Every address of the server, as its routes tell them."""

from litestar.routes import HTTPRoute

from integration_monitor.server.pages.filters import NAMES
from tests.integration.conftest import Client

API = "/api/admin/integrations/monitoring"
#: where records come in
DOORS = ("/api/ingest", "/api/ingest/calls", "/rest/v1/integration_logs", "/v1/traces")
#: for the parts of addresses that name something
_PARTS = {
    "kind": "lead",
    "entity_type": "lead",
    "entity_id": "5",
    "id": "5",
    "record_id": "00000000-0000-4000-8000-000000000001",
    "key": "0123456789abcdef01234567",
    "incident_id": "00000000-0000-4000-8000-000000000001",
    "table": "integration_logs",
}


#: what pages look for, by themselves
_OF_PAGES = (*NAMES, "window", "from", "to", "before", "by", "record")


def filled(route: HTTPRoute) -> str:
    """The address of a route, with something in its place for each part that differs."""
    path = route.path_format
    for part, value in _PARTS.items():
        path = path.replace("{" + part + "}", value)
    return path


def questions(client: Client) -> list[tuple[str, str]]:
    """(path, parameter) of everything that can be asked. What is no endpoint gets the parameters of pages."""
    found: list[tuple[str, str]] = []
    for route in client.app.routes:
        # Files are found by their names alone, and a link to sign in by its own.
        if not isinstance(route, HTTPRoute) or "{" in filled(route):
            continue
        for handler in route.route_handlers:
            # An answer that goes on for ever is asked by tests of its own.
            if "GET" not in handler.http_methods or route.path_format.endswith("/live"):
                continue
            parameters = handler.parsed_fn_signature.parameters.items()
            own = [
                getattr(field.kwarg_definition, "name", None) or name
                for name, field in parameters
                if field.kwarg_definition is not None
            ]
            path = filled(route)
            found += [(path, name) for name in (own if path.startswith("/api") else _OF_PAGES)]
    return found


def changing(client: Client) -> list[tuple[str, str]]:
    """(method, path) of everything that may change something."""
    return [
        (method, filled(route))
        for route in client.app.routes
        if isinstance(route, HTTPRoute)
        for method in sorted(route.methods)
        if method not in {"GET", "HEAD", "OPTIONS"}
    ]
