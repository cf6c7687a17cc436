"""Statistics of any window of time, by any step and grouping, and beside them those of the window before.

They are read from sums, which are kept by minutes for 48 hours, by hours for 91 days, and by days for good: a window begins and ends on
such bounds, and is widened to them where it does not.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from integration_monitor import record
from integration_monitor.errors import IntegrationMonitorError
from integration_monitor.monitoring import cursor
from integration_monitor.monitoring.questions import Questions
from integration_monitor.store.answers import AverageMs, Count, FailureRate, TierRange, WindowCounts, WindowFilter, WindowPosition

LIMIT_MAX = 10_000
# A chart of a month by hours has 744 buckets.
BUCKETS_MAX = 2_000
WINDOW_DEFAULT: Final = timedelta(hours=24)
# No sum is older, and the calendar is far from its ends.
AGE_MAX: Final = timedelta(days=3653)
STEP_MAX: Final = timedelta(days=366)

_MINUTES_KEPT: Final = timedelta(hours=48)
_HOURS_KEPT: Final = timedelta(days=91)
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
#: coarsest first
_TIERS: Final[tuple[tuple[Literal["day", "hour", "minute"], timedelta], ...]] = (
    ("day", _DAY),
    ("hour", _HOUR),
    ("minute", _MINUTE),
)
# A Monday, so that weeks begin on one.
_ORIGIN: Final = datetime(1970, 1, 5, tzinfo=UTC)

#: A step as it is written: a number of minutes, hours, days or weeks.
STEP_PATTERN: Final = r"^[1-9][0-9]{0,4}[mhdw]$"
_STEP_UNITS: Final = {"m": _MINUTE, "h": _HOUR, "d": _DAY, "w": 7 * _DAY}


class WindowError(IntegrationMonitorError, ValueError):
    """A window that cannot be answered.

    parameter:
        What is to be changed: `from`, `to`, `step` or `before`.
    """

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"`{parameter}`: {reason}")
        self.parameter = parameter
        self.reason = reason


class WindowNumbers(msgspec.Struct, kw_only=True, frozen=True):
    """What is counted of a bucket and group."""

    count: Count
    success_count: Annotated[int, Meta(description="Successful records.")]
    failed_count: Annotated[int, Meta(description="Failed records.")]
    failure_rate_percent: FailureRate
    avg_duration_ms: AverageMs
    p50_ms: Annotated[int | None, Meta(description="Half of the calls took at most so long; within 5 %, null without durations.")]
    p95_ms: Annotated[int | None, Meta(description="95 % of the calls took at most so long.")]
    p99_ms: Annotated[int | None, Meta(description="99 % of the calls took at most so long.")]


class WindowRow(WindowNumbers, kw_only=True, frozen=True):
    """One bucket and group with calls. What is not grouped by is null; an error code or fault that a record has not is empty."""

    bucket: Annotated[datetime, Meta(description="Beginning of the bucket, UTC; of the window where no step was asked for.")]
    service_name: Annotated[str | None, Meta(description="Grouped by `service`.")] = None
    action: Annotated[str | None, Meta(description="Grouped by `action`.")] = None
    status: Annotated[str | None, Meta(description="Grouped by `status`.")] = None
    error_code: Annotated[str | None, Meta(description="Grouped by `error_code`; empty for records without one.")] = None
    fault: Annotated[str | None, Meta(description="Grouped by `fault`; empty for records that did not fail.")] = None
    before: Annotated[WindowNumbers | None, Meta(description="The same in the window before, where `compare` asked for it.")] = (
        None
    )


class Window(msgspec.Struct, kw_only=True, frozen=True):
    """Statistics of a window."""

    data: Annotated[Sequence[WindowRow], Meta(description="The rows: newest bucket first, then by group.")]
    next: Annotated[
        str | None, Meta(description="Opaque. Give it as `before` to read the following rows; null where there are none.")
    ]
    since: Annotated[datetime, Meta(description="Where the window begins, UTC, after widening.")] = msgspec.field(name="from")
    until: Annotated[datetime, Meta(description="Where it ends; not included.")] = msgspec.field(name="to")


def parse_step(text: str) -> timedelta:
    """A step as it is written, such as `5m`, `1h` or `7d`.

    Errors:
        WindowError: it is none, or wider than a year.
    """
    step = int(text[:-1]) * _STEP_UNITS[text[-1]] if re.fullmatch(STEP_PATTERN, text) else None
    if step is None or step > STEP_MAX:
        raise WindowError("step", "write a number and m, h, d or w, such as `5m`, `1h` or `7d`; at most 366 days")
    return step


async def statistics(
    questions: Questions, asked: WindowFilter, *, is_compared: bool = False, limit: int = LIMIT_MAX, before: str | None = None
) -> Window:
    """One row a bucket and group with calls, newest bucket first, then by group.

    asked:
        Its times need not lie on bounds; `since_before` is of no account.
    is_compared:
        Whether each row has the numbers of the window before, and groups that only had calls there have a row too.

    Errors:
        CursorError: `before` is not a cursor of this question.
        WindowError: the window is impossible, or finer than what is kept of its time.
    """
    position = None if before is None else cursor.decode(before, WindowPosition)
    if position is not None:
        asked = msgspec.structs.replace(asked, since=position.since, until=position.until)
    window = align(asked, record.now(), is_compared=is_compared)
    ranges = [*cut(window.since_before, window.since, window.step), *cut(window.since, window.until, window.step)]
    # One row more than asked for tells whether there is a next page.
    rows = await questions.windows(window, ranges=ranges, after=position, limit=limit + 1)
    following = None
    if len(rows) > limit:
        following = cursor.encode(_position(window, rows[limit - 1]))
    return Window(
        data=[_row(row, is_compared=is_compared) for row in rows[:limit]], next=following, since=window.since, until=window.until
    )


def align(asked: WindowFilter, now: datetime, *, is_compared: bool) -> WindowFilter:
    """The window on bounds of what is kept of its time: of the step, else of the finest tier.

    Errors:
        WindowError: the window is impossible, or finer than what is kept of its time.
    """
    if asked.until <= asked.since:
        raise WindowError("to", "it must be later than `from`")
    if asked.since < now - AGE_MAX or asked.until > now + STEP_MAX:
        raise WindowError("from", "the window must lie within the last ten years")
    if asked.step is not None:
        return _aligned_to_step(asked, asked.step, now, is_compared=is_compared)
    if not is_compared:
        since, until = _floor(asked.since, _kept(asked.since, now)), _ceil(asked.until, _kept(asked.until, now))
        return msgspec.structs.replace(asked, since_before=since, since=since, until=until)
    # Where the window before begins decides how fine both can be; on wider bounds it may begin in a coarser tier still.
    width = _MINUTE
    while True:
        since, until = _floor(asked.since, width), _ceil(asked.until, width)
        since_before = since - (until - since)
        kept = max(_kept(since_before, now), width)
        if kept == width:
            return msgspec.structs.replace(asked, since_before=since_before, since=since, until=until)
        width = kept


def cut(since: datetime, until: datetime, step: timedelta | None) -> Iterator[TierRange]:
    """What to read of which tier: the coarsest that fits into the step, finer ones at the window's edges."""
    yield from _cut(since, until, [(tier, width) for tier, width in _TIERS if step is None or not step % width])


def _cut(
    since: datetime, until: datetime, tiers: Sequence[tuple[Literal["day", "hour", "minute"], timedelta]]
) -> Iterator[TierRange]:
    if since >= until:
        return
    tier, width = tiers[0]
    first, last = _ceil(since, width), _floor(until, width)
    if first >= last:
        yield from _cut(since, until, tiers[1:])
        return
    yield from _cut(since, first, tiers[1:])
    yield TierRange(tier=tier, since=first, until=last)
    yield from _cut(last, until, tiers[1:])


def _aligned_to_step(asked: WindowFilter, step: timedelta, now: datetime, *, is_compared: bool) -> WindowFilter:
    if is_compared:
        raise WindowError("compare", "whole windows are compared; leave out `step`")
    since, until = _floor(asked.since, step), _ceil(asked.until, step)
    if step % _kept(since, now):
        raise WindowError(
            "step", "minutes are kept for 48 hours, hours for 91 days; begin later, or use a step of whole hours or days"
        )
    if (until - since) / step > BUCKETS_MAX:
        raise WindowError("step", f"the window has more than {BUCKETS_MAX} of it; use a wider step, or a shorter window")
    return msgspec.structs.replace(asked, since_before=since, since=since, until=until)


def _kept(at: datetime, now: datetime) -> timedelta:
    """The width of the finest buckets that are kept of a time."""
    if at >= _floor(now - _MINUTES_KEPT, _HOUR):
        return _MINUTE
    return _HOUR if at >= _floor(now - _HOURS_KEPT, _DAY) else _DAY


def _floor(at: datetime, width: timedelta) -> datetime:
    return at - (at - _ORIGIN) % width


def _ceil(at: datetime, width: timedelta) -> datetime:
    return at + (_ORIGIN - at) % width


def _row(row: WindowCounts, *, is_compared: bool) -> WindowRow:
    before = WindowNumbers(
        count=row.before_count,
        success_count=row.before_success_count,
        failed_count=row.before_failed_count,
        failure_rate_percent=_rate(row.before_failed_count, row.before_count),
        avg_duration_ms=row.before_avg_duration_ms,
        p50_ms=row.before_p50_ms,
        p95_ms=row.before_p95_ms,
        p99_ms=row.before_p99_ms,
    )
    return WindowRow(
        bucket=row.bucket,
        service_name=row.service_name,
        action=row.action,
        status=row.status,
        error_code=row.error_code,
        fault=row.fault,
        count=row.count,
        success_count=row.success_count,
        failed_count=row.failed_count,
        failure_rate_percent=_rate(row.failed_count, row.count),
        avg_duration_ms=row.avg_duration_ms,
        p50_ms=row.p50_ms,
        p95_ms=row.p95_ms,
        p99_ms=row.p99_ms,
        before=before if is_compared else None,
    )


def _rate(failed_count: int, count: int) -> float:
    return round(100 * failed_count / count, 2) if count else 0.0


def _position(window: WindowFilter, row: WindowCounts) -> WindowPosition:
    key = (row.service_name, row.action, row.status, row.error_code, row.fault)
    first, second, third, fourth, fifth = (word or "" for word in key)
    return WindowPosition(since=window.since, until=window.until, bucket=row.bucket, key=(first, second, third, fourth, fifth))
