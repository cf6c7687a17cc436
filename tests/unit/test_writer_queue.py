import threading

import pytest

from integration_monitor.writer.queue import BoundedQueue, Empty, Marker


def make_queue(*, records_max: int = 3, bytes_max: int = 100) -> BoundedQueue[str]:
    return BoundedQueue(records_max=records_max, bytes_max=bytes_max)


def test_items_come_in_order_with_their_sizes() -> None:
    queue = make_queue()

    queue.put("a", 1)
    queue.put("b", 2)

    assert [queue.get(0), queue.get(0)] == [("a", 1), ("b", 2)]
    with pytest.raises(Empty):
        queue.get(0)


def test_a_time_that_has_passed_is_no_wait() -> None:
    with pytest.raises(Empty):
        make_queue().get(-5)


def test_a_queue_full_by_number_drops_the_newest() -> None:
    queue = make_queue(records_max=2)

    reasons = [queue.put(item, 1) for item in "abc"]

    assert reasons == [None, None, "queue_full"]
    assert queue.records_count == 2
    assert queue.get(0) == ("a", 1)


def test_a_queue_full_by_weight_drops_what_is_too_heavy() -> None:
    queue = make_queue(bytes_max=100)

    assert queue.put("heavy", 101) == "queue_full"
    assert queue.put("a", 60) is None
    assert queue.put("b", 60) == "queue_full"
    assert queue.put("c", 40) is None
    assert queue.bytes_count == 100


def test_an_item_counts_until_it_is_settled() -> None:
    queue = make_queue(records_max=1)
    queue.put("a", 1)

    queue.get(0)
    assert queue.put("b", 1) == "queue_full"
    assert queue.settle(1, 1)

    assert queue.put("b", 1) is None


def test_a_closed_queue_takes_no_more_and_gives_what_it_has() -> None:
    queue = make_queue()
    queue.put("a", 1)

    queue.close()

    assert queue.put("b", 1) == "shutdown"
    assert queue.get(0) == ("a", 1)


def test_what_was_given_up_is_settled_in_vain() -> None:
    queue = make_queue()
    queue.put("a", 1)
    queue.close()

    assert queue.give_up() == 1
    assert not queue.settle(1, 1)
    assert (queue.records_count, queue.bytes_count) == (0, 0)


def test_markers_take_no_room() -> None:
    queue = make_queue(records_max=1)
    marker = Marker()

    queue.put_marker(marker)

    assert queue.put("a", 1) is None
    assert queue.get(0) is marker


def test_many_threads_stay_within_the_bound() -> None:
    queue = make_queue(records_max=50, bytes_max=10_000)
    taken = []

    def put_many() -> None:
        taken.extend([queue.put("x", 1) for _ in range(100)])

    threads = [threading.Thread(target=put_many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert taken.count(None) == queue.records_count == queue.bytes_count == 50
