"""`integration-monitor services`: which services are described, how a call would be understood, and a description from OpenAPI."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from integration_monitor import settings
from integration_monitor.body import parse as parse_body
from integration_monitor.errors import MissingExtraError
from integration_monitor.record import Json
from integration_monitor.redaction import Redactor
from integration_monitor.services import description_file, sources
from integration_monitor.services.description import EntityPlace, Match, Service
from integration_monitor.services.error_lines import ErrorLine
from integration_monitor.services.exchange import Exchange, Meaning
from integration_monitor.services.explanations import Explanations
from integration_monitor.services.openapi import ImportRefused, import_document
from integration_monitor.services.registry import Registry

_REASONS = {
    "settings": "the setting `service_hosts` names its host",
    "host": "its host is one of the service's",
    "path": "its path has the shape of the service's",
    "undescribed": "nobody described its host",
}

ServicesDir = Annotated[
    str | None,
    typer.Option(
        "--services-dir",
        help="Folder of your own descriptions; by default INTEGRATION_MONITOR_SERVICES_DIR.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the group to the command line."""
    group = typer.Typer(
        help="Described services: list, show, try one on a call, make one of an OpenAPI document.", no_args_is_help=True
    )
    group.command("list")(list_services)
    group.command("show")(show)
    group.command("test")(explain)
    group.command("import")(import_openapi)
    app.add_typer(group, name="services")


def list_services(services_dir: ServicesDir = None) -> None:
    """List every described service, with who described it."""
    given = settings.load({"services_dir": services_dir})
    table = Table("service", "routes", Column("described by", overflow="fold"), "hosts", box=None)
    for one in sources.describe_all(given.services_dir).values():
        service = one.service
        hosts = ", ".join(service.hosts) or "known by its paths"
        table.add_row(Text(service.name), str(len(service.routes)), Text(one.source), Text(hosts))
    Console().print(table)


def show(
    name: Annotated[str, typer.Argument(help="Name of the service.")],
    services_dir: ServicesDir = None,
    *,
    is_toml: Annotated[bool, typer.Option("--toml", help="Print the file, where it is described by one.")] = False,
) -> None:
    """Show what is known of a service: hosts, routes, secrets, probe, and what its error codes mean."""
    given = settings.load({"services_dir": services_dir})
    described = sources.describe_all(given.services_dir)
    if name not in described:
        raise typer.BadParameter(f"there is no service {name!r}; known are {', '.join(sorted(described))}", param_hint="NAME")
    one = described[name]
    if is_toml:
        typer.echo(_toml_of(one), nl=False)
        return
    console = Console()
    console.print(_facts(one))
    table = Table("method", Column("path", overflow="fold"), Column("action", overflow="fold"), "entity", "special", box=None)
    for route in one.service.routes:
        entities = ", ".join(dict.fromkeys(place.type for place in (*one.service.entities, *route.entities)))
        methods = " ".join(sorted(route.methods)) or "any"
        table.add_row(methods, Text(route.path), Text(route.action), entities, Text("; ".join(_special(route))))
    console.print(table)
    console.print(_errors(Explanations({service.service.name: service.service for service in described.values()}).lines(name)))


def explain(  # noqa: PLR0913 -- a call has that many parts
    url: Annotated[str, typer.Argument(help="URL of the call.")],
    *,
    method: Annotated[str, typer.Option(help="HTTP method.")] = "GET",
    status: Annotated[int, typer.Option(help="HTTP status of the answer.", min=100, max=599)] = 200,
    body: Annotated[str | None, typer.Option(help="Body of the answer.")] = None,
    request_body: Annotated[str | None, typer.Option(help="Body of the request.")] = None,
    header: Annotated[list[str] | None, typer.Option(help="Header of the answer, `Retry-After: 5`; as often as needed.")] = None,
    request_header: Annotated[list[str] | None, typer.Option(help="Header of the request; as often as needed.")] = None,
    services_dir: ServicesDir = None,
) -> None:
    """Explain how a call would be understood, and what of it would be stored. Nothing is sent."""
    given = settings.load({"services_dir": services_dir})
    registry = Registry(given.service_hosts, services_dir=given.services_dir)
    exchange = _exchange(url, method, status, (request_body, request_header or []), (body, header or []))
    match = registry.match(exchange)
    meaning = registry.understand(exchange, match)
    table = _pairs()
    for name, value in (
        ("service", f"{meaning.service_name}: {_REASONS[registry.reason(exchange)]}"),
        *_understood(match, meaning),
        *_stored(url, exchange, match),
    ):
        table.add_row(name, Text(value))
    Console().print(table)


def import_openapi(
    file: Annotated[Path, typer.Argument(help="OpenAPI 3 document, JSON or YAML.", exists=True, dir_okay=False)],
    name: Annotated[str, typer.Option(help="Name of the service.")],
    output: Annotated[Path | None, typer.Option(help="File to write; by default it is printed.")] = None,
    host: Annotated[list[str] | None, typer.Option(help="Host, where the document names none; as often as needed.")] = None,
) -> None:
    """Make a description of a vendor's OpenAPI document: hosts, routes, actions, entities. Add what answers mean by hand."""
    imported = import_document(_load(file), name=name, hosts=tuple(host or ()))
    # What is written can be read: a name or a host given here may be wrong.
    description_file.build(
        description_file.parse_text(imported.text.encode(), file=str(output or "the description")), {}, file=str(output or "it")
    )
    if output is None:
        typer.echo(imported.text, nl=False)
    else:
        try:
            output.write_text(imported.text, "utf-8")
        except OSError as error:
            raise ImportRefused(f"{output}: cannot be written: {error.strerror or error}") from error
    for line in imported.left_out:
        typer.echo(f"left out: {line}", err=True)
    typer.echo(f"routes: {imported.routes_count}" + (f", written to {output}" if output else ""), err=True)


def _load(file: Path) -> Json:
    """The document. YAML is a superset of JSON and slower to read by far, so JSON is tried first."""
    content = file.read_bytes()
    try:
        return msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass  # then it is YAML, or neither
    try:
        import yaml  # noqa: PLC0415 - the one command that needs it
    except ModuleNotFoundError:
        raise MissingExtraError("Reading YAML", extra="server") from None
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(content, Loader=loader)  # noqa: S506 - a safe loader, the fast one where there is one
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise ImportRefused(f"{file}: neither JSON nor YAML: {error}") from error


def _toml_of(one: sources.Described) -> str:
    files = sources.built_in_files()
    shipped = files.get(f"{one.service.name}.toml") if one.source == sources.BUILT_IN else None
    if shipped is not None:
        return shipped.decode("utf-8")
    if one.source.endswith(".toml"):
        return Path(one.source).read_text("utf-8")
    raise typer.BadParameter(f"{one.service.name} is described in Python ({one.source})", param_hint="--toml")


def _facts(one: sources.Described) -> Table:
    service = one.service
    table = _pairs()
    table.add_row("service", Text(service.name))
    table.add_row("described by", Text(one.source))
    table.add_row("hosts", Text(", ".join(service.hosts) or "none"))
    if service.path_pattern is not None:
        table.add_row("paths", Text(service.path_pattern.pattern))
    secrets = ", ".join(f"{name} → {_reference(service, kept)}" for name, kept in service.secrets.names.items())
    shapes = ", ".join(_reference(service, shape.name) for shape in service.secrets.shapes)
    table.add_row("secrets by name", Text(secrets or "those of any service"))
    table.add_row("secrets by shape", Text(shapes or "those of any service"))
    if service.probe is not None:
        needs = ", ".join(service.probe.credentials.values())
        table.add_row("probe", Text(f"{service.probe.method} {service.probe.url}" + (f", needs {needs}" if needs else "")))
    return table


def _errors(lines: Sequence[ErrorLine]) -> Table:
    """What a service's own codes mean; what those of any service mean is the same everywhere."""
    table = Table(
        "error code",
        Column("where the words hold", overflow="fold"),
        Column("means", overflow="fold"),
        Column("remedy", overflow="fold"),
        box=None,
    )
    for line in lines:
        table.add_row(Text(", ".join(line.codes)), Text(" or ".join(line.messages)), Text(line.means), Text(line.remedy or ""))
    return table


def _pairs() -> Table:
    """A table of names and values; a long value is folded and never cut."""
    return Table("", Column(overflow="fold"), box=None, show_header=False)


def _reference(service: Service, name: str) -> str:
    return f"${{{service.name}.{name}}}"


def _special(route: Any) -> Iterator[str]:
    if route.when is not None:
        yield f"when {route.when[0]} is {route.when[1]}"
    if route.withheld:
        yield f"{' and '.join(sorted(route.withheld))} not stored"
    if route.response_fields_kept is not None:
        yield f"of the answer only {', '.join(sorted(route.response_fields_kept))}"
    if route.secrets:
        yield f"secret: {', '.join(route.secrets)}"
    if not route.is_recorded:
        yield "only failures are recorded"


def _exchange(
    url: str, method: str, status: int, request: tuple[str | None, list[str]], answer: tuple[str | None, list[str]]
) -> Exchange:
    """The call as the recorder would see it."""
    try:
        parts = urlsplit(url)
        port = parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError as error:
        raise typer.BadParameter(f"{url!r}: {error}", param_hint="URL") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise typer.BadParameter(f"{url!r} is not of the form https://host/path", param_hint="URL")
    request_headers, answer_headers = _headers(request[1], "--request-header"), _headers(answer[1], "--header")
    return Exchange(
        method=method.upper(),
        scheme=parts.scheme,
        host=parts.hostname,
        port=port,
        path=parts.path or "/",
        query=parse_qsl(parts.query, keep_blank_values=True),
        request_headers=request_headers,
        request_body=parse_body(request[0], content_type=request_headers.get("content-type", "")).value,
        status_code=status,
        response_headers=answer_headers,
        response_body=parse_body(answer[0], content_type=answer_headers.get("content-type", "")).value,
    )


def _headers(lines: list[str], option: str) -> dict[str, str]:
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise typer.BadParameter(f"{line!r} is not of the form Name: value", param_hint=option)
        headers[name.strip().lower()] = value.strip()
    return headers


def _understood(match: Match, meaning: Meaning) -> Iterator[tuple[str, str]]:
    outcome, route = meaning.outcome, match.route
    methods = " ".join(sorted(route.methods)) or "any method" if route else ""
    yield "route", f"{methods} {route.path}" if route else "none that is described: the action is made of method and path"
    yield "action", meaning.action
    yield "entity", _entity(match.service, match, meaning.entity)
    yield "outcome", "success" if outcome.is_success else "failed"
    if not outcome.is_success:
        yield "error_code", outcome.error_code or ""
        yield "error_message", outcome.error_message or ""
        yield "fault", outcome.fault or "unclassified"
        explanation = Explanations({match.service.name: match.service}).explain(
            match.service.name, outcome.error_code, outcome.error_message
        )
        if explanation is not None:
            yield "means", explanation.means
            yield "remedy", explanation.remedy or "the description names none"
        if outcome.retry is not None:
            after = f", after {outcome.retry.after_s} s" if outcome.retry.after_s is not None else ""
            yield "retry", outcome.retry.advice + after
    if outcome.note:
        yield "note", outcome.note
    if meaning.rate_limit is not None:
        yield "rate_limit", msgspec.json.encode(meaning.rate_limit).decode()
    yield "recorded", "yes" if meaning.is_recorded else "no: of this route only failures are"


def _entity(service: Service, match: Match, entity: tuple[str, str] | None) -> str:
    if entity is not None:
        return f"{entity[0]} {entity[1]}"
    places: tuple[EntityPlace, ...] = (*service.entities, *(match.route.entities if match.route else ()))
    wanted = ", ".join(f"{place.type} in {place.source} {place.field}".strip() for place in places)
    return f"none; looked for {wanted}" if wanted else "none"


def _stored(url: str, exchange: Exchange, match: Match) -> Iterator[tuple[str, str]]:
    """What a record would hold, cleaned in the recorder's order."""
    redactor, service, route = Redactor(), match.service, match.route
    headers = redactor.headers(exchange.request_headers, service)
    yield "url stored", redactor.url(url, service, route)
    if headers:
        yield "request headers stored", _json(headers)
    if exchange.request_body is not None:
        yield "request stored", _json(redactor.body(exchange.request_body, service, direction="request", route=route))
    if exchange.response_body is not None:
        yield "answer stored", _json(redactor.body(exchange.response_body, service, direction="response", route=route))


def _json(value: Json) -> str:
    return msgspec.json.encode(value).decode()
