"""Where descriptions of services come from: this package, installed packages, and a folder of the user's. What comes later counts."""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import metadata, resources
from pathlib import Path

from integration_monitor.errors import ServiceDescriptionError
from integration_monitor.services import amocrm, mobizon, resend, telegram, whapi
from integration_monitor.services.description import Service
from integration_monitor.services.description_file import DescriptionFile, build, parse, parse_text

#: Group of the entry points by which a package gives a `Service`, or a function that makes one.
ENTRY_POINT_GROUP = "integration_monitor.services"
# A folder with more files than that is not meant to hold descriptions.
FILES_MAX = 500

BUILT_IN = "built in"
_IN_PYTHON: tuple[Service, ...] = (
    amocrm.SERVICE,
    resend.SERVICE,
    telegram.SERVICE,
    mobizon.SERVICE,
    whapi.SERVICE,
    whapi.PARTNER_SERVICE,
)

#: Is told what is wrong with a description, which is then left out.
OnError = Callable[[ServiceDescriptionError], None]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """A service and who described it."""

    service: Service
    #: `built in`, the entry point, or the file's path
    source: str


def describe_all(services_dir: str | None = None, *, on_error: OnError | None = None) -> dict[str, Described]:
    """Every described service by its name, the user's own last.

    services_dir:
        Folder with the user's files, `*.toml`. Of the built-in services and those of installed packages a file replaces the one of
        its own name, and extends the one that it names.
    on_error:
        Is told of each description that cannot be used; without it the first one raises.

    Errors:
        ServiceDescriptionError: a description cannot be used.
    """
    found = {service.name: Described(service=service, source=BUILT_IN) for service in built_in()}
    _add(found, _installed(on_error))
    _add(found, _in_folder(services_dir, found, on_error))
    return found


def _add(found: dict[str, Described], more: Iterable[Described]) -> None:
    for one in more:
        # Taken out first: a later one is to stand behind all earlier ones, also where it has the name of one.
        found.pop(one.service.name, None)
        found[one.service.name] = one


@functools.cache
def built_in() -> tuple[Service, ...]:
    """The services that this package describes itself: in Python, and in the files of the folder `described`."""
    return (*_IN_PYTHON, *(_build(text, {}, name) for name, text in built_in_files().items()))


@functools.cache
def built_in_files() -> Mapping[str, bytes]:
    """The files of the folder `described`: name → content."""
    files = sorted((resources.files(__package__) / "described").iterdir(), key=lambda file: file.name)
    return {file.name: file.read_bytes() for file in files if file.name.endswith(".toml")}


def _build(text: bytes, bases: Mapping[str, Service], file: str) -> Service:
    return build(parse_text(text, file=file), bases, file=file)


def _installed(on_error: OnError | None) -> Iterator[Described]:
    """The services that installed packages give."""
    seen: dict[str, str] = {}
    for entry in metadata.entry_points(group=ENTRY_POINT_GROUP):
        source = f"entry point {entry.name} = {entry.value}" + (f" of {entry.dist.name}" if entry.dist else "")
        try:
            service = _load(entry, source)
        except ServiceDescriptionError as error:
            _report(error, on_error)
            continue
        other = seen.setdefault(service.name, source)
        if other == source:
            yield Described(service=service, source=source)
        else:
            _report(ServiceDescriptionError(f"{other} gives a service {service.name!r}, too", file=source, key="name"), on_error)


def _load(entry: metadata.EntryPoint, source: str) -> Service:
    try:
        given = entry.load()
        service = given() if callable(given) else given
    except ServiceDescriptionError:
        raise
    except Exception as error:
        raise ServiceDescriptionError(f"cannot be loaded: {type(error).__name__}: {error}", file=source) from error
    if not isinstance(service, Service):
        raise ServiceDescriptionError(
            f"it must give a Service, or a function that makes one, and gives {type(service).__name__}", file=source
        )
    return service


def _in_folder(services_dir: str | None, others: Mapping[str, Described], on_error: OnError | None) -> list[Described]:
    """The services of the user's files. Those that extend none come first, so that the others can extend them."""
    if services_dir is None:
        return []
    parsed: dict[str, tuple[Path, DescriptionFile]] = {}
    bases = {name: one.service for name, one in others.items()}
    found: list[Described] = []
    for path in _files(Path(services_dir), on_error):
        try:
            described = parse(path)
        except ServiceDescriptionError as error:
            _report(error, on_error)
            continue
        other, _ = parsed.setdefault(described.name, (path, described))
        if other != path:
            reason = f"{other} describes {described.name!r}, too"
            _report(ServiceDescriptionError(reason, file=str(path), key="name"), on_error)
    for path, described in sorted(parsed.values(), key=lambda one: one[1].extends is not None):
        try:
            service = build(described, bases, file=str(path))
            _check_hosts(service, found, file=str(path))
        except ServiceDescriptionError as error:
            _report(error, on_error)
        else:
            found.append(Described(service=service, source=str(path)))
            if described.extends is None:
                bases[service.name] = service
    return found


def _files(folder: Path, on_error: OnError | None) -> list[Path]:
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == ".toml" and path.is_file())
    except OSError as error:
        _report(ServiceDescriptionError(f"cannot be read: {error.strerror or error}", file=str(folder)), on_error, error)
        return []
    if len(files) > FILES_MAX:
        reason = f"it holds {len(files)} files; at most {FILES_MAX} are read"
        _report(ServiceDescriptionError(reason, file=str(folder)), on_error)
    return files[:FILES_MAX]


def _check_hosts(service: Service, others: list[Described], *, file: str) -> None:
    """A host of the user's files belongs to one of them; one of a built-in service goes over to the user's."""
    for at, host in enumerate(service.hosts):
        for other in others:
            if host in other.service.hosts:
                raise ServiceDescriptionError(f"{host!r} is a host of {other.source}, too", file=file, key=f"hosts[{at}]")


def _report(error: ServiceDescriptionError, on_error: OnError | None, cause: Exception | None = None) -> None:
    if on_error is None:
        raise error from cause
    on_error(error)
