import queue
import sys
import threading

import pytest

from integration_monitor.writer.counts import Counts
from integration_monitor.writer.queue import Alarm, BoundedQueue, Marker

PATIENCE_S = 30


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def make_queue(*, records_max: int = 3, bytes_max: int = 100) -> tuple[BoundedQueue[str], Counts]:
    counts = Counts()
    return BoundedQueue(counts, records_max=records_max, bytes_max=bytes_max), counts


def test_items_come_in_order_with_their_sizes() -> None:
    items, _counts = make_queue()

    items.put("a", 1)
    items.put("b", 2)

    assert [items.get(), items.get(), items.get()] == [("a", 1), ("b", 2), None]


def test_a_queue_full_by_number_drops_the_newest() -> None:
    items, counts = make_queue(records_max=2)

    assert [items.put(item, 1) for item in "abc"] == [True, True, False]

    assert (counts.taken, counts.waiting_records, counts.dropped()) == (3, 2, {"queue_full": 1})
    assert items.get() == ("a", 1)


def test_a_queue_full_by_weight_drops_what_is_too_heavy() -> None:
    items, counts = make_queue(bytes_max=100)

    assert not items.put("heavy", 101)
    assert items.put("a", 60)
    assert not items.put("b", 60)
    assert items.put("c", 40)

    assert (counts.waiting_bytes, counts.dropped()) == (100, {"queue_full": 2})


def test_an_item_counts_until_it_is_settled() -> None:
    items, counts = make_queue(records_max=1)
    items.put("a", 1)

    items.get()
    assert not items.put("b", 1)
    counts.settle("written", 1, 1)

    assert items.put("b", 1)


def test_a_closed_queue_takes_no_more_and_gives_what_it_has() -> None:
    items, counts = make_queue()
    items.put("a", 1)

    items.close()

    assert not items.put("b", 1)
    assert counts.dropped() == {"shutdown": 1}
    assert items.get() == ("a", 1)


def test_markers_take_no_room() -> None:
    items, _counts = make_queue(records_max=1)
    marker = Marker()

    items.put_marker(marker)

    assert items.put("a", 1)
    assert items.has_marker
    assert items.get() is marker
    assert not items.has_marker


def test_it_knows_its_oldest_item_and_its_weight() -> None:
    clock = Clock()
    items: BoundedQueue[str] = BoundedQueue(Counts(), records_max=9, bytes_max=99, clock=clock)
    assert items.oldest_at() is None

    clock.now = 5.0
    items.put("a", 10)
    clock.now = 6.0
    items.put("b", 20)

    assert items.oldest_at() == 5.0
    assert items.weight() == (2, 30)


def test_many_threads_stay_within_the_bound() -> None:
    items, counts = make_queue(records_max=50, bytes_max=10_000)
    taken: list[bool] = []

    def put_many() -> None:
        taken.extend([items.put("x", 1) for _ in range(100)])

    threads = [threading.Thread(target=put_many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert taken.count(True) == counts.waiting_records == counts.waiting_bytes == 50
    assert (counts.taken, counts.dropped()) == (800, {"queue_full": 750})


def test_an_alarm_that_rings_before_the_sleep_is_heard() -> None:
    alarm = Alarm()

    alarm.ring()
    alarm.sleep(PATIENCE_S, records_count=1, bytes_count=1, is_enough=lambda: False)

    assert (alarm.records_count, alarm.bytes_count) == (sys.maxsize, sys.maxsize)


def test_what_comes_while_the_alarm_is_set_is_not_overslept() -> None:
    alarm = Alarm()
    thresholds = []

    def is_enough() -> bool:
        thresholds.append((alarm.records_count, alarm.bytes_count))
        return True

    alarm.sleep(PATIENCE_S, records_count=7, bytes_count=9, is_enough=is_enough)

    assert thresholds == [(7, 9)]


def test_rings_do_not_pile_up() -> None:
    alarm = Alarm()

    for _ in range(3):
        alarm.ring()
    alarm.sleep(PATIENCE_S, records_count=1, bytes_count=1, is_enough=lambda: False)

    with pytest.raises(queue.Empty):
        alarm._rings.get_nowait()
