"""The named filters of the templates: every number gets its unit here, every foreign text becomes harmless here.

What a language changes comes from Babel (CLDR) or from the catalogues; a function that writes for people takes the reader first.
As a filter it finds the reader by itself, in what the template was given.
"""

import functools
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from babel import Locale
from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_decimal, format_percent
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from integration_monitor.record import Json, now
from integration_monitor.server.pages.reader import Reader, reader_of

# A chart's caption or a log line of a vendor; more is read in the opened row.
EXCERPT_CHARACTERS_MAX = 240

#: What stands where there is no value.
NOTHING: Final = "–"

#: How precisely a moment is told: a bucket of a chart by its width, a record by the second.
Precision = Literal["axis", "minute", "hour", "day", "clock", "time", "full"]

# What turns, hides or breaks a line without being seen: control characters, marks and overrides of writing direction,
# line and paragraph separators, the byte order mark. Joiners stay: emoji and several scripts need them.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")

# The same order of day and clock in every language, so that lists stay narrow.
_PATTERNS: Final[Mapping[Precision, str]] = {
    "axis": "HH:mm",
    "minute": "d MMM HH:mm",
    "hour": "d MMM HH:mm",
    "day": "d MMM",
    "clock": "d MMM HH:mm:ss",
    "time": "HH:mm:ss",
    "full": "d MMMM y, HH:mm:ss.SSS z",
}
_LONG_DURATIONS: Final = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"))
_BYTE_UNITS: Final = ((1 << 40, "TB"), (1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))
# A clock of another machine may be some seconds off.
_JUST_NOW_S: Final = 10
_AGE_UNITS_S: Final = (86_400, 3_600, 60)
_SECOND_MS: Final = 1_000


def age(reader: Reader, at: datetime, since: datetime | None = None) -> str:
    """How long ago a moment was, in its largest unit: `3 min ago`. A moment ahead of our clock is `just now`."""
    seconds = ((since or now()) - at).total_seconds()
    if seconds < _JUST_NOW_S:
        return reader.gettext("just now")
    # Whole units only, since the library rounds; the threshold keeps 50 minutes from being told as an hour.
    unit_s = next((each for each in _AGE_UNITS_S if seconds >= each), 1)
    passed = timedelta(seconds=seconds // unit_s * unit_s)
    return format_timedelta(-passed, add_direction=True, format="short", threshold=1, locale=reader.language)


def moment(reader: Reader, at: datetime, precision: Precision = "clock") -> str:
    """A moment in the reader's zone: `22 Nov 10:04:31`; of today as `clock` without the day. A day is one of UTC, as it is counted."""
    local = at.astimezone(UTC if precision == "day" else reader.zone)
    if precision == "clock" and local.date() == now().astimezone(reader.zone).date():
        precision = "time"
    return format_datetime(local, _PATTERNS[precision], tzinfo=local.tzinfo, locale=reader.language)


def duration(reader: Reader, milliseconds: float | None) -> str:
    """A duration in the unit that suits it: `340 ms`, `1.24 s`, `2 min 5 s`, `3 h 20 min`; `–` where none was measured."""
    if milliseconds is None:
        return NOTHING
    # Compared as rounded: what rounds to a second is shown as one.
    if round(milliseconds) < _SECOND_MS:
        return _with_unit(reader, round(milliseconds), "ms")
    seconds = milliseconds / _SECOND_MS
    if round(seconds, 1) < 60:  # noqa: PLR2004  # a minute
        return _with_unit(reader, float(f"{seconds:.3g}"), "s")
    whole_s = round(seconds)
    unit_s, unit, part_s, part = next(each for each in _LONG_DURATIONS if whole_s >= each[0])
    parts = whole_s % unit_s // part_s
    return _with_unit(reader, whole_s // unit_s, unit) + (f" {_with_unit(reader, parts, part)}" if parts else "")


def _with_unit(reader: Reader, value: float, unit: str) -> str:
    return f"{format_decimal(value, locale=reader.language)} {unit_word(reader, unit)}"


def unit_word(reader: Reader, unit: str) -> str:
    """The sign of a unit in the reader's language: `ms`, `мс`."""
    words = {
        "ms": reader.gettext("ms"),
        "s": reader.gettext("s"),
        "min": reader.gettext("min"),
        "h": reader.gettext("h"),
        "d": reader.gettext("d"),
        "B": reader.gettext("B"),
        "kB": reader.gettext("kB"),
        "MB": reader.gettext("MB"),
        "GB": reader.gettext("GB"),
        "TB": reader.gettext("TB"),
    }
    return words[unit]


def size(reader: Reader, count_of_bytes: int | None) -> str:
    """A size in the unit that suits it, of 1,024 each: `16 MB`."""
    if count_of_bytes is None:
        return NOTHING
    unit_bytes, unit = next(((each, name) for each, name in _BYTE_UNITS if count_of_bytes >= each), (1, "B"))
    return _with_unit(reader, float(f"{count_of_bytes / unit_bytes:.3g}"), unit)


def percent(reader: Reader, rate: float | None) -> str:
    """A share of a hundred with its sign: `3.1%`. What is small is not called zero, what is not all is not called all."""
    if rate is None:
        return NOTHING
    sign, shown = "", rate
    if 0 < rate < 0.1:  # noqa: PLR2004  # the last digit shown
        sign, shown = "< ", 0.1
    elif 99.9 < rate < 100:  # noqa: PLR2004
        sign, shown = "> ", 99.9
    return sign + format_percent(shown / 100, _percent_pattern(reader.language), locale=reader.language)


@functools.cache
def _percent_pattern(language: str) -> str:
    """A language's own pattern, which may set the sign apart, with a digit behind the point."""
    return str(Locale.parse(language).percent_formats[None].pattern).replace("##0", "##0.#")


def points(reader: Reader, change: float | None) -> str:
    """By how many points of a hundred a share changed, with its sign: `+1.2`, `−0.4`, `±0`; `–` where there was nothing before."""
    if change is None:
        return NOTHING
    rounded = round(change, 1)
    if not rounded:
        return "±0"
    return ("+" if rounded > 0 else "−") + format_decimal(abs(rounded), locale=reader.language)


def count(reader: Reader, number: float | None) -> str:
    """A number with its thousands apart: `1,204`."""
    return NOTHING if number is None else format_decimal(number, locale=reader.language)


def count_short(reader: Reader, number: int) -> str:
    """A number for a narrow place: from a hundred thousand on in three digits, `120K`, `1.25M`, rounded down."""
    if number < 100_000:  # noqa: PLR2004  # six digits are still read at a glance
        return count(reader, number)
    big, sign = next((big, sign) for big, sign in ((10**9, "B"), (10**6, "M"), (10**3, "K")) if number >= big)
    digits = 2 if number < 10 * big else 1 if number < 100 * big else 0
    value = math.floor(number / big * 10**digits) / 10**digits
    words = {"B": reader.gettext("{}B"), "M": reader.gettext("{}M"), "K": reader.gettext("{}K")}
    return words[sign].replace("{}", format_decimal(value, locale=reader.language))


def translated(reader: Reader, text: str) -> str:
    """A text that Python wrote in English, in the reader's language where a catalogue has it."""
    return reader.gettext(text)


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


def reader_in(context: Context) -> Reader:
    """The reader that a template writes for. Looked up once a page: a page asks hundreds of times."""
    reader = context.get("reader")
    if isinstance(reader, Reader):
        return reader
    request = context["request"]
    found = getattr(request.state, "reader", None)
    if not isinstance(found, Reader):
        found = request.state.reader = reader_of(request)
    return found


def _for_reader(written: Callable[..., str]) -> Callable[..., str]:
    """A filter of a function that takes the reader first."""

    @pass_context
    @functools.wraps(written)
    def written_for_reader(context: Context, *arguments: Any, **named: Any) -> str:
        return written(reader_in(context), *arguments, **named)

    return written_for_reader


FILTERS: Mapping[str, Callable[..., Any]] = {
    **{
        each.__name__: _for_reader(each)
        for each in (age, moment, duration, size, percent, points, count, count_short, unit_word, translated)
    },
    "excerpt": excerpt,
    "json_text": json_text,
    "prose": prose,
    "visible": visible,
}
