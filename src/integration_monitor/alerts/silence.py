"""The rule of silence: a service that is not called although its own weeks say that it should be.

How many calls an hour of the week brings is learned from the same hour of the four weeks before: the lower median, so that one odd week
neither hides a silence nor makes one. What is missed in a silence is counted in calls that should have come, and not in minutes: a night
without calls misses none. How many may be missing is learned, too: the longest pause of the two days before, counted the same way. A job that makes all of an
hour's calls at once has long pauses and may; a shop that calls every minute may not.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from integration_monitor.alerts.condition import Condition, Level
from integration_monitor.store.incidents import CallsOfBucket

#: A shorter silence is none, whatever the habit.
SILENCE_MIN: Final = timedelta(minutes=30)
#: Fewer missing calls are chance: of calls that come at random, 10 in a row are missing in 1 of 20,000 cases.
MISSED_MIN: Final = 10
#: And this many times what was missing in the longest pause.
PAUSES: Final = 2
#: Pauses are looked for in the time before that minutes are kept of.
PAUSES_WITHIN: Final = timedelta(hours=47)
WEEKS: Final = 4
# One week is no habit.
_WEEKS_MIN: Final = 2
#: After so long it is the habit.
SILENCE_MAX: Final = timedelta(days=14)
#: Who was called again this often, compared with the habit of the last quarter of an hour, is clearly better.
_BACK_SHARE: Final = 0.2
_QUARTER: Final = timedelta(minutes=15)
#: What the rule needs to know of the past.
HOURS_KEPT: Final = timedelta(weeks=WEEKS) + PAUSES_WITHIN + timedelta(hours=1)

_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)
_WEEK: Final = timedelta(weeks=1)
_ORIGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """When one service was called."""

    #: beginning of the hour → calls; hours without are left out
    hours: dict[datetime, int]
    #: beginnings of minutes with calls, oldest first
    minutes: Sequence[datetime]

    def last_called_at(self) -> datetime | None:
        """The end of the last minute with a call, else of the last hour; None where there is none."""
        if self.minutes:
            return self.minutes[-1] + _MINUTE
        return max(self.hours) + _HOUR if self.hours else None

    def expected(self, since: datetime, until: datetime) -> float:
        """How many calls the habit of the weeks before brings in this time."""
        total, hour = 0.0, _hour_of(since)
        while hour < until:
            share = (min(until, hour + _HOUR) - max(since, hour)) / _HOUR
            total += share * self._habit(hour)
            hour += _HOUR
        return total

    def longest_pause(self, until: datetime) -> float:
        """The longest pause between two calls of the two days before, in calls that should have come in it."""
        ends = [minute for minute in self.minutes if until - PAUSES_WITHIN <= minute]
        pauses = (self.expected(first + _MINUTE, then) for first, then in itertools.pairwise(ends) if then - first > _MINUTE)
        return max(pauses, default=0.0)

    def _habit(self, hour: datetime) -> float:
        """Calls in this hour of the week: the lower median of the weeks before that are known."""
        first = min(self.hours, default=hour)
        weeks = [hour - number * _WEEK for number in range(1, WEEKS + 1)]
        counts = sorted(self.hours.get(week, 0) for week in weeks if week >= first)
        return counts[(len(counts) - 1) // 2] if len(counts) >= _WEEKS_MIN else 0.0


def histories(rows: Iterable[CallsOfBucket]) -> dict[str, History]:
    """Of each service with calls, from rows that come oldest first."""
    found: dict[str, tuple[dict[datetime, int], list[datetime]]] = {}
    for row in rows:
        hours, minutes = found.setdefault(row.service_name, ({}, []))
        if row.is_minute:
            minutes.append(row.bucket)
        else:
            hours[row.bucket] = row.calls
    return {name: History(hours=hours, minutes=minutes) for name, (hours, minutes) in found.items()}


def silence(service: str, history: History | None, *, recent_calls: int, now: datetime) -> Condition:
    """The condition of one service.

    history:
        None where it was not asked for, since the service is being called.
    recent_calls:
        Calls of the last quarter of an hour.
    """
    if history is None or recent_calls:
        is_back = recent_calls > 0 and (history is None or recent_calls >= _BACK_SHARE * history.expected(now - _QUARTER, now))
        level: Level = "well" if is_back else "between"
        return Condition(kind="service_silent", subject=service, level=level, summary=f"{service} is called again")
    last = history.last_called_at()
    if last is None or now - last > SILENCE_MAX:
        days = SILENCE_MAX.days
        return Condition(
            kind="service_silent",
            subject=service,
            level="well",
            summary=f"{service} was not called for {days} days, which counts as its habit now",
        )
    missed = history.expected(last, now)
    if now - last >= SILENCE_MIN and missed >= max(MISSED_MIN, PAUSES * history.longest_pause(last)):
        return Condition(
            kind="service_silent",
            subject=service,
            level="trouble",
            severity="silent",
            summary=f"{service} is silent: no call, where the weeks before had {round(missed)} in this time",
            since_at=last,
        )
    return Condition(kind="service_silent", subject=service, level="between", summary=f"{service} is not called right now")


def _hour_of(at: datetime) -> datetime:
    return at - (at - _ORIGIN) % _HOUR
