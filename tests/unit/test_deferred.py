"""Parts that are made late, and the endings that flush them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from integration_monitor.deferred import Deferred, DeferredWriter
from integration_monitor.endings import UWSGI_PAUSE_S, UwsgiEnding, has_threads
from integration_monitor.errors import StoreUnavailable
from integration_monitor.guard import RAISE_VARIABLE, Guard
from integration_monitor.record import IntegrationLog, new_id
from integration_monitor.settings import Settings
from integration_monitor.writer.counts import Stats
from integration_monitor.writer.lifecycle import Writer
from integration_monitor.writer.sink import Sink


def never_a_sink() -> Sink:
    raise StoreUnavailable("away")


def make_writer(record: Callable[[Any], IntegrationLog | None] = lambda _item: None) -> Writer[Any]:
    """A writer whose items are worth no record, unless they shall be."""
    settings = Settings(batch_age_s=600.0, shutdown_timeout_s=0.01, durability="off")
    return Writer(record=record, open_sink=never_a_sink, settings=settings, guard=Guard())


@pytest.fixture
def made() -> list[Writer[Any]]:
    return []


@pytest.fixture
def deferred(made: list[Writer[Any]]) -> Iterator[DeferredWriter[Any]]:
    def make() -> Writer[Any]:
        made.append(make_writer())
        return made[-1]

    writer: DeferredWriter[Any] = DeferredWriter(make, Guard())
    yield writer
    writer.shutdown()


def test_a_part_is_made_once_and_late() -> None:
    numbers = iter(range(2))
    part = Deferred(lambda: f"part {next(numbers)}")

    before, first, second = part.part, part.get(), part.get()

    assert before is None
    assert (first, second, part.part) == ("part 0", "part 0", "part 0")


def test_a_part_that_cannot_be_made_is_tried_again() -> None:
    outcomes = iter([OSError("too many open files"), "made"])

    def make() -> str:
        outcome = next(outcomes)
        if isinstance(outcome, OSError):
            raise outcome
        return str(outcome)

    part = Deferred(make)
    with pytest.raises(OSError, match="too many"):
        part.get()

    assert part.get() == "made"


def test_without_items_there_is_no_writer_and_nothing_to_wait_for(deferred: DeferredWriter[Any], made: list[Writer[Any]]) -> None:
    assert (deferred.flush(), deferred.stats(), deferred.shutdown()) == (True, Stats(), True)
    assert made == []


def test_the_first_item_makes_the_writer(deferred: DeferredWriter[Any], made: list[Writer[Any]]) -> None:
    deferred.take("a", 1)
    deferred.take("b", 1)

    assert deferred.flush()
    assert (len(made), deferred.stats().taken, deferred.stats().ignored) == (1, 2, 2)


def test_what_comes_after_the_end_is_counted_as_lost(deferred: DeferredWriter[Any]) -> None:
    deferred.shutdown()

    deferred.take("a", 1)

    assert deferred.is_closed
    assert (deferred.stats().taken, sum(deferred.stats().dropped.values())) == (1, 1)


def test_a_writer_that_cannot_be_made_does_not_reach_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(RAISE_VARIABLE, raising=False)

    def make() -> Any:
        raise OSError("too many open files")

    writer: DeferredWriter[Any] = DeferredWriter(make, Guard())
    writer.take("a", 1)

    assert writer.stats().internal_errors == 1
    writer.shutdown()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"master": True}, False),
        ({"enable-threads": True}, True),
        ({"enable-threads": b"true"}, True),
        ({"enable-threads": b"false"}, False),
        ({"threads": b"2"}, True),
        ({b"enable-threads": True}, True),
        ({b"threads": b"2"}, True),
    ],
)
def test_uwsgi_has_threads_by_its_options(options: dict[Any, Any], expected: bool) -> None:
    assert has_threads(uwsgi(options)) is expected


class CountedFlushes(DeferredWriter[Any]):
    count = 0

    def flush(self, timeout_s: float | None = None) -> bool:
        self.count += 1
        return super().flush(timeout_s)


def test_uwsgi_is_not_held_up_again_and_again_by_a_store_that_is_away() -> None:
    now = [0.0]
    writer = CountedFlushes(lambda: make_writer(lambda item: item), Guard())
    module = uwsgi({})
    ending = UwsgiEnding(writer, Guard(), flush_s=0.01, clock=lambda: now[0])
    ending.patch(module)
    at = datetime.now(UTC)
    writer.take(IntegrationLog(id=new_id(at), service_name="test", action="a", status="success", created_at=at, updated_at=at), 1)
    while writer.stats().last_error is None:
        assert not writer.flush(0.01)
    writer.count = 0

    for seconds in (0.0, 1.0, UWSGI_PAUSE_S - 1, UWSGI_PAUSE_S):
        now[0] = seconds
        module.after_req_hook()

    assert writer.count == 2
    ending.unpatch()
    writer.shutdown()


def test_the_applications_own_hook_of_uwsgi_runs_first_and_may_raise() -> None:
    calls: list[str] = []

    def own() -> None:
        calls.append("own")
        raise KeyError("theirs")

    module = uwsgi({}, after_req_hook=own)
    writer: DeferredWriter[Any] = DeferredWriter(make_writer, Guard())
    ending = UwsgiEnding(writer, Guard())
    ending.patch(module)

    with pytest.raises(KeyError):
        module.after_req_hook()

    assert calls == ["own"]
    ending.unpatch()
    assert module.after_req_hook is own
    writer.shutdown()


def uwsgi(options: dict[Any, Any], **attributes: object) -> Any:
    """The module that uWSGI makes, as far as we look at it."""
    module: Any = ModuleType("uwsgi")
    module.opt = options
    module.worker_id = lambda: 1
    for name, value in attributes.items():
        setattr(module, name, value)
    return module
