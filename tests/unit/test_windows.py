"""Where windows begin and end, and which tiers they are read from."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration_monitor.monitoring.windows import WindowError, align, cut, parse_step
from integration_monitor.store.answers import WindowFilter

NOW = datetime(2026, 11, 22, 16, 45, 12, tzinfo=UTC)  # a Sunday
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WIDTHS = {"minute": MINUTE, "hour": HOUR, "day": DAY}
ORIGIN = datetime(1970, 1, 5, tzinfo=UTC)


def window(since: datetime, until: datetime, step: timedelta | None = None, *, is_compared: bool = False) -> WindowFilter:
    asked = WindowFilter(since_before=since, since=since, until=until, step=step, group_by=())
    return align(asked, NOW, is_compared=is_compared)


def test_a_young_window_is_of_minutes() -> None:
    aligned = window(NOW - 90 * MINUTE, NOW)

    assert (aligned.since, aligned.until) == (NOW.replace(hour=15, minute=15, second=0), NOW.replace(minute=46, second=0))
    assert [(one.tier, one.until - one.since) for one in cut(aligned.since, aligned.until, None)] == [("minute", 91 * MINUTE)]


def test_the_middle_of_a_long_window_is_of_days() -> None:
    aligned = window(NOW - 10 * DAY, NOW)

    assert [(one.tier, (one.until - one.since)) for one in cut(aligned.since, aligned.until, None)] == [
        ("hour", 8 * HOUR),
        ("day", 9 * DAY),
        ("hour", 16 * HOUR),
        ("minute", 46 * MINUTE),
    ]


def test_the_window_before_is_as_long_and_as_fine() -> None:
    aligned = window(NOW - 40 * HOUR, NOW, is_compared=True)

    # Of the window before only hours are kept, so both are of hours.
    assert aligned.until == datetime(2026, 11, 22, 17, tzinfo=UTC)
    assert aligned.since - aligned.since_before == aligned.until - aligned.since == 41 * HOUR


@pytest.mark.parametrize(
    ("since", "step"),
    [(NOW - 3 * DAY, 5 * MINUTE), (NOW - 100 * DAY, HOUR), (NOW - 3 * DAY, 90 * MINUTE), (NOW - 100 * DAY, 36 * HOUR)],
)
def test_a_step_is_no_finer_than_what_is_kept(since: datetime, step: timedelta) -> None:
    with pytest.raises(WindowError, match="minutes are kept for 48 hours") as refused:
        window(since, NOW, step)

    assert refused.value.parameter == "step"


@pytest.mark.parametrize(
    ("since", "until", "step", "is_compared", "parameter"),
    [
        (NOW, NOW, None, False, "to"),
        (NOW, NOW - DAY, None, False, "to"),
        (NOW - 5000 * DAY, NOW, None, False, "from"),
        (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), None, True, "from"),
        (NOW, datetime.max.replace(tzinfo=UTC), None, False, "from"),
        (NOW - 2 * DAY, NOW, MINUTE, False, "step"),
        (NOW - DAY, NOW, HOUR, True, "compare"),
    ],
)
def test_an_impossible_window_names_what_to_change(
    since: datetime, until: datetime, step: timedelta | None, is_compared: bool, parameter: str
) -> None:
    with pytest.raises(WindowError) as refused:
        window(since, until, step, is_compared=is_compared)

    assert refused.value.parameter == parameter


def test_weeks_begin_on_monday() -> None:
    aligned = window(NOW - DAY, NOW, 7 * DAY)

    assert (aligned.since, aligned.until) == (datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))


@pytest.mark.parametrize(("text", "step"), [("5m", 5 * MINUTE), ("1h", HOUR), ("7d", 7 * DAY), ("52w", 364 * DAY)])
def test_a_step_is_a_number_and_a_unit(text: str, step: timedelta) -> None:
    assert parse_step(text) == step


@pytest.mark.parametrize("text", ["", "m", "0m", "-5m", "5", "5s", "5 m", "1.5h", "999999m", "367d", "٥m", "5m\n"])
def test_what_is_no_step_is_refused(text: str) -> None:
    with pytest.raises(WindowError):
        parse_step(text)


@given(
    st.integers(0, 200 * 24 * 60),
    st.integers(1, 100 * 24 * 60),
    st.sampled_from([None, MINUTE, 5 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY]),
    st.booleans(),
)
def test_ranges_make_the_window_without_gap_and_exist(age: int, length: int, step: timedelta | None, is_compared: bool) -> None:
    since = NOW - age * MINUTE
    try:
        aligned = window(since, since + length * MINUTE, step, is_compared=is_compared)
    except WindowError:
        assert step is not None
        return

    ranges = [*cut(aligned.since_before, aligned.since, step), *cut(aligned.since, aligned.until, step)]

    assert aligned.since <= since
    assert aligned.until >= since + length * MINUTE
    assert is_compared == (aligned.since_before < aligned.since)
    assert [aligned.since_before, *(one.until for one in ranges)] == [*(one.since for one in ranges), aligned.until]
    for one in ranges:
        assert not (one.since - ORIGIN) % WIDTHS[one.tier]
        assert not (one.until - ORIGIN) % WIDTHS[one.tier]
        assert step is None or not step % WIDTHS[one.tier]
        # The tiers reach back so far, in whole hours and days.
        assert one.tier != "minute" or one.since >= (NOW - 48 * HOUR).replace(minute=0, second=0)
        assert one.tier != "hour" or one.since >= (NOW - 91 * DAY).replace(hour=0, minute=0, second=0)
