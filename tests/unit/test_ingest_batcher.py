"""Records of many requests become one batch; what is refused is singled out; an error reaches those alone whom it concerns."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from integration_monitor.batch import Batch
from integration_monitor.errors import RecordsRefused, StoreUnavailable
from integration_monitor.record import IntegrationLog, new_id
from integration_monitor.server.ingest.batcher import BATCH_RECORDS_MAX, Batcher
from integration_monitor.server.ingest.limits import Budget
from integration_monitor.server.refusals import Busy


class MemorySink:
    """A sink that keeps what it is given, and refuses actions called `bad`."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.error: Exception | None = None
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.is_closed = False
        self.tries = 0

    def write(self, batch: Batch) -> None:
        self.tries += 1
        assert self.may_go_on.wait(20)
        if self.error is not None:
            raise self.error
        if any(record.action == "bad" for record in batch.records):
            raise RecordsRefused("a bad one")
        self.batches.append(batch)

    def maintain(self) -> None:
        raise AssertionError("the server maintains by itself")

    def close(self) -> None:
        self.is_closed = True


def records(count: int, action: str = "good") -> list[IntegrationLog]:
    now = datetime.now(UTC)
    one: dict[str, Any] = {"service_name": "a", "action": action, "status": "success", "created_at": now, "updated_at": now}
    return [IntegrationLog(id=new_id(now), **one) for _ in range(count)]


@pytest.fixture
def sink() -> Iterator[MemorySink]:
    made = MemorySink()
    yield made
    made.may_go_on.set()


def run(sink: MemorySink, act: Callable[[Batcher], Any]) -> Any:
    async def main() -> Any:
        batcher = Batcher(sink)
        batcher.open()
        try:
            return await act(batcher)
        finally:
            await batcher.close()

    return asyncio.run(main())


def test_concurrent_requests_share_their_batches(sink: MemorySink) -> None:
    async def act(batcher: Batcher) -> None:
        sink.may_go_on.clear()
        waiting = [asyncio.create_task(batcher.add(records(1))) for _ in range(300)]
        await asyncio.sleep(0)
        sink.may_go_on.set()
        assert await asyncio.gather(*waiting) == [{}] * 300

    run(sink, act)

    assert len(sink.batches) <= 2
    assert sum(len(batch.records) for batch in sink.batches) == 300


def test_batch_is_bounded(sink: MemorySink) -> None:
    async def act(batcher: Batcher) -> None:
        await asyncio.gather(*(batcher.add(records(400)) for _ in range(6)))

    run(sink, act)

    assert max(len(batch.records) for batch in sink.batches) <= BATCH_RECORDS_MAX
    assert len({record.id for batch in sink.batches for record in batch.records}) == 2400


def test_refused_record_is_singled_out_of_the_records_of_all(sink: MemorySink) -> None:
    async def act(batcher: Batcher) -> Any:
        mixed = [*records(3), *records(1, "bad"), *records(3)]
        return await asyncio.gather(batcher.add(records(5)), batcher.add(mixed), batcher.add(records(1, "bad")))

    assert run(sink, act) == [{}, {3: "a bad one"}, {0: "a bad one"}]
    assert sum(len(batch.records) for batch in sink.batches) == 11


def test_store_that_is_away_is_told_to_everybody(sink: MemorySink) -> None:
    sink.error = StoreUnavailable("away")

    async def act(batcher: Batcher) -> Any:
        told = await asyncio.gather(*(batcher.add(records(1)) for _ in range(3)), return_exceptions=True)
        sink.error = None
        return [*told, await batcher.add(records(1))]

    *told, after = run(sink, act)

    assert [type(error) for error in told] == [StoreUnavailable] * 3
    assert after == {}


def test_batch_of_a_process_has_a_transaction_of_its_own(sink: MemorySink) -> None:
    whole = Batch(records=records(2), finished=records(1))

    async def act(batcher: Batcher) -> None:
        await asyncio.gather(batcher.add(records(1)), batcher.write(whole), batcher.add(records(1)))

    run(sink, act)

    assert whole in sink.batches
    assert sum(len(batch.records) for batch in sink.batches) == 4


def test_request_that_was_given_up_does_not_hurt_the_others(sink: MemorySink) -> None:
    async def act(batcher: Batcher) -> Any:
        sink.may_go_on.clear()
        gone, staying = asyncio.create_task(batcher.add(records(1))), asyncio.create_task(batcher.add(records(1)))
        await asyncio.sleep(0)
        gone.cancel()
        sink.may_go_on.set()
        return await staying

    assert run(sink, act) == {}


def test_what_waits_is_written_at_the_end_and_nothing_is_taken_after(sink: MemorySink) -> None:
    async def main() -> Any:
        batcher = Batcher(sink)
        batcher.open()
        waiting = [asyncio.create_task(batcher.add(records(1))) for _ in range(5)]
        await asyncio.sleep(0)
        await batcher.close()
        with pytest.raises(StoreUnavailable):
            await batcher.add(records(1))
        return await asyncio.gather(*waiting)

    assert asyncio.run(main()) == [{}] * 5
    assert sink.is_closed


def test_store_that_is_away_keeps_nobody_who_ends(sink: MemorySink) -> None:
    async def main() -> Any:
        batcher = Batcher(sink)
        batcher.open()
        sink.may_go_on.clear()
        waiting = [asyncio.create_task(batcher.add(records(BATCH_RECORDS_MAX))) for _ in range(5)]
        await asyncio.sleep(0)
        sink.error = StoreUnavailable("away")
        sink.may_go_on.set()
        await batcher.close()
        return await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(error) for error in asyncio.run(main())] == [StoreUnavailable] * 5
    assert sink.tries == 1


def test_budget_refuses_what_does_not_fit_and_gives_back() -> None:
    budget = Budget(bytes_max=100, records_max=10, requests_max=2)

    with budget.request() as first:
        first.grow(60)
        first.grow(50)
        with budget.request() as second:
            with pytest.raises(Busy, match="requests"), budget.request():
                pass
            with pytest.raises(Busy, match="bytes"):
                second.grow(41)
            second.grow(40)
            first.hold_records(6)
            with pytest.raises(Busy, match="records"):
                second.hold_records(5)

    assert (budget.bytes_count, budget.records_count, budget.requests_count) == (0, 0, 0)
