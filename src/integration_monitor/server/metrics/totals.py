"""Totals of the database become families of metrics."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import groupby
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from integration_monitor import record
from integration_monitor.errors import StoreError
from integration_monitor.store.metric_answers import Totals
from integration_monitor.store.page_answers import WriterRow
from integration_monitor.store.postgres.metric_questions import PostgresMetricQuestions

#: From a quick call to one that ran into the usual time-outs of HTTP clients, in seconds.
BOUNDS_S: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
#: However many scrape, the database is asked once in so long. Whoever scrapes less often sees counters that only rise, from whichever server.
ANSWER_KEPT_S: Final = 5.0
# A process that has ended, or is silent, is told for so long: several scrapes see its last figures.
_WRITERS_TOLD: Final = timedelta(minutes=15)
# Each process is a time series of its own.
_WRITERS_MAX: Final = 500

_PREFIX: Final = "integration_monitor_"
_OF_ACTION: Final = ("service", "action")
_OF_WRITER: Final = ("writer", "host", "pid")
_WRITER_COUNTS: Final[Mapping[str, str]] = {
    "taken": "Items that were offered to the process.",
    "written": "Records of the process that are in the table.",
    "ignored": "Items that are not worth a record.",
    "dead_lettered": "Records that the database refused, kept in a file.",
}


class DatabaseTotals:
    """What the database knew a moment ago."""

    def __init__(self, questions: PostgresMetricQuestions) -> None:
        self._questions = questions
        self._asking = asyncio.Lock()
        self._totals: Totals | None = None
        self._asked_at: float | None = None

    async def collector(self) -> Collector:
        """The families; that the database is away is one of them."""
        async with self._asking:
            if self._asked_at is None or time.monotonic() - self._asked_at > ANSWER_KEPT_S:
                self._totals = await self._ask()
                self._asked_at = time.monotonic()
            return Families(self._totals)

    async def _ask(self) -> Totals | None:
        bounds_ms = [round(bound * 1000) for bound in BOUNDS_S]
        try:
            return await self._questions.totals(
                bounds_ms=bounds_ms, writers_since=record.now() - _WRITERS_TOLD, writers_max=_WRITERS_MAX
            )
        except StoreError:
            return None


class Families(Collector):
    """Totals as Prometheus reads them; without totals only that there are none, so that no counter seems to begin anew."""

    def __init__(self, totals: Totals | None) -> None:
        self._totals = totals

    def collect(self) -> Iterator[Metric]:
        """All families."""
        yield GaugeMetricFamily(f"{_PREFIX}database_up", "Whether the database could be asked.", float(self._totals is not None))
        if self._totals is not None:
            yield from _calls(self._totals)
            yield _durations(self._totals)
            yield from _writers(self._totals)


def _calls(totals: Totals) -> Iterator[Metric]:
    calls = CounterMetricFamily(f"{_PREFIX}calls", "Calls that were recorded, ended or not.", labels=_OF_ACTION)
    failures = CounterMetricFamily(f"{_PREFIX}failures", "Calls that failed, by whose doing.", labels=(*_OF_ACTION, "fault"))
    for (service, action), rows in groupby(totals.calls, lambda row: (row.service_name, row.action)):
        of_action = list(rows)
        calls.add_metric((service, action), sum(row.count for row in of_action))
        for row in of_action:
            if row.status == "failed":
                failures.add_metric((service, action, row.fault), row.count)
    yield calls
    yield failures


def _durations(totals: Totals) -> Metric:
    family = HistogramMetricFamily(
        f"{_PREFIX}call_duration_seconds", "How long calls took, to the last byte of the answer; within 5 %.", labels=_OF_ACTION
    )
    sums_ms: dict[tuple[str, str], int] = {}
    for call in totals.calls:
        place = (call.service_name, call.action)
        sums_ms[place] = sums_ms.get(place, 0) + call.sum_ms
    for (service, action), rows in groupby(totals.durations, lambda row: (row.service_name, row.action)):
        counts = {row.bucket: row.count for row in rows}
        reached = 0
        buckets: list[tuple[str, float]] = []
        for number, bound in enumerate((*map(str, BOUNDS_S), "+Inf")):
            reached += counts.get(number, 0)
            buckets.append((bound, reached))
        family.add_metric((service, action), buckets, sums_ms.get((service, action), 0) / 1000)
    return family


def _writers(totals: Totals) -> Iterator[Metric]:
    for column, words in _WRITER_COUNTS.items():
        family = CounterMetricFamily(f"{_PREFIX}writer_{column}", words, labels=_OF_WRITER)
        for writer in totals.writers:
            family.add_metric(_named(writer), getattr(writer, column))
        yield family
    dropped = CounterMetricFamily(f"{_PREFIX}writer_dropped", "Items that were lost, by reason.", labels=(*_OF_WRITER, "reason"))
    spooled = GaugeMetricFamily(
        f"{_PREFIX}writer_spooled", "Records that wait in the process's spool on disk.", labels=_OF_WRITER
    )
    waiting = GaugeMetricFamily(
        f"{_PREFIX}writer_unsettled",
        "What was taken and is not accounted for yet; of a process that ended, a gap.",
        labels=_OF_WRITER,
    )
    silent = GaugeMetricFamily(f"{_PREFIX}writer_silent_seconds", "Since the process last reported.", labels=_OF_WRITER)
    now = record.now()
    for writer in totals.writers:
        for reason, count in sorted(writer.dropped_by_reason.items()):
            dropped.add_metric((*_named(writer), reason), count)
        spooled.add_metric(_named(writer), writer.spooled)
        waiting.add_metric(_named(writer), writer.open_count)
        silent.add_metric(_named(writer), max(0.0, (now - writer.heartbeat_at).total_seconds()))
    yield from (dropped, spooled, waiting, silent)
    told = GaugeMetricFamily(f"{_PREFIX}writers", f"Processes heard of lately; {_WRITERS_MAX} of them are told one by one.")
    told.add_metric((), totals.writers[0].writer_count if totals.writers else 0)
    yield told


def _named(writer: WriterRow) -> tuple[str, str, str]:
    return (str(writer.writer_id), writer.host, str(writer.pid))
