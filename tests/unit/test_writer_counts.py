import pytest

from integration_monitor.writer.counts import LOG_INTERVAL_S, Counts, LossLog, Stats


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_counts_are_what_was_counted() -> None:
    counts = Counts()

    for _ in range(6):
        counts.add_taken()
    counts.add_written(2)
    counts.add_ignored()
    counts.add_dropped("queue_full")
    counts.add_dropped("refused", 2)

    assert counts.stats(queue_records=0, queue_bytes=0, internal_errors=0) == Stats(
        taken=6, written=2, ignored=1, dropped={"queue_full": 1, "refused": 2}
    )


def test_losses_are_told_at_once_with_number_and_reason(caplog: pytest.LogCaptureFixture) -> None:
    counts = Counts()
    counts.add_dropped("queue_full", 3)
    counts.add_dropped("refused", 1)
    counts.last_error = "StoreUnavailable: gone"

    LossLog(counts, clock=Clock()).tell()

    assert "lost 4 records (queue_full 3, refused 1)" in caplog.text
    assert "StoreUnavailable: gone" in caplog.text


def test_losses_are_told_at_most_once_a_minute_and_none_is_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    counts, clock = Counts(), Clock()
    losses = LossLog(counts, clock=clock)

    for _ in range(10):
        counts.add_dropped("queue_full")
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
    counts.add_dropped("queue_full")
    losses.tell()

    counts.add_dropped("shutdown", 2)
    losses.tell(is_last=True)

    assert "(shutdown 2)" in caplog.text


def test_where_nothing_is_lost_nothing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    LossLog(Counts(), clock=Clock()).tell(is_last=True)

    assert caplog.records == []
