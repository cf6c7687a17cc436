"""Whether each service can be used right now: its harmless call, made for real with the credentials of the settings.

The calls go through the standard library's HTTP client like any other, so that they are recorded where the process is instrumented.
"""

import dataclasses
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from typing import Literal
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec

from integration_monitor import settings as settings_table
from integration_monitor.body import parse
from integration_monitor.capture.failure import describe
from integration_monitor.errors import SettingsError
from integration_monitor.record import Fault, NoAnswer
from integration_monitor.redaction import Redactor
from integration_monitor.services.description import Probe, Service
from integration_monitor.services.exchange import Exchange, Outcome
from integration_monitor.services.registry import Registry
from integration_monitor.services.sources import describe_all
from integration_monitor.settings import Settings

# A vendor that needs longer for its smallest answer is not well.
TIMEOUT_S = 10.0
# The answers to probes are small; of a larger one the beginning tells enough.
_ANSWER_BYTES_MAX = 1024 * 1024

_REFERENCE = re.compile(r"\$\{(\w+)\}")

State = Literal["healthy", "failed", "not configured"]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Probed:
    """What became of one probe."""

    service_name: str
    state: State
    #: as a record would have it
    error_code: str | None = None
    #: the vendor's words, a remark on a success, or what must be set
    message: str | None = None
    fault: Fault | None = None
    #: milliseconds to the end of the answer; None where nothing was asked
    duration_ms: int | None = None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """An answer that leads elsewhere is the answer: what follows it would take the credentials along."""

    def redirect_request(self, *_arguments: object) -> None:
        return None


def probe_all(
    settings: Settings, service_names: Iterable[str] = (), *, environment: Mapping[str, str] | None = None
) -> Iterator[Probed]:
    """Probes one service after the other, in the order of their descriptions; each result comes as soon as it is there.

    service_names:
        Only these; without them every service that has a probe.
    environment:
        Holds the credentials that are no setting of ours; by default that of the process.

    Errors:
        SettingsError: there is no service of a name, or it has no probe.
        ServiceDescriptionError: a description of the user's cannot be used.
    """
    environment = os.environ if environment is None else environment
    services = {name: one.service for name, one in describe_all(settings.services_dir).items()}
    probes = {name: service.probe for name, service in services.items() if service.probe is not None}
    wanted = list(service_names) or list(probes)
    for name in wanted:
        if name not in probes:
            raise SettingsError(f"{name}: no service of this name can be probed; there are {', '.join(probes)}", name="service")
    registry = Registry(settings.service_hosts, services_dir=settings.services_dir)
    for name in wanted:
        credentials = {key: _credential(variable, settings, environment) for key, variable in probes[name].credentials.items()}
        yield _probe(services[name], probes[name], registry, credentials, base_url=settings.probe_urls.get(name))


def configured(settings: Settings, *, environment: Mapping[str, str] | None = None) -> list[str]:
    """The services that can be probed with the credentials there are, in the order of their descriptions.

    Errors:
        ServiceDescriptionError: a description of the user's cannot be used.
    """
    environment = os.environ if environment is None else environment
    return [
        name
        for name, one in describe_all(settings.services_dir).items()
        if one.service.probe is not None
        and all(_credential(variable, settings, environment) for variable in one.service.probe.credentials.values())
    ]


def _probe(
    service: Service, probe: Probe, registry: Registry, credentials: Mapping[str, str | None], *, base_url: str | None
) -> Probed:
    missing = [probe.credentials[name] for name, value in credentials.items() if not value]
    if missing:
        return Probed(service_name=service.name, state="not configured", message=f"set {', '.join(missing)}")
    values = {name: value for name, value in credentials.items() if value}
    # The name of a host is no secret.
    open_names = _REFERENCE.findall(urlsplit(probe.url).netloc)
    secrets = {f"{service.name}.{name}": value for name, value in values.items() if name not in open_names}
    redactor = Redactor(known_secrets=secrets)
    began = time.monotonic()
    exchange = _ask(probe, _url(probe, values, base_url), values)
    duration_ms = round((time.monotonic() - began) * 1000)
    outcome = registry.understand(exchange, registry.match(exchange, service)).outcome
    message = outcome.error_message or outcome.note
    return Probed(
        service_name=service.name,
        state="healthy" if _is_healthy(outcome, exchange, probe) else "failed",
        error_code=_code(outcome, exchange, probe),
        message=redactor.text(message, service) if message else None,
        fault=outcome.fault,
        duration_ms=duration_ms,
    )


def _credential(variable: str, settings: Settings, environment: Mapping[str, str]) -> str | None:
    """The value of one of our settings, which may come from a file as well, else of a variable of the environment."""
    name = variable.removeprefix(settings_table.ENVIRONMENT_PREFIX).lower()
    if settings_table.variable(name) == variable and name in settings_table.names():
        value: str | None = getattr(settings, name)
    else:
        value = environment.get(variable)
    # A file that was read into a variable ends with a line; in a header that would be refused, with the secret in the words.
    return value.strip() if value else None


def _url(probe: Probe, values: Mapping[str, str], base_url: str | None) -> str:
    """The probe's URL, at the address that the settings give for the service."""
    url = _REFERENCE.sub(lambda found: quote(values[found[1]], safe=":"), probe.url)
    if base_url is None:
        return url
    parts = urlsplit(url)
    return base_url.rstrip("/") + url.removeprefix(f"{parts.scheme}://{parts.netloc}")


def _ask(probe: Probe, url: str, values: Mapping[str, str]) -> Exchange:
    """The request and what came back, an answer or none."""
    headers = {name: _REFERENCE.sub(lambda found: values[found[1]], value) for name, value in probe.headers.items()}
    # Some vendors refuse what does not say who it is.
    headers = {"User-Agent": f"integration-monitor/{_version()}", "Accept": "application/json", **headers}
    parts = urlsplit(url)
    request = Exchange(
        method=probe.method,
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=parts.port or (443 if parts.scheme == "https" else 80),
        path=parts.path or "/",
        query=parse_qsl(parts.query, keep_blank_values=True),
        request_headers={name.lower(): value for name, value in headers.items()},
    )
    try:
        status, received, content = _send(urllib.request.Request(url, method=probe.method, headers=headers))  # noqa: S310 (https, or as the settings say)
    except Exception as error:  # noqa: BLE001 (whatever it is, the service cannot be used)
        return msgspec.structs.replace(request, no_answer=_without_answer(error))
    body = parse(content, content_type=received.get("content-type", ""), encoding=received.get("content-encoding", ""))
    return msgspec.structs.replace(request, status_code=status, response_headers=received, response_body=body.value)


def _send(request: urllib.request.Request) -> tuple[int, dict[str, str], bytes]:
    """(status, headers with names in lower case, body) of the answer, whatever its status."""
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        answer = opener.open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        content = answer.read(_ANSWER_BYTES_MAX)
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, content


def _without_answer(error: Exception) -> NoAnswer:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    return describe(cause if isinstance(cause, BaseException) else error)


def _is_healthy(outcome: Outcome, exchange: Exchange, probe: Probe) -> bool:
    return outcome.is_success and exchange.status_code in probe.statuses


def _code(outcome: Outcome, exchange: Exchange, probe: Probe) -> str | None:
    if outcome.is_success and exchange.status_code not in probe.statuses:
        return f"HTTP_{exchange.status_code}"
    return outcome.error_code


def _version() -> str:
    try:
        return metadata.version("integration-monitor")
    except metadata.PackageNotFoundError:  # run from its source
        return "0"
