"""Which span of time a page shows, as its address says it: `?window=24h`, or `?from=…&to=…` for any other."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Literal
from urllib.parse import urlencode

import msgspec
from litestar.datastructures import MultiDict

from integration_monitor.record import now
from integration_monitor.server.pages.formats import Precision
from integration_monitor.server.refusals import ParameterRefused

Key = Literal["1h", "24h", "7d", "30d", "any"]

WINDOWS: Final[dict[str, timedelta]] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
DEFAULT_KEY: Final[Key] = "24h"

#: Widths of a chart's buckets; the first with which the window has at most `BUCKETS_MAX` of them is taken.
STEPS: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
    # None of twelve hours: a month would be read from sums by the hour, which takes twenty times as long as from those by the day.
    timedelta(days=1),
    timedelta(days=7),
    timedelta(days=28),
)
# What a chart of 700 pixels can show side by side.
BUCKETS_MAX: Final = 62
#: Sums by minute are kept for 48 hours: for an older window no bucket is narrower than an hour.
MINUTES_KEPT: Final = timedelta(hours=47)
#: Sums by hour are kept for 91 days.
HOURS_KEPT: Final = timedelta(days=90)
# A Monday: weeks begin where the partitions of the table do, and all narrower buckets fit into them.
ORIGIN: Final = datetime(1970, 1, 5, tzinfo=UTC)
# What somebody asks for by hand; the first sums cannot be older than the product by much.
_OLDEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MINUTE: Final = timedelta(minutes=1)


class Window(msgspec.Struct, kw_only=True, frozen=True):
    """A span of time, and into which buckets a chart divides it."""

    key: Key
    #: to the minute; the first bucket may begin earlier
    since: datetime
    until: datetime
    #: width of a bucket
    step: timedelta
    #: when the questions are asked
    asked_at: datetime

    @property
    def query(self) -> dict[str, str]:
        """What an address needs in order to show this window."""
        if self.key != "any":
            return {} if self.key == DEFAULT_KEY else {"window": self.key}
        return {"from": address_time(self.since), "to": address_time(self.until)}

    @property
    def buckets(self) -> Sequence[datetime]:
        """The beginnings of all buckets that overlap the window, oldest first."""
        first = floor(self.since, self.step)
        number = -((first - self.until) // self.step)
        return [first + index * self.step for index in range(max(number, 1))]

    @property
    def precision(self) -> Precision:
        """How a bucket is named."""
        return "day" if self.step >= timedelta(days=1) else "hour" if self.step >= timedelta(hours=1) else "minute"

    @property
    def before(self) -> "Window":
        """The window of the same length before this one."""
        return msgspec.structs.replace(self, since=self.since - (self.until - self.since), until=self.since)


def window_of(parameters: MultiDict[str], zone: tzinfo = UTC) -> Window:
    """The window that an address asks for; a time without a zone is one of the reader's zone, as a form sends it.

    Errors:
        ParameterRefused: it is no window of ours, or no span of time.
    """
    asked_at = now()
    if "from" in parameters or "to" in parameters:
        until = _time(parameters, "to", zone) or asked_at
        since = _time(parameters, "from", zone) or until - WINDOWS[DEFAULT_KEY]
        if until - since < _MINUTE:
            raise ParameterRefused("from", "it is not before `to` by a minute or more.")
        return between("any", since, until, asked_at)
    key = parameters.get("window", DEFAULT_KEY)
    if key not in WINDOWS:
        raise ParameterRefused("window", f"it is none of {', '.join(WINDOWS)}; any other span is `from` and `to`.")
    return last(key, asked_at)


def last(key: str, asked_at: datetime) -> Window:
    """One of `WINDOWS`, until now."""
    return between(key, asked_at - WINDOWS[key], asked_at, asked_at)


def between(key: str, since: datetime, until: datetime, asked_at: datetime) -> Window:
    """A window with the narrowest buckets that it has sums for and room for."""
    since = floor(since, _MINUTE)
    narrowest = _MINUTE if since >= asked_at - MINUTES_KEPT else timedelta(hours=1)
    if since < asked_at - HOURS_KEPT:
        narrowest = timedelta(days=1)
    fitting = (step for step in STEPS if step >= narrowest and (until - since) / step <= BUCKETS_MAX)
    return msgspec.convert(
        {"key": key, "since": since, "until": until, "step": next(fitting, STEPS[-1]), "asked_at": asked_at}, Window
    )


def floor(at: datetime, step: timedelta) -> datetime:
    """The beginning of the bucket that a moment lies in."""
    return at - (at - ORIGIN) % step


def address_time(at: datetime) -> str:
    """A moment as it stands in an address: to the minute, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def address(path: str, parameters: dict[str, str]) -> str:
    """A path with its parameters."""
    return f"{path}?{urlencode(parameters)}" if parameters else path


def _time(parameters: MultiDict[str], name: str, zone: tzinfo) -> datetime | None:
    text = parameters.get(name)
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        at = (at.replace(tzinfo=zone) if at.tzinfo is None else at).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ParameterRefused(name, "it is no time, such as 2026-11-22T10:00Z.") from None
    if not _OLDEST <= at <= now() + timedelta(days=1):
        raise ParameterRefused(name, "it is too far from today.")
    return at
