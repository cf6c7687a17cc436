"""A service description in TOML: read, checked, and made a `Service`. docs/reference/service-description.md tells every key.

Whoever ships a description with code of its own reads the file and replaces what the file cannot say:
`dataclasses.replace(read_file(path), read=…)`.
"""

import ast
import dataclasses
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from integration_monitor.errors import ServiceDescriptionError
from integration_monitor.services import condition, route_lines
from integration_monitor.services.declared import DeclaredReading, DeclaredRepeatability, Outcomes, Repeatable
from integration_monitor.services.declared_rate_limit import DeclaredRateLimit, RateLimitHeaders
from integration_monitor.services.description import Probe, Route, Secrets, SecretShape, Service
from integration_monitor.services.error_lines import LINES_MAX, ErrorLine
from integration_monitor.services.forms import FORMS, HOSTS_MAX, Host, HttpStatus, Method, Name, ServiceName, Url, Variable
from integration_monitor.services.route_lines import EntityLine, ResourceLine, RouteLine
from integration_monitor.services.secret_pattern import PatternRefused, compile_pattern

# A description of a thousand routes has some 150 KiB.
FILE_BYTES_MAX = 2 * 1024 * 1024

# A shorter run of letters and digits is a word, and most texts have one.
RUN_CHARS_MIN = 16
# The mark is looked for in every text: a short one would be in most.
Mark = Annotated[str, Meta(min_length=3, max_length=100)]

_AT = re.compile(r" - at `\$\.?(?P<key>.*)`$")
_UNKNOWN_OR_MISSING = re.compile(r"Object (?:contains unknown|missing required) field `(?P<field>[^`]*)`")
_FORM = re.compile(r" matching regex (?P<pattern>'.*')$", re.DOTALL)
_STEP = re.compile(r"\.\.\.|[^.\[\]]+")
_REFERENCE = re.compile(r"\$\{([^}]*)\}")


class ShapeLine(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """An entry of `[[secrets.shapes]]`."""

    name: Name
    #: texts one of which is in every such secret: where there is none, the pattern is not tried
    marks: Annotated[list[Mark], Meta(max_length=20)] = []
    #: letters and digits that every such secret has in a row, where it has no marks
    run_chars_min: Annotated[int, Meta(ge=RUN_CHARS_MIN, le=200)] | None = None
    pattern: str


class SecretsTable(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The table `[secrets]`."""

    names: dict[str, Name] = {}
    shapes: Annotated[list[ShapeLine], Meta(max_length=20)] = []


class ProbeTable(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The table `[probe]`."""

    method: Method = "GET"
    url: Url
    headers: dict[str, str] = {}
    credentials: dict[Name, Variable] = {}
    statuses: tuple[HttpStatus, ...] = (200,)


class DescriptionFile(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Everything a file may say."""

    name: ServiceName
    #: the service that this file says only the differences to
    extends: ServiceName | None = None
    #: where the facts come from: titles and addresses, for people
    sources: list[str] = []
    hosts: Annotated[list[Host], Meta(max_length=HOSTS_MAX)] = []
    path_pattern: str | None = None
    routes: list[RouteLine] = []
    resources: list[ResourceLine] = []
    entities: Annotated[list[EntityLine], Meta(max_length=20)] = []
    secrets: SecretsTable = SecretsTable()
    outcome: Outcomes = Outcomes()
    repeatable: Repeatable = Repeatable()
    rate_limits: Annotated[list[RateLimitHeaders], Meta(max_length=10)] = []
    probe: ProbeTable | None = None
    errors: Annotated[list[ErrorLine], Meta(max_length=LINES_MAX)] = []


def read_file(path: Path, bases: Mapping[str, Service] | None = None) -> Service:
    """The service that a file describes.

    bases:
        The services that it may extend.

    Errors:
        ServiceDescriptionError: it cannot be read, or what it says cannot be meant; the key says where.
    """
    return build(parse(path), bases or {}, file=str(path))


def parse(path: Path) -> DescriptionFile:
    """What a file says, each key by itself checked. Errors as of `read_file`."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ServiceDescriptionError(f"cannot be read: {error.strerror or error}", file=str(path)) from error
    if len(content) > FILE_BYTES_MAX:
        raise ServiceDescriptionError(f"it is larger than {FILE_BYTES_MAX} bytes", file=str(path))
    return parse_text(content, file=str(path))


def parse_text(content: bytes, *, file: str) -> DescriptionFile:
    """As `parse`, of what a file holds."""
    try:
        values = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ServiceDescriptionError(f"is no TOML: {error}", file=file) from error
    try:
        return msgspec.convert(values, DescriptionFile)
    except msgspec.ValidationError as error:
        raise _refused(str(error), values, file) from error


def build(described: DescriptionFile, bases: Mapping[str, Service], *, file: str) -> Service:
    """The service, on top of the one that it extends. Errors as of `read_file`."""
    base = None
    if described.extends is not None:
        base = bases.get(described.extends)
        if base is None:
            known = ", ".join(sorted(bases)) or "none"
            raise ServiceDescriptionError(
                f"there is no service {described.extends!r} to extend; known are {known}", file=file, key="extends"
            )
    for key, reason in _wrong(described):
        raise ServiceDescriptionError(reason, file=file, key=key)
    is_same = base is not None and base.name == described.name
    if not (described.hosts or described.path_pattern or is_same):
        raise ServiceDescriptionError("without `hosts` and `path_pattern` no call belongs to it", file=file, key="hosts")
    base = base or Service(name=described.name, read=_no_reading)
    repeatability = DeclaredRepeatability(repeatable=described.repeatable, base=base.is_repeatable)
    reading = DeclaredReading(
        outcomes=described.outcome,
        is_repeatable=repeatability,
        base=None if base.read is _no_reading else base.read,
    )
    pattern = _pattern(described.path_pattern, file, "path_pattern") if described.path_pattern else None
    budgets = tuple(described.rate_limits)
    return dataclasses.replace(
        base,
        name=described.name,
        # A service of another name is another vendor's: it has hosts of its own.
        hosts=(*described.hosts, *(base.hosts if is_same else ())),
        path_pattern=pattern or (base.path_pattern if is_same else None),
        routes=route_lines.merged(tuple(route for _key, route in _routes(described)), base.routes),
        entities=(*(line.place() for line in described.entities), *base.entities),
        secrets=_secrets(described.secrets, base.secrets, file),
        read=reading,
        is_repeatable=repeatability,
        is_told_by_body=base.is_told_by_body or bool(described.outcome.failed_when or described.outcome.succeeded_when),
        read_rate_limit=DeclaredRateLimit(budgets=budgets) if budgets else base.read_rate_limit,
        probe=_probe(described.probe) or base.probe,
        errors=(*described.errors, *base.errors),
        extends=base.extends or described.extends,
    )


def _no_reading(_exchange: object, _action: str) -> Any:
    """Stands for the reading of a service that extends none; never called."""
    raise AssertionError


def _routes(described: DescriptionFile) -> Iterator[tuple[str, Route]]:
    """(key in the file, route) of each."""
    for at, line in enumerate(described.routes):
        yield f"routes[{at}]", line.route()
    for at, resource in enumerate(described.resources):
        for route in resource.routes():
            yield f"resources[{at}]", route


def _wrong(described: DescriptionFile) -> Iterator[tuple[str, str]]:
    """(key, what is wrong there) of what no key tells by itself."""
    wrong_route = route_lines.first_wrong(_routes(described))
    if wrong_route is not None:
        yield wrong_route
    outcome = described.outcome
    for name, conditions in (
        ("failed_when", outcome.failed_when),
        ("succeeded_when", outcome.succeeded_when),
        ("rules", outcome.rules),
    ):
        wrong = condition.first_wrong(conditions)
        if wrong is not None:
            yield f"outcome.{name}[{wrong[0]}]", wrong[1]
    for at, line in enumerate(described.entities):
        if line.source == "path":
            yield f"entities[{at}].source", "only an entity of a route can stand in the path"
    for at, shape in enumerate(described.secrets.shapes):
        if not shape.marks and shape.run_chars_min is None:
            yield f"secrets.shapes[{at}].marks", "without `marks` and `run_chars_min` the pattern would be tried on every text"
    if described.probe is not None:
        probe = described.probe
        used = {name for text in (probe.url, *probe.headers.values()) for name in _REFERENCE.findall(text)}
        for name in sorted(used ^ probe.credentials.keys()):
            yield "probe.credentials", f"`{name}` is {'used and not named' if name in used else 'named and not used'}"


def _secrets(table: SecretsTable, base: Secrets, file: str) -> Secrets:
    shapes = []
    for at, line in enumerate(table.shapes):
        pattern = _pattern(line.pattern, file, f"secrets.shapes[{at}].pattern")
        shapes.append(
            SecretShape(name=line.name, pattern=pattern, marks=tuple(line.marks), run_chars_min=line.run_chars_min or 0)
        )
    return Secrets(names={**base.names, **table.names}, shapes=(*shapes, *base.shapes))


def _pattern(pattern: str, file: str, key: str) -> re.Pattern[str]:
    try:
        return compile_pattern(pattern)
    except PatternRefused as error:
        raise ServiceDescriptionError(f"the pattern is refused: {error}", file=file, key=key) from error


def _probe(table: ProbeTable | None) -> Probe | None:
    if table is None:
        return None
    return Probe(
        method=table.method,
        url=table.url,
        headers=table.headers,
        credentials=table.credentials,
        statuses=frozenset(table.statuses),
    )


def _refused(message: str, values: Mapping[str, object], file: str) -> ServiceDescriptionError:
    """What msgspec refuses, with the key path taken out of its words, and the value told."""
    found = _AT.search(message)
    key, reason = (found["key"], message[: found.start()]) if found else ("", message)
    field = _UNKNOWN_OR_MISSING.match(reason)
    if field is not None:
        key = f"{key}.{field['field']}" if key else field["field"]
        reason = "there is no such key" if "unknown" in reason else "it is missing"
        return ServiceDescriptionError(reason, file=file, key=key)
    form = _FORM.search(reason)
    pattern = str(ast.literal_eval(form["pattern"])) if form else ""
    key, given = _place(values, key, pattern)
    if form is not None:
        reason = f"it must be {FORMS[pattern]}"
    shown = f"{given!r}: " if isinstance(given, str | int | float) else ""
    return ServiceDescriptionError(f"{shown}{reason}", file=file, key=key or None)


def _place(values: Any, key: str, pattern: str) -> tuple[str, object]:
    """The key path, and the value there. Of an entry of a table msgspec only says `[...]`: it is the first that is of another form."""
    path = ""
    for step in _STEP.findall(key):
        if step == "...":
            wrong = (name for name, one in values.items() if not (isinstance(one, str) and re.search(pattern, one)))
            step = next(wrong, next(iter(values)))  # noqa: PLW2901 - the name that the step stands for
        path = f"{path}[{step}]" if step.isdecimal() else f"{path}.{step}" if path else step
        values = values[int(step)] if isinstance(values, list) else values[step]
    return path, values
