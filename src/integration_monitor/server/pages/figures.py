"""Statistics become figures: of a whole window, and one a bucket."""

from collections.abc import Callable, Sequence

from integration_monitor.monitoring.windows import WindowNumbers, WindowRow
from integration_monitor.server.pages.context.overview import Numbers
from integration_monitor.server.pages.drawings import Series
from integration_monitor.server.pages.window import Window


def numbers(row: WindowRow | None) -> Numbers:
    """The figures of a row that has the window before beside it; of no row those of no calls."""
    if row is None:
        return _numbers(None, None)
    return _numbers(row, row.before)


def whole(rows: Sequence[WindowRow]) -> Numbers:
    """The figures of all rows together; percentiles do not add up, and are none."""
    total, failed = sum(row.count for row in rows), sum(row.failed_count for row in rows)
    befores = [row.before for row in rows if row.before]
    before, before_failed = sum(row.count for row in befores), sum(row.failed_count for row in befores)
    return Numbers(
        total_requests=total,
        failed_count=failed,
        failure_rate_percent=_percent(failed, total),
        change_points=_percent(failed, total) - _percent(before_failed, before) if total and before else None,  # type: ignore[operator]
        p50_ms=None,
        p95_ms=None,
        p99_ms=None,
    )


def by_bucket(window: Window, rows: Sequence[WindowRow], value: Callable[[WindowRow], float | None]) -> Sequence[float | None]:
    """One value a bucket of the window: of several rows their sum, None where no row has one."""
    found: dict[float, float] = {}
    for row in rows:
        each = value(row)
        if each is not None:
            found[row.bucket.timestamp()] = found.get(row.bucket.timestamp(), 0) + each
    return [found.get(bucket.timestamp()) for bucket in window.buckets]


def percentile_series(window: Window, rows: Sequence[WindowRow]) -> Sequence[Series]:
    """Half, 95 and 99 percent of the calls over time; the slowest first, as it is drawn highest."""
    return [
        Series(name="p99", tone="p99", values=by_bucket(window, rows, lambda row: row.p99_ms)),
        Series(name="p95", tone="p95", values=by_bucket(window, rows, lambda row: row.p95_ms)),
        Series(name="p50", tone="p50", values=by_bucket(window, rows, lambda row: row.p50_ms)),
    ]


def _numbers(row: WindowNumbers | None, before: WindowNumbers | None) -> Numbers:
    rate = _percent(row.failed_count, row.count) if row else None
    rate_before = _percent(before.failed_count, before.count) if before else None
    return Numbers(
        total_requests=row.count if row else 0,
        failed_count=row.failed_count if row else 0,
        failure_rate_percent=rate,
        change_points=None if rate is None or rate_before is None else rate - rate_before,
        p50_ms=row.p50_ms if row else None,
        p95_ms=row.p95_ms if row else None,
        p99_ms=row.p99_ms if row else None,
    )


def _percent(part: int, total: int) -> float | None:
    return 100 * part / total if total else None
