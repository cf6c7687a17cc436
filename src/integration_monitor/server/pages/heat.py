"""Durations over time as a heat map: bands of duration downwards, buckets of time across, darker where there were more calls."""

import bisect
import math
from collections.abc import Sequence
from typing import Final

from integration_monitor.server.pages.context.service import Heat, HeatRow
from integration_monitor.server.pages.window import Window
from integration_monitor.store.page_answers import HeatCell

#: Where a band begins, in milliseconds: twice or so the one before, in numbers that people think in. Most calls of one service lie in a few of them.
BANDS_MS: Final = (0, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
LEVELS: Final = 5


def heat(window: Window, cells: Sequence[HeatCell]) -> Heat:
    """The map; no rows where no call was timed. Bands at either end without calls are left out."""
    buckets = window.buckets
    places = {bucket.timestamp(): index for index, bucket in enumerate(buckets)}
    counts = [[0] * len(buckets) for _ in BANDS_MS]
    for cell in cells:
        index = places.get(cell.bucket.timestamp())
        if index is not None:
            counts[bisect.bisect_right(BANDS_MS, max(cell.least_ms, 0)) - 1][index] += cell.count
    used = [band for band, row in enumerate(counts) if any(row)]
    most = max((count for row in counts for count in row), default=0)
    shown = range(used[0], used[-1] + 1) if used else range(0)
    return Heat(
        rows=[
            HeatRow(least_ms=BANDS_MS[band], counts=counts[band], levels=[level(count, most) for count in counts[band]])
            for band in reversed(shown)
        ],
        buckets=buckets,
        precision=window.precision,
        most=most,
    )


def level(count: int, most: int) -> int:
    """How dark a cell is, 0 to `LEVELS`: by the logarithm, so that one slow call among thousands is still seen."""
    if count <= 0:
        return 0
    return max(1, math.ceil(LEVELS * math.log1p(count) / math.log1p(most)))
