"""The pace at which a spool is emptied: a store that is back is met gently, one that is quick is not kept waiting."""

from pathlib import Path

import pytest

from integration_monitor.batch import Batch
from integration_monitor.writer.connection import Connection
from integration_monitor.writer.counts import Counts
from integration_monitor.writer.depot import Depot
from integration_monitor.writer.drain import Drain
from integration_monitor.writer.identity import identity_of_process
from tests.integration.spools import PATIENCE_S, TableSink, Writers, records_of, take_all

RECORDS = 4_500


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def rests_of_a_drain(writers: Writers, *, took_s: float) -> list[tuple[int, float]]:
    """(records, what the drain rested after them as a share of what the store took) of each slice that a dead process has left."""
    writer = writers.make(sink=TableSink(is_away=True), queue_records_max=RECORDS)
    take_all(writer, *records_of(["x"] * RECORDS))
    assert writer.shutdown(PATIENCE_S)
    clock, counts, identity, settings = Clock(), Counts(), identity_of_process(), writers.settings()
    sizes: list[int] = []

    def take_time(batch: Batch) -> None:
        sizes.append(len(batch.records))
        clock.now_s += took_s

    writers.sink.listeners.append(take_time)
    depot = Depot(settings, counts, writer_id=identity.writer_id)
    drain = Drain(
        depot=depot,
        connection=Connection(lambda: writers.sink, counts),
        counts=counts,
        report=lambda **_changes: identity.report(counts),
        settings=settings,
        clock=clock,
    )
    assert drain.adopt()
    rests = []
    while drain.run():
        rests.append((sizes[-1], round((drain.due_at - clock.now_s) / took_s, 3)))
        clock.now_s = drain.due_at
    depot.close()
    return rests


def test_a_quick_store_is_kept_waiting_for_the_first_slices_alone(tmp_path: Path) -> None:
    rests = rests_of_a_drain(Writers(tmp_path), took_s=0.1)

    assert rests[:4] == [(100, 1.0), (200, 1.0), (400, 1.0), (800, 1.0)]
    assert set(rests[4:]) == {(1000, 0.1)}


@pytest.mark.parametrize("took_s", [0.3, 5.0])
def test_a_slow_store_has_half_of_its_time_for_itself(tmp_path: Path, took_s: float) -> None:
    rests = rests_of_a_drain(Writers(tmp_path), took_s=took_s)

    assert {rest for _records, rest in rests} == {1.0}
