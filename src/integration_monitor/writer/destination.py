"""Where records go, named without user and password: these may change while records wait."""

import os
import re
from urllib.parse import parse_qsl, unquote

from integration_monitor.settings import Settings

# As libpq reads it, and not as `urlsplit` does: a password may hold `#`, `?` or `[`.
# Source: https://www.postgresql.org/docs/current/libpq-connect.html (connection URIs)
_URL = re.compile(r"(?:(?P<user>[^:@/]*)(?::[^@/]*)?@)?(?P<hosts>[^/?]*)(?P<path>/[^?]*)?(?:\?(?P<options>.*))?", re.DOTALL)

# What libpq takes as an option as well, or from the environment where the URL leaves it out.
_PLACES = {"host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "dbname": "PGDATABASE", "service": "PGSERVICE"}

# Poolers that serve many projects at one address, all of them with a database `postgres`, tell them apart by the user (Supabase:
# `postgres.PROJECT`) or by an option (Supabase, Neon).
_PROJECT = re.compile(r"\b(?:endpoint|project|reference)=[\w.-]+")


def destination_of(settings: Settings) -> str:
    """The place of the settings' URL, the same for everybody who writes there; two databases never have the same."""
    url = settings.database_url or ""
    scheme, separator, rest = url.partition("://")
    if not separator:
        # Connection parameters hold a password, and nothing is recorded with them.
        return "something that is no URL" if "=" in url else f"{url or 'nowhere'} {settings.data_dir or ''}".strip()
    if scheme.lower() in {"http", "https"}:
        # The user is the key of a monitor, which may change while records wait, and is shown nowhere.
        return f"{scheme.lower()}://{rest.rpartition('@')[2].rstrip('/')}"
    found = _URL.match(rest)
    assert found is not None  # each part of it may be missing
    hosts, path, options = found["hosts"], found["path"] or "", dict(parse_qsl(found["options"] or ""))
    user = options.get("user") or unquote(found["user"] or "") or os.environ.get("PGUSER", "")
    # A password with a `/` is no URL that libpq takes; it is not to be shown for that.
    place = f"{scheme.replace('postgresql', 'postgres')}://{(hosts + path).rpartition('@')[2]}"
    in_url = {"host": bool(hosts), "hostaddr": bool(hosts), "port": ":" in hosts, "dbname": len(path) > 1}
    others = {name: options.get(name) or ("" if in_url.get(name) else os.environ.get(at, "")) for name, at in _PLACES.items()}
    if not (in_url["dbname"] or others["dbname"] or others["service"]):
        others["dbname"] = user  # libpq's default
    others["project"] = user.partition(".")[2] or " ".join(_PROJECT.findall(options.get("options", "")))
    return place + "".join(f" {name}={value}" for name, value in sorted(others.items()) if value)
