import pytest

from integration_monitor.writer.counts import LOG_INTERVAL_S, Counts, LossLog, Stats


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def drop(counts: Counts, reason: str, times: int = 1) -> None:
    for _ in range(times):
        counts.pass_by("dropped", reason=reason)


def waiting(count: int) -> Counts:
    """Counts of a writer in whose memory so many items wait, of ten bytes each."""
    counts = Counts()
    counts.taken = counts.waiting_records = count
    counts.waiting_bytes = count * 10
    return counts


def test_every_item_is_counted_where_it_came_to_its_end() -> None:
    counts = waiting(8)

    counts.settle("written", 2, 20)
    counts.settle("ignored", 1, 10)
    counts.settle("dropped", 1, 10, reason="unrecordable")
    counts.settle("dead_lettered", 1, 10)
    counts.settle("spooled", 2, 20)
    counts.unspool("written", 1)
    counts.pass_by("dropped", reason="queue_full")

    assert counts.stats() == Stats(
        taken=9,
        written=3,
        ignored=1,
        spooled=1,
        dropped={"unrecordable": 1, "queue_full": 1},
        dead_lettered=1,
        queue_records=1,
        queue_bytes=10,
    )


def test_what_was_given_up_is_settled_in_vain() -> None:
    counts = waiting(2)

    assert counts.give_up("shutdown") == 2
    assert not counts.settle("written", 2, 20)

    assert counts.stats() == Stats(taken=2, dropped={"shutdown": 2})


def test_the_spool_never_holds_less_than_nothing() -> None:
    counts = Counts()
    counts.pass_by("spooled")

    counts.unspool("dropped", 5, reason="spool_damaged")

    assert counts.stats() == Stats(taken=1, dropped={"spool_damaged": 1})


def test_losses_are_told_at_once_with_number_and_reason(caplog: pytest.LogCaptureFixture) -> None:
    counts = Counts()
    drop(counts, "queue_full", 3)
    drop(counts, "refused", 1)
    counts.last_error = "StoreUnavailable: gone"

    LossLog(counts, clock=Clock()).tell()

    assert "lost 4 records (queue_full 3, refused 1)" in caplog.text
    assert "StoreUnavailable: gone" in caplog.text


def test_losses_are_told_at_most_once_a_minute_and_none_is_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    counts, clock = Counts(), Clock()
    losses = LossLog(counts, clock=clock)

    for _ in range(10):
        drop(counts, "queue_full")
        losses.tell()
    assert len(caplog.records) == 1

    clock.now += LOG_INTERVAL_S
    losses.tell()

    assert [record.getMessage().split(" (")[0] for record in caplog.records] == [
        "integration_monitor lost 1 records",
        "integration_monitor lost 9 records",
    ]


def test_the_last_line_does_not_wait_for_the_minute(caplog: pytest.LogCaptureFixture) -> None:
    counts = Counts()
    losses = LossLog(counts, clock=Clock())
    drop(counts, "queue_full")
    losses.tell()

    drop(counts, "shutdown", 2)
    losses.tell(is_last=True)

    assert "(shutdown 2)" in caplog.text


def test_where_nothing_is_lost_nothing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    LossLog(Counts(), clock=Clock()).tell(is_last=True)

    assert caplog.records == []
