"""Every setting, in one table: name, type, default, unit and help.

A value is looked for in the arguments, then in the environment (`INTEGRATION_MONITOR_<NAME>`), then in the TOML file that
`INTEGRATION_MONITOR_CONFIG` names. The table feeds `instrument()`, the command line and docs/reference/settings.md.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from integration_monitor.errors import SettingsError

ENVIRONMENT_PREFIX = "INTEGRATION_MONITOR_"
CONFIG_VARIABLE = f"{ENVIRONMENT_PREFIX}CONFIG"

Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(ge=0, le=1)]


class Settings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The settings of one process. Build it with `load()`, which names what is wrong and where it came from."""

    database_url: Annotated[
        str | None,
        Meta(
            description="Where records go: postgresql://…, a monitor's https://KEY@host (of applications alone), or `embedded`.",
            extra={"secret": True},
        ),
    ] = None
    data_dir: Annotated[
        str | None,
        Meta(
            description="Folder of the embedded database. Without it: the user's data directory, for root /var/lib/integration-monitor."
        ),
    ] = None
    service_hosts: Annotated[
        dict[str, str],
        Meta(description="Hosts that stand for a service: `127.0.0.1:9001=telegram,…`, for proxies, sandboxes and tests."),
    ] = {}
    services_dir: Annotated[
        str | None,
        Meta(description="Folder of your own service descriptions, `*.toml`: docs/reference/service-description.md."),
    ] = None
    amocrm_host: Annotated[
        str | None,
        Meta(description="Host of the amoCRM account that `probe` asks: `example.amocrm.ru` or `example.kommo.com`."),
    ] = None
    amocrm_token: Annotated[
        str | None, Meta(description="Access token of the amoCRM account, for `probe`.", extra={"secret": True})
    ] = None
    resend_api_key: Annotated[str | None, Meta(description="API key of Resend, for `probe`.", extra={"secret": True})] = None
    telegram_bot_token: Annotated[
        str | None, Meta(description="Token of the Telegram bot, for `probe`.", extra={"secret": True})
    ] = None
    mobizon_host: Annotated[
        str, Meta(description="Host of the Mobizon account that `probe` asks; it depends on the country.")
    ] = "api.mobizon.kz"
    mobizon_api_key: Annotated[str | None, Meta(description="API key of Mobizon, for `probe`.", extra={"secret": True})] = None
    whapi_token: Annotated[str | None, Meta(description="Token of the Whapi channel, for `probe`.", extra={"secret": True})] = (
        None
    )
    probe_urls: Annotated[
        dict[str, str],
        Meta(
            description="Where `probe` asks in place of the vendor's own address: `telegram=http://127.0.0.1:9001,…`, for self-hosted "
            "servers, proxies and tests. The host should be among `service_hosts`, too."
        ),
    ] = {}
    ignore: Annotated[
        list[str],
        Meta(
            description="Calls that are not recorded, as patterns: `host`, `host/path*`, `service:telegram`, "
            "`service:telegram/get_updates`; `*` stands for anything. They count as ignored."
        ),
    ] = []
    sample: Annotated[
        dict[str, Share],
        Meta(
            description="Calls of which only a share is recorded, whatever becomes of them: `service:telegram/send_message=0.1,…`. "
            "Patterns as of `ignore`; the first that fits counts. Records tell it: `request_payload.sample_rate`."
        ),
    ] = {}
    secrets: Annotated[
        dict[str, str],
        Meta(
            description="Values that must never be stored, by the name that stands for them: `shop.key=…`. They are found anywhere.",
            extra={"secret": True},
        ),
    ] = {}
    redact_personal_data: Annotated[
        bool, Meta(description="Masks phone numbers and e-mail addresses everywhere; the same one has the same mask.")
    ] = False
    personal_data_key: Annotated[
        str | None,
        Meta(
            description="Secret key of these masks. Without it each process makes one of its own: then the same phone has other masks "
            "in other processes, and after a restart.",
            extra={"secret": True},
        ),
    ] = None
    message_text: Annotated[
        Literal["full", "digest"],
        Meta(description="What is stored of message texts, of every service alike: `full`, or only `digest` and length."),
    ] = "full"
    body_bytes_max: Annotated[Count, Meta(description="Body kept of a request or an answer.", extra={"unit": "bytes"})] = 65_536
    attempts_max: Annotated[Count, Meta(description="Attempts listed in a record.")] = 20
    queue_records_max: Annotated[Count, Meta(description="Records that wait in memory; more are dropped and counted.")] = 10_000
    queue_bytes_max: Annotated[
        Count, Meta(description="Bytes that wait in memory; more are dropped and counted.", extra={"unit": "bytes"})
    ] = 64 * 1024 * 1024
    batch_records_max: Annotated[Count, Meta(description="Records written at once.")] = 1_000
    batch_bytes_max: Annotated[Count, Meta(description="Bytes written at once.", extra={"unit": "bytes"})] = 4 * 1024 * 1024
    batch_age_s: Annotated[Seconds, Meta(description="How long a record waits for others.", extra={"unit": "s"})] = 0.25
    shutdown_timeout_s: Annotated[
        Seconds, Meta(description="How long the process waits at its end for records to be written.", extra={"unit": "s"})
    ] = 5.0
    pending_after_s: Annotated[
        Seconds,
        Meta(description="A call that takes longer is written as pending or retrying, and finished later.", extra={"unit": "s"}),
    ] = 5.0
    durability: Annotated[
        Literal["buffered", "journal", "off"],
        Meta(
            description="What a process that is killed may lose. `buffered`: the last batch_age_s. `journal`: nothing; every record is on "
            "disk before the call returns. `off`, for tests: nothing is kept on disk at all, also while the database is away."
        ),
    ] = "buffered"
    spool_dir: Annotated[
        str | None,
        Meta(
            description="Folder for records that wait for the database. Without it: the user's state folder, "
            "for root /var/lib/integration-monitor/spool."
        ),
    ] = None
    spool_bytes_max: Annotated[
        Count,
        Meta(
            description="Bytes that wait on disk, of all processes together; beyond it the oldest are dropped.",
            extra={"unit": "bytes"},
        ),
    ] = 1024 * 1024 * 1024
    server_host: Annotated[str, Meta(description="Address the server listens on.")] = "127.0.0.1"
    server_port: Annotated[int, Meta(ge=0, le=65535, description="Port the server listens on; 0 picks a free one.")] = 8321
    server_workers: Annotated[
        int,
        Meta(ge=1, le=64, description="Processes of the server that answer on its port; more than there are cores gain nothing."),
    ] = 1
    proxy_headers: Annotated[
        bool,
        Meta(
            description="Whether the server believes what a proxy in front of it tells in `X-Forwarded-For` and `X-Forwarded-Proto`: the "
            "client's address, and whether it came by https."
        ),
    ] = False
    trusted_proxies: Annotated[
        list[str],
        Meta(
            description="Whose words these headers are, with `proxy_headers`: addresses or networks, `10.0.0.0/8,192.168.1.5`; `*` is "
            "everybody, where only the proxy can reach the server. Without any it is this machine: 127.0.0.1 and ::1."
        ),
    ] = []
    public_url: Annotated[
        str | None,
        Meta(
            description="The dashboard's address as browsers see it, where a proxy stands in front: https://monitor.example.com"
        ),
    ] = None
    trace_url: Annotated[
        str | None,
        Meta(
            description="Where the dashboard leads for a record's trace: https://grafana.example.com/explore/…/{trace_id}. "
            "Without it the id is only shown."
        ),
    ] = None
    jwt_secret: Annotated[
        str | None,
        Meta(
            description="Shared secret of the tokens the API takes (HS256; Supabase: Settings, API, JWT secret). "
            "Without it the server keeps one of its own in the database.",
            extra={"secret": True},
        ),
    ] = None
    jwks: Annotated[
        str | None,
        Meta(
            description="Public keys of the tokens the API takes (ES256, RS256, EdDSA), beside `jwt_secret`: an address, of which the keys are "
            "read again by themselves (Supabase: https://PROJECT.supabase.co/auth/v1/.well-known/jwks.json), or a file."
        ),
    ] = None
    required_claims: Annotated[
        dict[str, str],
        Meta(
            description="Claims a token of role `authenticated` must carry: `app_metadata.integration_monitor=reader`. In a "
            "Supabase project every end user is `authenticated`: set it."
        ),
    ] = {}
    probe_interval_s: Annotated[
        float,
        Meta(
            ge=0,
            description="How often the server probes each service that has credentials here; 0 switches it off.",
            extra={"unit": "s"},
        ),
    ] = 300.0
    alerts_urls: Annotated[
        list[str],
        Meta(
            description="Whom alerts go to: Apprise URLs, such as `tgram://BOT_TOKEN/CHAT_ID`; https://appriseit.com lists all. A comma in one "
            "is written %2C. Without any, incidents are kept and nobody is told.",
            extra={"secret": True},
        ),
    ] = []
    alerts_routes: Annotated[
        dict[str, str],
        Meta(
            description="Services whose alerts go elsewhere: `telegram=slack://…,amocrm=mailto://…`, several URLs with a space between. "
            "`writers` stands for processes that lose or hold back records.",
            extra={"secret": True},
        ),
    ] = {}
    alerts_after_s: Annotated[
        Seconds,
        Meta(description="How long a service must be degraded or down before an incident begins.", extra={"unit": "s"}),
    ] = 120.0
    alerts_clear_s: Annotated[
        Seconds,
        Meta(description="How long it must be clearly better before the incident ends.", extra={"unit": "s"}),
    ] = 300.0
    alerts_quiet_hours: Annotated[
        str | None,
        Meta(description="Hours in which nobody is called: `22:00-07:00`. What is to be told waits for their end."),
    ] = None
    alerts_time_zone: Annotated[str, Meta(description="Time zone of quiet hours and of times in messages: `Asia/Almaty`.")] = (
        "UTC"
    )
    alerts_urgent: Annotated[
        list[str],
        Meta(description="Services that are told of in quiet hours too: `amocrm,telegram`; `writers` as in `alerts_routes`."),
    ] = []


def load(
    arguments: Mapping[str, object] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """The settings of this process. An argument that is None counts as not given.

    Errors:
        SettingsError: unknown name, wrong type or out of range; it names the setting, the value and the source.
    """
    environment = os.environ if environment is None else environment
    hints = get_type_hints(Settings, include_extras=True)
    values: dict[str, object] = {}
    for name, value, source in _candidates(arguments or {}, environment):
        if name not in hints:
            raise SettingsError(f"{source}: there is no setting {name!r}", name=name, source=source)
        values.setdefault(name, _convert(name, value, hints[name], source))
    return Settings(**values)  # type: ignore[arg-type]


def names() -> tuple[str, ...]:
    """The settings' names, in the table's order."""
    return Settings.__struct_fields__


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return ENVIRONMENT_PREFIX + name.upper()


def _candidates(arguments: Mapping[str, object], environment: Mapping[str, str]) -> Iterator[tuple[str, object, str]]:
    """(name, value, source) of everything that is set; what comes first wins."""
    for name, value in arguments.items():
        if value is not None:
            yield name, value, "argument"
    for name in names():
        if environment.get(variable(name)):
            yield name, environment[variable(name)], variable(name)
    path = environment.get(CONFIG_VARIABLE)
    if path:
        for name, value in _read_file(Path(path)).items():
            yield name, value, path


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read as TOML: {error}", name="config", source=CONFIG_VARIABLE) from error


def _convert(name: str, value: object, kind: Any, source: str) -> object:
    if isinstance(value, str) and get_origin(get_args(kind)[0]) is dict:
        value = _pairs(name, value, source, is_secret=_is_secret(kind))
    elif isinstance(value, str) and get_origin(get_args(kind)[0]) is list:
        value = [piece.strip() for piece in value.split(",") if piece.strip()]
    try:
        # strict=False: the environment gives text for numbers.
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        shown = "" if _is_secret(kind) else f" (given: {value!r})"
        raise SettingsError(f"{source}: {name}: {error}{shown}", name=name, source=source) from error


def _pairs(name: str, text: str, source: str, *, is_secret: bool) -> dict[str, str]:
    """`a=b,c=d` as a dictionary."""
    pairs = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        key, equals, value = part.partition("=")
        if not (key.strip() and equals and value.strip()):
            shown = "a part of it" if is_secret else repr(part)
            raise SettingsError(f"{source}: {name}: {shown} is not of the form key=value", name=name, source=source)
        pairs[key.strip()] = value.strip()
    return pairs


def _is_secret(kind: Any) -> bool:
    """Whether the values of a setting must not be repeated in an error message."""
    return any((meta.extra or {}).get("secret", False) for meta in get_args(kind)[1:])
