"""Hours in which nobody is called: what is to be told waits for their end."""

import dataclasses
import re
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from integration_monitor.errors import SettingsError

_PATTERN: Final = re.compile(r"((?:[01]\d|2[0-3]):[0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class QuietHours:
    """A stretch of every day, by a clock on the wall; over midnight where it ends earlier than it begins."""

    begin: time
    end: time
    zone: ZoneInfo

    def ends_at(self, now: datetime) -> datetime | None:
        """When the quiet that `now` lies in ends, UTC; None where it lies in none.

        Where clocks are changed, the end is by the new time.
        """
        local = now.astimezone(self.zone)
        if not self._is_quiet(local.time()):
            return None
        day = local.date() if local.time() < self.end else local.date() + timedelta(days=1)
        return datetime.combine(day, self.end, self.zone).astimezone(UTC)

    def _is_quiet(self, at: time) -> bool:
        if self.begin < self.end:
            return self.begin <= at < self.end
        return at >= self.begin or at < self.end


def parse(text: str, zone: ZoneInfo) -> QuietHours:
    """Quiet hours as they are written: `22:00-07:00`.

    Errors:
        SettingsError: they are not written so, or are no hours of a day.
    """
    found = _PATTERN.fullmatch(text.strip())
    if found is None:
        raise SettingsError(f"alerts_quiet_hours: {text!r} is not of the form 22:00-07:00", name="alerts_quiet_hours")
    begin, end = time.fromisoformat(found[1]), time.fromisoformat(found[2])
    if begin == end:
        raise SettingsError(f"alerts_quiet_hours: {text!r} begins when it ends; leave it out", name="alerts_quiet_hours")
    return QuietHours(begin=begin, end=end, zone=zone)
