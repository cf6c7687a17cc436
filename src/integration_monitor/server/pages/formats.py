"""The named filters of the templates: every number gets its unit here, every foreign text becomes harmless here.

English for now; the words and signs that a language changes stand in this file and in the templates only.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from markupsafe import Markup, escape

from integration_monitor.record import Json, now

# A chart's caption or a log line of a vendor; more is read in the opened row.
EXCERPT_CHARACTERS_MAX = 240

# What turns, hides or breaks a line without being seen: control characters, marks and overrides of writing direction,
# line and paragraph separators, the byte order mark. Joiners stay: emoji and several scripts need them.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")

_SECONDS_PER_UNIT = ((86_400, "day", "days"), (3_600, "h", "h"), (60, "min", "min"))

# A long duration is told in two units: (seconds, unit, seconds of the second one, the second one).
_LONG_DURATIONS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"))


def age(at: datetime, since: datetime | None = None) -> str:
    """How long ago a moment was, in its largest unit: `3 min ago`. A moment ahead of our clock is `just now`."""
    seconds = int(((since or now()) - at).total_seconds())
    for unit_s, one, many in _SECONDS_PER_UNIT:
        value = seconds // unit_s
        if value >= 1:
            return f"{value} {one if value == 1 else many} ago"
    return "just now" if seconds < 10 else f"{seconds} s ago"  # noqa: PLR2004  # a clock may be some seconds off


def clock(at: datetime) -> str:
    """A moment as text, with its zone: `22 Nov 10:04:31 UTC`. The browser turns it into the reader's own zone."""
    return at.astimezone(UTC).strftime("%d %b %H:%M:%S UTC").lstrip("0")


def duration(milliseconds: float | None) -> str:
    """A duration in the unit that suits it: `340 ms`, `1.24 s`, `2 min 5 s`, `3 h 20 min`; `–` where none was measured."""
    if milliseconds is None:
        return "–"
    # Compared as rounded: what rounds to a second is shown as one.
    if round(milliseconds) < 1_000:  # noqa: PLR2004  # a second
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1_000
    if round(seconds, 1) < 60:  # noqa: PLR2004  # a minute
        return f"{seconds:.3g} s"
    whole_s = round(seconds)
    unit_s, unit, part_s, part = next(each for each in _LONG_DURATIONS if whole_s >= each[0])
    parts = whole_s % unit_s // part_s
    return f"{whole_s // unit_s:,} {unit}" + (f" {parts} {part}" if parts else "")


def percent(rate: float | None) -> str:
    """A share of a hundred with its sign: `3.1%`. What is small is not called zero, what is not all is not called all."""
    if rate is None:
        return "–"
    if 0 < rate < 0.1:  # noqa: PLR2004  # the last digit shown
        return "< 0.1%"
    if 99.9 < rate < 100:  # noqa: PLR2004
        return "> 99.9%"
    return f"{rate:.1f}".removesuffix(".0") + "%"


def count(number: int, noun: str = "") -> str:
    """A number with its thousands apart, and with its noun in the right number: `1,204 calls`."""
    return f"{number:,}" if not noun else f"{number:,} {noun if number == 1 else noun + 's'}"


def count_short(number: int) -> str:
    """A number for a narrow place: from a hundred thousand on in three digits, `120K`, `1.25M`, rounded down."""
    if number < 100_000:  # noqa: PLR2004  # six digits are still read at a glance
        return f"{number:,}"
    size, sign = next((size, sign) for size, sign in ((10**9, "B"), (10**6, "M"), (10**3, "K")) if number >= size)
    digits = 2 if number < 10 * size else 1 if number < 100 * size else 0
    value = math.floor(number / size * 10**digits) / 10**digits
    return f"{value:,.{digits}f}{sign}"


def visible(text: object) -> str:
    r"""A text from elsewhere in which nothing acts unseen: such characters become their escapes, `\u202e`."""
    return _INVISIBLE.sub(lambda match: f"\\u{ord(match[0]):04x}", str(text))


def excerpt(text: str, characters_max: int = EXCERPT_CHARACTERS_MAX) -> str:
    """The beginning of a text, on one line."""
    beginning = " ".join(text[: characters_max * 4].split())
    return beginning if len(beginning) <= characters_max else beginning[: characters_max - 1] + "…"


def prose(text: str) -> Markup:
    """Words of our own in which `backticks` set off what is typed: as HTML, everything escaped."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(visible(text)))))  # noqa: S704  # escaped before


def json_text(value: Json) -> str:
    """JSON for people: two spaces of indent, and the escapes of `visible`, which are JSON's own."""
    return visible(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


FILTERS: Mapping[str, Callable[..., Any]] = {
    "age": age,
    "clock": clock,
    "count": count,
    "count_short": count_short,
    "duration": duration,
    "excerpt": excerpt,
    "json_text": json_text,
    "percent": percent,
    "prose": prose,
    "visible": visible,
}
