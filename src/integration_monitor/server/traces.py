"""Where a trace is shown: an address of the settings, in which the id of the trace stands."""

from typing import Final
from urllib.parse import quote, urlsplit

from integration_monitor.errors import SettingsError

PLACE: Final = "{trace_id}"


def check_trace_url(trace_url: str) -> None:
    """Whether a setting names a place for traces.

    Errors:
        SettingsError: it is no address of http or https, or has no place for the id behind its host.
    """
    try:
        parts = urlsplit(trace_url)
        is_place = parts.scheme in {"http", "https"} and bool(parts.hostname) and PLACE not in parts.netloc and PLACE in trace_url
    except ValueError:  # brackets that hold no IPv6 address
        is_place = False
    if not is_place:
        raise SettingsError(
            f"trace_url: {trace_url!r} is not an address with {PLACE} in it, such as https://grafana.example.com/explore/{PLACE}",
            name="trace_url",
        )


def trace_href(trace_url: str | None, trace_id: str | None) -> str | None:
    """The address of one trace; None where there is no place for it. The id is a stranger's text: it stays one step of the address."""
    # A step of dots alone means another place, however it is escaped.
    if not trace_url or not trace_id or not trace_id.strip("."):
        return None
    return trace_url.replace(PLACE, quote(trace_id, safe="", errors="replace"))
