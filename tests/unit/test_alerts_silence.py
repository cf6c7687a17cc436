"""A silence is measured in calls that should have come, by the service's own weeks."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from integration_monitor.alerts.condition import Level
from integration_monitor.alerts.silence import History, histories, silence
from integration_monitor.store.incidents import CallsOfBucket

# A Wednesday.
NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def history(
    *, silent_for: timedelta, per_hour: Callable[[datetime], int] = lambda _: 60, every: timedelta = MINUTE, weeks: int = 4
) -> History:
    """A service with this habit in whole weeks, called at this pace until it fell silent."""
    last = NOW - silent_for - MINUTE
    hours = {}
    hour = NOW - timedelta(weeks=weeks)
    while hour <= last:
        if count := per_hour(hour):
            hours[hour] = count
        hour += HOUR
    minutes = []
    minute = last
    while minute > NOW - timedelta(hours=47):
        if per_hour(minute):
            minutes.append(minute)
        minute -= every
    return History(hours=hours, minutes=minutes[::-1])


def level(past: History, *, recent_calls: int = 0, now: datetime = NOW) -> Level:
    return silence("telegram", past, recent_calls=recent_calls, now=now).level


def by_day(hour: datetime) -> int:
    return 60 if 8 <= hour.hour < 20 else 0


@pytest.mark.parametrize(("minutes", "expected"), [(20, "between"), (29, "between"), (30, "trouble"), (90, "trouble")])
def test_a_service_called_every_minute_is_silent_after_half_an_hour(minutes: int, expected: Level) -> None:
    assert level(history(silent_for=minutes * MINUTE)) == expected


def test_a_service_called_once_an_hour_is_silent_after_ten_calls_that_did_not_come() -> None:
    past = [history(silent_for=hours * HOUR, per_hour=lambda _: 1, every=HOUR) for hours in (9, 10)]

    assert [level(one) for one in past] == ["between", "trouble"]


def test_a_night_without_calls_is_no_silence() -> None:
    morning = NOW.replace(hour=8, minute=5)
    past = history(silent_for=NOW - NOW.replace(hour=20) + timedelta(days=1), per_hour=by_day)

    assert level(past, now=morning) == "between"
    assert level(past, now=morning.replace(minute=35)) == "trouble"


def test_a_sunday_off_is_no_silence() -> None:
    past = history(silent_for=timedelta(days=3), per_hour=lambda hour: 0 if hour.isoweekday() == 7 else 60)
    sunday = NOW - timedelta(days=3) + 2 * HOUR

    assert sunday.isoweekday() == 7
    assert level(past, now=sunday) == "between"


def test_a_job_that_calls_in_bursts_may_pause() -> None:
    past = history(silent_for=70 * MINUTE, per_hour=lambda _: 500, every=HOUR)

    assert level(past) == "between"
    assert level(past, now=NOW + HOUR) == "trouble"


def test_one_odd_week_hides_nothing() -> None:
    past = history(silent_for=HOUR)
    holiday = {hour for hour in past.hours if timedelta(days=6) < NOW - hour < timedelta(days=8)}

    assert level(History(hours={h: c for h, c in past.hours.items() if h not in holiday}, minutes=past.minutes)) == "trouble"


def test_one_week_is_no_habit() -> None:
    assert level(history(silent_for=5 * HOUR, weeks=1)) == "between"
    assert level(history(silent_for=5 * HOUR, weeks=3)) == "trouble"


def test_two_weeks_of_silence_are_a_habit() -> None:
    assert level(history(silent_for=timedelta(days=13), weeks=6)) == "trouble"
    assert level(history(silent_for=timedelta(days=15), weeks=6)) == "well"


def test_a_stray_call_is_no_end() -> None:
    past = history(silent_for=HOUR)

    assert level(past, recent_calls=1) == "between"
    assert level(past, recent_calls=3) == "well"


def test_a_service_that_is_unknown_is_not_silent() -> None:
    assert level(History(hours={}, minutes=[])) == "well"


def test_rows_become_histories() -> None:
    rows = [
        CallsOfBucket(service_name="a", is_minute=False, bucket=NOW, calls=7),
        CallsOfBucket(service_name="a", is_minute=True, bucket=NOW, calls=3),
        CallsOfBucket(service_name="b", is_minute=False, bucket=NOW, calls=1),
    ]

    assert histories(rows) == {
        "a": History(hours={NOW: 7}, minutes=[NOW]),
        "b": History(hours={NOW: 1}, minutes=[]),
    }
